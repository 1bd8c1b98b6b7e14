//! What is derived from the batches of healthy logs, against what their brokers wrote.
//!
//! `KSEG_CORPUS` may name a folder of the layout `GROUP/CASE/` whose cases are taken too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use kseg::format::offset_index::ENTRY_BYTES as OFFSET_ENTRY;
use kseg::format::time_index::ENTRY_BYTES as TIME_ENTRY;
use kseg::format::{
    Batch, FileKind, LeaderEpochs, OffsetCheckpoint, OffsetIndex, ProducerSnapshot, Scratch,
    TimeIndex,
};
use kseg::scan::derive::{
    Ended, Epochs, IndexSettings, LogState, Producers, Recovered, Way, recover,
};
use kseg::scan::{Event, Policy, Walk};
use kseg::store::{LogFile, Partition, Segment, Source};
use kseg::wire::{Offset, Release};

use crate::cases::{Case, TESTDATA, cases};

/// Files of a kind: how many are the same to the byte, and how many there are.
type Shares = BTreeMap<(&'static str, String), (usize, usize)>;

/// Of `testdata/`. What is not the same is explained in [`REASONS`].
const SHARES: &[(&str, &str, usize, usize)] = &[
    ("epochs", "0.11.0.3", 1, 1),
    ("epochs", "1.1.0", 1, 1),
    ("epochs", "1.1.1", 90, 90),
    ("epochs", "2.8.2", 1, 1),
    ("epochs", "3.9.1", 7, 11),
    ("epochs", "4.0.0", 5, 5),
    ("epochs", "4.3.1", 148, 186),
    ("epochs, kept", "0.11.0.3", 1, 1),
    ("epochs, kept", "1.1.0", 1, 1),
    ("epochs, kept", "1.1.1", 90, 90),
    ("epochs, kept", "2.8.2", 1, 1),
    ("epochs, kept", "3.9.1", 11, 11),
    ("epochs, kept", "4.0.0", 5, 5),
    ("epochs, kept", "4.3.1", 182, 186),
    ("index", "0.10.2.2", 18, 24),
    ("index", "0.11.0.3", 0, 1),
    ("index", "0.8.2.2", 19, 24),
    ("index", "0.9.0.1", 9, 16),
    ("index", "1.1.0", 1, 1),
    ("index", "1.1.1", 91, 93),
    ("index", "2.8.2", 10, 14),
    ("index", "3.9.1", 24, 24),
    ("index", "4.0.0", 5, 5),
    ("index", "4.3.1", 242, 244),
    ("snapshot", "0.11.0.3", 1, 1),
    ("snapshot", "1.1.0", 1, 1),
    ("snapshot", "1.1.1", 86, 90),
    ("snapshot", "2.8.2", 14, 14),
    ("snapshot", "3.9.1", 15, 15),
    ("snapshot", "4.3.1", 184, 186),
    ("timeindex", "0.10.2.2", 19, 24),
    ("timeindex", "0.11.0.3", 1, 1),
    ("timeindex", "1.1.0", 1, 1),
    ("timeindex", "1.1.1", 91, 93),
    ("timeindex", "2.8.2", 14, 14),
    ("timeindex", "3.9.1", 24, 24),
    ("timeindex", "4.0.0", 5, 5),
    ("timeindex", "4.3.1", 242, 244),
    ("txnindex", "1.1.1", 2, 2),
    ("txnindex", "3.9.1", 4, 4),
    ("txnindex", "4.3.1", 28, 31),
];

/// Cases or paths with files that the log and the settings do not determine, and why.
const REASONS: &[(&str, &str)] = &[
    (
        "compact",
        "up to 4.0 the cleaner wrote what it copied at once; markers go with their transactions, batches with their beginnings",
    ),
    (
        "ledger-c-txn",
        "markers that are gone with their transactions",
    ),
    ("live-copy", "files of different moments"),
    ("-delete/", "emptied of epochs and not closed"),
    ("-stray/", "a replica that was dropped with its log start"),
    ("deleted", "a log start that is not in the checkpoint yet"),
    ("log-start", "a log start that is in no checkpoint here"),
    ("offsets-", "a log start that is in no checkpoint here"),
    (
        "streams-4.3.1",
        "a log start that is not in the checkpoint yet",
    ),
    (
        "share-4.3.1",
        "a log start that is not in the checkpoint yet",
    ),
    ("old-0.11", "snapshots up to 2.0 treat markers otherwise"),
    ("old-1.1.1", "snapshots up to 2.0 treat markers otherwise"),
    (
        "internal-01103",
        "snapshots up to 2.0 treat markers otherwise",
    ),
    (
        "internal-111",
        "snapshots up to 2.0 treat markers otherwise",
    ),
    (
        "m2-01103",
        "snapshots up to 2.0 treat markers otherwise; three runs of the broker",
    ),
    (
        "m2-111",
        "snapshots up to 2.0 treat markers otherwise; three runs of the broker",
    ),
    ("m2-282", "three runs of the broker"),
    ("clients-111", "converted by the leader as they came in"),
    (
        "sarama-1.15",
        "last offset deltas that the client left at 0: the batch now begins at its end",
    ),
    (
        "epochs",
        "several runs of the broker, and producers forgotten between them",
    ),
    (
        "jbod-future",
        "copied from the other replica, several batches at once",
    ),
    ("two-nodes", "several runs of the broker"),
    ("logdir-", "several runs of the broker"),
    ("recovered-", "several runs of the broker"),
    (
        "adopted-431",
        "two brokers, one after the other; their epochs began anew",
    ),
    ("mixed-upgrade", "several brokers, one after the other"),
];

/// What was found.
#[derive(Default)]
struct Tally {
    shares: Shares,
    different: Vec<String>,
    unexplained: Vec<String>,
}

impl Tally {
    fn count(&mut self, case: &Case, kind: &'static str, path: &Path, same: bool) {
        let version = version_of(case);
        let (same_ones, all) = self.shares.entry((kind, version)).or_default();
        *all += 1;
        *same_ones += usize::from(same);
        if !same {
            let line = format!("{kind}: {}", path.display());
            let name = case.dir.file_name().unwrap().to_str().unwrap();
            let path = path.to_str().unwrap();
            let holds = |part: &str| name.starts_with(part) || path.contains(part);
            // Epochs without batches are no log's to tell.
            let beyond = kind == "epochs";
            let several = kind.ends_with("index") && is_old(path);
            if !beyond && !several && !REASONS.iter().any(|(part, _)| holds(part)) {
                self.unexplained.push(line.clone());
            }
            self.different.push(line);
        }
    }
}

/// Whether the log beside a file holds messages of magic 0 or 1, of which any number may have come at once.
fn is_old(path: &str) -> bool {
    let bytes = fs::read(Path::new(path).with_extension("log")).unwrap();
    let mut events = Walk::new(&bytes, Policy::Trust);
    events.any(|event| matches!(event, Event::Batch(Batch::Legacy(_))))
}

/// The release that wrote the case: the first that its story names.
fn version_of(case: &Case) -> String {
    let about = &case.about;
    let told = [&about["facts"]["broker"], &about["made_by"], &about["what"]];
    let is_release = |word: &&str| word.contains('.') && word.parse::<Release>().is_ok();
    let words = told.iter().filter_map(|text| text.as_str());
    let mut words = words.flat_map(|text| text.split([' ', ';', ',']));
    words.find(is_release).expect("a release").to_owned()
}

/// How the topics of the cases were set up; the metadata log has Kafka's default.
fn settings_of(case: &Case, dir: &Path) -> IndexSettings {
    let name = dir.file_name().unwrap().to_str().unwrap();
    let case_name = case.dir.file_name().unwrap().to_str().unwrap();
    let every = name.contains("index-every") || (case_name == "payloads" && !name.contains("ints"));
    let coarse = ["logdir-killed", "logdir-recovered", "killed-in-roll"];
    let coarse =
        name == "__cluster_metadata-0" || coarse.iter().any(|at| case_name.starts_with(at));
    IndexSettings {
        index_interval_bytes: match (every, coarse) {
            (true, _) => 0,
            (false, true) => 4096,
            (false, false) => 256,
        },
        kafka: version_of(case).parse().unwrap(),
        way: Way::Append,
        ..IndexSettings::default()
    }
}

/// Whether the broker ended without closing its files.
fn is_killed(case: &Case) -> bool {
    case.about["made_by"].as_str().unwrap().contains("kill") || case.is_odd()
}

fn partitions(case: &Case) -> BTreeSet<PathBuf> {
    let files = case.files().into_iter();
    let logs = files.filter(|file| file.extension().is_some_and(|end| end == "log"));
    logs.map(|log| log.parent().unwrap().to_owned()).collect()
}

/// Where the partition in `dir` begins, by the checkpoint beside it.
fn log_start(dir: &Path) -> Offset {
    let bytes = fs::read(dir.with_file_name("log-start-offset-checkpoint")).unwrap_or_default();
    let checkpoint = OffsetCheckpoint::parse(&bytes);
    let name = dir.file_name().unwrap().to_str().unwrap();
    let mut entries = checkpoint.entries.iter();
    let of = entries.find(|entry| format!("{}-{}", entry.topic, entry.partition) == name);
    of.map_or(Offset::new(0), |entry| entry.offset)
}

fn snapshot_at(partition: &Partition, offset: Offset) -> Option<(PathBuf, Vec<u8>)> {
    let path = partition
        .path()
        .join(format!("{:020}.snapshot", offset.get()));
    fs::read(&path).ok().map(|bytes| (path, bytes))
}

pub(crate) fn log_of(segment: &Segment) -> Option<LogFile> {
    Source::read(segment.log()).ok().map(LogFile::Whole)
}

fn compare_snapshot(
    tally: &mut Tally,
    case: &Case,
    partition: &Partition,
    at: Offset,
    known: &Producers,
) {
    if let Some((path, bytes)) = snapshot_at(partition, at) {
        tally.count(case, "snapshot", &path, known.snapshot() == bytes);
    }
}

fn compare_indexes(
    tally: &mut Tally,
    case: &Case,
    segment: &Segment,
    done: &Recovered,
    open: bool,
) {
    let base = segment.base_offset();
    if let Some(item) = segment.file(FileKind::OffsetIndex) {
        let bytes = fs::read(item.path()).unwrap();
        let written = OffsetIndex::new(&bytes, base).written_len() * OFFSET_ENTRY;
        let same = bytes[..written] == *done.indexes.offset_index();
        tally.count(case, "index", item.path(), same);
    }
    if let Some(item) = segment.file(FileKind::TimeIndex) {
        let bytes = fs::read(item.path()).unwrap();
        let written = &bytes[..TimeIndex::new(&bytes, base).written_len() * TIME_ENTRY];
        let ours = done.indexes.time_index();
        let before_close = &ours[..ours.len().saturating_sub(TIME_ENTRY)];
        let same = written == ours || (open && written == before_close);
        tally.count(case, "timeindex", item.path(), same);
    }
    let item = segment.file(FileKind::TransactionIndex);
    let stored = item.map_or(Vec::new(), |item| fs::read(item.path()).unwrap());
    let ours = done.indexes.txn_index();
    if !stored.is_empty() || !ours.is_empty() {
        tally.count(
            case,
            "txnindex",
            &segment.log().with_extension("txnindex"),
            stored == ours,
        );
    }
}

/// Whether a broker takes the indexes, and finds with them what it looks for.
fn lead_to_the_right_places(log: &LogFile, done: &Recovered) {
    let LogFile::Whole(bytes) = log else {
        return;
    };
    let base = done.indexes.base_offset();
    let index = OffsetIndex::new(done.indexes.offset_index(), base);
    let times = TimeIndex::new(done.indexes.time_index(), base);
    assert_eq!((index.check(), times.check()), (Ok(()), Ok(())));
    let batches: Vec<_> = Walk::new(bytes, Policy::Verify)
        .filter_map(|event| match event {
            Event::Batch(batch) => Some(batch),
            _ => None,
        })
        .collect();
    let starts: BTreeSet<u64> = batches.iter().map(|batch| batch.position().get()).collect();
    for batch in &batches {
        let from = index
            .lookup(batch.last_offset())
            .map_or(0, |entry| entry.position);
        let from = u64::try_from(from).unwrap();
        assert!(from <= batch.position().get() && starts.contains(&from));
    }
    for entry in times.entries() {
        let upto = batches
            .iter()
            .take_while(|batch| batch.last_offset() <= entry.offset);
        let largest = upto.map(Batch::max_timestamp).max();
        assert!(largest.is_none_or(|largest| largest <= entry.timestamp));
    }
}

fn compare(tally: &mut Tally, case: &Case, dir: &Path) {
    let settings = settings_of(case, dir);
    let partition = Partition::open(dir).unwrap();
    let segments = partition.segments();
    let last = segments.last().map(Segment::base_offset);
    let mut state = LogState::default();
    let mut scratch = Scratch::default();
    let mut end = Offset::new(0);
    for segment in &segments {
        let base = segment.base_offset();
        let Some(log) = log_of(segment) else { continue };
        // Behind a gap the log alone does not tell what came before.
        if let Some((_, bytes)) = snapshot_at(&partition, base).filter(|_| base != end) {
            let snapshot = ProducerSnapshot::parse(&bytes).unwrap();
            state.producers = Producers::load(&snapshot, None).unwrap();
        }
        compare_snapshot(tally, case, &partition, base, &state.producers);
        let policy = Policy::Verify;
        let done = recover(&log, policy, settings, base, &mut state, &mut scratch).unwrap();
        let ended = done.ended;
        assert!(
            !matches!(ended, Some(Ended::Violation(_))),
            "{} {ended:?}",
            dir.display()
        );
        end = done.end_offset;
        let open = last == Some(base) && is_killed(case);
        compare_indexes(tally, case, segment, &done, open);
        lead_to_the_right_places(&log, &done);
    }
    if last.is_some_and(|last| last != end) {
        compare_snapshot(tally, case, &partition, end, &state.producers);
    }
    if let Some(item) = partition.item(FileKind::LeaderEpochs) {
        let bytes = fs::read(item.path()).unwrap();
        let file = Epochs::load(&LeaderEpochs::parse(&bytes)).unwrap();
        state.epochs.truncate_from_start(log_start(dir));
        let same = state.epochs.entries().eq(file.entries());
        tally.count(case, "epochs", item.path(), same);
        let kept = state.epochs.or_kept(&file);
        tally.count(
            case,
            "epochs, kept",
            item.path(),
            kept.entries().eq(file.entries()),
        );
    }
}

#[test]
fn files_derived_from_a_log_are_those_of_its_broker() {
    let mut own = Tally::default();
    let mut corpus = Tally::default();
    for case in cases().iter().filter(|case| !case.is_damaged()) {
        let ours = case.dir.starts_with(TESTDATA);
        let tally = if ours { &mut own } else { &mut corpus };
        for dir in partitions(case) {
            compare(tally, case, &dir);
        }
    }
    for (name, tally) in [("testdata", &own), ("corpus", &corpus)] {
        for ((kind, version), (same, all)) in &tally.shares {
            println!("{name}: (\"{kind}\", \"{version}\", {same}, {all}),");
        }
        for line in &tally.different {
            println!("{name}: not the same: {line}");
        }
    }
    let unexplained = [&own.unexplained[..], &corpus.unexplained].concat();
    assert!(unexplained.is_empty(), "{unexplained:#?}");
    let shares = own
        .shares
        .iter()
        .map(|((kind, version), (same, all))| (*kind, version.as_str(), *same, *all));
    assert!(
        shares.eq(SHARES.iter().copied()),
        "the shares above are not those expected"
    );
}
