//! The two checksums of the record formats, and which flipped bit explains a wrong one.
//!
//! A CRC is linear: flipping a bit of the message changes the checksum by a number (the syndrome)
//! that depends only on how many bits follow. Undoing one shift after another until a single bit is
//! left shows which one it was. Steps of 256 bytes, and a table of the syndromes of bits in the
//! last 256 bytes, make that faster than the checksum itself.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::LazyLock;

/// The size from which folding is faster: the time of a listing of 16 KiB batches falls to 0.84 of
/// what it was; that of 1 KiB batches stays the same.
const FOLDED_BYTES: usize = 4 << 10;

/// CRC-32C (Castagnoli), which a magic 2 batch carries.
#[must_use]
pub fn crc32c(bytes: &[u8]) -> u32 {
    if bytes.len() < FOLDED_BYTES {
        crc32c::crc32c(bytes)
    } else {
        crc_fast::crc32_iscsi(bytes)
    }
}

/// CRC-32C of bytes that come in pieces.
#[derive(Debug, Clone)]
pub struct Crc32c(crc_fast::Digest);

impl Default for Crc32c {
    fn default() -> Self {
        Self(crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi))
    }
}

impl Crc32c {
    /// Takes the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of all pieces so far.
    #[must_use]
    pub fn value(&self) -> u32 {
        u32::try_from(self.0.finalize()).unwrap_or_default()
    }
}

/// CRC-32 of bytes that come in pieces.
#[derive(Debug, Clone, Default)]
pub struct Crc32(crc32fast::Hasher);

impl Crc32 {
    /// Takes the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of all pieces so far.
    #[must_use]
    pub fn value(&self) -> u32 {
        self.0.clone().finalize()
    }
}

/// CRC-32 (IEEE, as in zlib), which a magic 0 or 1 message carries.
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// The polynomial of CRC-32C, reflected.
pub(crate) const CASTAGNOLI: u32 = 0x82f6_3b78;

/// A bit of some bytes: which byte, and which of its bits, 0 the lowest.
pub type Bit = (usize, u8);

/// Returns the bit of a message of `len_bytes` that changes its CRC-32C by `syndrome` (stored xor
/// actual) if it flips.
#[must_use]
pub fn flipped_bit_crc32c(len_bytes: usize, syndrome: u32) -> Option<Bit> {
    static STEPS: LazyLock<Steps> = LazyLock::new(|| Steps::of(CASTAGNOLI));
    STEPS.flipped_bit(len_bytes, syndrome)
}

/// Returns the same for CRC-32.
#[must_use]
pub fn flipped_bit_crc32(len_bytes: usize, syndrome: u32) -> Option<Bit> {
    static STEPS: LazyLock<Steps> = LazyLock::new(|| Steps::of(0xedb8_8320));
    STEPS.flipped_bit(len_bytes, syndrome)
}

/// Finds the bit of a message of the given length that changes its checksum by a syndrome.
pub(crate) type FindBit = fn(usize, u32) -> Option<Bit>;

/// Returns the bit that explains a checksum that is wrong by `syndrome`: of the checksum itself,
/// which is stored at `field_at` with its highest byte first, or of the bytes in `covered`.
pub(crate) fn flipped_bit(
    syndrome: u32,
    field_at: usize,
    covered: Range<usize>,
    find: FindBit,
) -> Option<Bit> {
    if syndrome.is_power_of_two() {
        let bit = syndrome.trailing_zeros();
        let byte = field_at
            .checked_add(3)?
            .checked_sub(usize::try_from(bit / 8).ok()?)?;
        return Some((byte, u8::try_from(bit % 8).ok()?));
    }
    let (byte, bit) = find(covered.len(), syndrome)?;
    Some((covered.start.checked_add(byte)?, bit))
}

/// Bytes of a giant step.
const GIANT_BYTES: usize = 256;

/// Steps back through a message for one polynomial (reflected, as both of Kafka's are).
struct Steps {
    /// The bits of the last 256 bytes by their syndromes.
    near: HashMap<u32, usize>,
    /// The effect of 256 fewer bytes on each bit of a syndrome.
    back: [u32; 32],
}

impl Steps {
    fn of(polynomial: u32) -> Self {
        let mut near = HashMap::new();
        let mut syndrome = 1;
        for shifts in 1..=GIANT_BYTES.wrapping_mul(8) {
            syndrome = forth(polynomial, syndrome);
            near.insert(syndrome, shifts);
        }
        let back = std::array::from_fn(|bit| {
            let one = 1_u32.wrapping_shl(u32::try_from(bit).unwrap_or(0));
            (0..GIANT_BYTES.wrapping_mul(8)).fold(one, |syndrome, _| back(polynomial, syndrome))
        });
        Self { near, back }
    }

    fn flipped_bit(&self, len_bytes: usize, syndrome: u32) -> Option<Bit> {
        let mut syndrome = syndrome;
        for behind in (0..len_bytes).step_by(GIANT_BYTES) {
            if let Some(shifts) = self.near.get(&syndrome) {
                // 1 to 8 shifts: the last byte, its highest bit first.
                let shifts = shifts.checked_sub(1)?;
                let byte = len_bytes.checked_sub(behind.checked_add(shifts / 8)?)?;
                let bit = 7_usize.checked_sub(shifts % 8)?;
                return Some((byte.checked_sub(1)?, u8::try_from(bit).ok()?));
            }
            let stepped = self.back.iter().enumerate().fold(0, |sum, (bit, stepped)| {
                let is_set = syndrome.wrapping_shr(u32::try_from(bit).unwrap_or(0)) & 1;
                sum ^ (stepped & is_set.wrapping_neg())
            });
            syndrome = stepped;
        }
        None
    }
}

/// Returns the syndrome of a bit with one more bit after it.
pub(crate) const fn forth(polynomial: u32, syndrome: u32) -> u32 {
    (syndrome >> 1) ^ (polynomial & (syndrome & 1).wrapping_neg())
}

/// Returns the syndrome of a bit with one bit less after it: both polynomials have their highest
/// bit set.
pub(crate) const fn back(polynomial: u32, syndrome: u32) -> u32 {
    match syndrome >> 31 {
        0 => syndrome << 1,
        _ => (syndrome ^ polynomial) << 1 | 1,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_flipped_bit_is_found_by_what_it_does_to_the_checksum() {
        for len in [1_usize, 2, 255, 256, 257, 700] {
            let bytes: Vec<u8> = (0..len).map(|n| (n * 37).to_be_bytes()[7]).collect();
            let (castagnoli, ieee) = (super::crc32c(&bytes), super::crc32(&bytes));
            for byte in 0..len {
                for bit in 0..8 {
                    let mut flipped = bytes.clone();
                    flipped[byte] ^= 1 << bit;
                    let found =
                        super::flipped_bit_crc32c(len, castagnoli ^ super::crc32c(&flipped));
                    assert_eq!(found, Some((byte, bit)));
                    let found = super::flipped_bit_crc32(len, ieee ^ super::crc32(&flipped));
                    assert_eq!(found, Some((byte, bit)));
                }
            }
        }
    }

    #[test]
    fn what_no_single_bit_explains_is_not_explained() {
        let mut bytes = vec![7; 5000];
        let crc = super::crc32c(&bytes);
        bytes[100] ^= 1;
        bytes[4000] ^= 1;
        assert_eq!(
            super::flipped_bit_crc32c(5000, crc ^ super::crc32c(&bytes)),
            None
        );
        assert_eq!(super::flipped_bit_crc32c(0, 1), None);
        assert_eq!(super::flipped_bit_crc32(9, 0), None);
    }

    #[test]
    fn the_check_values_of_both_polynomials() {
        assert_eq!(super::crc32c(b"123456789"), 0xE306_9283);
        let mut pieces = super::Crc32c::default();
        pieces.update(b"1234");
        pieces.update(b"56789");
        assert_eq!(pieces.value(), 0xE306_9283);
        assert_eq!(super::crc32(b"123456789"), 0xCBF4_3926);
        let mut pieces = super::Crc32::default();
        pieces.update(b"1234");
        pieces.update(b"56789");
        assert_eq!(pieces.value(), 0xCBF4_3926);
    }

    #[test]
    fn both_ways_to_the_same_checksum_agree() {
        let bytes: Vec<u8> = (0..20_000_u32)
            .map(|n| n.to_be_bytes()[3] ^ n.to_be_bytes()[2])
            .collect();
        for length in [0, 1, 4095, 4096, 4097, 20_000] {
            assert_eq!(
                super::crc32c(&bytes[..length]),
                crc32c::crc32c(&bytes[..length])
            );
            let mut pieces = super::Crc32c::default();
            for piece in bytes[..length].chunks(997) {
                pieces.update(piece);
            }
            assert_eq!(pieces.value(), super::crc32c(&bytes[..length]));
        }
    }
}
