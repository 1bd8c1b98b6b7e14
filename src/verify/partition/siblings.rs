//! The small files of a partition, and the siblings of a `.log`: opened, or reported if they can't
//! be.

use std::path::Path;
use std::sync::Arc;

use super::epochs::EpochsCheck;
use super::producer_snapshot::SnapshotFile;
use super::txn_index::TxnCheck;
use crate::format::name::{self, FileState};
use crate::format::{FileKind, FileName};
use crate::scan::Merge;
use crate::store::{Error, Item, Partition, Segment};
use crate::verify::outcome::Outcome;
use crate::wire::Offset;

/// Opens a sibling of a segment, if it exists.
pub(super) fn sibling<T>(
    segment: &Segment,
    kind: FileKind,
    outcome: &mut Outcome,
    open: impl FnOnce(&Arc<Path>) -> Result<T, Error>,
) -> Option<T> {
    let item = segment.file(kind).filter(|item| item.is_file())?;
    let path: Arc<Path> = Arc::from(item.path());
    outcome.files.push(Arc::clone(&path));
    match open(&path) {
        Ok(check) => Some(check),
        Err(error) => {
            outcome.unreadable(&path, &error);
            None
        }
    }
}

pub(super) fn open_txns(segment: &Segment, outcome: &mut Outcome) -> TxnCheck {
    let path: Arc<Path> = Arc::from(segment.log().with_extension("txnindex"));
    let exists = segment
        .file(FileKind::TransactionIndex)
        .is_some_and(Item::is_file);
    if exists {
        outcome.files.push(Arc::clone(&path));
    }
    let mut findings = std::mem::take(&mut outcome.findings);
    let opened = TxnCheck::open(&path, exists, &mut findings);
    outcome.findings = findings;
    opened.unwrap_or_else(|error| {
        outcome.unreadable(&path, &error);
        TxnCheck::none(&path)
    })
}

/// The snapshots of producers, by offset.
pub(super) fn read_snapshots(partition: &Partition, outcome: &mut Outcome) -> Vec<SnapshotFile> {
    let mut snapshots = Vec::new();
    for item in partition.items().iter().filter(|item| item.is_file()) {
        let Some(name) = item.file_name().filter(FileName::is_canonical) else {
            continue;
        };
        let (FileKind::ProducerSnapshot, Some(offset)) = (name.kind, name.offset) else {
            continue;
        };
        let path: Arc<Path> = Arc::from(item.path());
        outcome.files.push(Arc::clone(&path));
        match SnapshotFile::open(&path, offset, &mut outcome.findings) {
            Ok((snapshot, coverage)) => {
                outcome.coverage.merge(coverage);
                snapshots.push(snapshot);
            }
            Err(error) => outcome.unreadable(&path, &error),
        }
    }
    snapshots.sort_by_key(|snapshot| snapshot.offset);
    snapshots
}

/// The leader epochs.
pub(super) fn read_epochs(
    partition: &Partition,
    log_start: Option<Offset>,
    outcome: &mut Outcome,
) -> EpochsCheck {
    let path: Arc<Path> = Arc::from(partition.path().join(name::LEADER_EPOCHS));
    let is_it = |item: &&Item| {
        let state = item.file_name().map(|name| name.state);
        item.is_current(FileKind::LeaderEpochs) && state == Some(FileState::Current)
    };
    let item = partition.items().iter().find(is_it);
    let exists = item.is_some_and(Item::is_file);
    if exists {
        outcome.files.push(Arc::clone(&path));
    }
    match EpochsCheck::open(&path, exists, log_start, &mut outcome.findings) {
        Ok((check, coverage)) => {
            outcome.coverage.merge(coverage);
            check
        }
        Err(error) => {
            outcome.unreadable(&path, &error);
            EpochsCheck::none(&path)
        }
    }
}

/// Returns true if segments before the log start are about to be deleted: a broker corrects the
/// leader epochs some time after it has renamed them.
pub(super) fn deletes(partition: &Partition, start: Offset) -> bool {
    let names = partition.items().iter().filter_map(Item::file_name);
    let mut deleted =
        names.filter(|name| (name.kind, name.state) == (FileKind::Log, FileState::Deleted));
    deleted.any(|name| name.offset.is_some_and(|base| base < start))
}
