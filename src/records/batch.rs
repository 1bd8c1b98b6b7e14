//! The wanted records of a batch.

use std::ops::ControlFlow;

use crate::format::fault::{BatchFault, MessageFault};
use crate::format::{Batch, Fault, FaultKind, Record, Scratch};
use crate::scan::{Filter, TransactionTracker};

/// The selection of records.
#[derive(Debug, Clone, Copy, Default)]
pub struct Selection<'a> {
    /// The filter by offsets, times and producers.
    pub filter: Filter,
    /// Control records too.
    pub control: bool,
    /// The transactions of the log, if records of aborted ones are not wanted.
    pub transactions: Option<&'a TransactionTracker>,
}

impl Selection<'_> {
    /// Passes the wanted records and the faults of a batch to `take`, in order, until it returns
    /// `Break`.
    #[inline]
    pub fn records<'b>(
        &self,
        batch: &Batch<'b>,
        scratch: &'b mut Scratch,
        mut take: impl FnMut(Result<Record<'b>, Fault>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if let Batch::V2(batch) = batch
            && batch.magic() > 2
        {
            return take(Err(Fault::new(BatchFault::UnknownMagic(batch.magic()), 0)));
        }
        if !self.filter.may_want(batch)
            || batch.is_control() && !self.control
            || self.transactions.is_some_and(|all| all.is_aborted(batch))
        {
            return ControlFlow::Continue(());
        }
        let records = match batch.records(scratch) {
            Ok(records) => records,
            Err(fault) => return take(Err(fault)),
        };
        for record in records {
            match record {
                Ok(record) if self.filter.wants(&record) => take(Ok(record))?,
                Ok(_) => {}
                // A consumer gets the inner set as one opaque value.
                Err(fault) if fault.kind() == FaultKind::Message(MessageFault::WrapperNested) => {}
                Err(fault) => take(Err(fault))?,
            }
        }
        ControlFlow::Continue(())
    }
}
