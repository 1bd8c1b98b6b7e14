//! `kseg dump` against what the real tool printed: every run recorded in `testdata/**/dump/runs.tsv`, never blessed by us.
//!
//! - Where the original ended normally, standard output is equal byte for byte, so is standard error (its blocks in any
//!   order: the original keeps them in hash maps keyed by absolute path), and the exit status is 0.
//! - Where it crashed or refused, its standard output is a prefix of ours, and our exit status is 1 or 2.
//! - The output is the same at any number of jobs, and nothing below `testdata/` changes.
//!
//! The format of `runs.tsv` is in `testdata/README.md`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, SystemTime};

const TESTDATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata");

/// At least so many runs are compared: a test that finds nothing to compare has failed.
const RUNS_AT_LEAST: usize = 2_500;

/// Every so many runs, one is made both with `-j1` and with `-j8`.
const BOTH_EVERY: usize = 16;

/// How many differences are told in full.
const TOLD: usize = 6;

const PATIENCE: Duration = Duration::from_mins(1);

/// The oldest release whose output `dump` can imitate.
const OLDEST: [u32; 2] = [0, 8];

/// Whether `dump` does already what this run asks for. The one place to widen.
fn supported(run: &Run) -> bool {
    let release: Vec<u32> = run
        .kafka
        .split('.')
        .map(|part| part.parse().expect("a number"))
        .collect();
    release.as_slice() >= OLDEST.as_slice()
}

/// A run of the real tool.
struct Run {
    id: String,
    kafka: String,
    exit: i32,
    stdout: Vec<u8>,
    stderr: String,
    args: Vec<String>,
}

/// What a process did.
#[derive(PartialEq)]
struct Outcome {
    exit: Option<i32>,
    stdout: Vec<u8>,
    stderr: String,
}

#[test]
fn dump_prints_what_kafka_printed() {
    let before = state();
    let recorded = recorded();
    let runs: Vec<&Run> = recorded.iter().filter(|run| supported(run)).collect();
    assert!(
        runs.len() >= RUNS_AT_LEAST,
        "only {} runs of {} to compare",
        runs.len(),
        recorded.len()
    );

    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(BTreeMap::new());
    let threads = thread::available_parallelism()
        .map_or(2, usize::from)
        .min(8);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let nth = next.fetch_add(1, Ordering::Relaxed);
                    let Some(run) = runs.get(nth) else { break };
                    if let Err(why) = check(run, nth) {
                        wrong.lock().expect("no thread panics").insert(nth, why);
                    }
                }
            });
        }
    });

    let wrong = wrong.into_inner().expect("no thread panicked");
    let told: Vec<String> = wrong
        .iter()
        .take(TOLD)
        .map(|(&nth, why)| tell(runs[nth], why))
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} runs differ\n{}",
        wrong.len(),
        runs.len(),
        told.join("\n")
    );
    let after = state();
    let changed: Vec<&PathBuf> = before
        .iter()
        .filter(|&(path, was)| after.get(path) != Some(was))
        .map(|(path, _)| path)
        .collect();
    assert!(changed.is_empty(), "changed or gone: {changed:?}");
    let new: Vec<&PathBuf> = after
        .keys()
        .filter(|path| !before.contains_key(*path))
        .collect();
    assert!(new.is_empty(), "not there before: {new:?}");
}

#[test]
fn dump_of_the_seed_segment_is_what_kafka_1_1_1_and_4_3_1_print() {
    for (kafka, printed) in [("1.1.1", "classic.txt"), ("4.3.1", "current.txt")] {
        let run = Run {
            id: format!("seed.{kafka}"),
            kafka: kafka.into(),
            exit: 0,
            stdout: fs::read(Path::new(TESTDATA).join("seed").join(printed))
                .expect("a file of testdata/seed"),
            stderr: String::new(),
            args: [
                "--deep-iteration",
                "--print-data-log",
                "--files",
                "seed/00000000000000000000.log",
            ]
            .map(String::from)
            .into(),
        };
        if let Err(why) = check(&run, 0) {
            panic!("{}", tell(&run, &why));
        }
    }
}

/// Makes the run again, with one job or with many, and now and then with both.
fn check(run: &Run, nth: usize) -> Result<(), String> {
    let (jobs, other) = if nth.is_multiple_of(2) {
        ("1", "8")
    } else {
        ("8", "1")
    };
    let got = kseg(run, jobs)?;
    if nth.is_multiple_of(BOTH_EVERY) && got != kseg(run, other)? {
        return Err("-j1 and -j8 differ".into());
    }
    judge(run, &got).map_err(|why| format!("with -j {jobs}, {why}"))
}

fn judge(run: &Run, got: &Outcome) -> Result<(), String> {
    if run.exit == 0 {
        if got.stdout != run.stdout {
            return Err(difference("stdout", &run.stdout, &got.stdout));
        }
        let (wanted, got_blocks) = (blocks(&run.stderr), blocks(&got.stderr));
        if got_blocks != wanted {
            return Err(difference(
                "stderr",
                wanted.as_bytes(),
                got_blocks.as_bytes(),
            ));
        }
        return if got.exit == Some(0) {
            Ok(())
        } else {
            Err(format!("exit {:?}", got.exit))
        };
    }
    if !got.stdout.starts_with(&run.stdout) {
        return Err(difference(
            "stdout (of a crash, a prefix of ours)",
            &run.stdout,
            &got.stdout,
        ));
    }
    match got.exit {
        Some(1 | 2) => Ok(()),
        exit => Err(format!(
            "exit {exit:?} where the original refuses or crashes"
        )),
    }
}

/// Runs the binary from inside `testdata/`.
fn kseg(run: &Run, jobs: &str) -> Result<Outcome, String> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kseg"))
        .current_dir(TESTDATA)
        .args(["dump", "--kafka", &run.kafka, "-j", jobs])
        .args(&run.args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let (mut out, mut err) = (
        child.stdout.take().expect("piped"),
        child.stderr.take().expect("piped"),
    );
    let (sender, ended) = mpsc::channel();
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let in_time = thread::scope(|scope| {
        let err_sender = sender.clone();
        let (stdout, stderr) = (&mut stdout, &mut stderr);
        scope.spawn(move || sender.send(out.read_to_end(stdout)));
        scope.spawn(move || err_sender.send(err.read_to_end(stderr)));
        let in_time = (0..2).all(|_| ended.recv_timeout(PATIENCE).is_ok());
        if !in_time {
            child.kill().expect("a process of ours");
        }
        in_time
    });
    let exit = child.wait().map_err(|error| error.to_string())?.code();
    if !in_time {
        return Err(format!("no end in {PATIENCE:?}"));
    }
    Ok(Outcome {
        exit,
        stdout,
        stderr: cut(&String::from_utf8_lossy(&stderr)),
    })
}

/// Absolute paths as `runs.tsv` has them: from inside `testdata/`.
fn cut(stderr: &str) -> String {
    let here = fs::canonicalize(TESTDATA).expect("testdata/");
    stderr.replace(&format!("{}/", here.display()), "")
}

/// The report blocks at the end of a run, in a fixed order.
fn blocks(stderr: &str) -> String {
    let mut blocks = vec![String::new()];
    for line in stderr.split_inclusive('\n') {
        if ["Mismatches in", "Non-", "Found timestamp"]
            .iter()
            .any(|heading| line.starts_with(heading))
        {
            blocks.push(String::new());
        }
        blocks.last_mut().expect("never empty").push_str(line);
    }
    blocks.sort();
    blocks.concat()
}

/// The first line that differs.
fn difference(what: &str, wanted: &[u8], got: &[u8]) -> String {
    let show = |line: Option<&[u8]>| {
        line.map_or("(the end)".into(), |line| {
            String::from_utf8_lossy(line)
                .chars()
                .take(400)
                .collect::<String>()
        })
    };
    let (mut wanted_lines, mut got_lines) =
        (wanted.split(|&b| b == b'\n'), got.split(|&b| b == b'\n'));
    let mut number = 1;
    loop {
        let (wanted, got) = (wanted_lines.next(), got_lines.next());
        if wanted != got || wanted.is_none() {
            return format!(
                "{what} differs from line {number} on\n    - {}\n    + {}",
                show(wanted),
                show(got)
            );
        }
        number += 1;
    }
}

fn tell(run: &Run, why: &str) -> String {
    format!(
        "\n{} (exit {} there)\n    kseg dump --kafka {} {}\n  {why}",
        run.id,
        run.exit,
        run.kafka,
        run.args.join(" ")
    )
}

/// What the runs of a case printed, by name: each a line with name and length, that many bytes, and a line end.
fn outputs(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let packed = fs::read(path).expect("what runs printed");
    let bytes = zstd::decode_all(&packed[..]).expect("what runs printed");
    let mut rest = &bytes[..];
    let mut outputs = BTreeMap::new();
    while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
        let head = std::str::from_utf8(&rest[..end]).expect("a name and a length");
        let (name, length) = head.split_once(' ').expect("a name and a length");
        let (output, after) = rest[end + 1..].split_at(length.parse().expect("a length"));
        outputs.insert(name.to_owned(), output.to_owned());
        rest = after.strip_prefix(b"\n").expect("a line end");
    }
    outputs
}

/// All runs of all cases.
fn recorded() -> Vec<Run> {
    let mut runs = Vec::new();
    for (path, _) in state()
        .iter()
        .filter(|(path, _)| path.ends_with("dump/runs.tsv"))
    {
        let outputs = outputs(&path.with_file_name("printed.zst"));
        let printed = |name: &str| match name {
            "-" => Vec::new(),
            name => outputs.get(name).expect("an output of the run").clone(),
        };
        let text = fs::read_to_string(path).expect("runs.tsv");
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let fields: Vec<&str> = line.split('\t').collect();
            let [id, kafka, exit, stdout, stderr, args @ ..] = fields.as_slice() else {
                panic!("{}: {line}", path.display())
            };
            runs.push(Run {
                id: (*id).into(),
                kafka: (*kafka).into(),
                exit: exit.parse().expect("an exit status"),
                stdout: printed(stdout),
                stderr: String::from_utf8_lossy(&printed(stderr)).into_owned(),
                args: args.iter().map(|&arg| arg.into()).collect(),
            });
        }
    }
    runs
}

/// Everything below `testdata/`, with what a change would change.
fn state() -> BTreeMap<PathBuf, (u64, SystemTime, bool)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![PathBuf::from(TESTDATA)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of testdata/") {
            let entry = entry.expect("an entry of a folder");
            let meta = entry.metadata().expect("what a file is");
            if meta.is_dir() {
                folders.push(entry.path());
            }
            found.insert(
                entry.path(),
                (
                    meta.len(),
                    meta.modified().expect("a time"),
                    meta.permissions().readonly(),
                ),
            );
        }
    }
    found
}
