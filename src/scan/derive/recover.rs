//! One segment, from its first batch to the first that cannot be recovered.

use std::ops::ControlFlow;

use super::{IndexSettings, LogState, SegmentIndexes, Violation};
use crate::format::fault::FrameFault;
use crate::format::{Batch, Fault, Scratch};
use crate::scan::event::{Event, GapKind};
use crate::scan::output::Output;
use crate::scan::parallel::{ScanOptions, follow_with};
use crate::scan::visit::Visitor;
use crate::scan::walk::Policy;
use crate::store::{Error, LogFile, Unreadable};
use crate::wire::{Offset, OffsetDelta};

/// The state that results from the batches of a segment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Recovered {
    /// The indexes, closed.
    pub indexes: SegmentIndexes,
    /// The offset after the last batch; the base offset if there is none.
    pub end_offset: Offset,
    /// Bytes that Kafka counts as valid; the rest is truncated.
    pub valid_bytes: u64,
    /// The reason why the rest of the file was not read, if any.
    pub ended: Option<Ended>,
}

/// The reason why recovery ends before the end of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// Bytes that are not a batch.
    Fault(Fault),
    /// A batch cannot follow those before it.
    Violation(Violation),
}

/// Adds the batches of the segment that begins at `base_offset`, as Kafka's recovery does, up to
/// the first that `policy` rejects or that is a [`Violation`].
///
/// `Policy::Verify` is recovery. `Policy::Trust` skips checksums, for a file known to be intact.
///
/// # Errors
/// The file cannot be read up to the end of its batches.
///
/// # References
/// `LogSegment.recover`.
pub fn recover(
    log: &LogFile,
    policy: Policy,
    settings: IndexSettings,
    base_offset: Offset,
    state: &mut LogState,
    scratch: &mut Scratch,
) -> Result<Recovered, Error> {
    let mut segment = Segment {
        state,
        unreadable: None,
        recovered: Recovered {
            indexes: SegmentIndexes::new(settings, base_offset),
            end_offset: base_offset,
            valid_bytes: 0,
            ended: None,
        },
    };
    let mut nobody = |_| ControlFlow::Continue(());
    let options = ScanOptions::of(policy);
    follow_with(scratch, log, options, &mut segment, &mut nobody)?;
    if let Some(unreadable) = segment.unreadable {
        return Err(log.unreadable(unreadable));
    }
    let mut recovered = segment.recovered;
    if let Err(violation) = recovered.indexes.close()
        && recovered.ended.is_none()
    {
        recovered.ended = Some(Ended::Violation(violation));
    }
    Ok(recovered)
}

/// A segment being recovered.
struct Segment<'state> {
    state: &'state mut LogState,
    recovered: Recovered,
    /// Unreadable bytes at which a broker fails: the recovered part does not count.
    unreadable: Option<Unreadable>,
}

impl Segment<'_> {
    fn batch(&mut self, batch: &Batch<'_>, scratch: &mut Scratch) -> Result<(), Violation> {
        let Recovered { indexes, .. } = &mut self.recovered;
        let taken = self.state.take(batch, indexes, scratch);
        if taken.is_ok() || taken.is_err_and(|violation| violation.is_counted()) {
            self.recovered.valid_bytes = batch.position().0 + batch.size_bytes() as u64;
            self.recovered.end_offset = batch.last_offset().plus(OffsetDelta(1));
        }
        taken
    }
}

impl Visitor for Segment<'_> {
    fn event(
        &mut self,
        event: Event<'_>,
        scratch: &mut Scratch,
        _: &mut Output<'_>,
    ) -> ControlFlow<()> {
        let ended = match event {
            Event::Batch(batch) => match self.batch(&batch, scratch) {
                Ok(()) => return ControlFlow::Continue(()),
                Err(violation) => Ended::Violation(violation),
            },
            Event::Malformed(_, fault) => Ended::Fault(fault),
            Event::Gap(gap) if gap.fatal().is_some() => {
                self.unreadable = gap.fatal();
                return ControlFlow::Break(());
            }
            Event::Gap(gap) => Ended::Fault(match gap.parts().next().map(|part| part.kind) {
                Some(GapKind::Damage(fault)) => fault,
                // Kafka reads the zeros as a size.
                _ => Fault::new(FrameFault::Size { size: 0 }, 0),
            }),
        };
        self.recovered.ended = Some(ended);
        ControlFlow::Break(())
    }
}
