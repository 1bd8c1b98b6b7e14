//! Names of files and directories.
//!
//! | name | is |
//! |---|---|
//! | `00000000000000000042.log` | the segment that begins at offset 42, and its siblings with other suffixes |
//! | `00000000000000000042-0000000003.checkpoint` | a `KRaft` snapshot: end offset and epoch |
//! | `00000000000000000042-<uuid>.log` | a segment in tiered storage, and its siblings |
//! | `42_<uuid>.index` | an index fetched from tiered storage |
//! | `orders-3` | the directory of partition 3 of the topic `orders` |
//! | `orders-3-<topic id>` | the same in tiered storage |
//! | `orders-3.<hex>-delete`, `-future`, `-stray` | one to be deleted, one being moved here, one that nobody claims |
//! | `remote-log-index-cache` | what was fetched from tiered storage |
//!
//! Files that are replaced or on their way out have one more suffix: `.tmp`, `.part`, `.cleaned`, `.swap`, `.deleted`.
//!
//! Source: `LogFileUtils`, `UnifiedLog.parseTopicPartitionName`, `Snapshots`, `RemoteIndexCache`, `LocalTieredStorage`.

use std::path::Path;

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

/// What a file is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FileKind {
    /// `.log`: record batches.
    Log,
    /// `.index`: where offsets are.
    OffsetIndex,
    /// `.timeindex`: which offsets have which timestamps.
    TimeIndex,
    /// `.txnindex`: aborted transactions.
    TransactionIndex,
    /// `.snapshot`: the state of producers.
    ProducerSnapshot,
    /// `leader-epoch-checkpoint`, and `.leader_epoch_checkpoint` in tiered storage.
    LeaderEpochs,
    /// `partition.metadata`: the id of the topic.
    PartitionMetadata,
    /// `recovery-point-offset-checkpoint`: up to where partitions were flushed.
    RecoveryPoints,
    /// `replication-offset-checkpoint`: high watermarks.
    HighWatermarks,
    /// `log-start-offset-checkpoint`: where partitions begin.
    LogStarts,
    /// `cleaner-offset-checkpoint`: up to where partitions are compacted.
    CleanerOffsets,
    /// `meta.properties`: whose log dir this is.
    MetaProperties,
    /// `.kafka_cleanshutdown`: says that it was closed in order.
    CleanShutdown,
    /// `.lock`: held by the broker that runs.
    Lock,
    /// `quorum-state`: a `KRaft` node's leader and vote.
    QuorumState,
    /// `bootstrap.checkpoint`: the first metadata of a cluster.
    BootstrapSnapshot,
    /// `.checkpoint`: metadata up to an offset.
    MetadataSnapshot,
    /// `remote_log_snapshot`: segments in tiered storage, up to 3.7.
    RemoteSnapshot,
    /// `_rlmm_committed_offsets`: how far `__remote_log_metadata` was read, up to 3.5.
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

    /// Files that are told by their suffix.
    const SUFFIXES: [(&'static str, Self); 7] = [
        (LOG_SUFFIX, Self::Log),
        (OFFSET_INDEX_SUFFIX, Self::OffsetIndex),
        (TIME_INDEX_SUFFIX, Self::TimeIndex),
        (TXN_INDEX_SUFFIX, Self::TransactionIndex),
        (PRODUCER_SNAPSHOT_SUFFIX, Self::ProducerSnapshot),
        (CHECKPOINT_SUFFIX, Self::MetadataSnapshot),
        (".leader_epoch_checkpoint", Self::LeaderEpochs),
    ];

    /// The name of such a file, if all of them have the same.
    #[must_use]
    pub fn fixed_name(self) -> Option<&'static str> {
        let mut named = Self::NAMED.into_iter();
        named.find_map(|(name, kind)| (kind == self).then_some(name))
    }

    /// What people call it.
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

/// Where a file is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FileState {
    /// In use.
    Current,
    /// `.deleted`: about to be deleted.
    Deleted,
    /// `.cleaned`: being written by compaction.
    Cleaned,
    /// `.swap`: written by compaction, about to replace what it was made from.
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

    /// What people call it; empty for a file in use.
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

/// What the name of a file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileName<'a> {
    /// What it is.
    pub kind: FileKind,
    /// Where it is in its life.
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
    /// What `name` says; none if Kafka writes no file of such a name.
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
                // The temporary name goes on with a random number.
                let epoch = rest.split('-').next().unwrap_or_default();
                parsed.epoch = parse_int(epoch).map(LeaderEpoch);
            } else {
                parsed.remote_id = Some(rest);
            }
        }
        Some(parsed)
    }

    /// Whether it names a file of a segment in tiered storage: the offset, the id of the copy, and a suffix.
    #[must_use]
    pub fn is_tiered(&self) -> bool {
        self.state == FileState::Current
            && self.offset.is_some()
            && self.remote_id.is_some_and(|id| id.len() == UUID_CHARS)
    }

    /// Whether it names a file of a segment in use as Kafka would: the offset in twenty digits, and a suffix.
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

/// A number, and what follows it behind `-` or `_`.
fn split_number(stem: &str) -> Option<(Offset, &str)> {
    let (digits, rest) = stem.split_once(['-', '_'])?;
    let offset = parse_long(digits)?;
    (!rest.is_empty()).then_some((Offset(offset), rest))
}

/// Where the directory of a partition is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DirState {
    /// In use.
    Current,
    /// `-delete`: about to be deleted.
    Delete,
    /// `-future`: being moved here from another log dir.
    Future,
    /// `-stray`: not, or no longer, this broker's.
    Stray,
}

/// What the name of a directory says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DirName<'a> {
    /// A partition.
    Partition {
        /// The topic.
        topic: &'a str,
        /// The partition.
        partition: i32,
        /// Where it is in its life.
        state: DirState,
        /// What makes the name unique, in any state but the first.
        id: Option<&'a str>,
    },
    /// `remote-log-index-cache`.
    RemoteIndexCache,
}

impl<'a> DirName<'a> {
    const SUFFIXES: [(&'static str, DirState); 3] = [
        ("-delete", DirState::Delete),
        ("-future", DirState::Future),
        ("-stray", DirState::Stray),
    ];

    /// What `name` says; none if a broker would not start because of it.
    #[must_use]
    pub fn parse(name: &'a str) -> Option<Self> {
        if name == "remote-log-index-cache" {
            return Some(Self::RemoteIndexCache);
        }
        let special = Self::SUFFIXES
            .into_iter()
            .find_map(|(suffix, state)| Some((name.strip_suffix(suffix)?, state)));
        let (plain, state, id) = match special {
            Some((rest, state)) => {
                let (plain, id) = rest.rsplit_once('.')?;
                (plain, state, Some(id).filter(|id| !id.is_empty())?.into())
            }
            None => (name, DirState::Current, None),
        };
        let (topic, partition) = plain.rsplit_once('-')?;
        if topic.is_empty() {
            return None;
        }
        Some(Self::Partition {
            topic,
            partition: parse_int(partition)?,
            state,
            id,
        })
    }

    /// The topic of a partition.
    #[must_use]
    pub fn topic(&self) -> Option<&'a str> {
        match self {
            Self::Partition { topic, .. } => Some(topic),
            Self::RemoteIndexCache => None,
        }
    }
}

/// What the name of a partition's folder in tiered storage says: `orders-3-<topic id>`.
///
/// No broker starts on a log dir with such a folder in it. Source: `LocalTieredStorage`, `RemoteLogSegmentFileset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TieredDirName<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition.
    pub partition: i32,
    /// The topic's id, in base64 as Kafka prints it.
    pub topic_id: &'a str,
}

/// Characters of a UUID in URL-safe base64 without padding.
const UUID_CHARS: usize = 22;

impl<'a> TieredDirName<'a> {
    /// Parses the name; `None` if it is not that of a partition's folder in tiered storage.
    #[must_use]
    pub fn parse(name: &'a str) -> Option<Self> {
        let (partition, topic_id) = name.split_at_checked(name.len().checked_sub(UUID_CHARS)?)?;
        let is_base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        // An id may itself contain '-', so the length decides where it begins.
        let (topic, partition) = partition.strip_suffix('-')?.rsplit_once('-')?;
        if topic.is_empty() || !topic_id.bytes().all(is_base64) {
            return None;
        }
        Some(Self {
            topic,
            partition: parse_int(partition).filter(|number| *number >= 0)?,
            topic_id,
        })
    }
}

/// The topic and the partition that the name of a directory says, in a log dir or in tiered storage.
#[must_use]
pub fn topic_partition(dir: &str) -> Option<(&str, i32)> {
    match DirName::parse(dir) {
        Some(DirName::Partition {
            topic, partition, ..
        }) => Some((topic, partition)),
        Some(DirName::RemoteIndexCache) => None,
        None => TieredDirName::parse(dir).map(|name| (name.topic, name.partition)),
    }
}

/// The file name without its directories; empty if there is none.
#[must_use]
pub fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

/// The suffix Kafka goes by: from the last dot on. `None` without a dot.
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

/// The name of the file of a segment that begins at `base`, without its suffix: a sign, if any, and twenty digits.
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

/// The end offset and the epoch in the name of a `KRaft` snapshot: 20 characters and, one further on, 10. Nobody looks at
/// the others.
#[must_use]
pub fn checkpoint(name: &str) -> Option<(Offset, i32)> {
    let offset = parse_long(name.get(..20)?)?;
    let epoch = i32::try_from(parse_long(name.get(21..31)?)?).ok()?;
    Some((Offset(offset), epoch))
}

/// `Long.parseLong`: an optional sign, then decimal digits.
#[must_use]
pub fn parse_long(text: &str) -> Option<i64> {
    is_number(text).then(|| text.parse().ok())?
}

/// `Integer.parseInt`, likewise.
#[must_use]
pub fn parse_int(text: &str) -> Option<i32> {
    is_number(text).then(|| text.parse().ok())?
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_segments_have_twenty_digits_after_any_sign() {
        for (base, name) in [
            (42, "00000000000000000042.log"),
            (-5, "-00000000000000000005.log"),
            (i64::MAX, "09223372036854775807.log"),
            (i64::MIN, "-09223372036854775808.log"),
        ] {
            assert_eq!(of_segment(Offset(base), LOG_SUFFIX), name);
            assert_eq!(base_offset(name), Some(Offset(base)));
        }
    }

    #[test]
    fn a_folder_of_tiered_storage_ends_in_the_topic_id() {
        let parsed = TieredDirName::parse("heron.aged-0-V-KAKKWnQ9axxgt2hAA_CA").unwrap();
        assert_eq!((parsed.topic, parsed.partition), ("heron.aged", 0));
        assert_eq!(parsed.topic_id, "V-KAKKWnQ9axxgt2hAA_CA");
        for name in [
            "orders-3",
            "-0-V-KAKKWnQ9axxgt2hAA_CA",
            "orders-x-V-KAKKWnQ9axxgt2hAA_CA",
            "orders-0-V-KAKKWnQ9axxgt2hAA.CA",
            "orders-0.V-KAKKWnQ9axxgt2hAA_CA",
            "é-KAKKWnQ9axxgt2hAA_CA",
        ] {
            assert_eq!(TieredDirName::parse(name), None, "{name}");
        }
        let file = "00000000000000000045-K8cHn9ovSTGpwEGESZtQMw.log";
        assert!(FileName::parse(file).unwrap().is_tiered());
        assert!(
            !FileName::parse("00000000000000000045.log")
                .unwrap()
                .is_tiered()
        );
        assert!(
            !FileName::parse("45_K8cHn9ovSTGpwEGESZtQMw.index.deleted")
                .unwrap()
                .is_tiered()
        );
    }

    #[test]
    fn the_base_offset_is_what_java_reads_before_the_first_dot() {
        for (name, offset) in [
            ("00000000000000000042.log", Some(42)),
            ("+5.log", Some(5)),
            ("-5.log", Some(-5)),
            ("123.foo.log", Some(123)),
            ("9223372036854775807.log", Some(i64::MAX)),
            ("99999999999999999999.log", None),
            ("abc.log", None),
            (".log", None),
            ("+.log", None),
            ("+-1.log", None),
            (" 1.log", None),
            ("1", None),
        ] {
            assert_eq!(base_offset(name), offset.map(Offset), "{name}");
        }
    }

    #[test]
    fn checkpoints_are_named_by_offset_and_epoch() {
        for (name, parts) in [
            ("00000000000000000131-0000000002.checkpoint", Some((131, 2))),
            (
                "0000000000000000013150000000002x.checkpoint",
                Some((131, 2)),
            ),
            ("00000000000000000131-9999999999.checkpoint", None),
            ("00000000000000000131.checkpoint", None),
            ("bootstrap.checkpoint", None),
            ("\u{e9}0000000000000000000-0000000002.checkpoint", None),
        ] {
            let expected = parts.map(|(offset, epoch)| (Offset(offset), epoch));
            assert_eq!(checkpoint(name), expected, "{name}");
        }
    }

    #[test]
    fn only_the_last_suffix_counts() {
        assert_eq!(suffix("00000000000000000000.log.deleted"), Some(".deleted"));
        assert_eq!(suffix("leader-epoch-checkpoint"), None);
    }

    #[test]
    fn names_of_files_say_what_they_are() {
        use FileKind as K;
        use FileState as S;
        let table = [
            ("00000000000000000042.log", K::Log, S::Current, Some(42)),
            (
                "00000000000000000042.index.swap",
                K::OffsetIndex,
                S::Swap,
                Some(42),
            ),
            (
                "00000000000000000042.timeindex.cleaned",
                K::TimeIndex,
                S::Cleaned,
                Some(42),
            ),
            (
                "00000000000000000042.snapshot.deleted",
                K::ProducerSnapshot,
                S::Deleted,
                Some(42),
            ),
            (
                "00000000000000000042.txnindex",
                K::TransactionIndex,
                S::Current,
                Some(42),
            ),
            (
                "leader-epoch-checkpoint.tmp",
                K::LeaderEpochs,
                S::Partial,
                None,
            ),
            (
                "bootstrap.checkpoint",
                K::BootstrapSnapshot,
                S::Current,
                None,
            ),
            ("short.checkpoint", K::MetadataSnapshot, S::Current, None),
            ("backup.log", K::Log, S::Current, None),
            (".lock", K::Lock, S::Current, None),
            (".kafka_cleanshutdown", K::CleanShutdown, S::Current, None),
        ];
        for (name, kind, state, offset) in table {
            let parsed = FileName::parse(name).unwrap();
            assert_eq!((parsed.kind, parsed.state), (kind, state), "{name}");
            assert_eq!(parsed.offset, offset.map(Offset), "{name}");
        }
        for (name, is_canonical) in [
            ("00000000000000000042.log", true),
            ("00000000000000000042.snapshot", true),
            ("00000000000000000042.log.swap", false),
            ("00000000000000000042.orig.log", false),
            ("42.log", false),
            ("+0000000000000000042.log", false),
            ("leader-epoch-checkpoint", false),
        ] {
            let parsed = FileName::parse(name).unwrap();
            assert_eq!(parsed.is_canonical(), is_canonical, "{name}");
        }
        for name in ["notes.txt", "core.1234", "segment", "", "x.bak", ".log.bak"] {
            assert_eq!(FileName::parse(name), None, "{name}");
        }
    }

    #[test]
    fn snapshots_and_tiered_segments_have_more_in_their_names() {
        let uuid = "LBCn8p-ZSQGEFqsW68NyBg";
        for (name, kind) in [
            (format!("127_{uuid}.txnindex"), FileKind::TransactionIndex),
            (format!("00000000000000000127-{uuid}.log"), FileKind::Log),
            (
                format!("00000000000000000127-{uuid}.leader_epoch_checkpoint"),
                FileKind::LeaderEpochs,
            ),
            (format!("127_{uuid}.index.tmp"), FileKind::OffsetIndex),
        ] {
            let parsed = FileName::parse(&name).unwrap();
            assert_eq!(parsed.kind, kind);
            assert_eq!(parsed.offset, Some(Offset(127)));
            assert_eq!(parsed.remote_id, Some(uuid));
        }
        for name in [
            "00000000000000000127-0000000002.checkpoint",
            "00000000000000000127-0000000002.checkpoint.deleted",
            "00000000000000000127-0000000002-12345.checkpoint.part",
        ] {
            let parsed = FileName::parse(name).unwrap();
            assert_eq!(parsed.kind, FileKind::MetadataSnapshot);
            assert_eq!(parsed.offset, Some(Offset(127)));
            assert_eq!(parsed.epoch, Some(LeaderEpoch(2)));
        }
    }

    #[test]
    fn names_of_directories_say_whose_they_are() {
        let hex = "0550b3e0edec4bb2b192d244588394c9";
        let deleted = format!("a-b.c-0.{hex}-delete");
        let table = [
            ("orders-3", "orders", 3, DirState::Current, None),
            ("a-b-10", "a-b", 10, DirState::Current, None),
            (&deleted, "a-b.c", 0, DirState::Delete, Some(hex)),
            ("x-1.ab-future", "x", 1, DirState::Future, Some("ab")),
            ("x-1.ab-stray", "x", 1, DirState::Stray, Some("ab")),
        ];
        for (name, topic, partition, state, id) in table {
            let expected = DirName::Partition {
                topic,
                partition,
                state,
                id,
            };
            assert_eq!(DirName::parse(name), Some(expected), "{name}");
        }
        let cache = DirName::parse("remote-log-index-cache");
        assert_eq!(cache, Some(DirName::RemoteIndexCache));
        for name in ["", "lost+found", "-1", "orders-", "x-1-delete", "x-y"] {
            assert_eq!(DirName::parse(name), None, "{name}");
        }
    }
}
