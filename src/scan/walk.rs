//! A file as a sequence of events that tile it.

use super::event::{Event, Gap, GapKind, unreadable_fault};
use super::plausible::may_follow;
use super::search::{Search, SearchResult, leading_zeros};
use crate::format::fault::{BatchFault, FrameFault};
use crate::format::frame::{Frame, FrameHeader, HEADER_BYTES};
use crate::format::{Batch, Fault, FaultKind, batch};
use crate::store::Unreadable;
use crate::wire::{Offset, Position};

/// The definition of an entry, and the action after bytes that are not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Structure only; after a fault the rest of the file is damage. Like Kafka's own iterator,
    /// except that after unreadable bytes the next valid entry is searched.
    Trust,
    /// As `Trust`, but where Kafka's iterator fails (a size below 14), the next valid entry is
    /// searched.
    Resume,
    /// Structure and CRC; after a fault the rest of the file is damage. This is what recovery
    /// keeps.
    Verify,
    /// Structure and CRC; after a fault the next valid entry is searched.
    Salvage,
}

impl Policy {
    /// Returns true if an entry is a batch only if its checksum is right.
    const fn checks(self) -> bool {
        matches!(self, Self::Verify | Self::Salvage)
    }

    /// Returns true if the next entry is searched after a fault of this kind.
    const fn seeks(self, fault: FaultKind) -> bool {
        match self {
            Self::Trust => matches!(fault, FaultKind::Unreadable { .. }),
            Self::Verify => false,
            Self::Resume => matches!(
                fault,
                FaultKind::Unreadable { .. } | FaultKind::Frame(FrameFault::Size { .. })
            ),
            Self::Salvage => true,
        }
    }
}

/// Fewer zeros are part of the damage around them, unless nothing follows: a header alone may have
/// as many, but a lost write leaves at least a sector.
const ZEROS_BYTES: usize = 64;

/// Iterates over the events of a file, or of a window of it.
#[derive(Debug)]
pub struct Walk<'map> {
    /// The window; `start` is its position in the file.
    bytes: &'map [u8],
    start: u64,
    /// The position of the walk in the window.
    at: usize,
    /// The end of the file; the window may end before or after it.
    end: u64,
    /// True if the bytes after the window cannot be read.
    is_cut: bool,
    policy: Policy,
    /// The reason why the sequence of entries ended, until the next one is found.
    lost: Option<Lost>,
    /// The gap before the current position: it ends at the next entry, or with the file.
    gap: Option<Gap>,
    /// The entry at the current position, after a gap that was returned before it.
    held: Option<Event<'map>>,
    /// Bytes needed from here on to continue, when the window is used up.
    wanted: Option<usize>,
}

/// The state after a fault.
#[derive(Debug, Clone, Copy)]
struct Lost {
    fault: Fault,
    /// The search; `None` if the rest of the file is damage.
    search: Option<Search>,
    /// The position in the file at which the search continues.
    from: u64,
    /// The kinds of the bytes since then.
    inside: Option<Inside>,
}

/// The bytes after a fault: zeros and, after them, other bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Zeros,
    Damage,
}

/// A step of the walk.
enum WalkStep<'map> {
    /// An entry begins here.
    Entry(Event<'map>),
    /// Bytes were added to the gap.
    Gap,
    /// The window is too short.
    Wanting,
}

impl<'map> Walk<'map> {
    /// Walks a whole file.
    #[must_use]
    pub fn new(bytes: &'map [u8], policy: Policy) -> Self {
        Self {
            bytes,
            start: 0,
            at: 0,
            end: bytes.len() as u64,
            is_cut: false,
            policy,
            lost: None,
            gap: None,
            held: None,
            wanted: None,
        }
    }

    /// Assumes that the file is `end` bytes long. Bytes beyond that may still be read.
    #[must_use]
    pub fn with_end(mut self, end: u64) -> Self {
        self.end = end.min(self.end);
        self
    }

    /// Begins at `position` of a file that ends at `end`, without a window yet.
    #[must_use]
    pub fn starting_at(self, position: u64, end: u64) -> Self {
        Self {
            start: position,
            end,
            ..self
        }
    }

    /// Continues in the window `bytes`, which begins at the position [reached](Self::reached), of a
    /// file that ends at `end`.
    #[must_use]
    pub fn resume(self, bytes: &[u8], end: u64) -> Walk<'_> {
        let start = self.reached();
        Walk {
            bytes,
            start,
            at: 0,
            end,
            is_cut: false,
            policy: self.policy,
            lost: self.lost,
            gap: self.gap,
            held: None,
            wanted: None,
        }
    }

    /// Marks the bytes after the window as unreadable: no entry reaches into them.
    pub(super) const fn cut_if(mut self, is_cut: bool) -> Self {
        self.is_cut = is_cut;
        self
    }

    /// Returns true if an entry is expected at the current position, and the window is too short
    /// for it.
    pub(super) fn is_cut_short(&self) -> bool {
        self.lost.is_none() && self.wanted.is_some()
    }

    /// The offset and the end of the entry that is incomplete in a cut window, if its size is
    /// known. Only for policies that continue after a fault.
    pub(super) fn announced(&self) -> Option<(Offset, u64)> {
        if self.lost.is_some() || !self.policy.seeks(FaultKind::Unreadable { errno: 0 }) {
            return None;
        }
        let header = FrameHeader::read(self.window())?;
        let end = self
            .reached()
            .saturating_add(header.frame_bytes().ok()? as u64);
        Some((header.offset(), end))
    }

    /// Returns true if an entry is expected at the current position, and may be refused if its
    /// checksum is wrong: Kafka's iterator shows it all the same.
    pub(super) fn may_refuse(&self) -> bool {
        self.policy != Policy::Resume && self.is_cut_short()
    }

    /// Handles an invalid entry that ends at `end` and was not held, as [`broken`](Self::broken)
    /// does.
    pub(super) fn refuse(&mut self, fault: Fault, end: u64, is_followed: bool) {
        let is_crc = matches!(fault.kind(), FaultKind::Batch(BatchFault::Crc { .. }));
        if self.policy == Policy::Salvage && is_crc && is_followed {
            self.skip_part(end, GapKind::Damage(fault));
        } else {
            self.lost = Some(self.lost_at(fault));
        }
    }

    /// Drops the entry that is incomplete in a cut window. The rest of the window may contain
    /// others.
    pub(super) fn give_up(&mut self, errno: i32) {
        if self.lost.is_none() {
            self.lost = Some(self.lost_at(unreadable_fault(errno)));
        }
    }

    /// Skips bytes that cannot be read, and searches the next entry from their end on.
    pub(super) fn pass_over(&mut self, unreadable: &Unreadable) {
        let errno = unreadable.errno;
        self.give_up(errno);
        let Some(lost) = self.lost else { return };
        self.skip_part(unreadable.range.start, GapKind::Damage(lost.fault));
        self.skip_part(unreadable.range.end, GapKind::Unreadable { errno });
        self.lost = Some(Lost {
            fault: unreadable_fault(errno),
            from: unreadable.range.end,
            inside: None,
            ..lost
        });
    }

    /// Skips bytes up to `end` without reading them. The window is used up.
    pub(super) fn skip_part(&mut self, end: u64, kind: GapKind) {
        let start = self.reached();
        if start >= end {
            return;
        }
        (self.bytes, self.start, self.at) = (&[], end, 0);
        match &mut self.gap {
            Some(gap) => gap.extend(end, kind),
            None => self.gap = Some(Gap::new(start..end, kind)),
        }
    }

    /// Returns the position of the next entry, or the end of the search for one.
    #[must_use]
    pub fn reached(&self) -> u64 {
        self.start.saturating_add(self.at as u64)
    }

    /// Returns the number of bytes from [`reached`](Self::reached) on that are needed to continue
    /// after the last event of a window. `None` if the file ends here.
    #[must_use]
    pub fn wanted(&self) -> Option<usize> {
        self.wanted
    }

    /// Returns true if the next event is a gap that began before the position reached.
    #[must_use]
    pub fn is_in_gap(&self) -> bool {
        self.gap.is_some() || self.lost.is_some()
    }

    /// Bytes of the file after the current position.
    fn left(&self) -> u64 {
        self.end.saturating_sub(self.reached())
    }

    /// Bytes of the window after the current position.
    fn window(&self) -> &'map [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Returns true if the window ends before the file does.
    fn is_partial(&self) -> bool {
        (self.window().len() as u64) < self.left()
    }

    fn want(&mut self, bytes: usize) -> WalkStep<'map> {
        self.wanted = Some(bytes);
        WalkStep::Wanting
    }

    /// Skips bytes that are not an entry.
    fn pass(&mut self, bytes: usize, kind: GapKind) -> WalkStep<'map> {
        let start = self.reached();
        self.at += bytes;
        let end = self.reached();
        match &mut self.gap {
            Some(gap) => gap.extend(end, kind),
            None => self.gap = Some(Gap::new(start..end, kind)),
        }
        WalkStep::Gap
    }

    /// The entry at the current position, if the window contains it.
    fn entry(&mut self) -> WalkStep<'map> {
        let (window, left) = (self.window(), self.left());
        if left <= HEADER_BYTES as u64 {
            return self.lose(Fault::new(FrameFault::Tail { left }, 0));
        }
        let Some(header) = FrameHeader::read(window) else {
            return self.want(HEADER_BYTES);
        };
        let size = match header.frame_bytes() {
            Ok(size) => size,
            Err(fault) => return self.lose(fault),
        };
        if size as u64 > left {
            let announced = size as u64;
            return self.lose(Fault::new(FrameFault::BeyondEnd { announced, left }, 0));
        }
        // Kafka reads a full header even of an entry that is shorter, so the window should reach as
        // far.
        let reach = size.max(batch::HEADER_BYTES);
        if window.len() < reach && self.is_partial() {
            return self.want(reach);
        }
        let frame = match Frame::parse(window, Position(self.reached())) {
            Ok(frame) => frame,
            Err(fault) => return self.lose(fault),
        };
        match Batch::parse(frame) {
            Ok(batch) if self.policy.checks() => match batch.check_crc() {
                Ok(()) => WalkStep::Entry(Event::Batch(batch)),
                Err(fault) => self.broken(frame, fault),
            },
            Ok(batch) => WalkStep::Entry(Event::Batch(batch)),
            Err(fault) if self.policy.checks() => self.broken(frame, fault),
            Err(fault) => WalkStep::Entry(Event::Malformed(frame, fault)),
        }
    }

    /// Handles an invalid entry. If another follows it, its size is right, and the damage ends with
    /// it: its bytes are not searched, because a value may contain entries of another log.
    #[cold]
    fn broken(&mut self, frame: Frame<'map>, fault: Fault) -> WalkStep<'map> {
        let size = frame.size_bytes();
        if self.policy != Policy::Salvage
            || !matches!(fault.kind(), FaultKind::Batch(BatchFault::Crc { .. }))
        {
            return self.lose(fault);
        }
        let reach = size.saturating_add(HEADER_BYTES);
        if self.window().len() < reach && self.is_partial() {
            return self.want(reach);
        }
        let next = frame.window().get(size..).and_then(FrameHeader::read);
        if !next.is_some_and(|next| may_follow(frame.offset(), next)) {
            return self.lose(fault);
        }
        self.pass(size, GapKind::Damage(fault))
    }

    #[cold]
    fn lose(&mut self, fault: Fault) -> WalkStep<'map> {
        self.seek(self.lost_at(fault))
    }

    /// The state after a fault at the current position.
    fn lost_at(&self, fault: Fault) -> Lost {
        let seeks = self.policy.seeks(fault.kind());
        Lost {
            fault,
            search: seeks.then(|| Search::starting_at(self.reached())),
            from: self.reached().saturating_add(1),
            inside: None,
        }
    }

    /// Skips bytes that are not an entry: up to the next entry, the end of zeros, or the end of the
    /// window.
    #[cold]
    fn seek(&mut self, mut lost: Lost) -> WalkStep<'map> {
        let position = self.reached();
        let mut rest = usize::try_from(self.left()).unwrap_or(usize::MAX);
        let window = self.window();
        let window = window.get(..rest).unwrap_or(window);
        if self.is_cut {
            rest = window.len();
        }
        let (mut length, mut wanted) = (
            window.len(),
            self.is_partial().then_some(batch::HEADER_BYTES),
        );
        if let Some(search) = &mut lost.search {
            let skip = usize::try_from(lost.from.saturating_sub(position)).unwrap_or(0);
            match search.next_entry(window, position, skip..usize::MAX, rest) {
                SearchResult::At(at) => (length, wanted) = (at, None),
                SearchResult::Unseen { at, bytes } => (length, wanted) = (at, Some(bytes)),
                SearchResult::Nothing => {}
            }
            lost.from = position.saturating_add(length as u64);
        }
        self.lost = Some(lost);
        let gap = window.get(..length).unwrap_or(window);
        let zeros = leading_zeros(gap);
        match wanted {
            // A few zeros are a part of their own only if nothing follows them.
            Some(more) if zeros == length && zeros < ZEROS_BYTES && lost.inside.is_none() => {
                return self.want(length.saturating_add(more));
            }
            Some(more) if length == 0 => return self.want(more),
            // The entry that was incomplete in the last window.
            None if length == 0 => {
                self.lost = None;
                return self.entry();
            }
            _ => {}
        }
        let inside = match lost.inside {
            None if zeros >= ZEROS_BYTES || zeros == length => Inside::Zeros,
            Some(Inside::Zeros) if zeros > 0 => Inside::Zeros,
            _ => Inside::Damage,
        };
        let (end, kind) = match inside {
            Inside::Zeros => (zeros, GapKind::Zeros),
            Inside::Damage => (length, GapKind::Damage(lost.fault)),
        };
        // If no bytes are wanted, an entry follows the gap, or nothing.
        self.lost = (end < length || wanted.is_some()).then_some(Lost {
            inside: Some(inside),
            ..lost
        });
        self.pass(end, kind)
    }
}

impl<'map> Iterator for Walk<'map> {
    type Item = Event<'map>;

    fn next(&mut self) -> Option<Event<'map>> {
        loop {
            let step = match self.held.take() {
                Some(held) => WalkStep::Entry(held),
                None if self.left() == 0 => return self.gap.take().map(Event::Gap),
                None => {
                    self.wanted = None;
                    match self.lost {
                        Some(lost) => self.seek(lost),
                        None => self.entry(),
                    }
                }
            };
            match step {
                WalkStep::Entry(entry) => {
                    if let Some(gap) = self.gap.take() {
                        self.held = Some(entry);
                        return Some(Event::Gap(gap));
                    }
                    self.at += entry.size_bytes();
                    return Some(entry);
                }
                WalkStep::Gap => {}
                WalkStep::Wanting => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of magic 0 without key and value, whose offset is 0.
    const LEAST: [u8; 26] = [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 0xa7, 0xec, 0x68, 0x03, 0, 0, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff,
    ];

    /// A short form of the entries and the parts of gaps.
    fn row(bytes: &[u8], policy: Policy) -> Vec<(char, u64)> {
        Walk::new(bytes, policy)
            .flat_map(|event| reported(&event))
            .collect()
    }

    fn reported(event: &Event<'_>) -> Vec<(char, u64)> {
        let Event::Gap(gap) = event else {
            let range = event.range();
            return vec![('f', range.end - range.start)];
        };
        let parts = gap.parts().map(|part| {
            let letter = if part.kind == GapKind::Zeros {
                'z'
            } else {
                'd'
            };
            (letter, part.range.end - part.range.start)
        });
        parts.collect()
    }

    #[test]
    fn zeros_before_an_entry_that_begins_with_zeros_end_where_it_begins() {
        for zeros in [1, 17, 63, 64, 65, 200] {
            let bytes = [&LEAST[..], &vec![0; zeros], &LEAST].concat();
            let expected = [('f', 26), ('z', zeros as u64), ('f', 26)];
            assert_eq!(row(&bytes, Policy::Salvage), expected);
            assert_eq!(row(&bytes, Policy::Resume), expected);
        }
    }

    #[test]
    fn a_gap_is_zeros_if_there_are_enough_and_then_damage() {
        for (zeros, expected) in [
            (63, vec![('d', 93), ('f', 26)]),
            (64, vec![('z', 64), ('d', 30), ('f', 26)]),
        ] {
            let bytes = [&vec![0; zeros][..], &[0xee; 30], &LEAST].concat();
            assert_eq!(row(&bytes, Policy::Salvage), expected);
        }
        let torn = [&LEAST[..], &LEAST[..17]].concat();
        assert_eq!(row(&torn, Policy::Trust), [('f', 26), ('d', 17)]);
        assert_eq!(row(&[0; 5], Policy::Trust), [('z', 5)]);
        assert_eq!(row(&[], Policy::Trust), []);
    }

    #[test]
    fn an_entry_found_at_the_start_of_a_window_is_not_the_end() {
        let bytes = [&[0xee; 100][..], &LEAST, &LEAST].concat();
        let mut walk = Walk::new(&[], Policy::Salvage).resume(&bytes[..110], 152);
        assert!(walk.next().is_none());
        assert!(walk.wanted().is_some() && walk.is_in_gap());
        let at = usize::try_from(walk.reached()).unwrap();
        let rest = walk.resume(&bytes[at..], 152);
        let row: Vec<_> = rest.flat_map(|event| reported(&event)).collect();
        assert_eq!(row, [('d', 100), ('f', 26), ('f', 26)]);
    }

    #[test]
    fn an_entry_may_end_at_the_end_that_is_asked_for_but_not_behind_it() {
        let bytes = [LEAST, LEAST].concat();
        for (end, expected) in [
            (26, vec![('f', 26)]),
            (51, vec![('f', 26), ('d', 25)]),
            (99, vec![('f', 26); 2]),
        ] {
            let walk = Walk::new(&bytes, Policy::Trust).with_end(end);
            let row: Vec<_> = walk.flat_map(|event| reported(&event)).collect();
            assert_eq!(row, expected);
        }
    }
}
