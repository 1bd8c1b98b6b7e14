//! The two checksums of the record formats.

/// CRC-32C (Castagnoli), which a magic 2 batch carries.
#[must_use]
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
}

/// Goes on with a CRC-32C: `crc` is that of the bytes before.
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
        assert_eq!(
            super::crc32c_append(super::crc32c(b"1234"), b"56789"),
            0xE306_9283
        );
        assert_eq!(super::crc32(b"123456789"), 0xCBF4_3926);
    }
}
