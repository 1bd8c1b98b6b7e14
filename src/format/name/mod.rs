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
//! | `orders-3.<hex>-delete`, `-future`, `-stray` | one to be deleted, one being moved here, one that belongs to no topic of the cluster |
//! | `remote-log-index-cache` | what was fetched from tiered storage |
//!
//! Files that are being written, replaced or deleted have one more suffix: `.tmp`, `.part`,
//! `.cleaned`, `.swap`, `.deleted`.
//!
//! Source: `LogFileUtils`, `UnifiedLog.parseTopicPartitionName`, `Snapshots`, `RemoteIndexCache`,
//! `LocalTieredStorage`.

mod dir;
mod file;
mod number;

pub use dir::*;
pub use file::*;
pub use number::{parse_int, parse_long};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{LeaderEpoch, Offset};

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
