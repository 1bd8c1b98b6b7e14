//! Situations of real operators (`reports/` in the corpus), predicted as the real broker acted: `want.md` there says how it is
//! known.

use std::path::PathBuf;

use kseg::predict::{
    Change, Conditions, Kafka, PartitionVerdict, Reason, Settings, StartOutcome, Stranger, Verdict,
    predict,
};
use kseg::store::Place;

/// When the reports were written: 2026-11-29T02:00:00Z.
const NOW_MS: i64 = 1_795_917_600_000;

fn files(report: &str) -> PathBuf {
    let corpus = std::env::var_os("KSEG_CORPUS").expect("KSEG_CORPUS");
    PathBuf::from(corpus)
        .join("reports")
        .join(report)
        .join("files")
}

fn verdict(dirs: &[PathBuf], kafka: Kafka, settings: &[u8]) -> Verdict {
    let places: Vec<Place> = dirs.iter().map(|dir| Place::at(dir).unwrap()).collect();
    let conditions = Conditions {
        kafka,
        settings: Settings::of_file(settings).unwrap(),
        now_ms: Some(NOW_MS),
        reads_all: true,
        ..Conditions::default()
    };
    predict(&places, |_| true, &conditions).unwrap()
}

fn find<'v>(verdict: &'v Verdict, dir: &str) -> &'v PartitionVerdict {
    let mut all = verdict.partitions();
    all.find(|one| one.dir.starts_with(dir)).unwrap()
}

#[test]
#[ignore = "needs KSEG_CORPUS"]
fn a_zeroed_time_index_deletes_everything_at_the_first_retention_check() {
    let ninety_days = b"log.retention.hours=2160";
    let told = verdict(&[files("01-zeroed-timeindex")], Kafka::V4_3, ninety_days);
    let deleted: Vec<_> = told.deleted().collect();
    let [(_, event)] = deleted.as_slice() else {
        panic!("{deleted:?}");
    };
    assert_eq!(event.records(), 264);
    let Change::SegmentsDeleted {
        segments,
        log_start,
        ..
    } = event.change
    else {
        panic!("{event:?}");
    };
    assert_eq!((segments, log_start), (5, 264));
    assert!(!told.is_harmless());
    let for_ever = b"log.retention.ms=-1";
    let told = verdict(&[files("01-zeroed-timeindex")], Kafka::V4_3, for_ever);
    assert!(told.is_harmless());
}

#[test]
#[ignore = "needs KSEG_CORPUS"]
fn partitions_of_another_cluster_s_topics_are_set_aside() {
    let told = verdict(&[files("02-restored-into-new-cluster")], Kafka::V4_3, b"");
    let stray = |dir: &str| {
        let one = find(&told, dir);
        let mut reasons = one.reasons.iter();
        let why = reasons.find_map(|reason| match reason {
            Reason::Stray {
                why: Stranger::UnknownId { current, .. },
            } => Some(current.is_some()),
            _ => None,
        });
        (one.lost.records, why, one.replaced)
    };
    assert_eq!(stray("payments-0"), (61, Some(true), Some(true)));
    assert_eq!(stray("hot-0"), (90, Some(false), Some(false)));
}

#[test]
#[ignore = "needs KSEG_CORPUS"]
fn what_keeps_a_broker_from_starting_is_said() {
    let twice = files("04-duplicate-partition-jbod");
    let told = verdict(&[twice.join("a"), twice.join("b")], Kafka::V4_3, b"");
    assert_eq!(told.outcome(), StartOutcome::Refuses);
    let reasons = told.dirs.iter().flat_map(|dir| &dir.reasons);
    let twice: Vec<_> = reasons
        .filter(|reason| matches!(reason, Reason::PartitionTwice { .. }))
        .collect();
    assert!(matches!(twice.as_slice(), [Reason::PartitionTwice { dirs }]
        if dirs.iter().all(|dir| dir.ends_with("clicks-j0-1"))));
    let older = files("06-downgrade-to-3.9");
    let told = verdict(std::slice::from_ref(&older), Kafka::V3_9, b"");
    assert!(matches!(
        told.reasons.as_slice(),
        [
            Reason::FeatureLevel {
                level: 30,
                most: 21,
                ..
            },
            ..
        ]
    ));
    assert_eq!(told.outcome(), StartOutcome::Refuses);
    let told = verdict(&[older], Kafka::V4_3, b"");
    assert!(told.outcome() < StartOutcome::Offline);
}

#[test]
#[ignore = "needs KSEG_CORPUS"]
fn a_folder_marked_for_deletion_is_removed() {
    let settings = b"log.segment.delete.delay.ms=1000";
    let told = verdict(&[files("10-deleted-topic-folder")], Kafka::V4_3, settings);
    let deleted: Vec<_> = told.deleted().collect();
    let [(one, event)] = deleted.as_slice() else {
        panic!("{deleted:?}");
    };
    assert!(one.dir.starts_with("inlet.gone-0."));
    assert!(matches!(
        event.change,
        Change::DirectoryRemoved { records: 5, .. }
    ));
}

#[test]
#[ignore = "needs KSEG_CORPUS"]
fn consumers_get_offsets_once_that_are_in_the_log_twice() {
    let settings = b"log.retention.ms=-1";
    let told = verdict(&[files("08-overlapping-gzip-sets")], Kafka::V4_3, settings);
    let served = find(&told, "gzip-0").served.clone().unwrap();
    assert_eq!((served.records, served.unreadable_offsets), (71, 0));
    assert_eq!(served.duplicate_offsets, 3);
    let place = &served.duplicates[0];
    assert_eq!(
        (place.first_offset, place.last_offset, place.position),
        (6, 8, 409)
    );
}

#[test]
#[ignore = "needs KSEG_CORPUS"]
fn an_open_transaction_keeps_the_last_stable_offset() {
    let told = verdict(&[files("12-open-transaction-1970")], Kafka::V4_3, b"");
    let [open] = find(&told, "payments-0").open_transactions.as_slice() else {
        panic!("one transaction is open");
    };
    assert_eq!(open.first_offset, 60);
    assert_eq!(open.transactional_id.as_deref(), Some("pay-tx-7"));
    // 2026-11-29T01:30:57.696Z.
    assert_eq!(open.first_timestamp_ms, Some(1_795_915_857_696));
}
