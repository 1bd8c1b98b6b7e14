//! The plausible taken for proven: batches, offsets and bits.

use super::{Cycle, LOG, THEN, batch, bytes, partition, records_of, starts, twelve, without};
use crate::forge::Rec;
use crate::forge::control::marker;
use crate::forge::damage::{flip_bit, overwrite};
use crate::forge::partition::time_entry;
use std::fs;

#[test]
fn a_copy_in_the_place_of_another_batch_is_not_renumbered() {
    let mut log = twelve();
    log[5] = log[9].clone();
    let cycle = Cycle::log(bytes(&log));
    assert_eq!(cycle.grades(), ["lossy"]);
    assert_eq!(cycle.served(), without(&twelve(), &[5]));
}

#[test]
fn a_foreign_batch_that_fits_a_gap_is_not_served_in_it() {
    for foreign in [700, 3, 11] {
        let mut log = twelve();
        log[5] = batch(foreign, &["not ours"]);
        let cycle = Cycle::log(bytes(&log));
        assert!(!cycle.grades().contains(&"proven".into()), "{foreign}");
        let served = cycle.served();
        let is_wrong = |(at, value): &&(i64, String)| *at == 5 || value == "not ours";
        assert_eq!(served.iter().find(is_wrong), None, "{foreign}");
    }
}

#[test]
fn a_batch_does_not_move_into_a_gap_that_compaction_left() {
    // Offsets 4 to 7 were compacted away; a batch that could fill some of them stands at the end.
    let mut log = twelve();
    log.drain(4..8);
    log.push(batch(6, &["not ours"]));
    let cycle = Cycle::log(bytes(&log));
    assert!(!cycle.grades().is_empty() && !cycle.grades().contains(&"proven".into()));
    assert_eq!(cycle.served(), without(&twelve(), &[4, 5, 6, 7]));
}

#[test]
fn the_epoch_of_a_last_batch_stays_where_the_checkpoint_is_a_write_behind() {
    let mut log = twelve();
    log.push(batch(12, &["of the new leader"]).epoch(7));
    let cycle = Cycle::log(bytes(&log));
    assert!(cycle.grades().is_empty(), "{:?}", cycle.grades());
    assert_eq!(cycle.about("leader-epoch-checkpoint").len(), 1);
    cycle.served();
    let epochs = fs::read(
        cycle
            .temp
            .path()
            .join("out/orders-0/leader-epoch-checkpoint"),
    );
    assert_eq!(epochs.unwrap(), b"0\n2\n5 0\n7 12\n");
}

#[test]
fn control_records_of_an_unknown_type_do_not_become_data() {
    let unknown = Rec::new(Some(&[0, 0, 0, 42]), Some(&[0, 0, 0, 0, 0, 1]));
    let mut log = twelve();
    log.push(marker(12, (9, 0), unknown).epoch(5).timestamp(THEN));
    let cycle = Cycle::log(bytes(&log));
    let served = cycle.served();
    assert_eq!(served, records_of(&twelve()));
    assert!(
        cycle.grades().iter().all(|grade| grade == "manual"),
        "{:?}",
        cycle.grades()
    );
}

#[test]
fn a_flipped_bit_is_proven_in_a_small_batch_and_likely_in_a_large_one() {
    for (size, expected) in [(100, "proven"), (200_000, "likely")] {
        let value = "x".repeat(size);
        let mut log = vec![batch(0, &["a"]), batch(1, &[&value]), batch(2, &["b"])];
        let mut damaged = bytes(&log);
        flip_bit(&mut damaged, starts(&log)[1] + 90, 3);
        let cycle = Cycle::log(damaged);
        assert_eq!(cycle.grades(), [expected], "{size}");
        let step = cycle.about(".log")[0];
        assert!(
            expected == "proven" || step["odds"]["one-in"].as_u64() > Some(1),
            "{step:#}"
        );
        assert_eq!(cycle.served(), records_of(&log));
        log.clear();
    }
}

#[test]
fn what_a_document_calls_proven_is_checked_again() {
    let log = twelve();
    let mut damaged = bytes(&log);
    flip_bit(&mut damaged, starts(&log)[3] + 70, 3);
    let cycle = Cycle::log(damaged);
    assert_eq!(cycle.grades(), ["proven"]);
    let path = cycle.temp.path().join("plan.json");
    let document = fs::read_to_string(&path).unwrap();
    let content = &cycle.about(".log")[0]["action"]["patch"]["content"];
    let other = serde_json::json!({"text": "#"});
    let forged = document.replace(&format!("{content:#}"), &other.to_string());
    let forged = if forged == document {
        let compact = serde_json::from_str::<serde_json::Value>(&document).unwrap();
        compact
            .to_string()
            .replace(&content.to_string(), &other.to_string())
    } else {
        forged
    };
    cycle.temp.file("plan.json", forged.as_bytes());
    let ran = cycle.apply(&["--accept-lossy"]);
    assert_eq!(ran.status, Some(2));
    assert!(ran.err.contains("step 1: marked as proven"), "{}", ran.err);
}

#[test]
fn two_bits_and_short_bursts_are_solved_and_the_odds_told() {
    let log = vec![
        batch(0, &["a"]),
        batch(1, &["some value"]),
        batch(2, &["b"]),
    ];
    let at = starts(&log)[1];
    let cases: [(&[(usize, u8)], &str); 3] = [
        (&[(66, 1), (80, 6)], "likely"),
        (&[(70, 1), (70, 3), (70, 6)], "likely"),
        // Two bits side by side are as rare as one.
        (&[(63, 7), (64, 0)], "proven"),
    ];
    for (flips, expected) in cases {
        let mut damaged = bytes(&log);
        for (byte, bit) in flips {
            flip_bit(&mut damaged, at + byte, *bit);
        }
        let cycle = Cycle::log(damaged);
        assert_eq!(cycle.grades(), [expected], "{flips:?}");
        let odds = &cycle.about(".log")[0]["odds"]["one-in"];
        let is_told = odds
            .as_u64()
            .is_some_and(|one_in| (10_000..1_000_000).contains(&one_in));
        assert!(expected == "proven" || is_told, "{odds}");
        assert_eq!(cycle.served(), records_of(&log), "{flips:?}");
    }
}

#[test]
fn two_bits_in_a_larger_batch_are_suspect_and_kept_where_that_is_asked_for() {
    let value = "some value ".repeat(60);
    let log = vec![batch(0, &["a"]), batch(1, &[&value]), batch(2, &["b"])];
    let mut damaged = bytes(&log);
    flip_bit(&mut damaged, starts(&log)[1] + 100, 1);
    flip_bit(&mut damaged, starts(&log)[1] + 400, 1);
    let cycle = Cycle::log(damaged.clone());
    assert_eq!(cycle.grades(), ["suspect"]);
    assert_eq!(cycle.served(), without(&log, &[1]));
    assert_eq!(cycle.set_aside().len(), 1);
    let kept = Cycle::of(&partition(damaged), &["--keep-suspect"]);
    assert_eq!(kept.served(), records_of(&log));
}

#[test]
fn records_that_can_all_be_read_under_a_wrong_checksum_are_set_aside() {
    let values = ["one value here", "another value", "the last of them"];
    let log = vec![batch(0, &["a"]), batch(1, &values), batch(4, &["b"])];
    let mut damaged = bytes(&log);
    overwrite(&mut damaged, starts(&log)[1] + 72, b"ANOTHER");
    let cycle = Cycle::log(damaged.clone());
    assert_eq!(cycle.grades(), ["suspect"]);
    assert_eq!(cycle.served(), without(&log, &[1, 2, 3]));
    let found = cycle.set_aside();
    assert_eq!(found[1..], records_of(&log)[2..4]);
    let kept = Cycle::of(&partition(damaged), &["--keep-suspect"]);
    assert_eq!(kept.served().len(), 5);
}

#[test]
fn an_offset_that_nothing_bounds_does_not_set_the_end_of_the_log() {
    for offset in [1 << 33, 1 << 40, 0x4c6f_7265_6d20_6970] {
        let mut damaged = bytes(&twelve());
        overwrite(
            &mut damaged,
            starts(&twelve())[11],
            &i64::to_be_bytes(offset),
        );
        let cycle = Cycle::log(damaged);
        let served = cycle.served();
        assert!(
            served.iter().all(|(at, _)| *at < 13),
            "{offset}: {served:?}"
        );
        assert!(!cycle.grades().contains(&"proven".into()), "{offset}");
    }
}

#[test]
fn an_offset_that_the_time_index_has_too_is_likely() {
    let log = twelve();
    let mut damaged = bytes(&log);
    overwrite(&mut damaged, starts(&log)[5], &905_i64.to_be_bytes());
    let mut files = partition(damaged);
    files.push((LOG.replace(".log", ".timeindex"), time_entry(THEN + 5, 5)));
    let cycle = Cycle::of(&files, &[]);
    assert_eq!(cycle.grades(), ["likely"]);
    assert_eq!(cycle.served(), records_of(&log));
}
