//! Files of a topic to an [`Image`], in the order of the log.

use std::ops::ControlFlow;

use super::Image;
use crate::format::{Batch, Limits, Scratch};
use crate::scan::{Jobs, Output, Policy, Span, Visitor, parallel};
use crate::store::{Error, LogFile};
use crate::wire::Offset;

/// Shows an image the batches of a file that end at offset `from` or after it. Each damaged place is handed to `damaged`: its
/// position, and what is wrong.
///
/// # Errors
/// The file cannot be read.
pub fn fold<I: Image>(
    image: &mut I,
    log: &LogFile,
    from: Offset,
    limits: Limits,
    damaged: &mut dyn FnMut(u64, String),
) -> Result<(), Error> {
    let plan = parallel::Plan {
        policy: Policy::Salvage,
        end: u64::MAX,
        jobs: Jobs::ONE,
        limits,
    };
    let mut folding = Folding {
        image,
        from,
        damaged,
    };
    parallel::follow(log, 0, plan, &mut folding, &mut |_| {
        ControlFlow::Continue(())
    })
}

/// What a record does to an image depends on those before, so there are no visitors of pieces.
struct Folding<'a, I> {
    image: &'a mut I,
    from: Offset,
    damaged: &'a mut dyn FnMut(u64, String),
}

impl<I: Image> Visitor for Folding<'_, I> {
    fn span(
        &mut self,
        span: Span<'_>,
        scratch: &mut Scratch,
        _: &mut Output<'_>,
    ) -> ControlFlow<()> {
        match span {
            Span::Frame(frame) => {
                let position = frame.position().0;
                let taken = Batch::parse(frame).and_then(|batch| {
                    if batch.last_offset() < self.from {
                        return Ok(());
                    }
                    self.image.batch(&batch, scratch)
                });
                if let Err(fault) = taken {
                    (self.damaged)(position, fault.to_string());
                }
            }
            Span::Zeros(range) => (self.damaged)(range.start, "zeros".to_owned()),
            Span::Damage { range, fault } => (self.damaged)(range.start, fault.to_string()),
        }
        ControlFlow::Continue(())
    }
}
