//! A file mapped into memory, for which neither a bad sector nor another process can cause a
//! signal.
//!
//! Access to a page that cannot be read, or that is after the end of a truncated file, raises
//! `SIGBUS`. So pages are populated before they are read: `MADV_POPULATE_READ` (Linux 5.14) reports
//! an error instead, and costs less than a page fault for every few pages. Pages that cannot be
//! populated are read with `pread`.

use std::fs::File;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::Mmap;

use super::Error;
use super::stream::Stream;

/// The smallest page size. Pages may be larger on some machines; a range that the kernel refuses to
/// release stays in memory.
const PAGE_BYTES: usize = 4096;

/// Bytes that are populated at once: as much as the kernel maps around a page fault, so that random
/// access costs no more than without.
const CHUNK_BYTES: u64 = 64 << 10;

/// A mapped file.
#[derive(Debug)]
pub struct Mapping {
    map: Mmap,
    /// The same file, for pages that cannot be populated.
    stream: Stream,
    /// A bit for each chunk: populated, and not released since.
    populated: Vec<AtomicU64>,
}

impl Mapping {
    /// Maps a file.
    ///
    /// # Safety
    /// While the mapping lives, no one may change the file's bytes: a changed byte is undefined
    /// behavior by the letter of the language. Closed segments are immutable by Kafka's design; the
    /// active segment only grows; preallocated indexes are rewritten in place.
    #[expect(unsafe_code, reason = "the one mapping")]
    pub(super) unsafe fn new(file: &File, stream: Stream) -> Result<Self, Error> {
        #[expect(clippy::disallowed_methods, reason = "this is store::mapping")]
        // SAFETY: the caller keeps the contract above.
        let map = unsafe { Mmap::map(file) }.map_err(Error::io(stream.path()))?;
        let chunks = (map.len() as u64).div_ceil(CHUNK_BYTES);
        let words = usize::try_from(chunks.div_ceil(64)).unwrap_or(usize::MAX);
        let mut populated = Vec::new();
        populated.resize_with(words, AtomicU64::default);
        Ok(Self {
            map,
            stream,
            populated,
        })
    }

    /// The same file, to be read.
    pub(super) fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Bytes of the file when it was mapped.
    pub(super) fn len_bytes(&self) -> u64 {
        self.map.len() as u64
    }

    /// The bytes of `range`, up to the end of the file, if every page of them can be read.
    pub(super) fn populated(&self, range: Range<u64>) -> Option<&[u8]> {
        let len = self.len_bytes();
        let range = range.start.min(len)..range.end.min(len);
        if range.is_empty() {
            return Some(&[]);
        }
        let chunks = range.start / CHUNK_BYTES..range.end.div_ceil(CHUNK_BYTES);
        let mut missing = chunks.clone().filter(|chunk| !self.is_populated(*chunk));
        if let Some(first) = missing.next() {
            let last = missing.next_back().unwrap_or(first);
            self.populate(first..last + 1)?;
        }
        self.map.get(place(range.start)..place(range.end))
    }

    fn is_populated(&self, chunk: u64) -> bool {
        let word = self.populated.get(place(chunk / 64));
        word.is_some_and(|word| word.load(Ordering::Relaxed) >> (chunk % 64) & 1 == 1)
    }

    /// Populates all pages of `chunks`, and remembers it.
    fn populate(&self, chunks: Range<u64>) -> Option<()> {
        let start = chunks.start * CHUNK_BYTES;
        let end = self.len_bytes().min(chunks.end * CHUNK_BYTES);
        populate(&self.map, place(start)..place(end))?;
        for chunk in chunks {
            if let Some(word) = self.populated.get(place(chunk / 64)) {
                word.fetch_or(1 << (chunk % 64), Ordering::Relaxed);
            }
        }
        Some(())
    }

    /// Releases the memory of these bytes; they are read again if they are requested again.
    #[expect(unsafe_code, reason = "the advice that keeps a long scan small")]
    pub(super) fn release(&self, range: Range<u64>) {
        // The page at the start is released with this range, the one at the end with the next.
        let start = place(range.start) / PAGE_BYTES * PAGE_BYTES;
        let end = place(range.end).min(self.map.len()) / PAGE_BYTES * PAGE_BYTES;
        if start >= end {
            return;
        }
        for chunk in start as u64 / CHUNK_BYTES..(end as u64).div_ceil(CHUNK_BYTES) {
            if let Some(word) = self.populated.get(place(chunk / 64)) {
                word.fetch_and(!(1 << (chunk % 64)), Ordering::Relaxed);
            }
        }
        let advice = memmap2::UncheckedAdvice::DontNeed;
        // SAFETY: a shared, read-only mapping of a file has no content of its own to lose: a page
        // that is accessed again comes from the file. A refusal only costs memory.
        let _refused = unsafe { self.map.unchecked_advise_range(advice, start, end - start) };
    }
}

fn place(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

/// Populates pages, unless one of them cannot be read, or the kernel does not support it.
#[cfg(target_os = "linux")]
fn populate(map: &Mmap, range: Range<usize>) -> Option<()> {
    let length = range.end.saturating_sub(range.start);
    let advice = memmap2::Advice::PopulateRead;
    map.advise_range(advice, range.start, length).ok()
}

/// Other systems have no such call.
#[cfg(not(target_os = "linux"))]
fn populate(_: &Mmap, _: Range<usize>) -> Option<()> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::LogFile;
    use std::io::Write;
    use std::os::fd::AsRawFd;

    const LEN: u64 = 300_000;

    fn byte_at(position: u64) -> u8 {
        u8::try_from(position % 251).unwrap()
    }

    /// A file in memory, and the same file mapped.
    #[expect(unsafe_code, reason = "nobody else has the file")]
    fn mapped() -> (File, LogFile) {
        let fd = rustix::fs::memfd_create("mapped", rustix::fs::MemfdFlags::empty()).unwrap();
        let mut file = File::from(fd);
        let bytes: Vec<u8> = (0..LEN).map(byte_at).collect();
        file.write_all(&bytes).unwrap();
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        // SAFETY: the file is written before it is mapped, and truncated after.
        let log = unsafe { LogFile::map(path) }.unwrap();
        (file, log)
    }

    #[test]
    fn what_was_given_back_is_read_anew() {
        let (_file, log) = mapped();
        let mut buffer = Vec::new();
        for _ in 0..2 {
            for range in [0..10, 65_530..65_545, 200_000..LEN + 5, LEN..LEN + 1] {
                let bytes = log.window(range.clone(), &mut buffer).unwrap();
                let expected = (range.start..range.end.min(LEN)).map(byte_at);
                assert!(bytes.iter().copied().eq(expected));
            }
            assert!(buffer.is_empty(), "nothing is copied");
            log.release(0..LEN);
        }
    }

    #[test]
    fn a_file_that_is_truncated_while_it_is_mapped_ends_no_process() {
        let (file, log) = mapped();
        rustix::fs::ftruncate(&file, 5000).unwrap();
        let mut buffer = Vec::new();
        let bytes = log.window(4000..LEN, &mut buffer).unwrap();
        assert_eq!(bytes.len(), 1000);
        assert!(log.window(8192..9000, &mut buffer).unwrap().is_empty());
    }
}
