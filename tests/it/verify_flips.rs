//! One bit after the other of every small file and index of a log dir is flipped: what changes the meaning is found.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use kseg::scan::Merge;
use kseg::store::LogDir;
use kseg::verify::{self, Options, Outcome, Severity};

use crate::cases::below;
use crate::forge::batch::TRANSACTIONAL;
use crate::forge::control;
use crate::forge::partition::{Forge, Known, aborted, snapshot};
use crate::specimens::{THEN, orders};
use crate::temp::Temp;

/// Whether something is found that is worse than a note, or a note at the file itself.
fn is_found(dir: &Path, file: &Path) -> bool {
    let options = Options {
        now_ms: Some(1_795_400_000_000),
        ..Options::default()
    };
    let mut outcome = Outcome::default();
    verify::log_dirs(&[LogDir::open(dir).unwrap()], &options, &mut |verified| {
        outcome.merge(verified.outcome);
        ControlFlow::Continue(())
    });
    let findings = outcome.findings.kept().iter();
    let mut findings =
        findings.filter(|finding| finding.severity > Severity::Note || &*finding.path == file);
    findings.next().is_some()
}

/// A log dir of a clean stop: two segments of one producer, who aborted a transaction.
fn sound() -> Forge {
    let txn = |base: i64| {
        orders(base)
            .producer(7, 0, int(base))
            .attributes(TRANSACTIONAL)
    };
    let more = |base: i64| orders(base).producer(7, 0, int(base) - 1);
    let abort = control::marker(6, (7, 0), control::abort(0))
        .epoch(5)
        .timestamp(THEN);
    let known = |last_offset: i64, last_sequence: i32| Known {
        id: 7,
        last_sequence,
        last_offset,
        delta: 2,
        timestamp: THEN,
        coordinator: 0,
        txn: -1,
    };
    let at = |offset: i64| format!("0\n1\norders 0 {offset}\n").into_bytes();
    Forge::of(&[txn(0), txn(3), abort])
        .with("00000000000000000000.txnindex", &aborted(0, [7, 0, 6, 7]))
        .segment(7, &[more(7), more(10)])
        .with(
            "00000000000000000007.snapshot",
            &snapshot(1, &[known(5, 5)]),
        )
        .with(
            "00000000000000000013.snapshot",
            &snapshot(1, &[known(12, 11)]),
        )
        .root("recovery-point-offset-checkpoint", &at(13))
        .root("log-start-offset-checkpoint", b"0\n0\n")
        .clean()
}

fn int(offset: i64) -> i32 {
    offset.try_into().unwrap()
}

#[test]
fn every_flipped_bit_of_what_follows_from_the_log_is_found() {
    let temp = Temp::new();
    for (_, name, bytes) in sound().done("") {
        temp.file(name, &bytes);
    }
    let (mut missed, mut seen) = (Vec::new(), 0);
    for file in below(temp.path()) {
        let sound = fs::read(&file).unwrap();
        if file.extension().is_some_and(|end| end == "log") {
            continue;
        }
        assert!(!is_found(temp.path(), &file), "{}", file.display());
        for (at, bit) in (0..sound.len()).flat_map(|at| [(at, at % 8), (at, (at + 3) % 8)]) {
            let mut bytes = sound.clone();
            bytes[at] ^= 1 << bit;
            temp.file(file.strip_prefix(temp.path()).unwrap(), &bytes);
            seen += 1;
            if !is_found(temp.path(), &file) {
                missed.push(format!("{} byte {at} bit {bit}", file.display()));
            }
        }
        temp.file(file.strip_prefix(temp.path()).unwrap(), &sound);
    }
    assert!(seen > 400 && missed.is_empty(), "{}", missed.join("\n"));
}
