//! Files of a topic to an [`Image`], in the order of the log.

use std::ops::ControlFlow;

use super::Image;
use crate::format::{Limits, Scratch};
use crate::scan::{Event, Output, Policy, ScanOptions, Visitor, follow};
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
    let options = ScanOptions {
        limits,
        ..ScanOptions::of(Policy::Salvage)
    };
    let mut folding = Folding {
        image,
        from,
        damaged,
    };
    follow(log, options, &mut folding, &mut |_| {
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
    fn event(
        &mut self,
        event: Event<'_>,
        scratch: &mut Scratch,
        _: &mut Output<'_>,
    ) -> ControlFlow<()> {
        match event.or_gap() {
            Event::Batch(batch) if batch.last_offset() < self.from => {}
            Event::Batch(batch) => {
                if let Err(fault) = self.image.batch(&batch, scratch) {
                    (self.damaged)(batch.position().0, fault.to_string());
                }
            }
            Event::Gap(gap) if gap.is_zeros() => {
                (self.damaged)(gap.range().start, "zeros".to_owned());
            }
            Event::Gap(gap) => (self.damaged)(gap.range().start, gap.kind().to_string()),
            Event::Malformed(..) => {}
        }
        ControlFlow::Continue(())
    }
}
