//! Numbers to bytes: the varints and checksums of the format, written from their definitions.

/// The most bytes of a varint.
const VARINT_BYTES: usize = 5;
/// The most bytes of a varlong.
const VARLONG_BYTES: usize = 10;

/// Appends a zig-zag varint of at least `least` bytes, as far as the type allows; 1 is the shortest.
pub(crate) fn put_varint(out: &mut Vec<u8>, n: i32, least: usize) {
    let zigzag = (n << 1) ^ (n >> 31);
    put_groups(
        out,
        u64::from(zigzag.cast_unsigned()),
        least.min(VARINT_BYTES),
    );
}

/// Appends a zig-zag varlong of at least `least` bytes, as far as the type allows; 1 is the shortest.
pub(crate) fn put_varlong(out: &mut Vec<u8>, n: i64, least: usize) {
    let zigzag = (n << 1) ^ (n >> 63);
    put_groups(out, zigzag.cast_unsigned(), least.min(VARLONG_BYTES));
}

/// Appends an unsigned varint of as few bytes as there can be.
pub(crate) fn put_uvarint(out: &mut Vec<u8>, n: u32) {
    put_groups(out, u64::from(n), 1);
}

/// Base 128, least significant group first.
fn put_groups(out: &mut Vec<u8>, mut n: u64, least: usize) {
    let start = out.len();
    loop {
        let [group, ..] = n.to_le_bytes();
        n >>= 7;
        if n == 0 && out.len() - start + 1 >= least {
            return out.push(group & 0x7f);
        }
        out.push(group | 0x80);
    }
}

/// CRC-32C (Castagnoli), which covers a magic 2 batch from its attributes on.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    checksum(&CASTAGNOLI, bytes)
}

/// CRC-32 (IEEE), which covers a magic 0 or 1 message from its magic byte on.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    checksum(&IEEE, bytes)
}

static CASTAGNOLI: Tables = tables(0x82F6_3B78);
static IEEE: Tables = tables(0xEDB8_8320);

/// Row *k* holds, for each byte, its effect on the checksum *k* bytes further on.
type Tables = [[u32; 256]; 8];

const fn tables(polynomial: u32) -> Tables {
    let mut tables = [[0; 256]; 8];
    let mut cell = 0;
    while cell < 8 * 256 {
        let (row, byte) = (cell as usize / 256, cell & 0xff);
        tables[row][byte as usize] = if row == 0 {
            shifted(byte, polynomial)
        } else {
            let before = tables[row - 1][byte as usize];
            (before >> 8) ^ tables[0][(before & 0xff) as usize]
        };
        cell += 1;
    }
    tables
}

/// One byte through the shift register.
const fn shifted(mut crc: u32, polynomial: u32) -> u32 {
    let mut bit = 0;
    while bit < 8 {
        crc = (crc >> 1) ^ (polynomial * (crc & 1));
        bit += 1;
    }
    crc
}

/// Eight bytes a step, so that gigabytes can be forged.
fn checksum(tables: &Tables, bytes: &[u8]) -> u32 {
    let (steps, rest) = bytes.as_chunks::<8>();
    let mut crc = steps.iter().fold(!0_u32, |crc, step| {
        let mixed = u64::from_le_bytes(*step) ^ u64::from(crc);
        let rows = tables.iter().rev();
        rows.zip(mixed.to_le_bytes())
            .fold(0, |sum, (row, byte)| sum ^ row[usize::from(byte)])
    });
    for byte in rest {
        let [low, ..] = crc.to_le_bytes();
        crc = (crc >> 8) ^ tables[0][usize::from(low ^ byte)];
    }
    !crc
}
