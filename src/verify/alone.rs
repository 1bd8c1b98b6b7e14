//! Files by themselves, without those that they belong to: what their own bytes say.

use std::path::Path;
use std::sync::Arc;

use super::checkpoints;
use super::epochs::EpochsCheck;
use super::meta;
use super::metadata_log;
use super::offset_index::OffsetIndexCheck;
use super::producer::SnapshotFile;
use super::setting::Setting;
use super::suite::Outcome;
use super::time_index::TimeIndexCheck;
use super::txn::TxnCheck;
use crate::format::FileKind;
use crate::format::name::FileState;
use crate::scan::Merge;
use crate::store::{Error, Item};
use crate::wire::Offset;

/// Looks at a file other than a `.log`.
pub(super) fn file(item: &Item, outcome: &mut Outcome) {
    let path: Arc<Path> = Arc::from(item.path());
    let name = item
        .file_name()
        .filter(|name| name.state == FileState::Current);
    let Some(name) = name.filter(|_| item.is_file()) else {
        return outcome.unknown(item);
    };
    let is_told = matches!(
        name.kind,
        FileKind::MetaProperties
            | FileKind::PartitionMetadata
            | FileKind::QuorumState
            | FileKind::CleanShutdown
    );
    if !is_told {
        outcome.files.push(Arc::clone(&path));
    }
    let base = name.offset.unwrap_or_default();
    let looked = match name.kind {
        FileKind::OffsetIndex | FileKind::TimeIndex | FileKind::TransactionIndex => {
            index(name.kind, &path, base, outcome)
        }
        FileKind::ProducerSnapshot => {
            // In tiered storage it is that of the segment's end, which its name does not say (`RemoteLogManager`).
            let end = if name.is_tiered() {
                Offset(i64::MAX)
            } else {
                base
            };
            let opened = SnapshotFile::open(&path, end, &mut outcome.findings);
            opened.map(|(_, coverage)| outcome.coverage.merge(coverage))
        }
        FileKind::LeaderEpochs => {
            let opened = EpochsCheck::open(&path, true, None, &mut outcome.findings);
            opened.map(|(_, coverage)| outcome.coverage.merge(coverage))
        }
        FileKind::RecoveryPoints
        | FileKind::HighWatermarks
        | FileKind::LogStarts
        | FileKind::CleanerOffsets => {
            checkpoints::alone(&path, outcome);
            Ok(())
        }
        FileKind::BootstrapSnapshot => {
            metadata_log::snapshot(&path, outcome);
            Ok(())
        }
        FileKind::MetaProperties => {
            meta::properties(item, outcome);
            Ok(())
        }
        FileKind::PartitionMetadata => {
            meta::partition_metadata(item, outcome);
            Ok(())
        }
        FileKind::QuorumState => {
            metadata_log::quorum_state(item, outcome);
            Ok(())
        }
        FileKind::CleanShutdown => {
            meta::marker(item, outcome);
            Ok(())
        }
        _ => {
            outcome.unknown(item);
            Ok(())
        }
    };
    if let Err(error) = looked {
        outcome.unreadable(&path, &error);
    }
}

fn index(
    kind: FileKind,
    path: &Arc<Path>,
    base: Offset,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let findings = &mut outcome.findings;
    let setting = Setting::unknown();
    let coverage = match kind {
        FileKind::OffsetIndex => OffsetIndexCheck::open(path, base, setting)?.alone(findings),
        FileKind::TimeIndex => TimeIndexCheck::open(path, base, setting)?.alone(findings),
        _ => TxnCheck::open(path, true, findings)?.alone(),
    };
    outcome.coverage.merge(coverage);
    Ok(())
}
