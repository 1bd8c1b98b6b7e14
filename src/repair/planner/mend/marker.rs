//! Transaction markers that no longer say how their transaction ended. The transaction index beside
//! the log may, and the coordinator's log.

use std::path::Path;

use crate::format::batch::HEADER_BYTES;
use crate::format::control::{ControlType, MARKER_BYTES};
use crate::format::txn_index::TxnIndex;
use crate::format::{Batch, RecordBatch, Remake, Scratch};
use crate::repair::planner::coordinator::Coordinators;
use crate::repair::planner::diagnosis::small;
use crate::repair::planner::frames::batch_of;
use crate::repair::planner::remake::Remade;
use crate::wire::{Offset, Timestamp};

/// Returns true if a batch is the marker of a transaction, whatever its record says: only markers have a
/// producer and no sequence number.
pub(super) fn is_marker(batch: &RecordBatch<'_>) -> bool {
    batch.is_control()
        && batch.is_transactional()
        && batch.producer_id().0 >= 0
        && batch.base_sequence() < 0
        && batch.records_count() == 1
}

/// The marker in `bytes` with its key restored, if it says neither commit nor abort and the index
/// beside `log` tells which it was, or its coordinator.
pub(super) fn restored(
    bytes: &[u8],
    log: &Path,
    coordinators: &Coordinators,
    scratch: &mut Scratch,
) -> Option<Remade> {
    let Batch::V2(batch) = batch_of(bytes)? else {
        return None;
    };
    let (time, value) = content_of_unknown(&batch, scratch)?;
    let (end, witness) = match end(&batch, &log.with_extension("txnindex")) {
        Some(end) => (end, "the transaction index shows"),
        None => (
            coordinators.end(&batch, time)?,
            "the state of its transactional id at that time, in __transaction_state, shows",
        ),
    };
    // The log cleaner has put a delete horizon in the place of the base timestamp.
    let delta = time.0.wrapping_sub(batch.base_timestamp().0);
    let [high, low] = end.id().to_be_bytes();
    let mut remake = Remake::of(bytes.first_chunk::<HEADER_BYTES>()?);
    remake.push_first(delta, &[0, 0, high, low], &value);
    Some(Remade {
        bytes: remake.finish(1)?,
        lost: 0,
        is_guess: true,
        what: format!(
            "the transaction marker at offset {} is neither a commit nor an abort; {witness} \
             that it is: {}",
            batch.base_offset(),
            end.name()
        ),
    })
}

/// The time and the value of a marker whose key says neither commit nor abort.
fn content_of_unknown(
    batch: &RecordBatch<'_>,
    scratch: &mut Scratch,
) -> Option<(Timestamp, [u8; MARKER_BYTES])> {
    let mut records = batch.records(scratch).ok().filter(|_| is_marker(batch))?;
    let record = records.next()?.ok()?;
    let is_known = matches!(
        ControlType::parse(record.key()),
        Ok(ControlType::Abort | ControlType::Commit)
    );
    let value = record.value()?.try_into().ok().filter(|_| !is_known)?;
    Some((record.timestamp(), value))
}

/// Returns the end of the transaction, if the transaction index has an entry for the marker.
fn end(batch: &RecordBatch<'_>, path: &Path) -> Option<ControlType> {
    let bytes = small(path)?;
    let index = TxnIndex::new(&bytes);
    if index.is_empty() || index.check(Offset(0)).and(index.check_whole()).is_err() {
        return None;
    }
    let is_aborted = index.entries().any(|entry| {
        entry.last_offset() == batch.base_offset() && entry.producer_id() == batch.producer_id()
    });
    // An entry says that it was aborted. That there is none says nothing: the index may have lost
    // it.
    is_aborted.then_some(ControlType::Abort)
}
