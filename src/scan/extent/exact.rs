//! The extent of a segment, from all of its records.

use std::ops::ControlFlow;

use super::counts::{Extent, max_timestamp, time};
use crate::format::{Batch, Fault, Scratch};
use crate::scan::{Event, Output, PieceVisitor, Visitor};
use crate::wire::Offset;

/// Reads records.
#[derive(Default)]
pub(super) struct Counter(Extent);

impl Counter {
    fn batch(&mut self, batch: &Batch<'_>, scratch: &mut Scratch) {
        let mut first = None;
        if let Err(fault) = self.records(batch, scratch, &mut first) {
            // A batch that cannot be decompressed still has a header.
            self.0.until(max_timestamp(batch));
            self.0.fault.get_or_insert((batch.position(), fault));
        }
        // Compaction may take the first records of a batch away, but not its base offset.
        let first = match batch {
            Batch::V2(batch) => batch.base_offset(),
            Batch::Legacy(message) => first.unwrap_or(message.offset()),
        };
        self.0.first_offset.get_or_insert(first);
        self.0.batch(batch);
        self.0.counts.get_or_insert_default().batches += 1;
    }

    fn records(
        &mut self,
        batch: &Batch<'_>,
        scratch: &mut Scratch,
        first: &mut Option<Offset>,
    ) -> Result<(), Fault> {
        for record in batch.records(scratch)? {
            let record = record?;
            first.get_or_insert(record.offset());
            self.0.counts.get_or_insert_default().records += 1;
            if let Some(timestamp) = time(record.timestamp()) {
                let smallest = self.0.first_timestamp.get_or_insert(timestamp);
                *smallest = timestamp.min(*smallest);
                self.0.until(timestamp);
            }
        }
        Ok(())
    }
}

impl Visitor for Counter {
    fn event(
        &mut self,
        event: Event<'_>,
        scratch: &mut Scratch,
        _: &mut Output<'_>,
    ) -> ControlFlow<()> {
        match event.into_batch() {
            Ok(batch) => self.batch(&batch, scratch),
            Err(gap) => self.0.gap(&gap),
        }
        ControlFlow::Continue(())
    }
}

impl PieceVisitor for Counter {
    type Piece = Extent;

    fn end(mut self) -> Extent {
        self.0.counts.get_or_insert_default();
        self.0
    }
}
