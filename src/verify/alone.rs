//! Checks of single files, without the other files of their partition or log dir.

use std::path::Path;
use std::sync::Arc;

use super::node::{checkpoints, identities};
use super::options::Options;
use super::outcome::Outcome;
use super::partition::epochs::EpochsCheck;
use super::partition::offset_index::OffsetIndexCheck;
use super::partition::producer_snapshot::SnapshotFile;
use super::partition::time_index::TimeIndexCheck;
use super::partition::txn_index::TxnCheck;
use super::partition::{directory, metadata_log};
use super::segment;
use super::setting::Setting;
use super::subject::Subject;
use crate::format::FileKind;
use crate::format::name::{self, DirName, FileName, FileState};
use crate::scan::Merge;
use crate::store::{Error, Item, lock};
use crate::wire::Offset;

/// Verifies a file by itself.
#[must_use]
pub(super) fn file(item: &Item, options: &Options<'_>) -> Outcome {
    let mut outcome = Outcome::default();
    let is_log =
        |name: FileName<'_>| matches!(name.kind, FileKind::Log | FileKind::MetadataSnapshot);
    if item.is_file() && item.file_name().is_some_and(is_log) {
        let path = item.path().canonicalize();
        let dir = path
            .as_deref()
            .ok()
            .and_then(Path::parent)
            .map(name::file_name);
        let subject = Subject {
            is_live: lock::is_live(item.path()),
            ..Subject::of(item, dir.and_then(DirName::parse))
        };
        segment::log(item, &subject, options, None, &mut outcome);
    } else {
        other(item, &mut outcome);
    }
    outcome.findings = outcome.findings.at_depth(options.depth);
    outcome
}

/// Checks a file other than a `.log`.
fn other(item: &Item, outcome: &mut Outcome) {
    let path: Arc<Path> = Arc::from(item.path());
    let name = item
        .file_name()
        .filter(|name| name.state == FileState::Current);
    let Some(name) = name.filter(|_| item.is_file()) else {
        return outcome.unknown(item);
    };
    let is_reported = matches!(
        name.kind,
        FileKind::MetaProperties
            | FileKind::PartitionMetadata
            | FileKind::QuorumState
            | FileKind::CleanShutdown
    );
    if !is_reported {
        outcome.files.push(Arc::clone(&path));
    }
    let base = name.offset.unwrap_or_default();
    let looked = match name.kind {
        FileKind::OffsetIndex | FileKind::TimeIndex | FileKind::TransactionIndex => {
            index(name.kind, &path, base, outcome)
        }
        FileKind::ProducerSnapshot => {
            // In tiered storage it is that of the segment's end, whose offset is not in its name
            // (`RemoteLogManager`).
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
            identities::properties(item, outcome);
            Ok(())
        }
        FileKind::PartitionMetadata => {
            directory::metadata(item, outcome);
            Ok(())
        }
        FileKind::QuorumState => {
            metadata_log::quorum_state(item, outcome);
            Ok(())
        }
        FileKind::CleanShutdown => {
            identities::marker(item, outcome);
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
