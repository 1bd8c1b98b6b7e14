//! Sorting more than memory holds: in parts, which are in unnamed files until they are merged.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// Bytes that are sorted in memory.
const ROOM_BYTES: usize = 64 << 20;

/// Sorts items of `N` bytes.
#[derive(Debug)]
pub(crate) struct Sorter<const N: usize> {
    held: Vec<[u8; N]>,
    /// The number of items that fit into memory.
    room: usize,
    runs: Vec<File>,
    dir: PathBuf,
}

impl<const N: usize> Sorter<N> {
    /// A sorter whose files are in `dir`.
    pub(crate) fn new(dir: &Path) -> Self {
        Self::with_room(dir, ROOM_BYTES / N.max(1))
    }

    fn with_room(dir: &Path, room: usize) -> Self {
        Self {
            held: Vec::new(),
            room: room.max(1),
            runs: Vec::new(),
            dir: dir.to_owned(),
        }
    }

    /// Adds an item.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(crate) fn push(&mut self, item: [u8; N]) -> io::Result<()> {
        if self.held.len() == self.room {
            self.spill()?;
        }
        self.held.push(item);
        Ok(())
    }

    #[cold]
    fn spill(&mut self) -> io::Result<()> {
        self.held.sort_unstable();
        let mut file = nameless(&self.dir, self.runs.len())?;
        let mut out = BufWriter::with_capacity(1 << 20, &mut file);
        for item in &self.held {
            out.write_all(item)?;
        }
        out.flush()?;
        drop(out);
        file.rewind()?;
        self.runs.push(file);
        self.held.clear();
        Ok(())
    }

    /// The items in order.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(crate) fn sorted(mut self) -> io::Result<Sorted<N>> {
        self.held.sort_unstable();
        let files = self.runs.into_iter();
        let mut sorted = Sorted {
            held: self.held.into_iter(),
            files: files
                .map(|file| BufReader::with_capacity(256 << 10, file))
                .collect(),
            next: BinaryHeap::new(),
        };
        for run in 0..=sorted.files.len() {
            sorted.advance(run)?;
        }
        Ok(sorted)
    }
}

/// Items in order.
#[derive(Debug)]
pub(crate) struct Sorted<const N: usize> {
    held: std::vec::IntoIter<[u8; N]>,
    files: Vec<BufReader<File>>,
    /// The next item of each part; the items in memory are the last part.
    next: BinaryHeap<Reverse<([u8; N], usize)>>,
}

impl<const N: usize> Sorted<N> {
    fn advance(&mut self, run: usize) -> io::Result<()> {
        let item = match self.files.get_mut(run) {
            None => self.held.next(),
            Some(file) => {
                let mut item = [0; N];
                match file.read_exact(&mut item) {
                    Ok(()) => Some(item),
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
                    Err(error) => return Err(error),
                }
            }
        };
        self.next.extend(item.map(|item| Reverse((item, run))));
        Ok(())
    }

    /// The next item.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(crate) fn next(&mut self) -> io::Result<Option<[u8; N]>> {
        let Some(Reverse((item, run))) = self.next.pop() else {
            return Ok(None);
        };
        self.advance(run)?;
        Ok(Some(item))
    }
}

/// An unnamed file in `dir`, which no longer exists when it is closed.
fn nameless(dir: &Path, nth: usize) -> io::Result<File> {
    let path = dir.join(format!("kseg-{}-{nth}.tmp", std::process::id()));
    let mut options = File::options();
    let file = options
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)?;
    rustix::fs::unlink(&path)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_in_order_wherever_they_wait() {
        for room in [1, 7, 1000] {
            let mut taken = Sorter::<4>::with_room(&std::env::temp_dir(), room);
            for item in (0..100_u32).map(|n| n * 37 % 101) {
                taken.push(item.to_be_bytes()).unwrap();
            }
            let mut sorted = taken.sorted().unwrap();
            let mut all = Vec::new();
            while let Some(item) = sorted.next().unwrap() {
                all.push(u32::from_be_bytes(item));
            }
            let mut expected: Vec<u32> = (0..100).map(|n| n * 37 % 101).collect();
            expected.sort_unstable();
            assert_eq!(all, expected, "{room}");
        }
    }
}
