//! The command on real disks.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use kseg::repair::disk::{Disk, Duplicate, Holder, Locking};
use kseg::repair::{
    Action, Consent, Content, Error, Plan, RealDisk, Refusal, Scope, Sharing, approve,
};
use serde_json::{Value, json};

use super::{IN_PLACE, path, placeholder, plan};
use crate::process::{Ran, command, kseg, peak_kib, status};
use crate::temp::Temp;

const FIRST: &str = "orders-3/00000000000000000000.log";
const LAST: &str = "orders-3/00000000000000000050.log";

/// A log dir of two segments, and a plan that cuts something out of the second.
fn log_dir() -> (Temp, PathBuf) {
    let temp = Temp::new();
    temp.file(format!("data/{FIRST}"), b"untouched");
    temp.file(format!("data/{LAST}"), b"0123456789");
    temp.file("data/meta.properties", b"version=1\n");
    temp.file("data/.kafka_cleanshutdown", b"{}");
    let actions = vec![
        Action::Quarantine {
            file: path(".kafka_cleanshutdown"),
        },
        Action::Excise {
            file: path(LAST),
            ranges: vec![2..3, 3..4],
        },
        Action::Placeholder {
            file: path(LAST),
            range: 8..10,
            batch: placeholder(),
        },
        Action::Patch {
            file: path(LAST),
            range: 0..1,
            content: Content::new(vec![0xff]).unwrap(),
        },
    ];
    let root = temp.path().join("data");
    let plan = plan(&RealDisk, root.to_str().unwrap(), Scope::LogDir, actions);
    let text = serde_json::to_vec_pretty(&plan).unwrap();
    let document = temp.file("plan.json", &text);
    (temp, document)
}

fn mended() -> Vec<u8> {
    let mut bytes = b"\xff14567".to_vec();
    bytes.extend_from_slice(&placeholder().encode());
    bytes
}

/// Every file with its bytes, its time and its permissions.
fn state(folder: &Path) -> Vec<(PathBuf, Vec<u8>, i64, i64, u32)> {
    let mut files = Vec::new();
    let mut dirs = vec![folder.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in dir.read_dir().unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.metadata().unwrap();
            if metadata.is_dir() {
                dirs.push(path);
            } else {
                let bytes = fs::read(&path).unwrap();
                let (seconds, rest) = (metadata.mtime(), metadata.mtime_nsec());
                files.push((path, bytes, seconds, rest, metadata.mode()));
            }
        }
    }
    files.sort();
    files
}

fn assert_refused(ran: &Ran, says: &str) {
    assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{}", ran.err);
    assert!(ran.err.contains(says), "{}", ran.err);
}

#[test]
fn a_plan_is_shown_before_anything_is_changed() {
    let (temp, _) = log_dir();
    let before = state(temp.path());
    let ran = kseg(temp.path(), &["repair", "show", "plan.json"]);
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""));
    for line in [
        "   1  .kafka_cleanshutdown               quarantine                                                  proven  -         \
         S104   for a test  no broker reads it",
        "   2  orders-3/00000000000000000050.log  excise bytes 2..3, 3..4                                     lossy   1 record  \
         S104   for a test",
        "placeholder: an empty batch for offsets 4-6 at bytes 8..10",
        "patch bytes 0..1 ",
        "Next: kseg repair apply plan.json --into NEW --accept 2",
    ] {
        assert!(ran.out.contains(line), "{line}\n{}", ran.out);
    }
    let args = ["repair", "show", "--format", "json", "plan.json"];
    let document: Value = serde_json::from_str(&kseg(temp.path(), &args).out).unwrap();
    assert_eq!(document["files"][0]["rows"][1]["loss"], "1 record");
    assert_eq!(state(temp.path()), before);
}

#[test]
fn a_copy_shares_closed_segments_and_its_source_stays_as_it_was() {
    let (temp, _) = log_dir();
    let at = |name: &str| temp.path().join(name);
    let before = state(&at("data"));
    let apply = ["repair", "apply", "plan.json", "--into", "fixed"];
    let ran = kseg(temp.path(), &[&apply[..], &["--accept", "2"]].concat());
    // What these files hold is no log, which is told of the result.
    assert_eq!(ran.status, Some(1), "{}", ran.err);
    assert_eq!(state(&at("data")), before);
    assert_eq!(fs::read(at("fixed").join(LAST)).unwrap(), mended());
    assert!(!at("fixed/.kafka_cleanshutdown").exists());
    let (from, to) = (at("data").join(FIRST), at("fixed").join(FIRST));
    let (from, to) = (from.metadata().unwrap(), to.metadata().unwrap());
    assert_eq!(from.modified().unwrap(), to.modified().unwrap());
    let mut names: Vec<_> = fs::read_dir(temp.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["data", "fixed", "fixed.lost+found", "plan.json"]);
    let again = kseg(temp.path(), &[&apply[..], &["--accept-lossy"]].concat());
    assert_refused(&again, "already exists and is not empty");
    let copied = [
        "repair",
        "apply",
        "plan.json",
        "--into",
        "own",
        "--copy",
        "--accept-lossy",
    ];
    assert_eq!(kseg(temp.path(), &copied).status, Some(1));
    assert_ne!(at("own").join(FIRST).metadata().unwrap().ino(), from.ino());
    assert_eq!(state(&at("own")).len(), state(&at("fixed")).len());
}

#[test]
fn a_repair_in_place_is_undone_to_the_byte() {
    let (temp, _) = log_dir();
    let data = temp.path().join("data");
    let before = state(&data);
    let args = ["repair", "apply", "plan.json", "--in-place"];
    assert_refused(
        &kseg(temp.path(), &args),
        "step 2 needs consent: confirm with --accept 2",
    );
    assert_eq!(state(&data), before);
    let args = [&args[..], &["--accept", "2"]].concat();
    let ran = kseg(temp.path(), &args);
    assert_eq!(ran.status, Some(1), "{}", ran.err);
    assert_eq!(fs::read(data.join(LAST)).unwrap(), mended());
    let names = |dir: &Path| state(dir).len();
    assert_eq!(names(&data), before.len() - 1, "no file of ours is left");
    assert_refused(&kseg(temp.path(), &args), "this plan is already applied");
    let ran = kseg(temp.path(), &["repair", "undo", "data"]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert_eq!(state(&data), before);
    // The data, the plan, and what was taken out of the log.
    assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 3);
    let ran = kseg(temp.path(), &["repair", "undo", "data"]);
    assert_refused(&ran, "no repair to undo");
}

type Change<'a> = &'a dyn Fn(&mut Value);

#[test]
fn hostile_and_foreign_plans_are_no_plans() {
    let (_temp, document) = log_dir();
    let plan: Value = serde_json::from_slice(&fs::read(document).unwrap()).unwrap();
    let other = |change: Change<'_>| {
        let mut plan = plan.clone();
        change(&mut plan);
        serde_json::from_value::<Plan>(plan)
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    let excise = |plan: &mut Value, ranges: Value| {
        plan["steps"][1]["action"]["excise"]["ranges"] = ranges;
    };
    let table: [(Change<'_>, &str); 15] = [
        (&|plan| plan["schema"] = json!("kseg.plan/3"), "newer kseg"),
        (
            &|plan| plan["schema"] = json!("kseg.verdict/3"),
            "not a plan",
        ),
        (&|plan| plan["extra"] = json!(1), "unknown field"),
        (&|plan| plan["root"] = json!("data"), "invalid root"),
        (
            &|plan| plan["steps"][1]["action"]["excise"]["file"] = json!("../../etc/passwd"),
            "invalid path",
        ),
        (
            &|plan| plan["steps"][1]["action"]["excise"]["file"] = json!("/etc/passwd"),
            "invalid path",
        ),
        (
            &|plan| plan["steps"][1]["fingerprints"] = json!([]),
            "no fingerprint",
        ),
        (
            &|plan| excise(plan, json!([{"start": 2, "end": 9}])),
            "overlap",
        ),
        (
            &|plan| excise(plan, json!([{"start": 4, "end": 2}])),
            "overlap",
        ),
        (
            &|plan| excise(plan, json!([{"start": 4, "end": u64::MAX}])),
            "overlap",
        ),
        (
            &|plan| plan["steps"][1]["fingerprints"][0]["is"]["file"]["len_bytes"] = json!(-1),
            "invalid value",
        ),
        (&|plan| plan["steps"][2]["id"] = json!(7), "found step 7"),
        (
            &|plan| plan["steps"][1]["safety"] = json!("proven"),
            "proven, but without the evidence",
        ),
        (
            &|plan| {
                plan["steps"][1]["safety"] = json!("proven");
                plan["steps"][1]["proof"] = json!({"unused": {"what": "zeros"}});
            },
            "cannot be proven",
        ),
        (
            &|plan| plan["scope"] = json!("partition"),
            "too deep for the plan of one partition",
        ),
    ];
    for (change, says) in table {
        let error = other(change).expect_err(says);
        assert!(error.contains(says), "{error} / {says}");
    }
    assert_eq!(other(&|_| {}), Ok(()));
}

#[test]
fn plans_that_ask_for_the_impossible_change_nothing() {
    let (temp, document) = log_dir();
    let plan: Value = serde_json::from_slice(&fs::read(&document).unwrap()).unwrap();
    let before = state(temp.path());
    // The length is believed only as far as the file bears it out.
    let mut absurd = plan.clone();
    for step in 1..4 {
        absurd["steps"][step]["fingerprints"][0]["is"]["file"]["len_bytes"] = json!(1_u64 << 60);
    }
    temp.file("absurd.json", absurd.to_string().as_bytes());
    temp.file("newer.json", b"{\"schema\":\"kseg.plan/3\",\"what\":{}}");
    temp.file("none.json", b"[]");
    for (name, says) in [
        ("absurd.json", "changed since the plan was made"),
        ("newer.json", "made by a newer kseg"),
        ("none.json", "not a plan: "),
        ("missing.json", "missing.json"),
    ] {
        let args = ["repair", "apply", name, "--in-place", "--accept-lossy"];
        assert_refused(&kseg(temp.path(), &args), says);
    }
    let after = state(temp.path());
    assert_eq!(after.len(), before.len() + 3, "the three plans");
    assert!(before.iter().all(|file| after.contains(file)));
}

#[test]
fn a_plan_is_the_same_document_every_time() {
    let (_temp, document) = log_dir();
    let text = fs::read(document).unwrap();
    let plan: Plan = serde_json::from_slice(&text).unwrap();
    assert_eq!(serde_json::to_vec_pretty(&plan).unwrap(), text);
}

/// A process that holds the lock of a log dir as a broker does; none if nobody here can, and
/// "refused" if it may not.
fn broker(lock: &Path) -> Option<(Child, String)> {
    let hold = "import fcntl, sys\n\
                lock = open(sys.argv[1], 'r+')\n\
                try: fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\n\
                except OSError: print('refused', flush=True); sys.exit()\n\
                print('held', flush=True)\n\
                sys.stdin.read()\n";
    let mut holder = Command::new("python3")
        .args([OsStr::new("-c"), OsStr::new(hold), lock.as_os_str()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut line = String::new();
    let mut says = BufReader::new(holder.stdout.take().expect("piped"));
    says.read_line(&mut line).expect("an open pipe");
    Some((holder, line.trim().to_owned()))
}

#[test]
fn a_running_broker_keeps_repairs_out_and_a_repair_keeps_brokers_out() {
    let (temp, document) = log_dir();
    let lock = temp.file("data/.lock", b"");
    let Some((mut holder, says)) = broker(&lock) else {
        // Nobody here can hold a lock as a broker does.
        return;
    };
    assert_eq!(says, "held");
    let before = state(temp.path());
    for how in [&["--in-place"][..], &["--into", "fixed"]] {
        let args = [&["repair", "apply", "plan.json", "--accept-lossy"], how].concat();
        let ran = kseg(temp.path(), &args);
        assert_refused(&ran, &format!("held by process {}", holder.id()));
    }
    assert_eq!(state(temp.path()), before);
    drop(holder.stdin.take());
    holder.wait().unwrap();
    let plan: Plan = serde_json::from_slice(&fs::read(document).unwrap()).unwrap();
    let approved = approve(&plan, &IN_PLACE, &Consent::Lossy, &RealDisk).unwrap();
    // To look at the lock does not lose it.
    assert!(kseg::store::lock::is_live(&temp.path().join("data")));
    let (mut holder, says) = broker(&lock).expect("as before");
    assert_eq!(says, "refused");
    holder.wait().unwrap();
    let again = approve(&plan, &IN_PLACE, &Consent::Lossy, &RealDisk).unwrap_err();
    assert!(
        matches!(
            again,
            Error::Refused(Refusal::Live {
                by: Holder::Unknown,
                ..
            })
        ),
        "{again}"
    );
    drop(approved);
    assert!(lock.exists(), "not ours to remove");
    let (mut holder, says) = broker(&lock).expect("as before");
    assert_eq!(says, "held");
    drop(holder.stdin.take());
    holder.wait().unwrap();
}

#[test]
fn a_lock_that_was_made_for_a_repair_is_gone_with_it() {
    let temp = Temp::new();
    let lock = temp.path().join(".lock");
    let Locking::Ours(guard) = RealDisk.lock(&lock).unwrap() else {
        panic!("nobody else is here");
    };
    assert_eq!(RealDisk.holder(&lock).unwrap(), Some(Holder::Unknown));
    drop(guard);
    assert!(!lock.exists());
    assert_eq!(RealDisk.holder(&lock).unwrap(), None);
}

#[test]
fn places_that_cannot_be_written_are_refused_and_nothing_is_lost() {
    let (temp, _) = log_dir();
    let before = state(temp.path());
    for place in ["/proc/kseg", "data/inside", "/no/such/place"] {
        let args = [
            "repair",
            "apply",
            "plan.json",
            "--accept-lossy",
            "--into",
            place,
        ];
        let ran = kseg(temp.path(), &args);
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{}", ran.err);
        assert_eq!(state(temp.path()), before);
    }
    for args in [
        &["apply", "plan.json"][..],
        &["apply", "plan.json", "--into", "x", "--in-place"],
        &["apply", "plan.json", "--in-place", "--copy"],
        &["apply", "plan.json", "--in-place", "--accept", "x"],
        &["apply", "plan.json", "--in-place", "--accept", "3"],
        &[],
    ] {
        let ran = kseg(temp.path(), &[&["repair"], args].concat());
        assert_eq!(ran.status, Some(2), "{args:?}");
        assert_eq!(state(temp.path()), before);
    }
}

#[test]
fn links_are_not_followed() {
    let (temp, document) = log_dir();
    let plan: Plan = serde_json::from_slice(&fs::read(document).unwrap()).unwrap();
    let data = temp.path().join("data");
    let last = data.join(LAST);
    let elsewhere = temp.file("elsewhere", &fs::read(&last).unwrap());
    RealDisk.remove(&last).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &last).unwrap();
    let refused = approve(&plan, &IN_PLACE, &Consent::Lossy, &RealDisk).unwrap_err();
    assert!(
        matches!(refused, Error::Refused(Refusal::Odd(_))),
        "{refused}"
    );
}

#[test]
fn holes_stay_holes_in_copies() {
    let temp = Temp::new();
    let from = temp.file("from", b"start");
    let mut file = File::options().write(true).open(&from).unwrap();
    file.seek(SeekFrom::Start(32 << 20)).unwrap();
    file.write_all(b"middle").unwrap();
    file.seek(SeekFrom::Start(64 << 20)).unwrap();
    file.write_all(b"end").unwrap();
    drop(file);
    let to = temp.path().join("to");
    let how = RealDisk.duplicate(&from, &to, Sharing::Blocks).unwrap();
    assert_ne!(how, Duplicate::Linked);
    let (original, copy) = (from.metadata().unwrap(), to.metadata().unwrap());
    assert_eq!(copy.len(), (64 << 20) + 3);
    assert!(copy.blocks() <= original.blocks() + 8);
    assert_eq!(copy.modified().unwrap(), original.modified().unwrap());
    assert!(fs::read(&from).unwrap() == fs::read(&to).unwrap());
    RealDisk
        .duplicate(&from, &to, Sharing::Blocks)
        .expect_err("it exists");
}

#[test]
fn a_large_segment_is_repaired_in_little_memory() {
    let temp = Temp::new();
    let log = temp.file("data/orders-3/00000000000000000000.log", b"start");
    let mut file = File::options().write(true).open(&log).unwrap();
    file.seek(SeekFrom::Start((96 << 20) - 1)).unwrap();
    file.write_all(b"!").unwrap();
    drop(file);
    let excise = Action::Excise {
        file: path("orders-3/00000000000000000000.log"),
        ranges: vec![5..1000, (64 << 20)..(65 << 20)],
    };
    let root = temp.path().join("data");
    let plan = plan(
        &RealDisk,
        root.to_str().unwrap(),
        Scope::LogDir,
        vec![excise],
    );
    temp.file("plan.json", &serde_json::to_vec(&plan).unwrap());
    let args = [
        "repair",
        "apply",
        "plan.json",
        "--in-place",
        "--accept-lossy",
    ];
    let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
    let mut child = command(temp.path(), &args).spawn().unwrap();
    let mut peak = 0;
    let ended = status(&mut child, |id| peak = peak.max(peak_kib(id).unwrap_or(0)));
    assert_eq!(ended, Some(1));
    assert_eq!(log.metadata().unwrap().len(), (95 << 20) - 995);
    assert!(peak < 48 << 10, "{peak} KiB");
}
