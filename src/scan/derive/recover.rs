//! One segment, from its first batch to where it can no longer be followed.

use std::ops::ControlFlow;

use super::{LogState, SegmentIndexes, Settings, Violation};
use crate::format::{Batch, Frame, Scratch};
use crate::scan::visit::{Job, Output, Visitor, Worker};
use crate::scan::{Policy, Span};
use crate::store::{Error, LogFile};
use crate::wire::{Fault, FaultKind, Offset, OffsetDelta};

/// What the batches of a segment amount to.
#[derive(Debug, Clone)]
pub struct Recovered {
    /// The indexes, closed.
    pub indexes: SegmentIndexes,
    /// Behind the last batch; the base offset if there is none.
    pub end_offset: Offset,
    /// Bytes that Kafka counts as valid; the rest is cut off.
    pub valid_bytes: u64,
    /// Why the rest of the file was not looked at, if it was not.
    pub ended: Option<Ended>,
}

/// Why a segment cannot be followed to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// What follows is no batch.
    Fault(Fault),
    /// A batch cannot follow those before it.
    Violation(Violation),
}

/// Takes in the batches of the segment that begins at `base_offset`, as Kafka's recovery does, up to the first that
/// `policy` does not let pass or that is a [`Violation`].
///
/// `Policy::Verify` is recovery. `Policy::Trust` does without checksums, for a file known to be whole.
///
/// # Errors
/// The file cannot be read.
///
/// # References
/// `LogSegment.recover`.
pub fn recover(
    log: &LogFile,
    policy: Policy,
    settings: Settings,
    base_offset: Offset,
    state: &mut LogState,
    scratch: &mut Scratch,
) -> Result<Recovered, Error> {
    let mut segment = Segment {
        state,
        recovered: Recovered {
            indexes: SegmentIndexes::new(settings, base_offset),
            end_offset: base_offset,
            valid_bytes: 0,
            ended: None,
        },
    };
    let mut worker = Worker::new(std::mem::take(scratch));
    let end = log.len_bytes();
    let job = Job {
        log,
        policy,
        start: 0,
        end,
    };
    let mut nobody = |_| ControlFlow::Continue(());
    let scanned = worker.scan(job, 0..end, &mut segment, &mut Output::new(&mut nobody));
    *scratch = worker.scratch;
    scanned?;
    let mut recovered = segment.recovered;
    if let Err(violation) = recovered.indexes.close()
        && recovered.ended.is_none()
    {
        recovered.ended = Some(Ended::Violation(violation));
    }
    Ok(recovered)
}

/// A segment being taken in.
struct Segment<'state> {
    state: &'state mut LogState,
    recovered: Recovered,
}

impl Segment<'_> {
    fn frame(&mut self, frame: Frame<'_>, scratch: &mut Scratch) -> Result<(), Ended> {
        let batch = Batch::parse(frame).map_err(Ended::Fault)?;
        let Recovered { indexes, .. } = &mut self.recovered;
        let taken = self.state.take(&batch, indexes, scratch);
        if taken.is_ok() || taken.is_err_and(|violation| violation.is_counted()) {
            self.recovered.valid_bytes = frame.end().0;
            self.recovered.end_offset = batch.last_offset().plus(OffsetDelta(1));
        }
        taken.map_err(Ended::Violation)
    }
}

impl Visitor for Segment<'_> {
    fn span(
        &mut self,
        span: Span<'_>,
        scratch: &mut Scratch,
        _: &mut Output<'_>,
    ) -> ControlFlow<()> {
        let ended = match span {
            Span::Frame(frame) => match self.frame(frame, scratch) {
                Ok(()) => return ControlFlow::Continue(()),
                Err(ended) => ended,
            },
            Span::Damage { fault, .. } => Ended::Fault(fault),
            Span::Zeros(_) => Ended::Fault(Fault::new(FaultKind::FrameSize { size: 0 }, 0)),
        };
        self.recovered.ended = Some(ended);
        ControlFlow::Break(())
    }
}
