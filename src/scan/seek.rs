//! Searches many offsets in a `.log`, all in one pass.
//!
//! A broker looks a position up in the `.index` and reads from there to the first batch that
//! reaches the offset. For all entries of a time index that takes as many walks as there are
//! entries, each of them through the whole file if the `.index` does not help. Here all walks
//! continue together, by position: two walks that meet become one, so that no part of the file is
//! read twice, whatever the positions are.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::format::frame::FrameHeader;
use crate::format::{Fault, RecordBatch, batch};
use crate::store::{Error, LogFile};
use crate::wire::{NumberFault, Offset};

/// An offset, and the position to seek it from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seek {
    /// The position of an entry from which the search starts.
    pub from: u64,
    /// The offset.
    pub target: Offset,
}

/// The policy of following a sequence of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeekPolicy {
    /// True if sequences are followed to their ends, for [`Sought::breaks`].
    pub to_end: bool,
    /// True if an impossible size ends the sequence, as for old readers, instead of breaking it.
    pub small_sizes_end: bool,
    /// True if every entry counts as a message, as for readers that only knew messages.
    pub messages_only: bool,
}

/// The result of a seek.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landing {
    /// At the first entry, from the position on, whose last offset is not below the target.
    At {
        /// The position of its first byte.
        position: u64,
        /// Its last offset.
        last_offset: Offset,
    },
    /// At the end of the file, or of its readable part.
    End,
    /// At bytes that are not an entry.
    Broken(Break),
}

/// The end of a sequence of entries, and its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Break {
    /// The expected position of the next entry.
    pub position: u64,
    /// The fault.
    pub fault: Fault,
}

/// The results of the seeks.
#[derive(Debug)]
pub struct Sought {
    landings: Vec<Landing>,
    /// The sequence that each seek was on when it landed.
    rows: Vec<u32>,
    /// The sequence that each sequence was merged into.
    merged: Vec<u32>,
    breaks: Vec<Option<Break>>,
}

impl Sought {
    /// Returns the landing of the seek number `index`.
    #[must_use]
    pub fn landing(&self, index: usize) -> Landing {
        self.landings.get(index).copied().unwrap_or(Landing::End)
    }

    /// Returns the end of the sequence of entries that the seek was on, even after its landing;
    /// known only for sequences that were followed to their ends.
    #[must_use]
    pub fn breaks(&self, index: usize) -> Option<Break> {
        let mut row = *self.rows.get(index)?;
        loop {
            let next = *self.merged.get(row as usize)?;
            if next == row {
                return *self.breaks.get(row as usize)?;
            }
            row = next;
        }
    }
}

/// Seeks every offset. Memory is that of the seeks; time is that of the entries between the first
/// position and the last landing, or the end of the file.
///
/// # Errors
/// The file cannot be read.
pub fn seek(log: &LogFile, seeks: &[Seek], policy: SeekPolicy) -> Result<Sought, Error> {
    let mut pass = SeekPass::new(seeks);
    let mut reader = Headers::new(log);
    while let Some((position, row)) = pass.next() {
        let step = reader.step(position, policy)?;
        pass.step(position, row, step, policy);
    }
    Ok(pass.sought)
}

/// The item at a position.
#[derive(Clone, Copy)]
enum SeekStep {
    /// An entry, its size and its last offset; no offset where the file ends inside the header.
    Entry(u64, Result<Offset, Fault>),
    End,
    Break(Fault),
}

/// All seeks under way.
struct SeekPass<'a> {
    seeks: &'a [Seek],
    /// Seeks that have not begun, the next one last.
    waiting: Vec<u32>,
    /// The heads at which sequences continue.
    heads: BinaryHeap<Reverse<(u64, u32)>>,
    /// Seeks under way on each sequence, the lowest target first.
    pending: Vec<BinaryHeap<Reverse<(i64, u32)>>>,
    /// The number of merged sequences in each one.
    weights: Vec<u32>,
    sought: Sought,
}

impl<'a> SeekPass<'a> {
    fn new(seeks: &'a [Seek]) -> Self {
        let count = u32::try_from(seeks.len()).unwrap_or(u32::MAX);
        let mut waiting: Vec<u32> = (0..count).collect();
        let from = |&index: &u32| seeks.get(index as usize).map(|seek| seek.from);
        waiting.sort_by_key(|index| Reverse(from(index)));
        Self {
            seeks,
            waiting,
            heads: BinaryHeap::new(),
            pending: Vec::new(),
            weights: Vec::new(),
            sought: Sought {
                landings: vec![Landing::End; seeks.len()],
                rows: vec![0; seeks.len()],
                merged: Vec::new(),
                breaks: Vec::new(),
            },
        }
    }

    fn waiting(&self) -> Option<(u32, Seek)> {
        let index = *self.waiting.last()?;
        self.seeks.get(index as usize).map(|seek| (index, *seek))
    }

    /// The lowest position to read, and the sequence that all walks there are on.
    fn next(&mut self) -> Option<(u64, u32)> {
        let head = self.heads.peek().map(|Reverse((position, _))| *position);
        let start = self.waiting().map(|(_, seek)| seek.from);
        let position = match (head, start) {
            (Some(head), Some(start)) => head.min(start),
            (head, start) => head.or(start)?,
        };
        let mut row = None;
        while let Some(&Reverse((at, other))) = self.heads.peek()
            && at == position
        {
            self.heads.pop();
            row = Some(row.map_or(other, |row| self.merge(row, other)));
        }
        let row = row.unwrap_or_else(|| self.add_row());
        while let Some((index, seek)) = self.waiting()
            && seek.from == position
        {
            self.waiting.pop();
            if let Some(pending) = self.pending.get_mut(row as usize) {
                pending.push(Reverse((seek.target.0, index)));
            }
            if let Some(on) = self.sought.rows.get_mut(index as usize) {
                *on = row;
            }
        }
        Some((position, row))
    }

    fn add_row(&mut self) -> u32 {
        let row = u32::try_from(self.pending.len()).unwrap_or(u32::MAX);
        self.pending.push(BinaryHeap::new());
        self.weights.push(1);
        self.sought.merged.push(row);
        self.sought.breaks.push(None);
        row
    }

    /// Merges two sequences that meet into the one with more merged sequences, so that lookups stay
    /// short.
    fn merge(&mut self, a: u32, b: u32) -> u32 {
        let weight = |row: u32| self.weights.get(row as usize).copied().unwrap_or(0);
        let both = weight(a).saturating_add(weight(b));
        let (into, from) = if weight(a) >= weight(b) {
            (a, b)
        } else {
            (b, a)
        };
        if let Some(weight) = self.weights.get_mut(into as usize) {
            *weight = both;
        }
        let mut moved = self
            .pending
            .get_mut(from as usize)
            .map(std::mem::take)
            .unwrap_or_default();
        if let Some(pending) = self.pending.get_mut(into as usize) {
            pending.append(&mut moved);
        }
        if let Some(merged) = self.sought.merged.get_mut(from as usize) {
            *merged = into;
        }
        into
    }

    fn step(&mut self, position: u64, row: u32, step: SeekStep, policy: SeekPolicy) {
        match step {
            SeekStep::Entry(size, Ok(last_offset)) => {
                let here = Landing::At {
                    position,
                    last_offset,
                };
                self.land(row, last_offset.0, here);
                self.go_on(row, position.saturating_add(size), policy);
            }
            SeekStep::Entry(size, Err(fault)) => {
                self.land(row, i64::MAX, Landing::Broken(Break { position, fault }));
                self.go_on(row, position.saturating_add(size), policy);
            }
            SeekStep::End => self.land(row, i64::MAX, Landing::End),
            SeekStep::Break(fault) => {
                let broken = Break { position, fault };
                self.land(row, i64::MAX, Landing::Broken(broken));
                if let Some(breaks) = self.sought.breaks.get_mut(row as usize) {
                    *breaks = Some(broken);
                }
            }
        }
    }

    fn go_on(&mut self, row: u32, position: u64, policy: SeekPolicy) {
        let pending = self.pending.get(row as usize);
        if policy.to_end || pending.is_some_and(|pending| !pending.is_empty()) {
            self.heads.push(Reverse((position, row)));
        }
    }

    /// Lands the seeks on sequence `row` whose target is at most `offset`.
    fn land(&mut self, row: u32, offset: i64, landing: Landing) {
        let Some(pending) = self.pending.get_mut(row as usize) else {
            return;
        };
        while let Some(&Reverse((target, index))) = pending.peek()
            && target <= offset
        {
            pending.pop();
            if let Some(slot) = self.sought.landings.get_mut(index as usize) {
                *slot = landing;
            }
        }
    }
}

/// Bytes read at a time if the file is not mapped.
const AHEAD_BYTES: u64 = 16 << 10;

/// Memory of a mapping is released in steps of this many bytes.
const RELEASE_BYTES: u64 = 4 << 20;

/// The headers of a file, by rising position.
struct Headers<'a> {
    log: &'a LogFile,
    /// The bytes of an unmapped file, from `start` on.
    buffer: Vec<u8>,
    start: u64,
    released: Option<u64>,
}

impl<'a> Headers<'a> {
    fn new(log: &'a LogFile) -> Self {
        Self {
            log,
            buffer: Vec::new(),
            start: 0,
            released: None,
        }
    }

    fn step(&mut self, position: u64, policy: SeekPolicy) -> Result<SeekStep, Error> {
        let left = self.log.len_bytes().saturating_sub(position);
        let bytes = self.read(position)?;
        if left <= crate::format::frame::HEADER_BYTES as u64 {
            return Ok(SeekStep::End);
        }
        let Some(header) = FrameHeader::read(bytes) else {
            return Ok(SeekStep::End);
        };
        let size = match header.frame_bytes() {
            Ok(size) => size as u64,
            Err(_) if policy.small_sizes_end => return Ok(SeekStep::End),
            Err(fault) => return Ok(SeekStep::Break(fault)),
        };
        if size > left {
            return Ok(SeekStep::End);
        }
        let last_offset = if policy.messages_only {
            Ok(header.offset())
        } else {
            last_offset(bytes)
        };
        Ok(SeekStep::Entry(size, last_offset))
    }

    /// The bytes of a header at `position`, or all that are left.
    fn read(&mut self, position: u64) -> Result<&[u8], Error> {
        let released = *self.released.get_or_insert(position);
        if position.saturating_sub(released) >= RELEASE_BYTES {
            self.log.release(released..position);
            self.released = Some(position);
        }
        let want = batch::HEADER_BYTES as u64;
        let LogFile::Windowed(_) = self.log else {
            return self
                .log
                .window(position..position.saturating_add(want), &mut self.buffer);
        };
        let held = self.start..self.start.saturating_add(self.buffer.len() as u64);
        let end = position.saturating_add(want).min(self.log.len_bytes());
        if !(held.contains(&position) && end <= held.end) {
            self.start = position;
            let ahead = position..position.saturating_add(AHEAD_BYTES);
            self.log.window(ahead, &mut self.buffer)?;
        }
        let skip = usize::try_from(position.saturating_sub(self.start)).unwrap_or(usize::MAX);
        Ok(self.buffer.get(skip..).unwrap_or_default())
    }
}

/// The last offset of the entry at the start of `bytes`, as Kafka reads it: of magic 2 from a whole
/// header, even where the entry is shorter; of anything else from the offset field.
///
/// # Errors
/// The bytes end inside the header.
pub fn last_offset(bytes: &[u8]) -> Result<Offset, Fault> {
    let short = || Fault::new(NumberFault::EndOfInput, bytes.len());
    let header = FrameHeader::read(bytes).ok_or_else(short)?;
    if header.magic() < 2 {
        return Ok(header.offset());
    }
    let batch = RecordBatch::of_header(bytes).ok_or_else(short)?;
    Ok(batch.last_offset())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Source;

    /// Walks entry by entry from `seek.from` on, like Kafka.
    fn naive(bytes: &[u8], seek: Seek, policy: SeekPolicy) -> (Landing, Option<Break>) {
        let (mut landing, mut breaks) = (None, None);
        let mut position = seek.from;
        loop {
            let rest = &bytes[usize::try_from(position).unwrap().min(bytes.len())..];
            if rest.len() <= 17 {
                break;
            }
            let size = match FrameHeader::read(rest).unwrap().frame_bytes() {
                Ok(size) => size,
                Err(_) if policy.small_sizes_end => break,
                Err(fault) => {
                    breaks = Some(Break { position, fault });
                    break;
                }
            };
            if size > rest.len() {
                break;
            }
            if landing.is_none() {
                let offset = if policy.messages_only {
                    Ok(FrameHeader::read(rest).unwrap().offset())
                } else {
                    last_offset(rest)
                };
                match offset {
                    Ok(last_offset) if last_offset >= seek.target => {
                        landing = Some(Landing::At {
                            position,
                            last_offset,
                        });
                    }
                    Ok(_) => {}
                    Err(fault) => landing = Some(Landing::Broken(Break { position, fault })),
                }
            }
            position += size as u64;
        }
        let at_end = breaks.map_or(Landing::End, Landing::Broken);
        (landing.unwrap_or(at_end), breaks)
    }

    struct Noise(u32);

    impl Noise {
        fn below(&mut self, limit: usize) -> usize {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            usize::try_from(self.0 >> 8).unwrap() % limit.max(1)
        }
    }

    /// A log of small batches of magic 1 and 2, and where they begin; some of them damaged.
    fn log(noise: &mut Noise) -> (Vec<u8>, Vec<u64>) {
        let (mut bytes, mut starts) = (Vec::new(), Vec::new());
        let mut offset = 100_i64;
        for _ in 0..noise.below(40) {
            starts.push(bytes.len() as u64);
            let magic = 1 + u8::from(noise.below(2) == 0);
            let body = if noise.below(9) == 0 {
                14 + noise.below(60)
            } else {
                60 + noise.below(90)
            };
            let mut batch = vec![0; 12 + body];
            batch[..8].copy_from_slice(&offset.to_be_bytes());
            batch[8..12].copy_from_slice(&i32::try_from(body).unwrap().to_be_bytes());
            batch[16] = magic;
            if let Some(delta) = batch.get_mut(23..27) {
                let delta: &mut [u8] = delta;
                delta[3] = u8::try_from(noise.below(5)).unwrap();
            }
            if noise.below(4) == 0 {
                // Bytes inside a batch that look like an entry.
                let at = 27 + noise.below(10);
                if let Some(size) = batch.get_mut(at..at + 4) {
                    size.copy_from_slice(&40_i32.to_be_bytes());
                }
            }
            bytes.extend(batch);
            offset += i64::try_from(noise.below(9)).unwrap() - 1;
        }
        match noise.below(4) {
            0 => bytes.truncate(noise.below(bytes.len())),
            1 => bytes.extend(vec![0; noise.below(100)]),
            2 if !bytes.is_empty() => {
                let at = noise.below(bytes.len());
                bytes[at..].iter_mut().take(20).for_each(|byte| *byte = 0);
            }
            _ => {}
        }
        (bytes, starts)
    }

    #[test]
    fn one_pass_lands_where_a_walk_for_each_entry_does() {
        let mut noise = Noise(5);
        for round in 0..600 {
            let (bytes, starts) = log(&mut noise);
            let mut seeks: Vec<Seek> = (0..noise.below(60))
                .map(|_| {
                    let known = starts.get(noise.below(starts.len() + 1)).copied();
                    let from = match noise.below(3) {
                        0 => noise.below(bytes.len() + 40) as u64,
                        1 => 0,
                        _ => known.unwrap_or(0),
                    };
                    let target = Offset(95 + i64::try_from(noise.below(140)).unwrap());
                    Seek { from, target }
                })
                .collect();
            if round % 2 == 0 {
                seeks.sort_by_key(|seek| (seek.from, seek.target));
            }
            let file = LogFile::Whole(Source::from(bytes.clone()));
            for (to_end, old) in [(true, false), (false, false), (true, true)] {
                let policy = SeekPolicy {
                    to_end,
                    small_sizes_end: old,
                    messages_only: old,
                };
                let sought = seek(&file, &seeks, policy).unwrap();
                for (index, one) in seeks.iter().enumerate() {
                    let (landing, breaks) = naive(&bytes, *one, policy);
                    assert_eq!(sought.landing(index), landing, "round {round}: {one:?}");
                    if to_end {
                        assert_eq!(sought.breaks(index), breaks, "round {round}: {one:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_windowed_file_gives_the_same_landings() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/testdata/seed/00000000000000000000.log"
        );
        let seeks: Vec<Seek> = (0..4)
            .flat_map(|target| {
                [0, 73, 74, 146, 999].map(|from| Seek {
                    from,
                    target: Offset(target),
                })
            })
            .collect();
        let policy = SeekPolicy {
            to_end: true,
            small_sizes_end: false,
            messages_only: false,
        };
        let files = [
            LogFile::Whole(Source::read(path).unwrap()),
            LogFile::Windowed(crate::store::Stream::open(path).unwrap()),
        ];
        let [whole, windowed] = files.map(|file| seek(&file, &seeks, policy).unwrap());
        for index in 0..seeks.len() {
            assert_eq!(whole.landing(index), windowed.landing(index));
            assert_eq!(whole.breaks(index), windowed.breaks(index));
        }
        let at = Landing::At {
            position: 73,
            last_offset: Offset(1),
        };
        assert_eq!(whole.landing(5), at);
    }
}
