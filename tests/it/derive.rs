//! What is derived from the batches of healthy logs, against what their brokers wrote.
//!
//! `KSEG_CORPUS` may name a folder of the layout `GROUP/CASE/` whose cases are taken too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use kseg::format::producer_snapshot::ProducerEntry;
use kseg::format::{
    FileKind, LeaderEpochs, OffsetCheckpoint, OffsetIndex, ProducerSnapshot, Scratch, TimeIndex,
};
use kseg::scan::Policy;
use kseg::scan::derive::{Ended, Epochs, LogState, Producers, Settings, Way, recover};
use kseg::store::{LogFile, Partition, Segment, Source};
use kseg::wire::{Offset, Release};

use crate::cases::{Case, cases};

/// How many files of a kind there are, and of how many the bytes are the same.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Share {
    same: usize,
    all: usize,
}

#[derive(Default)]
struct Tally {
    shares: BTreeMap<(&'static str, String), Share>,
    different: Vec<String>,
}

impl Tally {
    fn count(
        &mut self,
        kind: &'static str,
        version: &str,
        same: bool,
        what: impl FnOnce() -> String,
    ) {
        let share = self.shares.entry((kind, version.to_owned())).or_default();
        share.all += 1;
        share.same += usize::from(same);
        if !same {
            self.different.push(format!("{kind} {version} {}", what()));
        }
    }
}

fn version_of(case: &Case) -> Option<String> {
    let made_by = case.about["made_by"].as_str()?;
    let mut words = made_by
        .split([' ', ';', ','])
        .filter(|word| word.parse::<Release>().is_ok() && word.contains('.'));
    words.next().map(str::to_owned)
}

fn interval_of(case: &Case, dir: &Path) -> u32 {
    let name = dir.file_name().unwrap().to_str().unwrap();
    let case = case.dir.file_name().unwrap().to_str().unwrap();
    if name == "__cluster_metadata-0" {
        4096
    } else if name.contains("index-every") || case == "payloads" {
        0
    } else if case.contains("killed") || case.contains("recovered") {
        4096
    } else {
        256
    }
}

fn partitions(case: &Case) -> BTreeSet<PathBuf> {
    let logs = case
        .files()
        .into_iter()
        .filter(|file| file.extension().is_some_and(|end| end == "log"));
    logs.map(|log| log.parent().unwrap().to_owned()).collect()
}

/// Where the partition in `dir` begins, by the checkpoint beside it.
fn log_start(dir: &Path) -> Offset {
    let bytes = fs::read(dir.with_file_name("log-start-offset-checkpoint")).unwrap_or_default();
    let checkpoint = OffsetCheckpoint::parse(&bytes);
    let name = dir.file_name().unwrap().to_str().unwrap();
    let of = checkpoint
        .entries
        .iter()
        .find(|entry| format!("{}-{}", entry.topic, entry.partition) == name);
    of.map_or(Offset(0), |entry| entry.offset)
}

fn read(segment: &Segment, kind: FileKind) -> Option<Vec<u8>> {
    Some(fs::read(segment.file(kind)?.path()).unwrap())
}

fn state_at(partition: &Partition, base: Offset) -> Option<Vec<u8>> {
    fs::read(partition.path().join(format!("{:020}.snapshot", base.0))).ok()
}

fn told(bytes: &[u8]) -> Vec<ProducerEntry> {
    let snapshot = ProducerSnapshot::parse(bytes).unwrap();
    let mut all: Vec<_> = snapshot.entries().map(ProducerEntry::from).collect();
    all.sort_by_key(|entry| entry.producer_id);
    all
}

fn compare_snapshot(
    tally: &mut Tally,
    version: &str,
    partition: &Partition,
    at: Offset,
    producers: &Producers,
) {
    let Some(bytes) = state_at(partition, at) else {
        return;
    };
    let ours = producers.snapshot();
    tally.count("snapshot", version, ours == bytes, || {
        let semantically = told(&ours) == told(&bytes);
        format!(
            "{}/{} same set {semantically} {:?} {:?}",
            partition.path().display(),
            at,
            told(&ours),
            told(&bytes)
        )
    });
}

fn compare(tally: &mut Tally, case: &Case, dir: &Path) {
    let Some(version) = version_of(case) else {
        return;
    };
    let settings = Settings {
        index_interval_bytes: interval_of(case, dir),
        kafka: version.parse().unwrap(),
        way: Way::Append,
        ..Settings::default()
    };
    let partition = Partition::open(dir).unwrap();
    let mut state = LogState::default();
    let mut scratch = Scratch::default();
    let mut end = Offset(0);
    let killed = case.about["made_by"].as_str().unwrap().contains("kill")
        || case.dir.to_str().unwrap().contains("kill");
    let start = log_start(dir);
    let last = partition.segments().last().map(Segment::base_offset);
    for segment in partition.segments() {
        let base = segment.base_offset();
        let Ok(log) = Source::read(segment.log()) else {
            continue;
        };
        let log = LogFile::Whole(log);
        if let Some(bytes) = state_at(&partition, base).filter(|_| base != end) {
            state.producers =
                Producers::load(&ProducerSnapshot::parse(&bytes).unwrap(), None).unwrap();
        }
        compare_snapshot(tally, &version, &partition, base, &state.producers);
        let epochs = state.epochs.clone();
        let done = recover(
            &log,
            Policy::Verify,
            settings,
            base,
            &mut state,
            &mut scratch,
        )
        .unwrap();
        assert!(
            !matches!(done.ended, Some(Ended::Violation(_))),
            "{} {:?}",
            segment.log().display(),
            done.ended
        );
        let _ = epochs;
        end = done.end_offset;
        let at = |kind: &str| format!("{}/{}{kind}", dir.display(), base);
        if let Some(bytes) = read(&segment, FileKind::OffsetIndex) {
            let stored = &bytes[..OffsetIndex::new(&bytes, base).written_len() * 8];
            let ours = done.indexes.offset_index();
            tally.count("index", &version, stored == ours, || {
                let show = |b: &[u8]| {
                    OffsetIndex::new(b, base)
                        .entries()
                        .map(|e| (e.offset.0, e.position))
                        .collect::<Vec<_>>()
                };
                format!("{} {:?} {:?}", at(".index"), show(ours), show(stored))
            });
        }
        if let Some(bytes) = read(&segment, FileKind::TimeIndex) {
            let stored = &bytes[..TimeIndex::new(&bytes, base).written_len() * 12];
            let ours = done.indexes.time_index();
            let same = stored == ours
                || (killed && last == Some(base) && stored == &ours[..ours.len() - 12]);
            tally.count("timeindex", &version, same, || {
                let show = |b: &[u8]| {
                    TimeIndex::new(b, base)
                        .entries()
                        .map(|e| (e.timestamp.0, e.offset.0))
                        .collect::<Vec<_>>()
                };
                format!("{} {:?} {:?}", at(".timeindex"), show(ours), show(stored))
            });
        }
        let stored = read(&segment, FileKind::TransactionIndex).unwrap_or_default();
        if !stored.is_empty() || !done.indexes.txn_index().is_empty() {
            let ours = done.indexes.txn_index();
            tally.count("txnindex", &version, stored == ours, || {
                format!("{} {ours:?} {stored:?}", at(".txnindex"))
            });
        }
    }
    if partition
        .segments()
        .last()
        .is_some_and(|last| last.base_offset() != end)
    {
        compare_snapshot(tally, &version, &partition, end, &state.producers);
    }
    if let Some(item) = partition.item(FileKind::LeaderEpochs) {
        let bytes = fs::read(item.path()).unwrap();
        state.epochs.truncate_from_start(start);
        let file = Epochs::load(&LeaderEpochs::parse(&bytes)).unwrap();
        tally.count("epochs", &version, state.epochs.encode() == bytes, || {
            format!("{} {:?} {:?}", dir.display(), state.epochs, file)
        });
        tally.count(
            "epochs kept",
            &version,
            state.epochs.or_kept(&file).encode() == bytes,
            || format!("{} {:?} {:?}", dir.display(), state.epochs, file),
        );
    }
}

#[test]
fn explore() {
    let mut tally = Tally::default();
    for case in cases().iter().filter(|case| !case.is_damaged()) {
        for dir in partitions(case) {
            compare(&mut tally, case, &dir);
        }
    }
    for line in &tally.different {
        println!("DIFF {}", line.chars().take(900).collect::<String>());
    }
    for ((kind, version), share) in &tally.shares {
        println!("{kind:12} {version:10} {} of {}", share.same, share.all);
    }
}
