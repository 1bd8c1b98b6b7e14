//! Reads that report exactly which bytes of a file cannot be read.
//!
//! A failing disk returns an error for a whole read. Here the read is repeated in ever smaller
//! blocks, so that every readable byte is read, and the rest is the smallest range that the
//! operating system can distinguish.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};
use std::{fmt, io};

use crate::wire::text::errno_text;

/// The smallest unit that the page cache reads; a failed read of one block shows nothing about the
/// next.
const BLOCK: usize = 4096;
const BLOCK_BYTES: u64 = BLOCK as u64;

/// The smallest unit that a disk reads. A file system with blocks smaller than a page can read one
/// half of a page and not the other.
const SECTOR: usize = 512;
const SECTOR_BYTES: u64 = SECTOR as u64;

/// Reported where a window does not fit into memory.
const ENOMEM: i32 = 12;

/// Bytes that can be read at a position: a file, or in a test something that fails at given
/// positions.
pub trait ReadAt: fmt::Debug + Send + Sync {
    /// Reads bytes from `position` on into `buffer`; returns their number, 0 at the end.
    ///
    /// # Errors
    /// The first of them cannot be read.
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize>;
}

impl ReadAt for File {
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, position)
    }
}

/// Bytes of a file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unreadable {
    /// The position in the file.
    pub range: Range<u64>,
    /// The number of the operating system's error; 5 (`EIO`) is a bad sector.
    pub errno: i32,
}

impl Unreadable {
    /// The part of it that is in `range`.
    fn within(self, range: &Range<u64>) -> Self {
        Self {
            range: self.range.start.max(range.start)..self.range.end.min(range.end),
            ..self
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { start, end } = self.range;
        let why = errno_text(self.errno);
        write!(f, "bytes {start}..{end} cannot be read: {why}")
    }
}

/// The ranges of a file that turned out to be unreadable: each is tried once, because a disk may
/// need seconds to fail.
#[derive(Debug, Default)]
pub(super) struct UnreadableRanges(Mutex<BTreeMap<u64, Unreadable>>);

impl UnreadableRanges {
    /// The first range that ends after `position`.
    fn from(&self, position: u64) -> Option<Unreadable> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.range(..=position).next_back();
        let around = before.filter(|(_, bad)| bad.range.end > position);
        let next = || known.range(position..).next();
        around.or_else(next).map(|(_, bad)| bad.clone())
    }

    fn add(&self, bad: &Unreadable) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _known_before = known.insert(bad.range.start, bad.clone());
    }
}

/// Reads bytes at a position, as [`ReadAt::read_at`] does.
type ReadFn<'a> = &'a dyn Fn(&mut [u8], u64) -> io::Result<usize>;

/// Passes the bytes of `range` to `take`, block by block if some cannot be read, and leaves those
/// out. Returns the first unreadable bytes.
///
/// # Errors
/// The bytes end before the range does; an error that is not one of the operating system; or what
/// `take` returns.
pub(crate) fn each_readable(
    file: ReadFn<'_>,
    range: Range<u64>,
    stride_bytes: u64,
    take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<Option<Unreadable>> {
    let (known, mut buffer, mut first) = (UnreadableRanges::default(), Vec::new(), None);
    let mut position = range.start;
    while position < range.end {
        let window = position..range.end.min(position.saturating_add(stride_bytes));
        let unreadable = fill(file, &known, window, &mut buffer);
        take(&buffer)?;
        position = position.saturating_add(buffer.len() as u64);
        match unreadable {
            Some(bad) if bad.errno == 0 => return Err(io::Error::other("cannot be read")),
            Some(bad) => {
                position = bad.range.end;
                first.get_or_insert(bad);
            }
            None if buffer.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
            None => {}
        }
    }
    Ok(first)
}

/// Reads `range` into `buffer`, as far as it can be read: up to unreadable bytes or the end of the
/// file.
pub(super) fn fill(
    file: ReadFn<'_>,
    known: &UnreadableRanges,
    range: Range<u64>,
    buffer: &mut Vec<u8>,
) -> Option<Unreadable> {
    let bytes = |from: u64, to: u64| usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
    let bad = known.from(range.start);
    let bad = bad.filter(|bad| bad.range.start < range.end);
    let end = bad.as_ref().map_or(range.end, |bad| bad.range.start);
    let size = bytes(range.start, end);
    if size > buffer.len() && buffer.try_reserve(size - buffer.len()).is_err() {
        buffer.clear();
        return Some(Unreadable {
            range,
            errno: ENOMEM,
        });
    }
    buffer.resize(size, 0);
    let mut filled = 0;
    let failed = loop {
        let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) else {
            break None;
        };
        let position = range.start.saturating_add(filled as u64);
        match read_at(file, room, position) {
            Ok(0) => break None,
            Ok(read) => filled += read,
            // Perhaps only the rest of what was requested cannot be read.
            Err(_) => match read_at(file, first_block(room, position), position) {
                Ok(0) => break None,
                Ok(read) => filled += read,
                Err(error) => break Some((position, error)),
            },
        }
    };
    let is_whole = filled == buffer.len();
    buffer.truncate(filled);
    let Some((position, error)) = failed else {
        return bad.filter(|_| is_whole).map(|bad| bad.within(&range));
    };
    let start = position.saturating_add(sectors(file, buffer, position));
    let bad = Unreadable {
        range: start..bad_until(file, start, end),
        errno: error.raw_os_error().unwrap_or_default(),
    };
    known.add(&bad);
    Some(bad)
}

fn read_at(file: ReadFn<'_>, room: &mut [u8], position: u64) -> io::Result<usize> {
    loop {
        match file(room, position) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// The part of `room` that is in the block of `position`.
fn first_block(room: &mut [u8], position: u64) -> &mut [u8] {
    let bytes = usize::try_from(BLOCK_BYTES - position % BLOCK_BYTES).unwrap_or(usize::MAX);
    let bytes = bytes.min(room.len());
    room.get_mut(..bytes).unwrap_or_default()
}

/// Appends the readable sectors at the start of a block that cannot be read as a whole. Returns
/// their number of bytes.
fn sectors(file: ReadFn<'_>, buffer: &mut Vec<u8>, position: u64) -> u64 {
    let block_end = (position / BLOCK_BYTES + 1).saturating_mul(BLOCK_BYTES);
    let mut at = position;
    while at < block_end {
        let mut sector = [0; SECTOR];
        let bytes = usize::try_from(SECTOR_BYTES - at % SECTOR_BYTES).unwrap_or_default();
        let room = sector.get_mut(..bytes).unwrap_or_default();
        let Ok(read @ 1..) = read_at(file, room, at) else {
            break;
        };
        buffer.extend_from_slice(room.get(..read).unwrap_or_default());
        at += read as u64;
    }
    at - position
}

/// Returns the end of the unreadable bytes at `start`, up to `end`: the first readable block, or
/// the first readable sector at the end of the block before it. Sectors in the middle are not tried
/// one by one: each may take seconds.
fn bad_until(file: ReadFn<'_>, start: u64, end: u64) -> u64 {
    let mut block = [0; BLOCK];
    let next_block = |at: u64| (at / BLOCK_BYTES + 1).saturating_mul(BLOCK_BYTES);
    let mut bad_end = next_block(start);
    while bad_end < end && read_at(file, &mut block, bad_end).is_err() {
        bad_end = next_block(bad_end);
    }
    let last_block = start.max(bad_end - BLOCK_BYTES);
    bad_end = bad_end.min(end);
    while bad_end > last_block {
        let sector = block.get_mut(..SECTOR).unwrap_or_default();
        let from = (bad_end - 1) / SECTOR_BYTES * SECTOR_BYTES;
        // A read at the end of the file shows nothing about a sector.
        if from <= start || !matches!(read_at(file, sector, from), Ok(1..)) {
            break;
        }
        bad_end = from;
    }
    bad_end
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Bytes of which some ranges cannot be read, as the kernel reports it: a read ends before
    /// them, and fails at them.
    #[derive(Debug)]
    pub(crate) struct Sick {
        pub(crate) bytes: Vec<u8>,
        pub(crate) bad: Vec<Range<u64>>,
        /// Reads that failed.
        pub(crate) failed: AtomicUsize,
    }

    impl Sick {
        pub(crate) fn new(bytes: Vec<u8>, bad: impl IntoIterator<Item = Range<u64>>) -> Self {
            Self {
                bytes,
                bad: bad.into_iter().collect(),
                failed: AtomicUsize::new(0),
            }
        }
    }

    impl ReadAt for Sick {
        fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
            if self.bad.iter().any(|bad| bad.contains(&position)) {
                self.failed.fetch_add(1, Ordering::Relaxed);
                return Err(io::Error::from_raw_os_error(5));
            }
            let next_bad = self.bad.iter().map(|bad| bad.start);
            let end = next_bad.filter(|start| *start > position).min();
            let end = usize::try_from(end.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
            let position = usize::try_from(position).unwrap();
            let rest = self.bytes.get(position..end.min(self.bytes.len()));
            let rest = rest.unwrap_or_default();
            let count = rest.len().min(buffer.len());
            buffer[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        }
    }

    /// Reads from start to end in windows of `stride` bytes, and returns the bytes and the
    /// unreadable ranges.
    fn all(file: &Sick, stride: u64) -> (Vec<u8>, Vec<Range<u64>>) {
        let (known, mut bytes, mut bad) = (UnreadableRanges::default(), Vec::new(), Vec::new());
        let (mut position, mut buffer) = (0, Vec::new());
        let len = file.bytes.len() as u64;
        while position < len {
            let window = position..len.min(position + stride);
            let ended = fill(
                &|room, at| file.read_at(room, at),
                &known,
                window,
                &mut buffer,
            );
            bytes.extend_from_slice(&buffer);
            position += buffer.len() as u64;
            if let Some(ended) = ended {
                assert_eq!(ended.range.start, position);
                assert_eq!(ended.errno, 5);
                position = ended.range.end;
                bytes.resize(usize::try_from(position).unwrap(), 0xee);
                bad.push(ended.range);
            }
        }
        (bytes, bad)
    }

    fn sample(len: usize) -> Vec<u8> {
        (0..=250).cycle().take(len).collect()
    }

    #[test]
    fn every_readable_byte_is_read_and_the_unreadable_ranges_are_exact() {
        for bad in [
            [8192..12288, 12288..12288],
            [0..4096, 4096..4096],
            [4096..8192, 12288..20480],
            [4096..8192, 36864..40000],
            // Sectors.
            [8704..9728, 20480..20992],
            [512..1024, 8704..17408],
            // The last block is not a whole one.
            [512..1024, 36_864..37_376],
        ] {
            let bad: Vec<Range<u64>> = bad.into_iter().filter(|bad| !bad.is_empty()).collect();
            let whole = sample(40_000);
            let file = Sick::new(whole.clone(), bad.clone());
            for stride in [512, 10_000, 1 << 20] {
                let (bytes, reported) = all(&file, stride);
                let mut merged: Vec<Range<u64>> = Vec::new();
                for range in reported {
                    match merged.last_mut() {
                        Some(last) if last.end == range.start => last.end = range.end,
                        _ => merged.push(range),
                    }
                }
                assert_eq!(merged, bad);
                for (at, byte) in bytes.iter().enumerate() {
                    let is_bad = bad.iter().any(|bad| bad.contains(&(at as u64)));
                    assert_eq!(*byte, if is_bad { 0xee } else { whole[at] });
                }
            }
        }
    }

    #[test]
    fn an_unreadable_range_is_tried_once() {
        let file = Sick::new(sample(1 << 20), Some(65_536..131_072));
        let (known, mut buffer) = (UnreadableRanges::default(), Vec::new());
        let first = fill(
            &|room, at| file.read_at(room, at),
            &known,
            0..1 << 20,
            &mut buffer,
        );
        assert_eq!(first.unwrap().range, 65_536..131_072);
        let failed = file.failed.load(Ordering::Relaxed);
        // A block each, and the sectors at both ends.
        assert!(failed <= 16 + 4, "{failed}");
        let inside = fill(
            &|room, at| file.read_at(room, at),
            &known,
            70_000..80_000,
            &mut buffer,
        );
        assert_eq!(inside.unwrap().range, 70_000..80_000);
        assert!(buffer.is_empty());
        assert_eq!(
            fill(
                &|room, at| file.read_at(room, at),
                &known,
                131_072..131_080,
                &mut buffer
            ),
            None
        );
        assert_eq!(buffer.len(), 8);
        assert_eq!(file.failed.load(Ordering::Relaxed), failed);
    }

    #[test]
    fn the_end_of_a_file_is_no_error() {
        let file = Sick::new(sample(5_000), None);
        let mut buffer = Vec::new();
        assert_eq!(
            fill(
                &|room, at| file.read_at(room, at),
                &UnreadableRanges::default(),
                4_000..9_000,
                &mut buffer
            ),
            None
        );
        assert_eq!(buffer.len(), 1_000);
    }
}
