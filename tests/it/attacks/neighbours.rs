//! What stands next to a batch: copies, batches of other places, leader epochs, headers that are lost.

use std::fs;

use super::{
    Cycle, LOG, THEN, batch, bytes, partition, records_of, singles, starts, twelve, without,
};
use crate::forge::BatchSpec;
use crate::forge::batch::TRANSACTIONAL;
use crate::forge::control::{abort, marker};
use crate::forge::damage::{flip_bit, overwrite, zero};
use crate::forge::partition::{Forge, aborted};

#[test]
fn batches_that_changed_places_are_put_back_and_keep_their_offsets() {
    for (a, b) in [(4, 5), (2, 3), (6, 9), (0, 1)] {
        let mut log = twelve();
        log.swap(a, b);
        let cycle = Cycle::log(bytes(&log));
        assert_eq!(cycle.served(), records_of(&twelve()), "{a} and {b}");
    }
}

#[test]
fn a_copy_whose_offset_is_one_bit_away_is_a_copy_all_the_same() {
    for (place, of) in [(5, 4), (5, 7), (4, 6), (8, 9), (3, 2)] {
        let mut log = twelve();
        log[place] = log[of].clone();
        let cycle = Cycle::log(bytes(&log));
        assert_eq!(cycle.grades(), ["lossy"], "{of} in the place of {place}");
        let gone = i64::try_from(place).unwrap();
        assert_eq!(cycle.served(), without(&twelve(), &[gone]));
    }
}

#[test]
fn a_copy_is_not_what_an_index_has_in_its_place() {
    for (place, of) in [(5, 2), (7, 10), (9, 3)] {
        let mut log = twelve();
        log[place] = log[of].clone();
        let mut files = partition(bytes(&log));
        let position = u32::try_from(starts(&log)[place]).unwrap();
        let offset = u32::try_from(place).unwrap();
        let entry = [offset.to_be_bytes(), position.to_be_bytes()].concat();
        files.push(("orders-0/00000000000000000000.index".into(), entry));
        let gone = i64::try_from(place).unwrap();
        let cycle = Cycle::of(&files, &[]);
        assert_eq!(
            cycle.served(),
            without(&twelve(), &[gone]),
            "{of} in the place of {place}"
        );
    }
}

#[test]
fn a_foreign_batch_whose_offset_is_one_bit_away_is_not_served() {
    for foreign in [4, 7, 13, 21, 37, 5 + (1 << 16)] {
        let mut log = twelve();
        log[5] = batch(foreign, &["not ours"]);
        let served = Cycle::log(bytes(&log)).served();
        let is_wrong = |(_, value): &&(i64, String)| value == "not ours";
        assert_eq!(served.iter().find(is_wrong), None, "{foreign}");
    }
}

#[test]
fn a_flipped_bit_of_an_offset_is_turned_back() {
    for bit in [16, 20, 33, 40, 50, 63] {
        let mut damaged = bytes(&twelve());
        let at = starts(&twelve())[5];
        let offset = 5_i64 ^ (1 << bit);
        overwrite(&mut damaged, at, &offset.to_be_bytes());
        let cycle = Cycle::log(damaged);
        assert_eq!(cycle.grades(), ["likely"], "bit {bit}");
        assert_eq!(cycle.served(), records_of(&twelve()), "bit {bit}");
    }
}

/// Batches of several records of different lengths.
fn several() -> Vec<BatchSpec> {
    let value = |at: i64| {
        format!(
            "value {at:03} {}",
            "x".repeat(usize::try_from(at * 7 % 23).unwrap())
        )
    };
    let values = |base: i64| (base..base + 6).map(value).collect::<Vec<String>>();
    let of = |base: i64| {
        let values = values(base);
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        batch(base, &values)
    };
    (0..5).map(|nth| of(nth * 6)).collect()
}

#[test]
fn records_of_another_batch_in_the_middle_of_one_are_not_served_as_its_own() {
    let (log, original) = (several(), records_of(&several()));
    let source = bytes(&log);
    let starts = starts(&log);
    for from in (starts[3]..starts[4]).step_by(11) {
        let piece = source[from..from + 90].to_vec();
        let mut damaged = source.clone();
        overwrite(&mut damaged, starts[1] + 75, &piece);
        let cycle = Cycle::log(damaged);
        let served = cycle.served();
        let wrong: Vec<_> = served
            .iter()
            .filter(|one| !original.contains(one))
            .collect();
        assert!(wrong.is_empty(), "{from}: {wrong:?}");
        let others = served.iter().filter(|(at, _)| !(6..12).contains(at));
        assert_eq!(others.count(), 24, "{from}");
    }
}

#[test]
fn a_leader_epoch_next_to_a_batch_of_another_place_is_right() {
    let mut log = twelve();
    log[6] = batch(700, &["not ours"]).epoch(3);
    let cycle = Cycle::log(bytes(&log));
    assert_eq!(cycle.grades(), ["lossy"]);
    assert_eq!(cycle.served(), without(&twelve(), &[6]));
}

#[test]
fn leader_epochs_are_corrected_next_to_batches_that_are() {
    for bit in [0, 4, 7] {
        let mut damaged = bytes(&twelve());
        let starts = starts(&twelve());
        flip_bit(&mut damaged, starts[3] + 70, 1);
        flip_bit(&mut damaged, starts[4] + 12, bit);
        flip_bit(&mut damaged, starts[5] + 70, 1);
        let cycle = Cycle::log(damaged);
        assert_eq!(cycle.grades(), ["proven"; 3], "{bit}");
        assert_eq!(cycle.served(), records_of(&twelve()), "{bit}");
    }
}

#[test]
fn the_leader_epoch_of_a_batch_in_which_a_bit_is_turned_back_is_corrected_too() {
    for bit in [2, 6] {
        let mut damaged = bytes(&twelve());
        let at = starts(&twelve())[4];
        flip_bit(&mut damaged, at + 14, bit);
        flip_bit(&mut damaged, at + 70, 1);
        let cycle = Cycle::log(damaged);
        assert_eq!(cycle.grades(), ["proven"; 2], "{bit}");
        assert!(cycle.about("leader-epoch-checkpoint").is_empty(), "{bit}");
        assert_eq!(cycle.served(), records_of(&twelve()), "{bit}");
    }
}

#[test]
fn records_without_their_header_are_set_aside_with_their_offsets() {
    let (log, starts) = (several(), starts(&several()));
    // The header of one batch, and a record of the next.
    let mut damaged = bytes(&log);
    zero(&mut damaged, starts[1]..starts[1] + 61);
    overwrite(&mut damaged, starts[2] + 90, &[0xee; 9]);
    let cycle = Cycle::log(damaged);
    let (served, original) = (cycle.served(), records_of(&log));
    assert!(served.iter().all(|one| original.contains(one)));
    let found = cycle.set_aside();
    assert!(
        found.iter().filter(|one| original.contains(one)).count() >= 10,
        "{found:?}"
    );
    assert!(
        (6..12).all(|at| found.iter().any(|(found, _)| *found == at)),
        "{found:?}"
    );
}

#[test]
fn batches_with_one_flipped_bit_are_found_between_worse_ones() {
    let (log, starts) = (several(), starts(&several()));
    let mut damaged = bytes(&log);
    zero(&mut damaged, starts[1]..starts[1] + 61);
    flip_bit(&mut damaged, starts[2] + 80, 2);
    overwrite(&mut damaged, starts[3], &[0xee; 80]);
    let cycle = Cycle::log(damaged);
    let served = cycle.served();
    let original = records_of(&log);
    assert!(
        original[12..18].iter().all(|one| served.contains(one)),
        "{served:?}"
    );
}

#[test]
fn an_abort_whose_marker_ended_a_segment_stays_known() {
    let first = [
        batch(0, &["of a transaction"])
            .producer(9, 0, 0)
            .attributes(TRANSACTIONAL),
        marker(1, (9, 0), abort(0)).epoch(5).timestamp(THEN),
    ];
    let files = Forge::empty("orders-0/")
        .segment(0, &first)
        .segment(2, &[batch(2, &["plain"])])
        .with("leader-epoch-checkpoint", b"0\n1\n5 0\n")
        .root("recovery-point-offset-checkpoint", b"0\n1\norders 0 3\n");
    let mut files = files.files().to_vec();
    let entry = aborted(0, [9, 0, 1, 2]);
    let index = LOG.replace(".log", ".txnindex");
    files.retain(|(name, _)| *name != index);
    files.push((index.clone(), entry.clone()));
    let log = files.iter_mut().find(|(name, _)| name == LOG).unwrap();
    let starts = starts(&first);
    zero(&mut log.1, starts[1]..starts[2]);
    let cycle = Cycle::of(&files, &[]);
    cycle.served();
    let kept = cycle.temp.path().join("out").join(index);
    assert_eq!(fs::read(kept).unwrap(), entry);
}

#[test]
fn a_last_segment_of_one_batch_with_a_wild_offset_does_not_set_the_end() {
    for offset in [1_i64 << 31, 1 << 45, -1, i64::MIN] {
        let mut damaged = bytes(&twelve());
        overwrite(&mut damaged, starts(&twelve())[11], &offset.to_be_bytes());
        let mut files = partition(damaged);
        files.push((
            "orders-0/00000000000000000012.snapshot".into(),
            crate::forge::partition::snapshot(1, &[]),
        ));
        let served = Cycle::of(&files, &[]).served();
        assert!(
            served.iter().all(|(at, _)| *at < 12),
            "{offset}: {served:?}"
        );
    }
}

#[test]
fn a_batch_that_is_moved_or_has_a_flipped_bit_is_not_served_as_either() {
    let batches = twelve();
    let starts = starts(&batches);
    let mut log = bytes(&batches);
    zero(&mut log, starts[8]..starts[9]);
    // 10 becomes 8, which is missing, but the batch lies between 9 and 11.
    flip_bit(&mut log, starts[10] + 7, 1);
    let cycle = Cycle::log(log);
    assert_eq!(cycle.served(), without(&batches, &[8, 10]));

    // Compaction leaves room for both: 24 becomes 8.
    let batches = singles([0, 1, 5, 9, 10, 24, 25, 26]);
    let mut log = bytes(&batches);
    flip_bit(&mut log, self::starts(&batches)[5] + 7, 4);
    let cycle = Cycle::log(log);
    assert_eq!(cycle.served(), without(&batches, &[24]));
}

#[test]
fn where_compaction_left_gaps_a_batch_is_not_put_right_before_the_next() {
    let batches = singles([0, 1, 5, 10, 11, 20, 21, 22]);
    let starts = starts(&batches);
    let mut log = bytes(&batches);
    zero(&mut log, starts[3]..starts[4]);
    log[starts[4]..starts[4] + 8].copy_from_slice(b"Lorem ip");
    let cycle = Cycle::log(log);
    assert_eq!(cycle.served(), without(&batches, &[10, 11]));
}
