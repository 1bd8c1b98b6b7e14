//! The visitor that passes on the wanted records of a segment.

use std::fmt;
use std::ops::{ControlFlow, Range};

use kseg::format::{Batch, Record, Scratch};
use kseg::records::{DamagedBatch, Selection, damaged_batches};
use kseg::scan::{self, Event, Filter, Merge, Output, PieceVisitor, TransactionTracker, Visitor};
use kseg::store::LogFile;

use super::given::Offsets;
use super::{LogFiles, Pick};
use crate::cli::render::records::{LocatedRecord, Lossy};
use crate::cli::render::table::{counted, plain};

/// The number of gaps of each file that are kept; more are counted.
const GAPS: usize = 1000;

/// Takes the records, one after the other, and may render them. `Break` means no more.
pub(crate) trait Take {
    /// Takes the next record.
    fn take(&mut self, entry: LocatedRecord<'_, '_>, out: &mut Output<'_>) -> ControlFlow<()>;

    /// Renders the rest. Returns the values that were lost in rendering.
    fn finish(&mut self, _out: &mut Output<'_>) -> Lossy {
        Lossy::default()
    }
}

impl<T: Take> Take for &mut T {
    #[inline]
    fn take(&mut self, entry: LocatedRecord<'_, '_>, out: &mut Output<'_>) -> ControlFlow<()> {
        (**self).take(entry, out)
    }

    fn finish(&mut self, out: &mut Output<'_>) -> Lossy {
        (**self).finish(out)
    }
}

/// The logs and filters of picking.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) pick: &'a Pick,
    /// The filter, with the limits of the log itself.
    pub(super) filter: Filter,
    pub(super) track: &'a LogFiles,
    pub(super) log: &'a LogFile,
    /// The file, for messages.
    pub(super) path: &'a str,
    /// The end of the file, if zeros up to there are expected.
    pub(super) quiet_end: Option<u64>,
    pub(super) transactions: Option<&'a TransactionTracker>,
}

/// Bytes that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnreadBytes {
    /// The file.
    pub(crate) path: String,
    /// The range of bytes.
    pub(crate) range: Range<u64>,
    /// The reason.
    pub(crate) what: String,
    /// True if it is a batch with a right checksum, some of whose records cannot be read.
    pub(crate) is_batch: bool,
}

/// The counts of picked records.
#[derive(Debug, Default)]
pub(crate) struct PickedCounts {
    /// Records.
    pub(crate) records: u64,
    /// Their lowest and highest offset.
    pub(crate) offsets: Option<(i64, i64)>,
    /// Their earliest and latest timestamp.
    pub(crate) times: Option<(i64, i64)>,
    /// The last offset of the batches read, wanted or not.
    pub(crate) reached: Option<i64>,
    /// The errors of files that could not be read.
    pub(crate) lost: Vec<kseg::store::Error>,
    /// The first unreadable ranges.
    pub(crate) gaps: Vec<UnreadBytes>,
    /// The number of further ranges.
    pub(crate) more_gaps: u64,
    /// The values that the format could not represent.
    pub(crate) lossy: Lossy,
    /// Records left out because an earlier record has their offset.
    pub(crate) duplicates: u64,
    /// Their lowest and highest offset.
    pub(crate) duplicate_offsets: Option<(i64, i64)>,
}

impl PickedCounts {
    fn count(&mut self, record: &Record<'_>) {
        self.records += 1;
        widen(&mut self.offsets, record.offset().get());
        if record.timestamp().get() >= 0 {
            widen(&mut self.times, record.timestamp().get());
        }
    }

    /// Returns true if anything could not be read.
    pub(crate) fn is_damaged(&self) -> bool {
        !self.gaps.is_empty()
    }
}

#[inline]
fn widen(range: &mut Option<(i64, i64)>, to: i64) {
    let (low, high) = range.unwrap_or((to, to));
    *range = Some((low.min(to), high.max(to)));
}

impl Merge for PickedCounts {
    fn merge(&mut self, next: Self) {
        self.records += next.records;
        for (mine, theirs) in [
            (&mut self.offsets, next.offsets),
            (&mut self.times, next.times),
            (&mut self.duplicate_offsets, next.duplicate_offsets),
        ] {
            if let Some((low, high)) = theirs {
                widen(mine, low);
                widen(mine, high);
            }
        }
        self.reached = self.reached.max(next.reached);
        self.lost.extend(next.lost);
        self.duplicates += next.duplicates;
        let room = GAPS.saturating_sub(self.gaps.len());
        let untold = next.gaps.len().saturating_sub(room);
        self.gaps.extend(next.gaps.into_iter().take(room));
        self.more_gaps += next.more_gaps + untold as u64;
        self.lossy += next.lossy;
    }
}

/// The records read from damaged batches.
#[derive(Debug, Default)]
struct DamagedCounts {
    batches: u64,
    records: u64,
}

impl fmt::Display for DamagedCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let records = counted(self.records, "record");
        match self.batches {
            1 => f.write_str(&records),
            batches => write!(f, "{records} of {batches} batches"),
        }
    }
}

/// The visitor.
pub(super) struct Picker<'a, T> {
    scope: Scope<'a>,
    take: T,
    tally: PickedCounts,
    /// The offsets of earlier records, if one may be repeated.
    given: Option<&'a mut Offsets>,
    /// True after damage at which reading stops.
    is_stopped: bool,
    /// True if no more records are wanted.
    is_enough: bool,
}

impl<'a, T: Take> Picker<'a, T> {
    pub(super) fn new(scope: Scope<'a>, take: T) -> Self {
        Self {
            scope,
            take,
            tally: PickedCounts::default(),
            given: None,
            is_stopped: false,
            is_enough: false,
        }
    }

    /// The same with each offset once, without those in `given`.
    pub(super) fn once(self, given: Option<&'a mut Offsets>) -> Self {
        Self { given, ..self }
    }

    /// Returns the counts, and true if no more records are needed.
    pub(super) fn tally(self) -> (PickedCounts, bool) {
        (self.tally, self.is_enough)
    }

    #[inline]
    fn batch(
        &mut self,
        batch: &Batch<'_>,
        scratch: &mut Scratch,
        out: &mut Output<'_>,
    ) -> ControlFlow<()> {
        self.tally.reached = self.tally.reached.max(Some(batch.last_offset().get()));
        self.records(batch, true, scratch, out)
    }

    /// Takes the records of a batch; from one with a wrong checksum those before the first
    /// unreadable one.
    #[inline]
    fn records(
        &mut self,
        batch: &Batch<'_>,
        is_sound: bool,
        scratch: &mut Scratch,
        out: &mut Output<'_>,
    ) -> ControlFlow<()> {
        let start = batch.position().get();
        let range = start..start + batch.size_bytes() as u64;
        let Scope {
            pick,
            filter,
            track,
            transactions,
            ..
        } = self.scope;
        let selection = Selection {
            filter,
            control: pick.control,
            transactions,
        };
        selection.records(batch, scratch, |record| {
            let record = match record {
                Ok(record) => record,
                Err(fault) if is_sound => {
                    return self.gap(range.clone(), &fault.to_string(), true, out);
                }
                Err(_) => return ControlFlow::Break(()),
            };
            let offset = record.offset().get();
            // A possibly wrong offset must not replace another record.
            if let Some(given) = self.given.as_deref_mut().filter(|_| is_sound) {
                if given.contains(offset) {
                    self.tally.duplicates += 1;
                    widen(&mut self.tally.duplicate_offsets, offset);
                    return ControlFlow::Continue(());
                }
                given.insert(offset, offset);
            }
            if !pick.wants(&record) {
                return ControlFlow::Continue(());
            }
            self.tally.count(&record);
            let entry = LocatedRecord {
                topic: track.topic.as_deref(),
                partition: track.partition,
                file: Some(self.scope.path),
                batch,
                record: &record,
                is_sound: Some(is_sound),
            };
            if self.take.take(entry, out).is_break() {
                self.is_enough = true;
                return ControlFlow::Break(());
            }
            out.poll()
        })
    }

    /// Takes the readable records of the damaged batches in a gap, and notes the gap.
    #[cold]
    fn salvage(
        &mut self,
        gap: &scan::Gap,
        scratch: &mut Scratch,
        out: &mut Output<'_>,
    ) -> ControlFlow<()> {
        let (mut turned, mut bad) = (DamagedCounts::default(), DamagedCounts::default());
        let mut place = String::new();
        let log = self.scope.log;
        let _visited = damaged_batches(log, gap.range(), scratch, |damaged, scratch| {
            let DamagedBatch { batch, flip } = damaged;
            if flip.is_none() && !self.scope.pick.suspects {
                return ControlFlow::Continue(());
            }
            let before = self.tally.records;
            let _taken = self.records(batch, flip.is_some(), scratch, out);
            let found = if flip.is_some() {
                &mut turned
            } else {
                &mut bad
            };
            found.batches += 1;
            found.records += self.tally.records - before;
            if let Some(flip) = flip {
                place = format!(" (bit {} of byte {})", flip.bit, flip.position);
            }
            if self.is_enough {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        let mut what = vec![gap.to_string()];
        match turned.batches {
            0 => {}
            1 => what.push(format!("{turned} read with a flipped bit corrected{place}")),
            _ => what.push(format!(
                "{turned} read with a flipped bit corrected in each"
            )),
        }
        if bad.records > 0 {
            what.push(format!(
                "{bad} read with a wrong checksum: they may be damaged"
            ));
        }
        self.gap(gap.range(), &what.join("; "), false, out)?;
        if self.is_enough {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    #[cold]
    fn gap(
        &mut self,
        range: Range<u64>,
        what: &str,
        is_batch: bool,
        out: &mut Output<'_>,
    ) -> ControlFlow<()> {
        let Scope { pick, path, .. } = self.scope;
        let note = format!(
            "kseg: {}: position {}..{}: {what}\n",
            plain(path),
            range.start,
            range.end
        );
        out.notes().extend_from_slice(note.as_bytes());
        if self.tally.gaps.len() < GAPS {
            self.tally.gaps.push(UnreadBytes {
                path: path.to_owned(),
                range,
                what: what.to_owned(),
                is_batch,
            });
        } else {
            self.tally.more_gaps += 1;
        }
        self.is_stopped = !pick.salvage;
        if self.is_stopped {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

impl<T: Take> Visitor for Picker<'_, T> {
    #[inline]
    fn event(
        &mut self,
        event: Event<'_>,
        scratch: &mut Scratch,
        out: &mut Output<'_>,
    ) -> ControlFlow<()> {
        if self.is_stopped {
            return ControlFlow::Break(());
        }
        match event.into_batch() {
            Ok(batch) => self.batch(&batch, scratch, out),
            Err(gap) if gap.is_zeros() && self.scope.quiet_end == Some(gap.range().end) => {
                ControlFlow::Continue(())
            }
            Err(gap) if self.scope.pick.salvage => self.salvage(&gap, scratch, out),
            Err(gap) => self.gap(gap.range(), &gap.to_string(), false, out),
        }
    }

    fn finish(&mut self, out: &mut Output<'_>) {
        self.tally.lossy += self.take.finish(out);
    }
}

impl<T: Take> PieceVisitor for Picker<'_, T> {
    type Piece = PickedCounts;

    fn end(self) -> PickedCounts {
        self.tally
    }
}
