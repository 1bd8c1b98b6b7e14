//! The position of the wanted records in a segment, by its indexes if they are valid, otherwise by
//! its headers.
//!
//! A wrong index may look right, so only the log is trusted: offsets rise in it, so all offsets
//! before a batch are lower than its own. An index only proposes a position; the batch there must
//! have a right checksum and a first offset that is low enough. Every entry that the binary search
//! reads is compared with its batch, and after the first mismatch the index is not used. Timestamps
//! do not rise, so one batch cannot prove an entry of a time index; there, too, each entry that is
//! read must agree with its batch to the millisecond.
//!
//! **Assumed:** offsets rise within the log. If a damaged log breaks that rule, the result is the
//! range from where the first wanted offset would be to the first batch after the last.

use std::ops::Range;

use super::Filter;
use crate::format::batch::HEADER_BYTES;
use crate::format::frame::{self, Frame, FrameHeader};
use crate::format::{Batch, Codec, Message, OffsetIndex, RecordBatch, TimeIndex};
use crate::store::{Error, LogFile};
use crate::wire::{Offset, Position, Timestamp};

/// The largest batch that is read to prove an index entry.
const LARGEST_PROOF: u64 = 64 << 20;

/// The indexes of a segment, if there are any.
#[derive(Debug, Clone, Copy, Default)]
pub struct Indexes<'map> {
    /// Its `.index`.
    pub offsets: Option<OffsetIndex<'map>>,
    /// Its `.timeindex`.
    pub times: Option<TimeIndex<'map>>,
}

/// The bytes of `log` that may contain wanted records. They begin with an entry.
///
/// # Errors
/// The file cannot be read.
pub fn locate(log: &LogFile, indexes: Indexes<'_>, filter: &Filter) -> Result<Range<u64>, Error> {
    match readable(log, indexes, filter) {
        // The reader skips the bytes, or ends there.
        Err(error) if error.is_unreadable() => Ok(0..log.len_bytes()),
        found => found,
    }
}

/// The same, if all bytes on the way can be read.
fn readable(log: &LogFile, indexes: Indexes<'_>, filter: &Filter) -> Result<Range<u64>, Error> {
    let mut places = Places::new(log, indexes.offsets);
    let mut start = 0;
    if filter.first_offset.0 > 0 {
        start = places.start_of(filter.first_offset)?.unwrap_or(0);
    }
    if let (Some(since), Some(times)) = (filter.since, indexes.times) {
        start = start.max(places.later_than(&times, since)?.unwrap_or(0));
    }
    let end = match filter.last_offset {
        Offset(i64::MAX) => None,
        last => places.end_of(last, start)?,
    };
    Ok(start..end.unwrap_or(log.len_bytes()).max(start))
}

/// The last position up to `position` at which an entry is known to begin: by the index, or the
/// start of the log.
///
/// # Errors
/// The file cannot be read.
pub fn last_entry_up_to(
    log: &LogFile,
    index: Option<OffsetIndex<'_>>,
    position: u64,
) -> Result<u64, Error> {
    let mut places = Places::new(log, index);
    let Some(index) = places.index else {
        return Ok(0);
    };
    let (mut low, mut high) = (0, index.written_len());
    while low < high {
        let middle = low.midpoint(high);
        let entry = index.get(middle);
        if entry.is_some_and(|entry| u64::from(entry.position.unsigned_abs()) <= position) {
            low = middle.saturating_add(1);
        } else {
            high = middle;
        }
    }
    let Some(entry) = low.checked_sub(1).and_then(|found| index.get(found)) else {
        return Ok(0);
    };
    let place = match places.proved(u64::from(entry.position.unsigned_abs())) {
        Err(error) if error.is_unreadable() => None,
        place => place?,
    };
    let fits = |place: &BatchPlace| place.first.is_none_or(|first| first <= entry.offset.0);
    Ok(place.filter(fits).map_or(0, |place| place.position))
}

/// A batch, from its header.
#[derive(Debug, Clone, Copy)]
struct BatchPlace {
    position: u64,
    end: u64,
    /// Its first offset; unknown for a compressed message.
    first: Option<i64>,
    last: i64,
    latest: Timestamp,
}

struct Places<'a> {
    log: &'a LogFile,
    /// The offset index, if its entries are in order.
    index: Option<OffsetIndex<'a>>,
    buffer: Vec<u8>,
}

impl<'a> Places<'a> {
    fn new(log: &'a LogFile, index: Option<OffsetIndex<'a>>) -> Self {
        let end = log.len_bytes();
        Self {
            log,
            index: index.filter(|index| is_in_order(index, end)),
            buffer: Vec::new(),
        }
    }

    /// The batch at `position` by its header, which is not proved.
    fn at(&mut self, position: u64) -> Result<Option<BatchPlace>, Error> {
        let len = self.log.len_bytes();
        let window = position..position.saturating_add(HEADER_BYTES as u64).min(len);
        let bytes = self.log.window(window, &mut self.buffer)?;
        Ok(place(bytes, position).filter(|place| place.end <= len))
    }

    /// The batch at `position`, if its checksum is right.
    fn proved(&mut self, position: u64) -> Result<Option<BatchPlace>, Error> {
        let Some(place) = self.at(position)? else {
            return Ok(None);
        };
        if place.end - position > LARGEST_PROOF {
            return Ok(None);
        }
        let bytes = self.log.window(position..place.end, &mut self.buffer)?;
        let checks = Frame::parse(bytes, Position(position))
            .and_then(Batch::parse)
            .is_ok_and(|batch| batch.check_crc().is_ok());
        Ok(checks.then_some(place))
    }

    /// Returns the position of the first batch that may contain `target`, or of one before it;
    /// `None` if even the headers do not show it.
    fn start_of(&mut self, target: Offset) -> Result<Option<u64>, Error> {
        if let Some(position) = self.indexed(target)? {
            return Ok(Some(position));
        }
        self.index = None;
        let found = self.walked(0, |place| place.last >= target.0)?;
        // The batch that a walk over headers leads to must have a right checksum, unless it is the
        // end.
        match found {
            HeaderWalk::Place(place) => {
                Ok(self.proved(place.position)?.map(|place| place.position))
            }
            HeaderWalk::End => Ok(Some(self.log.len_bytes())),
            HeaderWalk::Lost => Ok(None),
        }
    }

    /// The same by the index alone.
    fn indexed(&mut self, target: Offset) -> Result<Option<u64>, Error> {
        let Some(index) = self.index else {
            return Ok(None);
        };
        let (mut low, mut high) = (0, index.written_len());
        let mut found = 0;
        while low < high {
            let middle = low.midpoint(high);
            let Some(entry) = index.get(middle) else {
                return Ok(None);
            };
            let position = u64::from(entry.position.unsigned_abs());
            let Some(place) = self.proved(position)? else {
                return Ok(None);
            };
            // Brokers store the first or the last offset of an append, which may be that of a later
            // batch, but never one below the first offset of the batch.
            if place.first.is_some_and(|first| first > entry.offset.0) {
                return Ok(None);
            }
            if place.first.unwrap_or(place.last) <= target.0 {
                found = position;
                low = middle.saturating_add(1);
            } else {
                high = middle;
            }
        }
        Ok(Some(found))
    }

    /// Returns the end of the last batch that may contain an offset up to `last`; `None` if even
    /// the headers do not show it.
    fn end_of(&mut self, last: Offset, start: u64) -> Result<Option<u64>, Error> {
        let from = match self.index {
            Some(_) => self.indexed(last)?.unwrap_or(start).max(start),
            None => start,
        };
        // A first offset that is too high is proof; a last offset that is high enough is not,
        // because it may be wrong.
        let beyond = |place: &BatchPlace| place.first.is_some_and(|first| first > last.0);
        let is_set = |place: &BatchPlace| place.first.is_none() && place.last >= last.0;
        let found = self.walked(from, |place| beyond(place) || is_set(place))?;
        let HeaderWalk::Place(place) = found else {
            return Ok(None);
        };
        if self.proved(place.position)?.is_none() {
            return Ok(None);
        }
        Ok(Some(if beyond(&place) {
            place.position
        } else {
            place.end
        }))
    }

    /// Returns the position of the first batch that may not be before `since`, according to the
    /// time index.
    fn later_than(
        &mut self,
        times: &TimeIndex<'_>,
        since: Timestamp,
    ) -> Result<Option<u64>, Error> {
        let count = times.written_len();
        let next = times.entries().take(count).skip(1);
        let mut pairs = times.entries().zip(next);
        if !pairs.all(|(a, b)| a.timestamp < b.timestamp && a.offset <= b.offset) {
            return Ok(None);
        }
        let (mut low, mut high) = (0, count);
        let mut found = 0;
        while low < high {
            let middle = low.midpoint(high);
            let Some(entry) = times.get(middle) else {
                return Ok(None);
            };
            let Some(place) = self.holding(entry.offset)? else {
                return Ok(None);
            };
            if place.latest != entry.timestamp {
                return Ok(None);
            }
            if entry.timestamp < since {
                found = place.end;
                low = middle.saturating_add(1);
            } else {
                high = middle;
            }
        }
        Ok(Some(found))
    }

    /// The batch that contains `offset`, if its checksum is right.
    fn holding(&mut self, offset: Offset) -> Result<Option<BatchPlace>, Error> {
        let Some(index) = self.index else {
            return Ok(None);
        };
        let start = index.lookup(offset).map_or(0, |entry| entry.position);
        let start = u64::from(start.unsigned_abs());
        let HeaderWalk::Place(place) = self.walked(start, |place| place.last >= offset.0)? else {
            return Ok(None);
        };
        let proved = self.proved(place.position)?;
        Ok(proved.filter(|place| place.first.is_none_or(|first| first <= offset.0)))
    }

    /// The first batch from `position` on that is `wanted`. The walk is lost if offsets do not
    /// rise, or there is no entry.
    fn walked(
        &mut self,
        mut position: u64,
        wanted: impl Fn(&BatchPlace) -> bool,
    ) -> Result<HeaderWalk, Error> {
        let mut before = None;
        while position < self.log.len_bytes() {
            let place = self.at(position)?;
            let follows = |place: &BatchPlace| {
                let lowest = place.first.unwrap_or(place.last);
                lowest <= place.last && before.is_none_or(|before| before < lowest)
            };
            let Some(place) = place.filter(follows) else {
                return Ok(HeaderWalk::Lost);
            };
            if wanted(&place) {
                return Ok(HeaderWalk::Place(place));
            }
            before = Some(place.last);
            position = place.end;
        }
        Ok(HeaderWalk::End)
    }
}

/// The result of a walk over headers.
enum HeaderWalk {
    Place(BatchPlace),
    End,
    Lost,
}

/// Returns true if offsets and positions of the entries rise, and are inside the log.
fn is_in_order(index: &OffsetIndex<'_>, end: u64) -> bool {
    let entries = index.entries().take(index.written_len());
    let mut before = (i64::MIN, 0);
    for entry in entries {
        let here = (entry.offset.0, entry.position);
        if here.0 <= before.0 || here.1 <= before.1 {
            return false;
        }
        before = here;
    }
    u64::try_from(before.1).is_ok_and(|last| last < end || last == 0)
}

/// The batch with these first bytes at `position`.
fn place(bytes: &[u8], position: u64) -> Option<BatchPlace> {
    let header = FrameHeader::read(bytes)?;
    let end = position.checked_add(header.frame_bytes().ok()? as u64)?;
    let (first, last, latest) = match header.magic() {
        0 | 1 if bytes.len() > frame::HEADER_BYTES => {
            let message = Message::parse(bytes, Position(position)).ok()?;
            let offset = message.offset().0;
            let first = (message.codec() == Ok(Codec::None)).then_some(offset);
            (first, offset, message.timestamp())
        }
        2 => {
            let batch = RecordBatch::of_header(bytes)?;
            let first = batch.base_offset().0;
            // Some producers left the last offset at that of the first slot.
            let slots = first.saturating_add(i64::from(batch.records_count()) - 1);
            let last = batch.last_offset().0.max(slots);
            (Some(first), last, batch.max_timestamp())
        }
        _ => return None,
    };
    Some(BatchPlace {
        position,
        end,
        first,
        last,
        latest,
    })
}
