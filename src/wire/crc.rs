//! The two checksums of the record formats.

/// From here on folding pays: whole-process time of a listing of 16 KiB batches falls to 0.84 of what it was, of 1 KiB
/// batches it stays the same.
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

/// The CRC-32C of bytes that follow others whose checksum is `crc`; that of nothing is 0.
#[must_use]
pub fn crc32c_append(crc: u32, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc, bytes)
}

/// CRC-32 (IEEE, as in zlib), which a magic 0 or 1 message carries.
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_check_values_of_both_polynomials() {
        assert_eq!(super::crc32c(b"123456789"), 0xE306_9283);
        let start = super::crc32c_append(0, b"1234");
        assert_eq!(super::crc32c_append(start, b"56789"), 0xE306_9283);
        assert_eq!(super::crc32(b"123456789"), 0xCBF4_3926);
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
        }
    }
}
