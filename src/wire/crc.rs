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
            let mut pieces = super::Crc32c::default();
            for piece in bytes[..length].chunks(997) {
                pieces.update(piece);
            }
            assert_eq!(pieces.value(), super::crc32c(&bytes[..length]));
        }
    }
}
