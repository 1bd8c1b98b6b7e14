//! A segment as a broker opens it: `LogSegment`.

use super::index::{ENTRY_BYTES, Index, TIME_ENTRY_BYTES};
use super::log::{SegmentEntry, SegmentWindow};
use super::producers::Producers;
use super::reason::Reason;
use super::start::Start;
use super::thrown::Thrown;
use super::times::Times;
use super::virtual_dir::Content;
use crate::format::Message;
use crate::format::name::{
    self, LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX,
};
use crate::store::ItemType;
use crate::wire::Offset;
use crate::wire::units::MAX_RELATIVE_OFFSET;

/// The maximum size of a segment.
const LARGEST_BYTES: u64 = i32::MAX as u64;

/// A segment.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) base: i64,
    /// The part after the suffix of its file names.
    suffix: &'static str,
    index: Option<Index>,
}

/// The progress of the recovery of a segment.
struct RecoveryProgress {
    /// The end of the last valid batch.
    good: u64,
    /// The offset after its last record.
    end: i64,
    times: Times,
}

impl RecoveryProgress {
    fn new(start: &Start<'_>, base: i64) -> Self {
        Self {
            good: 0,
            end: base,
            times: Times {
                entries: 0,
                room: u64::from(start.index_bytes) / TIME_ENTRY_BYTES,
                last: (-1, base),
                largest: (-1, -1),
            },
        }
    }
}

impl Segment {
    /// Opens the segment at `base`; its `.log` is created if it is missing.
    pub(super) fn open(start: &mut Start<'_>, base: i64) -> Result<Self, Thrown> {
        Self::open_as(start, base, "")
    }

    /// Opens the segment whose files end with `suffix`.
    pub(super) fn open_as(
        start: &mut Start<'_>,
        base: i64,
        suffix: &'static str,
    ) -> Result<Self, Thrown> {
        let segment = Self {
            base,
            suffix,
            index: None,
        };
        let name = segment.log_name();
        match start.virtual_dir.file(&name) {
            Some(content) if content.len_bytes() > LARGEST_BYTES => {
                return Err(Thrown::fatal(&name, "larger than a segment can be"));
            }
            Some(_) => {}
            None if start.virtual_dir.exists(&name) => {
                return Err(Thrown::io(&name, "is not a file"));
            }
            None => start.virtual_dir.put(&name, Content::Zeros(0)),
        }
        Ok(segment)
    }

    /// Returns the end of the segment at `base`, from its batches.
    pub(super) fn end_of(start: &mut Start<'_>, base: i64) -> Result<i64, Thrown> {
        let mut segment = Self::open(start, base)?;
        segment.index = Some(Index::empty(base));
        Ok(segment.next_offset(start)?.0)
    }

    fn name(&self, kind: &str) -> String {
        name::of_segment(Offset(self.base), kind) + self.suffix
    }

    /// The name of its `.log`.
    pub(super) fn log_name(&self) -> String {
        self.name(LOG_SUFFIX)
    }

    /// The names of all its files except snapshots.
    pub(super) fn names(&self) -> [String; 4] {
        [
            LOG_SUFFIX,
            OFFSET_INDEX_SUFFIX,
            TIME_INDEX_SUFFIX,
            TXN_INDEX_SUFFIX,
        ]
        .map(|kind| self.name(kind))
    }

    /// Gives its files their final names.
    pub(super) fn rename(&mut self, start: &mut Start<'_>) {
        let from = self.names();
        self.suffix = "";
        for (from, to) in from.iter().zip(self.names()) {
            start.virtual_dir.rename(from, &to);
        }
    }

    /// Its `.log`, to be read.
    pub(super) fn log(&self, start: &Start<'_>) -> Result<SegmentWindow, Thrown> {
        let name = self.log_name();
        match start.virtual_dir.file(&name) {
            Some(content) => SegmentWindow::open(&name, content),
            None => SegmentWindow::open(&name, &Content::Zeros(0)),
        }
    }

    /// Returns true if the distance of an offset from the base fits into 31 bits.
    fn reaches(&self, offset: i64) -> bool {
        let relative = offset.wrapping_sub(self.base);
        (0..=MAX_RELATIVE_OFFSET).contains(&relative)
    }

    /// Opens the index, which is created if it is missing.
    fn index(&mut self, start: &mut Start<'_>) -> Result<&mut Index, Thrown> {
        if self.index.is_none() {
            let name = self.name(OFFSET_INDEX_SUFFIX);
            self.index = Some(self.open_index(start, &name)?);
        }
        // It was just created.
        Ok(self.index.get_or_insert_with(|| Index::empty(self.base)))
    }

    fn open_index(&self, start: &mut Start<'_>, name: &str) -> Result<Index, Thrown> {
        match start.virtual_dir.get(name) {
            Some(leaf) if leaf.kind == ItemType::File => {
                Index::open(name, self.base, &leaf.content)
            }
            None => {
                let len = rounded(start.index_bytes, ENTRY_BYTES);
                start.virtual_dir.put(name, Content::Zeros(len));
                Ok(Index::empty(self.base))
            }
            Some(_) => Err(Thrown::io(name, "is not a file")),
        }
    }

    /// Keeps only the necessary part of an index that is probably not used again.
    pub(super) fn forget_index(&mut self) {
        if let Some(index) = &mut self.index {
            index.forget();
        }
    }

    /// Resizes the indexes of the last segment to their maximum size (`resizeIndexes`).
    pub(super) fn make_room(&mut self, start: &mut Start<'_>) -> Result<(), Thrown> {
        let most = start.index_bytes;
        let entries = self.index(start)?.len();
        if entries.saturating_mul(ENTRY_BYTES) > rounded(most, ENTRY_BYTES) {
            return Err(too_long(&self.name(OFFSET_INDEX_SUFFIX)));
        }
        let name = self.name(TIME_INDEX_SUFFIX);
        match start.virtual_dir.get(&name) {
            Some(leaf) if leaf.kind == ItemType::File => {
                let len = leaf.content.len_bytes();
                if len - len % TIME_ENTRY_BYTES > rounded(most, TIME_ENTRY_BYTES) {
                    return Err(too_long(&name));
                }
            }
            None => {
                let len = rounded(most, TIME_ENTRY_BYTES);
                start.virtual_dir.put(&name, Content::Zeros(len));
            }
            Some(_) => return Err(Thrown::io(&name, "is not a file")),
        }
        Ok(())
    }

    /// Returns the position of the first batch that reaches `target` (`translateOffset`).
    pub(super) fn translate(
        &mut self,
        start: &mut Start<'_>,
        log: &mut SegmentWindow,
        target: i64,
    ) -> Result<Option<u64>, Thrown> {
        let position = self.index(start)?.lookup(target)?;
        let mut position = u64::try_from(position).unwrap_or(0);
        if start.conditions.kafka.seeks_by_base_offset() {
            return seek(log, target, position, start);
        }
        while let Some(entry) = log.entry(position, log.len_bytes())? {
            if log.last_offset(entry)? >= target {
                return Ok(Some(entry.position));
            }
            position = entry.end();
        }
        Ok(None)
    }

    /// Returns the position at which a reader stops that does not find `target` (`translate`).
    pub(super) fn reached(
        &mut self,
        start: &mut Start<'_>,
        log: &mut SegmentWindow,
        target: i64,
    ) -> Result<u64, Thrown> {
        let position = self.index(start)?.lookup(target)?;
        let mut position = u64::try_from(position).unwrap_or(0);
        while let Some(entry) = log.entry(position, log.len_bytes())? {
            position = entry.end();
        }
        Ok(position)
    }

    /// The offset of the first index entry above `offset`: from there on a fetch may begin at
    /// another position.
    pub(super) fn entry_above(
        &mut self,
        start: &mut Start<'_>,
        offset: i64,
    ) -> Result<Option<i64>, Thrown> {
        self.index(start)?.above(offset)
    }

    /// Returns the log end offset from the last batch after the last index entry, and the position
    /// at which the reader stopped.
    pub(super) fn next_offset(&mut self, start: &mut Start<'_>) -> Result<(i64, u64), Thrown> {
        let mut log = self.log(start)?;
        self.next_offset_in(start, &mut log)
            .map_err(|thrown| thrown.escaped(log.name()))
    }

    fn next_offset_in(
        &mut self,
        start: &mut Start<'_>,
        log: &mut SegmentWindow,
    ) -> Result<(i64, u64), Thrown> {
        let last = self.index(start)?.last_offset()?;
        let Some(mut position) = self.translate(start, log, last)? else {
            return Ok((self.base, 0));
        };
        let mut latest = None;
        while let Some(entry) = log.entry(position, log.len_bytes())? {
            position = entry.end();
            latest = Some(entry);
        }
        match latest {
            Some(entry) => Ok((log.last_offset(entry)?.wrapping_add(1), position)),
            None => Ok((self.base, position)),
        }
    }

    /// Recovers the segment (`LogSegment.recover`): every batch is checked, the indexes are
    /// rebuilt, and everything from the first bad batch on is truncated. Returns the number of
    /// truncated bytes.
    pub(super) fn recover(
        &mut self,
        start: &mut Start<'_>,
        producers: &mut Producers,
    ) -> Result<u64, Thrown> {
        let name = self.log_name();
        self.reset_indexes(start)?;
        let mut log = self.log(start)?;
        let mut pass = RecoveryProgress::new(start, self.base);
        let stopped = self.check_all(start, producers, &mut log, &mut pass);
        let reason = match stopped {
            Ok(()) => None,
            Err(Thrown::Corrupt(fault)) => Some(Reason::BadBatch {
                file: name.clone(),
                fault,
            }),
            Err(Thrown::Invalid(position)) => Some(Reason::BadMarker {
                file: name.clone(),
                position,
            }),
            Err(other) => return Err(other),
        };
        start.recovered(&name);
        let cut = log.len_bytes().saturating_sub(pass.good);
        if cut > 0 {
            let reason = reason.unwrap_or(Reason::EndsEarly {
                file: name.clone(),
                position: pass.good,
            });
            start.reasons.push(reason);
            start.ends.insert(name, pass.end);
            self.cut(start, pass.good);
        }
        let log = crate::format::name::stem(Offset(self.base)) + LOG_SUFFIX;
        start.largest_timestamps.insert(log, pass.times.largest.0);
        pass.times.finish(pass.good)?;
        Ok(cut)
    }

    /// Empties the indexes to rebuild them.
    fn reset_indexes(&mut self, start: &mut Start<'_>) -> Result<(), Thrown> {
        self.index(start)?;
        self.index = Some(Index::empty(self.base));
        for kind in [OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX] {
            let name = self.name(kind);
            match start.virtual_dir.get(&name) {
                Some(leaf) if leaf.kind != ItemType::File => {
                    return Err(Thrown::io(&name, "is not a file"));
                }
                _ => start.virtual_dir.put(&name, Content::Rebuilt),
            }
        }
        let name = self.name(TXN_INDEX_SUFFIX);
        if start.virtual_dir.file(&name).is_some() {
            start.virtual_dir.put(&name, Content::Rebuilt);
        }
        Ok(())
    }

    fn check_all(
        &mut self,
        start: &mut Start<'_>,
        producers: &mut Producers,
        log: &mut SegmentWindow,
        pass: &mut RecoveryProgress,
    ) -> Result<(), Thrown> {
        let interval = u64::from(start.index_interval_bytes);
        let (mut indexed, mut last_abort) = (0, None);
        while let Some(entry) = log.entry(pass.good, log.len_bytes())? {
            log.check(entry)?;
            let last = log.last_offset(entry)?;
            if !self.reaches(last) {
                return Err(Thrown::Overflow(self.base));
            }
            let timestamp = timestamp_of(log, entry)?;
            if timestamp > pass.times.largest.0 {
                pass.times.largest = (timestamp, last);
            }
            if pass.good - indexed > interval {
                self.add_entry(start, last, entry.position)?;
                pass.times.add(entry.position, log.name())?;
                indexed = pass.good;
            }
            pass.good = entry.end();
            pass.end = last.wrapping_add(1);
            if entry.is_legacy() {
                continue;
            }
            let epoch = log.header(entry)?.leader_epoch();
            if !start.epochs.append(epoch.0, entry.offset) {
                return Err(Thrown::fatal(
                    log.name(),
                    "a leader epoch begins below offset 0",
                ));
            }
            if let Some(done) = producers.take(log, entry, &mut start.scratch)?
                && let Some(marker) = done.aborted
            {
                if last_abort.is_some_and(|before| before >= marker) {
                    return Err(Thrown::fatal(log.name(), "its entries are out of order"));
                }
                last_abort = Some(marker);
                let name = self.name(TXN_INDEX_SUFFIX);
                start.virtual_dir.put(&name, Content::Rebuilt);
            }
            producers.advance(last.wrapping_add(1));
        }
        Ok(())
    }

    fn add_entry(&mut self, start: &mut Start<'_>, last: i64, at: u64) -> Result<(), Thrown> {
        let room = u64::from(start.index_bytes) / ENTRY_BYTES;
        let name = self.name(OFFSET_INDEX_SUFFIX);
        let index = self.index(start)?;
        if index.len() >= room {
            return Err(Thrown::fatal(
                &name,
                "is full before the whole segment is indexed",
            ));
        }
        if index.append((last, i64::try_from(at).unwrap_or(i64::MAX)))? {
            Ok(())
        } else {
            Err(Thrown::Disorder(at))
        }
    }

    /// Truncates the `.log` to `len` bytes.
    fn cut(&self, start: &mut Start<'_>, len: u64) {
        let name = self.log_name();
        if let Some(Content::Disk {
            path, start: from, ..
        }) = start.virtual_dir.file(&name).cloned()
        {
            let content = Content::Disk {
                path,
                start: from,
                len,
            };
            start.virtual_dir.put(&name, content);
        } else {
            start.virtual_dir.put(&name, Content::Zeros(len));
        }
    }

    /// Truncates the segment at `offset` (`LogSegment.truncateTo`). Returns the number of truncated
    /// bytes.
    pub(super) fn truncate(&mut self, start: &mut Start<'_>, offset: i64) -> Result<u64, Thrown> {
        let mut log = self.log(start)?;
        let at = self
            .translate(start, &mut log, offset)
            .map_err(|thrown| thrown.escaped(log.name()))?;
        // Segments are only truncated to their base offset, so nothing of the indexes is kept.
        self.index = Some(Index::empty(self.base));
        let Some(at) = at else { return Ok(0) };
        start.ends.remove(&self.log_name());
        self.cut(start, at);
        Ok(log.len_bytes().saturating_sub(at))
    }

    /// Returns true if the segment ends with an offset that is too far from its base
    /// (`hasOverflow`).
    pub(super) fn overflows(&mut self, start: &mut Start<'_>) -> Result<bool, Thrown> {
        let (next, _) = self.next_offset(start)?;
        Ok(next > self.base && !self.reaches(next.wrapping_sub(1)))
    }
}

/// The largest timestamp of an entry.
fn timestamp_of(log: &mut SegmentWindow, entry: SegmentEntry) -> Result<i64, Thrown> {
    if !entry.is_legacy() {
        return Ok(log.header(entry)?.max_timestamp().0);
    }
    let frame = log.frame(entry)?;
    Ok(Message::parse(frame.bytes(), frame.position()).map_or(-1, |message| message.timestamp().0))
}

/// `FileRecords.searchForOffsetFromPosition` since 4.1: by base offsets; the last offset is only
/// read if one is above.
fn seek(
    log: &mut SegmentWindow,
    target: i64,
    mut position: u64,
    start: &mut Start<'_>,
) -> Result<Option<u64>, Thrown> {
    let mut before: Option<SegmentEntry> = None;
    while let Some(entry) = log.entry(position, log.len_bytes())? {
        let base = log.base_offset(entry, &mut start.scratch)?;
        if base == target {
            return Ok(Some(entry.position));
        }
        if base > target {
            return Ok(Some(match before {
                Some(before) if log.last_offset(before)? >= target => before.position,
                _ => entry.position,
            }));
        }
        position = entry.end();
        before = Some(entry);
    }
    match before {
        Some(before) if log.last_offset(before)? >= target => Ok(Some(before.position)),
        _ => Ok(None),
    }
}

/// The size of the entries that fit.
fn rounded(bytes: u32, entry: u64) -> u64 {
    let bytes = u64::from(bytes);
    bytes - bytes % entry
}

fn too_long(name: &str) -> Thrown {
    Thrown::fatal(name, "larger than the broker's segment.index.bytes")
}
