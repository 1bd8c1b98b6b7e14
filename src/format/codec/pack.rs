//! Whole files as gzip or zstd streams: compressed while they are written, decompressed while they
//! are read.

use std::fmt;
use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

/// The compression of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Not compressed.
    None,
    /// gzip, at the default level of gzip.
    Gzip,
    /// Zstandard, at the default level of zstd.
    Zstd,
}

impl Packing {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// Returns the suffix of such files.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }
}

/// Decompresses what is read from `from`: all members of a gzip file, all frames of a zstd file.
///
/// # Errors
/// Out of memory.
pub fn unpack<'r>(packing: Packing, from: impl Read + 'r) -> io::Result<Box<dyn Read + 'r>> {
    Ok(match packing {
        Packing::None => Box::new(from),
        Packing::Gzip => Box::new(MultiGzDecoder::new(from)),
        Packing::Zstd => Box::new(zstd::stream::read::Decoder::new(from)?),
    })
}

/// Compresses what is written to it, and writes it to another writer.
pub struct Packer<W: Write>(Stream<W>);

enum Stream<W: Write> {
    Plain(W),
    Gzip(GzEncoder<W>),
    Zstd(zstd::stream::write::Encoder<'static, W>),
}

impl<W: Write> Packer<W> {
    /// Creates a compressor that writes to `to`.
    ///
    /// # Errors
    /// Out of memory.
    pub fn new(packing: Packing, to: W) -> io::Result<Self> {
        Ok(Self(match packing {
            Packing::None => Stream::Plain(to),
            Packing::Gzip => Stream::Gzip(GzEncoder::new(to, Compression::default())),
            Packing::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(to, 0)?;
                encoder.include_checksum(true)?;
                Stream::Zstd(encoder)
            }
        }))
    }

    /// Writes the end, and returns the writer.
    ///
    /// # Errors
    /// It could not be written.
    pub fn finish(self) -> io::Result<W> {
        match self.0 {
            Stream::Plain(to) => Ok(to),
            Stream::Gzip(encoder) => encoder.finish(),
            Stream::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Packer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Stream::Plain(to) => to.write(bytes),
            Stream::Gzip(encoder) => encoder.write(bytes),
            Stream::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Stream::Plain(to) => to.flush(),
            Stream::Gzip(encoder) => encoder.flush(),
            Stream::Zstd(encoder) => encoder.flush(),
        }
    }
}

impl<W: Write> fmt::Debug for Packer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let packing = match self.0 {
            Stream::Plain(_) => Packing::None,
            Stream::Gzip(_) => Packing::Gzip,
            Stream::Zstd(_) => Packing::Zstd,
        };
        f.debug_tuple("Packer").field(&packing).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Codec, Scratch};
    use super::*;

    #[test]
    fn what_is_packed_unpacks_to_the_same() {
        let text = b"a line of text\n".repeat(10_000);
        for (packing, codec) in [(Packing::Gzip, Codec::Gzip), (Packing::Zstd, Codec::Zstd)] {
            let mut packer = Packer::new(packing, Vec::new()).unwrap();
            for part in text.chunks(777) {
                packer.write_all(part).unwrap();
            }
            let small = packer.finish().unwrap();
            assert!(small.len() < text.len() / 10);
            let mut scratch = Scratch::default();
            let (bytes, fault) = scratch.inflate(codec, 2, &small);
            assert_eq!((bytes, fault), (&text[..], None));
        }
    }
}
