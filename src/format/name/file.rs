//! Names of files: the kind, the state and the offset in them.

use std::path::Path;

use super::number::{UUID_CHARS, parse_int, parse_long};
use crate::wire::{LeaderEpoch, Offset};

/// The suffix of a segment's records.
pub const LOG_SUFFIX: &str = ".log";

/// The suffix of its offset index.
pub const OFFSET_INDEX_SUFFIX: &str = ".index";

/// The suffix of its time index.
pub const TIME_INDEX_SUFFIX: &str = ".timeindex";

/// The suffix of its index of aborted transactions.
pub const TXN_INDEX_SUFFIX: &str = ".txnindex";

/// The suffix of the state of producers at an offset.
pub const PRODUCER_SNAPSHOT_SUFFIX: &str = ".snapshot";

/// The suffix of a snapshot of `KRaft`.
pub const CHECKPOINT_SUFFIX: &str = ".checkpoint";

/// The suffix of a file that is about to be deleted.
pub const DELETED_SUFFIX: &str = ".deleted";

/// The suffix of a segment that compaction is writing.
pub const CLEANED_SUFFIX: &str = ".cleaned";

/// The suffix of a segment that is about to replace those it was made from.
pub const SWAP_SUFFIX: &str = ".swap";

/// The suffix of a snapshot of `KRaft` that is being written.
pub const PART_SUFFIX: &str = ".part";

/// The leader epochs of a partition.
pub const LEADER_EPOCHS: &str = "leader-epoch-checkpoint";

/// The topic id of a partition.
pub const PARTITION_METADATA: &str = "partition.metadata";

/// The identity of a log dir.
pub const META_PROPERTIES: &str = "meta.properties";

/// The marker of a clean shutdown.
pub const CLEAN_SHUTDOWN: &str = ".kafka_cleanshutdown";

/// The file in a log dir that a running broker keeps locked.
pub const LOCK: &str = ".lock";

/// The recovery points of the partitions of a log dir.
pub const RECOVERY_POINTS: &str = "recovery-point-offset-checkpoint";

/// Their high watermarks.
pub const HIGH_WATERMARKS: &str = "replication-offset-checkpoint";

/// Their log start offsets.
pub const LOG_STARTS: &str = "log-start-offset-checkpoint";

/// The offsets up to which they are compacted.
pub const CLEANER_OFFSETS: &str = "cleaner-offset-checkpoint";

/// The leader and the vote of a `KRaft` node.
pub const QUORUM_STATE: &str = "quorum-state";

/// The snapshot that a `KRaft` node starts from if it has no other.
pub const BOOTSTRAP_CHECKPOINT: &str = "bootstrap.checkpoint";

/// The kind of a file, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FileKind {
    /// `.log`: record batches.
    Log,
    /// `.index`: positions of offsets.
    OffsetIndex,
    /// `.timeindex`: offsets of timestamps.
    TimeIndex,
    /// `.txnindex`: aborted transactions.
    TransactionIndex,
    /// `.snapshot`: the state of producers.
    ProducerSnapshot,
    /// `leader-epoch-checkpoint`, and `.leader_epoch_checkpoint` in tiered storage.
    LeaderEpochs,
    /// `partition.metadata`: the id of the topic.
    PartitionMetadata,
    /// `recovery-point-offset-checkpoint`: the offsets up to which partitions were flushed.
    RecoveryPoints,
    /// `replication-offset-checkpoint`: high watermarks.
    HighWatermarks,
    /// `log-start-offset-checkpoint`: log start offsets.
    LogStarts,
    /// `cleaner-offset-checkpoint`: the offsets up to which partitions are compacted.
    CleanerOffsets,
    /// `meta.properties`: the identity of a log dir.
    MetaProperties,
    /// `.kafka_cleanshutdown`: the marker of a clean shutdown.
    CleanShutdown,
    /// `.lock`: locked by a running broker.
    Lock,
    /// `quorum-state`: a `KRaft` node's leader and vote.
    QuorumState,
    /// `bootstrap.checkpoint`: the first metadata of a cluster.
    BootstrapSnapshot,
    /// `.checkpoint`: metadata up to an offset.
    MetadataSnapshot,
    /// `remote_log_snapshot`: segments in tiered storage, up to 3.7.
    RemoteSnapshot,
    /// `_rlmm_committed_offsets`: offsets up to which `__remote_log_metadata` was read, up to 3.5.
    RemoteCommittedOffsets,
}

impl FileKind {
    /// Files whose whole name is fixed.
    const NAMED: [(&'static str, Self); 13] = [
        (LEADER_EPOCHS, Self::LeaderEpochs),
        (PARTITION_METADATA, Self::PartitionMetadata),
        (RECOVERY_POINTS, Self::RecoveryPoints),
        (HIGH_WATERMARKS, Self::HighWatermarks),
        (LOG_STARTS, Self::LogStarts),
        (CLEANER_OFFSETS, Self::CleanerOffsets),
        (META_PROPERTIES, Self::MetaProperties),
        (CLEAN_SHUTDOWN, Self::CleanShutdown),
        (LOCK, Self::Lock),
        (QUORUM_STATE, Self::QuorumState),
        (BOOTSTRAP_CHECKPOINT, Self::BootstrapSnapshot),
        ("remote_log_snapshot", Self::RemoteSnapshot),
        ("_rlmm_committed_offsets", Self::RemoteCommittedOffsets),
    ];

    /// The suffix of its files, if they are recognized by it.
    #[must_use]
    pub fn suffix(self) -> Option<&'static str> {
        let mut suffixes = Self::SUFFIXES.iter();
        suffixes.find_map(|(suffix, kind)| (*kind == self).then_some(*suffix))
    }

    /// Files that are recognized by their suffix.
    const SUFFIXES: [(&'static str, Self); 7] = [
        (LOG_SUFFIX, Self::Log),
        (OFFSET_INDEX_SUFFIX, Self::OffsetIndex),
        (TIME_INDEX_SUFFIX, Self::TimeIndex),
        (TXN_INDEX_SUFFIX, Self::TransactionIndex),
        (PRODUCER_SNAPSHOT_SUFFIX, Self::ProducerSnapshot),
        (CHECKPOINT_SUFFIX, Self::MetadataSnapshot),
        (".leader_epoch_checkpoint", Self::LeaderEpochs),
    ];

    /// The name of such a file, if it is fixed.
    #[must_use]
    pub fn fixed_name(self) -> Option<&'static str> {
        let mut named = Self::NAMED.into_iter();
        named.find_map(|(name, kind)| (kind == self).then_some(name))
    }

    /// Returns a description for people.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Log => "segment",
            Self::OffsetIndex => "offset index",
            Self::TimeIndex => "time index",
            Self::TransactionIndex => "transaction index",
            Self::ProducerSnapshot => "producer snapshot",
            Self::LeaderEpochs => "leader epochs",
            Self::PartitionMetadata => "partition metadata",
            Self::RecoveryPoints => "recovery points",
            Self::HighWatermarks => "high watermarks",
            Self::LogStarts => "log start offsets",
            Self::CleanerOffsets => "cleaner offsets",
            Self::MetaProperties => "log dir properties",
            Self::CleanShutdown => "clean shutdown marker",
            Self::Lock => "lock",
            Self::QuorumState => "quorum state",
            Self::BootstrapSnapshot => "bootstrap metadata",
            Self::MetadataSnapshot => "metadata snapshot",
            Self::RemoteSnapshot => "remote log snapshot",
            Self::RemoteCommittedOffsets => "remote metadata offsets",
        }
    }
}

/// The state of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FileState {
    /// In use.
    Current,
    /// `.deleted`: about to be deleted.
    Deleted,
    /// `.cleaned`: being written by compaction.
    Cleaned,
    /// `.swap`: written by compaction, about to replace the segments that it was made from.
    Swap,
    /// `.tmp` or `.part`: being written.
    Partial,
}

impl FileState {
    const SUFFIXES: [(&'static str, Self); 5] = [
        (DELETED_SUFFIX, Self::Deleted),
        (CLEANED_SUFFIX, Self::Cleaned),
        (SWAP_SUFFIX, Self::Swap),
        (".tmp", Self::Partial),
        (PART_SUFFIX, Self::Partial),
    ];

    /// Returns a description for people; empty for a file in use.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Current => "",
            Self::Deleted => "to be deleted",
            Self::Cleaned => "unfinished compaction",
            Self::Swap => "finished compaction",
            Self::Partial => "unfinished",
        }
    }
}

/// The parsed name of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileName<'a> {
    /// The kind.
    pub kind: FileKind,
    /// The state.
    pub state: FileState,
    /// The offset in the name, as Java reads it.
    pub offset: Option<Offset>,
    /// The epoch in the name of a `KRaft` snapshot.
    pub epoch: Option<LeaderEpoch>,
    /// The id of a segment in tiered storage.
    pub remote_id: Option<&'a str>,
    /// The name itself, without the suffix of its state.
    stem: &'a str,
}

impl<'a> FileName<'a> {
    /// Parses `name`; returns `None` if Kafka writes no file with such a name.
    #[must_use]
    pub fn parse(name: &'a str) -> Option<Self> {
        let (name, state) = FileState::SUFFIXES
            .into_iter()
            .find_map(|(suffix, state)| Some((name.strip_suffix(suffix)?, state)))
            .unwrap_or((name, FileState::Current));
        let named = FileKind::NAMED
            .into_iter()
            .find_map(|(whole, kind)| (whole == name).then_some(kind));
        if let Some(kind) = named {
            return Some(Self {
                kind,
                state,
                offset: None,
                epoch: None,
                remote_id: None,
                stem: name,
            });
        }
        let (stem, kind) = FileKind::SUFFIXES
            .into_iter()
            .find_map(|(suffix, kind)| Some((name.strip_suffix(suffix)?, kind)))?;
        let mut parsed = Self {
            kind,
            state,
            offset: base_offset(name),
            epoch: None,
            remote_id: None,
            stem: name,
        };
        if parsed.offset.is_none()
            && let Some((number, rest)) = split_number(stem)
        {
            parsed.offset = Some(number);
            if kind == FileKind::MetadataSnapshot {
                // The temporary name continues with a random number.
                let epoch = rest.split('-').next().unwrap_or_default();
                parsed.epoch = parse_int(epoch).map(LeaderEpoch);
            } else {
                parsed.remote_id = Some(rest);
            }
        }
        Some(parsed)
    }

    /// Returns true if it is the name of a file of a segment in tiered storage: the offset, the id
    /// of the copy, and a suffix.
    #[must_use]
    pub fn is_tiered(&self) -> bool {
        self.state == FileState::Current
            && self.offset.is_some()
            && self.remote_id.is_some_and(|id| id.len() == UUID_CHARS)
    }

    /// Returns true if it is the name of a file of a segment in use, in the form that Kafka writes:
    /// the offset in twenty digits, and a suffix.
    #[must_use]
    pub fn is_canonical(&self) -> bool {
        let Some((digits, suffix)) = self.stem.split_once('.') else {
            return false;
        };
        self.state == FileState::Current
            && digits.len() == OFFSET_DIGITS
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !suffix.contains('.')
    }
}

/// Digits of an offset in the name of a file.
const OFFSET_DIGITS: usize = 20;

/// A number, and the text after `-` or `_`.
fn split_number(stem: &str) -> Option<(Offset, &str)> {
    let (digits, rest) = stem.split_once(['-', '_'])?;
    let offset = parse_long(digits)?;
    (!rest.is_empty()).then_some((Offset(offset), rest))
}

/// The file name without its directories; empty if there is none.
#[must_use]
pub fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

/// The suffix as Kafka determines it: from the last dot on. `None` without a dot.
#[must_use]
pub fn suffix(name: &str) -> Option<&str> {
    name.rfind('.').and_then(|dot| name.get(dot..))
}

/// The offset before the first dot of the name, as Java reads a `long`.
#[must_use]
pub fn base_offset(name: &str) -> Option<Offset> {
    let (digits, _) = name.split_once('.')?;
    parse_long(digits).map(Offset)
}

/// The name of the file of a segment that begins at `base`, without its suffix: a sign, if any, and
/// twenty digits.
///
/// # References
/// `LogFileUtils.filenamePrefixFromOffset`.
#[must_use]
pub fn stem(base: Offset) -> String {
    let sign = if base.0 < 0 { "-" } else { "" };
    format!("{sign}{:0OFFSET_DIGITS$}", base.0.unsigned_abs())
}

/// The name of the file of a segment that begins at `base`: its stem, and `suffix`.
#[must_use]
pub fn of_segment(base: Offset, suffix: &str) -> String {
    stem(base) + suffix
}

/// The end offset and the epoch in the name of a `KRaft` snapshot: 20 characters, a separator, and
/// 10 characters. Kafka ignores the rest.
#[must_use]
pub fn checkpoint(name: &str) -> Option<(Offset, i32)> {
    let offset = parse_long(name.get(..20)?)?;
    let epoch = i32::try_from(parse_long(name.get(21..31)?)?).ok()?;
    Some((Offset(offset), epoch))
}
