//! Several random damages at once, repaired: nothing is served that nobody wrote, no log ends where
//! it never did, and a second plan has nothing left to do.
//!
//! `KSEG_CYCLES=COUNT[,SEED] cargo test --test it -- --ignored --nocapture cycles_on_and_on`;
//! `KSEG_WORLDS` says what the names of their log dirs contain, `KSEG_KEPT` where damaged and
//! healthy log dirs are kept.

mod damage;

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex};
use std::thread;

use kseg::format::Scratch;
use kseg::scan::{Event, Filter, Policy, Walk};
use kseg::store::{LogDir, Partition};
use kseg::verify::{Options, log_dirs};
use kseg::wire::Offset;
use memchr::memmem;

use self::damage::damage;
use crate::cases::{TESTDATA, below};
use crate::forge::random::Rng;
use crate::fuzz_log_dir::{left, made, repair};
use crate::temp::Temp;

/// Log dirs that real brokers stopped in order.
const HEALTHY: [&str; 6] = [
    "kafka-4.3.1/kraft-undamaged",
    "kafka-4.3.1/compacted",
    "kafka-4.3.1/transactions-tv2",
    "kafka-4.3.1/segments",
    "kafka-4.3.1/timestamps",
    "kafka-2.8.2/mixed-282",
];

/// Cycles in a run of the tests.
const CYCLES: u64 = 60;

/// Files by their paths below a log dir.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A log dir with one partition, as its broker left it.
struct World {
    name: String,
    partition: String,
    files: Files,
    truth: Records,
    /// Beyond the last record.
    end: i64,
}

/// Timestamp, key and value by offset.
type Records = BTreeMap<i64, (Option<i64>, Option<Vec<u8>>, Option<Vec<u8>>)>;

/// The result of a cycle.
#[derive(Default, Debug)]
struct Judged {
    /// Offsets that are served with records that nobody wrote.
    wrong: Vec<i64>,
    /// Where the log ends, if that is beyond where it ended.
    absurd_end: Option<i64>,
    /// What a second look finds.
    unclean: Vec<String>,
    /// Offsets of intact batches, and those of them that are served.
    intact: usize,
    served: usize,
}

impl World {
    fn at(case: &str, partition: &str) -> Option<Self> {
        let root = Path::new(TESTDATA).join(case).join("files");
        let files = below(&root).into_iter().filter_map(|path| {
            let name = path.strip_prefix(&root).ok()?.to_owned();
            let is_ours = name.starts_with(partition) || name.components().count() == 1;
            Some((name, fs::read(&path).ok().filter(|_| is_ours)?))
        });
        let mut world = Self {
            name: format!("{case}/{partition}"),
            partition: partition.to_owned(),
            files: files.collect(),
            truth: Records::new(),
            end: 0,
        };
        let temp = Temp::new();
        let dir = temp.path().join("data");
        write(&dir, &world.files);
        let made = made(&dir);
        if made.is_ok_and(|plan| plan.steps().is_empty()) {
            world.truth = records(&dir.join(partition));
            world.end = end(&dir).unwrap_or(0);
        }
        (!world.truth.is_empty()).then_some(world)
    }

    fn logs(&self) -> Vec<PathBuf> {
        let logs = self.files.keys();
        let logs = logs.filter(|name| name.extension().is_some_and(|end| end == "log"));
        logs.cloned().collect()
    }

    /// Whole batches of the healthy log, and their offsets.
    fn batches(&self) -> Vec<(&[u8], Vec<i64>)> {
        let mut batches = Vec::new();
        let mut scratch = Scratch::default();
        for log in self.logs() {
            let bytes = &self.files[&log];
            for event in Walk::new(bytes, Policy::Verify) {
                let Event::Batch(batch) = event else { continue };
                let range = event_range(&batch);
                let Ok(records) = batch.records(&mut scratch) else {
                    continue;
                };
                let offsets = records.flatten().map(|record| record.offset().get());
                let offsets = offsets.filter(|offset| self.truth.contains_key(offset));
                batches.push((&bytes[range], offsets.collect()));
            }
        }
        batches
    }
}

#[expect(clippy::disallowed_methods, reason = "files of our own")]
fn write(dir: &Path, files: &Files) {
    for (name, bytes) in files {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

fn event_range(batch: &kseg::format::Batch<'_>) -> std::ops::Range<usize> {
    let start = usize::try_from(batch.position().get()).unwrap();
    start..start + batch.size_bytes()
}

fn worlds() -> &'static [World] {
    static WORLDS: LazyLock<Vec<World>> = LazyLock::new(|| {
        let mut worlds = Vec::new();
        for case in HEALTHY {
            let root = Path::new(TESTDATA).join(case).join("files");
            let dirs = root.read_dir().unwrap().map(|entry| entry.unwrap());
            let mut names: Vec<String> = dirs
                .filter(|entry| entry.path().is_dir())
                .map(|entry| entry.file_name().into_string().unwrap())
                .filter(|name| !name.starts_with("__"))
                .collect();
            names.sort();
            worlds.extend(names.iter().filter_map(|name| World::at(case, name)));
        }
        worlds
    });
    &WORLDS
}

fn records(partition: &Path) -> Records {
    let mut records = Records::new();
    let Ok(partition) = Partition::open(partition) else {
        return records;
    };
    let reader = partition.records(Filter::from_offset(Offset::new(i64::MIN)));
    let _read = reader.salvage().for_each(|record| {
        let bytes = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
        let this = (
            Some(record.timestamp().get()),
            bytes(record.key()),
            bytes(record.value()),
        );
        records.insert(record.offset().get(), this);
    });
    records
}

/// Where the log of the only partition ends.
fn end(dir: &Path) -> Option<i64> {
    let mut end = None;
    log_dirs(
        &[LogDir::open(dir).unwrap()],
        &Options::default(),
        &mut |verified| {
            end = end.or(verified.extent.map(|extent| extent.end.get()));
            ControlFlow::Continue(())
        },
    );
    end
}

/// Damages, repairs, and looks again.
fn cycle(world: &World, seed: u64) -> (Judged, String) {
    let rng = &mut Rng::new(seed);
    let mut files = world.files.clone();
    let hits = 2 + rng.below(4);
    let mut done: Vec<String> = (0..hits).map(|_| damage(world, &mut files, rng)).collect();
    if rng.below(5) < 2 {
        files.remove(Path::new(".kafka_cleanshutdown"));
        done.push("unclean".into());
    }
    let done = format!("{}, seed {seed}: {}", world.name, done.join("; "));
    let temp = Temp::new();
    let dir = temp.path().join("data");
    write(&dir, &files);
    let fixed = temp.path().join("fixed");
    if let Some(kept) = std::env::var_os("KSEG_KEPT") {
        let kept = Path::new(&kept).join(seed.to_string());
        write(&kept.join("data"), &files);
        write(&kept.join("healthy"), &world.files);
    }
    let mut judged = Judged::default();
    let result = match repair(&dir, &fixed) {
        Ok(true) => &fixed,
        Ok(false) => &dir,
        Err(error) => {
            judged.unclean.push(format!("no plan: {error}"));
            return (judged, done);
        }
    };
    judge(world, &files, result, &mut judged);
    (judged, done)
}

fn judge(world: &World, files: &Files, result: &Path, judged: &mut Judged) {
    let served = records(&result.join(&world.partition));
    for (offset, record) in &served {
        if world.truth.get(offset) != Some(record) {
            judged.wrong.push(*offset);
        }
    }
    judged.absurd_end = end(result).filter(|end| *end > world.end);
    match made(result) {
        Ok(plan) => judged.unclean.extend(left(result, &plan)),
        Err(error) => judged.unclean.push(format!("no second plan: {error}")),
    }
    let logs: Vec<&Vec<u8>> = world
        .logs()
        .iter()
        .filter_map(|log| files.get(log))
        .collect();
    for (batch, offsets) in world.batches() {
        if logs.iter().any(|log| memmem::find(log, batch).is_some()) {
            judged.intact += offsets.len();
            judged.served += offsets
                .iter()
                .filter(|offset| served.contains_key(offset))
                .count();
        }
    }
}

fn cycles(seeds: std::ops::Range<u64>) -> Vec<(Judged, String)> {
    let only = std::env::var("KSEG_WORLDS").unwrap_or_default();
    let worlds: Vec<&World> = worlds()
        .iter()
        .filter(|world| world.name.contains(&only))
        .collect();
    let next = AtomicU64::new(seeds.start);
    let judged = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    let world = worlds[usize::try_from(seed).unwrap() % worlds.len()];
                    let one = cycle(world, seed);
                    judged.lock().unwrap().push(one);
                }
            });
        }
    });
    judged.into_inner().unwrap()
}

#[test]
fn several_damages_at_once_serve_nothing_that_nobody_wrote() {
    for (judged, what) in cycles(0..CYCLES) {
        assert!(judged.wrong.is_empty(), "{what}: {judged:?}");
        assert_eq!(judged.absurd_end, None, "{what}");
        assert!(judged.unclean.is_empty(), "{what}: {:?}", judged.unclean);
    }
}

#[test]
#[ignore = "runs KSEG_CYCLES cycles"]
fn cycles_on_and_on() {
    let given = std::env::var("KSEG_CYCLES").unwrap_or_else(|_| "1000".into());
    let (count, seed) = given.split_once(',').unwrap_or((&given, "1"));
    let number = |text: &str| text.parse::<u64>().expect("a number");
    let first = match number(seed) {
        seed if seed < 1 << 32 => seed << 32,
        one => one,
    };
    let all = cycles(first..first + number(count));
    let (mut wrong, mut records, mut absurd, mut unclean) = (0, 0, 0, 0);
    let (mut intact, mut served) = (0, 0);
    for (judged, what) in &all {
        intact += judged.intact;
        served += judged.served;
        let is_bad =
            !judged.wrong.is_empty() || judged.absurd_end.is_some() || !judged.unclean.is_empty();
        wrong += usize::from(!judged.wrong.is_empty());
        records += judged.wrong.len();
        absurd += usize::from(judged.absurd_end.is_some());
        unclean += usize::from(!judged.unclean.is_empty());
        if is_bad || judged.served * 10 < judged.intact * 9 {
            println!("{what}\n    {judged:?}");
        }
    }
    println!(
        "{} worlds, {} cycles: {records} wrong records in {wrong}, {absurd} absurd ends, {unclean} unclean, {served} of {intact} intact records served",
        worlds().len(),
        all.len()
    );
}
