//! One file of an export: compressed, counted and checksummed while it is written.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use anyhow::Result;
use kseg::format::codec::pack::{Packer, Packing};
use kseg::wire::crc;
use sha2::{Digest, Sha256};

use crate::cli::output::{OutputFile, said};

/// A file that is being written.
pub(super) struct PackedFile(Packer<Summed>);

/// The totals of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) size_bytes: u64,
    pub(super) crc32c: String,
    pub(super) sha256: String,
}

/// A writer that counts and checksums bytes.
struct Summed {
    file: OutputFile,
    sums: Summing,
}

#[derive(Default)]
struct Summing {
    size_bytes: u64,
    crc32c: crc::Crc32c,
    sha256: Sha256,
}

impl Summing {
    fn take(&mut self, bytes: &[u8]) {
        self.size_bytes += bytes.len() as u64;
        self.crc32c.update(bytes);
        self.sha256.update(bytes);
    }

    fn sums(self) -> Sums {
        let mut sha256 = String::new();
        for byte in self.sha256.finalize() {
            let _infallible = write!(sha256, "{byte:02x}");
        }
        Sums {
            size_bytes: self.size_bytes,
            crc32c: format!("{:08x}", self.crc32c.value()),
            sha256,
        }
    }
}

impl Write for Summed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.sums.take(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Write for PackedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl PackedFile {
    /// Begins the file at `path`.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn create(path: &Path, packing: Packing) -> Result<Self> {
        let summed = Summed {
            file: OutputFile::create(path)?,
            sums: Summing::default(),
        };
        Ok(Self(Packer::new(packing, summed)?))
    }

    /// Renames the file to its final name.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn finish(self, path: &Path) -> Result<Sums> {
        let ended = self.0.finish().map_err(|error| said(path, &error));
        let Summed { file, sums } = ended?;
        file.finish()?;
        Ok(sums.sums())
    }
}

/// The sums of an existing file.
///
/// # Errors
/// It cannot be read.
pub(super) fn sums_of(path: &Path) -> io::Result<Sums> {
    struct Sink(Summing);
    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.take(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut sink = Sink(Summing::default());
    io::copy(&mut std::fs::File::open(path)?, &mut sink)?;
    Ok(sink.0.sums())
}
