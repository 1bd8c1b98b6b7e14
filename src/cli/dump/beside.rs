//! Files of a segment: the one to dump and those it is compared with.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use kseg::format::{name, offset_index, time_index, txn_index};
use kseg::store::{Error, LogFile, Source, Stream};
use kseg::wire::Offset;

use super::look::{LogLookup, ReadableFormats};
use super::run::DumpRun;
use crate::cli::render::dump_log_segments::index::IndexStyle;

/// Bytes of an index read at once: whole entries of any kind.
const PIECE_BYTES: u64 = 408 * 7680;

const _: () = assert!(
    PIECE_BYTES.is_multiple_of(offset_index::ENTRY_BYTES as u64)
        && PIECE_BYTES.is_multiple_of(time_index::ENTRY_BYTES as u64)
        && PIECE_BYTES.is_multiple_of(txn_index::ENTRY_BYTES as u64)
);

/// The largest file that is held in memory: producer snapshots, and offset indexes for lookups.
const HELD_BYTES: u64 = 256 << 20;

/// Rendered bytes that are passed on at once.
pub(super) const PARCEL_BYTES: usize = 64 << 10;

/// An index file, read piece by piece.
pub(super) struct Pieces {
    pub(super) file: LogFile,
    at: u64,
    buffer: Vec<u8>,
}

impl Pieces {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self {
            file: LogFile::Windowed(Stream::open(path)?),
            at: 0,
            buffer: Vec::new(),
        })
    }

    /// The next piece; empty at the end.
    pub(super) fn next(&mut self) -> Result<&[u8], Error> {
        let piece = self.at..self.at.saturating_add(PIECE_BYTES);
        self.at = piece.end;
        self.file.window(piece, &mut self.buffer)
    }

    /// The first entry of the file, and everything from its last on, for the sanity check.
    pub(super) fn ends(&mut self, entry: usize) -> Result<Vec<u8>, Error> {
        let entry = entry as u64;
        let len = self.file.len_bytes();
        let last = (len / entry).saturating_sub(1) * entry;
        let mut ends = self
            .file
            .window(0..entry.min(last), &mut self.buffer)?
            .to_vec();
        ends.extend_from_slice(self.file.window(last..len, &mut self.buffer)?);
        Ok(ends)
    }
}

/// An entry of an index.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) given: &'a str,
    /// The path as in the blocks at the end.
    pub(super) absolute: &'a str,
    pub(super) base: Offset,
    /// Its number in the file.
    pub(super) number: u64,
}

impl At<'_> {
    /// Returns true if the original treats the entry as the first of the unwritten zeros.
    pub(super) fn is_unwritten(&self, offset: Offset) -> bool {
        self.number > 0 && offset == self.base
    }
}

impl DumpRun<'_> {
    /// Writes a note about the fault at which the original stops.
    pub(super) fn note(&mut self, given: &str, what: &dyn std::fmt::Display) {
        self.broke = true;
        self.context
            .say(format!("kseg: {given}: {what}\n").as_bytes());
    }

    /// A file of the same segment; notes an error if it cannot be opened.
    pub(super) fn sibling<T>(
        &mut self,
        path: &Path,
        suffix: &str,
        open: impl FnOnce(&Path) -> Result<T, Error>,
        without: &str,
    ) -> Option<T> {
        let sibling = sibling_path(path, suffix);
        match open(&sibling) {
            Ok(file) => Some(file),
            Err(error) => {
                self.broke = true;
                self.context
                    .say(format!("kseg: {error}; {without}\n").as_bytes());
                None
            }
        }
    }

    pub(super) fn log_beside(&mut self, path: &Path) -> Option<LogLookup> {
        let reading = self.dump.reading;
        let without = format!("{} is not compared with it", path.display());
        let open = |log: &Path| reading.open(log);
        let log = self.sibling(path, name::LOG_SUFFIX, open, &without)?;
        let style = IndexStyle::of(self.style.release);
        let reader = ReadableFormats {
            zstd: self.style.zstd,
            nested: style.nested,
            newest_magic: style.newest_magic,
        };
        Some(LogLookup::new(log, reader, reading.own_limits()))
    }
}

pub(super) fn base_offset(path: &Path) -> Result<Offset> {
    match name::base_offset(name::file_name(path)) {
        Some(base) => Ok(base),
        None => bail!(Error::Name(path.to_owned())),
    }
}

/// The file of the same segment with another suffix.
pub(super) fn sibling_path(path: &Path, suffix: &str) -> PathBuf {
    let name = name::file_name(path);
    let (base, _) = name.split_once('.').unwrap_or((name, ""));
    path.with_file_name(format!("{base}{suffix}"))
}

/// A file small enough to be held in memory.
pub(super) fn held(path: &Path) -> Result<Source, Error> {
    let too_large = || std::io::Error::other(format!("larger than {} MiB", HELD_BYTES >> 20));
    match Stream::open(path)?.len_bytes() {
        0..=HELD_BYTES => Source::read(path),
        _ => Err(Error::Io {
            path: path.to_owned(),
            why: too_large(),
        }),
    }
}
