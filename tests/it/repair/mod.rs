//! Plans carried out, in place and in copies, and undone.

mod command;
mod documents;
mod files;
mod interrupted;
mod links;
mod power;
mod refused;
mod several;
mod trees;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use kseg::format::Placeholder;
use kseg::repair::disk::Attributes;
use kseg::repair::plan::FilePart;
use kseg::repair::{
    Action, Applied, Approved, Consent, Content, Crc, Derive, Disk, Error, Fingerprint, Loss, Plan,
    PlanPath, Proof, Recipe, Refusal, Safety, Scope, Sharing, State, Step, Target, apply, approve,
    state_of, undo,
};
use kseg::wire::{LeaderEpoch, Offset, OffsetDelta, ProducerId, Timestamp};

use power::MemDisk;

const ROOT: &str = "/disk/data";
const LOG: &str = "orders-3/00000000000000000000.log";

type Tree = BTreeMap<String, (Vec<u8>, Option<SystemTime>)>;

/// What is in a directory, and what it and the directories below carry.
type All = (Tree, BTreeMap<PathBuf, Attributes>);

/// Makes a derived file of what its log says, reading it where it is said to be.
struct Reversed<'a>(&'a dyn Disk);

impl Derive for Reversed<'_> {
    fn derive(
        &self,
        file: &PlanPath,
        _recipe: &Recipe,
        locate: &dyn Fn(&str) -> PathBuf,
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        let (stem, _) = file.as_str().rsplit_once('.').expect("a suffix");
        let log = locate(&format!("{stem}.log"));
        let failed = |why: std::io::Error| Error::Underived {
            file: file.clone(),
            why: why.to_string(),
        };
        let input = self.0.open(&log).map_err(failed)?;
        let mut bytes = vec![0; 1 << 16];
        let read = input.read_at(&mut bytes, 0).map_err(failed)?;
        bytes.truncate(read);
        bytes.reverse();
        for byte in bytes {
            out.write_all(&[byte]).map_err(failed)?;
        }
        Ok(())
    }

    fn sound(&self, _copy: &Path) -> Result<BTreeSet<PathBuf>, Error> {
        Ok([PathBuf::from("orders-4")].into())
    }
}

fn path(text: &str) -> PlanPath {
    text.parse().expect("a path")
}

fn file_state(bytes: &[u8]) -> State {
    State::File {
        len_bytes: bytes.len() as u64,
        crc: Crc::of(bytes),
    }
}

/// A proof as a document has it: the code that checks makes the others.
fn unused() -> Proof {
    let proof = serde_json::json!({"unused": {"what": "file"}});
    serde_json::from_value(proof).expect("a proof")
}

/// A plan whose fingerprints are what is on the disk now.
fn plan(disk: &dyn Disk, root: &str, scope: Scope, actions: Vec<Action>) -> Plan {
    let steps = actions.into_iter().zip(1..).map(|(action, id)| {
        let mut files = vec![action.file().clone()];
        if let Action::Rename { to, .. } = &action {
            files.push(to.clone());
        }
        if let Action::Arrange { pieces, .. } = &action {
            files.extend(pieces.iter().filter_map(|piece| match piece {
                FilePart::Range { file, .. } => Some(file.clone()),
                FilePart::Replica { .. } | FilePart::Bytes(_) => None,
            }));
            files.sort();
            files.dedup();
        }
        let fingerprint = |file: PlanPath| Fingerprint {
            is: state_of(disk, &Path::new(root).join(file.as_str())).expect("a state"),
            file,
        };
        let (safety, records) = match action {
            Action::Describe { .. } => (Safety::Manual, 0),
            Action::Excise { .. } | Action::Truncate { .. } => (Safety::Lossy, 1),
            _ => (Safety::Proven(unused()), 0),
        };
        Step {
            id,
            codes: vec!["S104".into()],
            safety,
            loss: Loss {
                records,
                ..Loss::default()
            },
            why: "for a test".into(),
            fingerprints: files.into_iter().map(fingerprint).collect(),
            action,
        }
    });
    Plan::new(root, scope, steps.collect()).expect("a sound plan")
}

fn placeholder() -> Placeholder {
    Placeholder {
        base_offset: Offset::new(4),
        last_offset_delta: OffsetDelta::new(2),
        leader_epoch: LeaderEpoch::new(1),
        attributes: 0,
        base_timestamp: Timestamp::new(-1),
        max_timestamp: Timestamp::new(9),
        producer_id: ProducerId::new(-1),
        producer_epoch: -1,
        base_sequence: -1,
    }
}

/// A log dir with something for every action.
fn disk(mounts: &[&str]) -> MemDisk {
    let disk = MemDisk::new(mounts);
    for (name, bytes) in [
        (".kafka_cleanshutdown", &b"{}"[..]),
        ("recovery-point-offset-checkpoint", b"0\n1\norders 3 90\n"),
        ("meta.properties", b"version=1\n"),
        (LOG, b"0123456789abcdefghij"),
        ("orders-3/00000000000000000000.index", b"stale"),
        ("orders-3/00000000000000000050.log", b"not cleaned"),
        ("orders-3/00000000000000000050.log.swap", b"cleaned"),
        ("orders-3/leader-epoch-checkpoint", b"0\n1\n0 0\n"),
        ("orders-4/00000000000000000000.log", b"untouched"),
        ("orders-4/00000000000000000007.log", b"active"),
        ("orders-4/00000000000000000007.index", b"untouched too"),
        (
            "orders-5/00000000000000000000.log",
            b"first of the second first",
        ),
        ("orders-5/00000000000000000009.log", b"the second second"),
        ("odd/junk", b"junk"),
        ("lost-0.0123-stray/00000000000000000000.log", b"found again"),
        ("lost-0.0123-stray/partition.metadata", b"broken"),
    ] {
        disk.file(&format!("{ROOT}/{name}"), bytes);
    }
    disk.file("/other/file", b"");
    for (nth, (dir, attributes)) in (0..).zip(disk.dirs(ROOT)) {
        let mode = 0o750 + nth;
        let attributes = Attributes {
            mode,
            owner: (9, 10 + nth),
            ..attributes
        };
        disk.give(dir.to_str().expect("text"), attributes);
    }
    disk
}

/// A plan with every action, for that log dir.
fn every_action(disk: &MemDisk) -> Plan {
    let mut actions = edits();
    actions.extend(wholes());
    plan(disk, ROOT, Scope::LogDir, actions)
}

fn text(text: &str) -> Content {
    Content::new(text).expect("short")
}

/// Everything that can be done inside of a file.
fn edits() -> Vec<Action> {
    vec![
        Action::Quarantine {
            file: path(".kafka_cleanshutdown"),
        },
        Action::Excise {
            file: path(LOG),
            ranges: vec![2..4, 6..7],
        },
        Action::Placeholder {
            file: path(LOG),
            range: 8..10,
            batch: placeholder(),
        },
        Action::Truncate {
            file: path(LOG),
            to: 17,
        },
        Action::Patch {
            file: path(LOG),
            range: 0..1,
            content: text("Z"),
        },
    ]
}

/// Everything that can be done with whole files and directories.
fn wholes() -> Vec<Action> {
    let (log, index) = new_log();
    vec![
        Action::Rebuild {
            file: path("orders-3/00000000000000000000.index"),
            recipe: Recipe::OffsetIndex {
                interval_bytes: 4096,
            },
            len_bytes: index.len() as u64,
            crc: Crc::of(&index),
        },
        Action::Rebuild {
            file: path("orders-3/00000000000000000000.timeindex"),
            recipe: Recipe::TimeIndex {
                interval_bytes: 4096,
            },
            len_bytes: log.len() as u64,
            crc: Crc::of(&index),
        },
        arrange(FIFTH[0], vec![part(FIFTH[0], 0..6), part(FIFTH[0], 20..25)]),
        arrange(
            FIFTH[1],
            vec![
                part(FIFTH[0], 9..20),
                FilePart::Bytes(text("new ")),
                part(FIFTH[1], 4..17),
            ],
        ),
        arrange(FIFTH[2], vec![part(FIFTH[1], 0..3)]),
        Action::Rename {
            file: path("orders-3/00000000000000000050.log.swap"),
            to: path("orders-3/00000000000000000050.log"),
        },
        Action::Replace {
            file: path("recovery-point-offset-checkpoint"),
            content: text("0\n0\n"),
        },
        Action::Create {
            file: path("orders-3/partition.metadata"),
            content: text("version: 0\n"),
        },
        Action::Quarantine {
            file: path("odd/junk"),
        },
        Action::Quarantine { file: path("odd") },
        Action::Replace {
            file: path("lost-0.0123-stray/partition.metadata"),
            content: text("mended"),
        },
        Action::Rename {
            file: path("lost-0.0123-stray"),
            to: path("lost-0"),
        },
        Action::Describe {
            file: path("meta.properties"),
        },
    ]
}

/// A partition whose batches lie in the wrong segments; the last one is not there yet.
const FIFTH: [&str; 3] = [
    "orders-5/00000000000000000000.log",
    "orders-5/00000000000000000009.log",
    "orders-5/00000000000000000020.log",
];

fn arrange(file: &str, pieces: Vec<FilePart>) -> Action {
    let file = path(file);
    Action::Arrange { file, pieces }
}

fn part(file: &str, range: Range<u64>) -> FilePart {
    let file = path(file);
    FilePart::Range { file, range }
}

/// What the plan makes of the first segment, and of its index.
fn new_log() -> (Vec<u8>, Vec<u8>) {
    let mut log = b"Z1457".to_vec();
    log.extend_from_slice(&placeholder().encode());
    log.extend_from_slice(b"abcdefg");
    let index = log.iter().rev().copied().collect();
    (log, index)
}

/// What every file is after the plan, without times.
fn repaired() -> BTreeMap<String, Vec<u8>> {
    let (log, index) = new_log();
    [
        ("recovery-point-offset-checkpoint", b"0\n0\n".as_slice()),
        ("meta.properties", b"version=1\n"),
        (LOG, &log),
        ("orders-3/00000000000000000000.index", &index),
        ("orders-3/00000000000000000000.timeindex", &index),
        ("orders-3/00000000000000000050.log", b"cleaned"),
        ("orders-3/leader-epoch-checkpoint", b"0\n1\n0 0\n"),
        ("orders-3/partition.metadata", b"version: 0\n"),
        ("orders-4/00000000000000000000.log", b"untouched"),
        ("orders-4/00000000000000000007.log", b"active"),
        ("orders-4/00000000000000000007.index", b"untouched too"),
        (FIFTH[0], b"first first"),
        (FIFTH[1], b"the second new second second"),
        (FIFTH[2], b"the"),
        ("lost-0/00000000000000000000.log", b"found again"),
        ("lost-0/partition.metadata", b"mended"),
    ]
    .into_iter()
    .map(|(name, bytes)| (name.to_owned(), bytes.to_vec()))
    .collect()
}

fn bare(tree: &Tree) -> BTreeMap<String, Vec<u8>> {
    let files = tree.iter();
    files
        .map(|(name, (bytes, _))| (name.clone(), bytes.clone()))
        .collect()
}

const IN_PLACE: Target = Target::InPlace { quarantine: None };

fn into() -> Target {
    Target::Into {
        dir: "/disk/fixed".into(),
        sharing: Sharing::File,
    }
}

fn approved(disk: &MemDisk, plan: &Plan, target: &Target) -> Result<Approved, Error> {
    approve(plan, target, &Consent::Lossy, disk)
}

fn run(disk: &MemDisk, plan: &Plan, target: &Target) -> Result<Applied, Error> {
    apply(approved(disk, plan, target)?, disk, &Reversed(disk))
}

/// The folders beside the log dir.
fn left_over(disk: &MemDisk) -> Vec<String> {
    let names = disk.list(Path::new("/disk")).expect("a directory");
    let names = names
        .into_iter()
        .map(|name| name.into_string().expect("text"));
    names.filter(|name| name.contains("kseg")).collect()
}

#[test]
fn a_plan_with_every_action_is_carried_out_in_place_and_undone() {
    for mounts in [&[][..], &["/disk/data"]] {
        let disk = disk(mounts);
        let (old, plan) = (disk.all(ROOT), every_action(&disk));
        let Applied::InPlace { quarantine, .. } = run(&disk, &plan, &IN_PLACE).unwrap() else {
            panic!("in place");
        };
        assert_eq!(bare(&disk.tree(ROOT)), repaired());
        let time = |name: &str, tree: &Tree| tree[name].1;
        assert_eq!(time(LOG, &disk.tree(ROOT)), time(LOG, &old.0));
        let again = run(&disk, &plan, &IN_PLACE).unwrap_err();
        assert!(
            matches!(again, Error::Refused(Refusal::Applied(_))),
            "{again}"
        );
        let undone = undo(&quarantine, &disk).unwrap();
        assert_eq!(undone.root, Path::new(ROOT));
        assert_eq!(disk.all(ROOT), old);
        assert_eq!(left_over(&disk), Vec::<String>::new());
        // And it can be had again.
        let _applied = run(&disk, &plan, &IN_PLACE).unwrap();
        let _undone = undo(Path::new(ROOT), &disk).unwrap();
        assert_eq!(disk.all(ROOT), old);
    }
}

#[test]
fn a_plan_with_every_action_makes_a_copy_and_leaves_its_source_alone() {
    let disk = disk(&[]);
    let (old, plan) = (disk.tree(ROOT), every_action(&disk));
    let Applied::Into { files, .. } = run(&disk, &plan, &into()).unwrap() else {
        panic!("a copy");
    };
    assert_eq!(disk.tree(ROOT), old);
    assert_eq!(bare(&disk.tree("/disk/fixed")), repaired());
    // Only what no broker ever writes to again is shared.
    assert_eq!((files.linked, files.written), (1, 10));
    assert_eq!(left_over(&disk), Vec::<String>::new());
    let again = run(&disk, &plan, &into()).unwrap_err();
    assert!(matches!(again, Error::Refused(Refusal::Exists(_))));
    let nothing = undo(Path::new("/disk/fixed"), &disk).unwrap_err();
    assert!(matches!(nothing, Error::NothingToUndo(_)), "{nothing}");
}

#[test]
fn a_plan_of_one_partition_keeps_its_quarantine_out_of_the_log_dir() {
    let disk = disk(&[]);
    let (old, root) = (disk.tree("/"), "/disk/data/orders-3");
    let truncate = Action::Truncate {
        file: path("00000000000000000050.log"),
        to: 3,
    };
    let plan = plan(&disk, root, Scope::Partition, vec![truncate]);
    let Applied::InPlace { quarantine, .. } = run(&disk, &plan, &IN_PLACE).unwrap() else {
        panic!("in place");
    };
    assert_eq!(quarantine.parent(), Some(Path::new("/disk")));
    let log = Path::new(root).join("00000000000000000050.log");
    assert_eq!(disk.bytes(&log), b"not");
    let _undone = undo(Path::new(root), &disk).unwrap();
    assert_eq!(disk.tree("/"), old);
    let _applied = run(&disk, &plan, &into()).unwrap();
    let copy = Path::new("/disk/fixed/00000000000000000050.log");
    assert_eq!(disk.bytes(copy), b"not");
    assert_eq!(disk.tree(ROOT).len(), 16);
}

#[test]
fn states_are_what_files_hold() {
    let disk = disk(&[]);
    let at = |name: &str| state_of(&disk, &Path::new(ROOT).join(name)).unwrap();
    assert_eq!(at("odd/junk"), file_state(b"junk"));
    assert_eq!(at("none"), State::Absent);
    let State::Directory { entries, .. } = at("orders-3") else {
        panic!("a directory");
    };
    assert_eq!(entries, 5);
}
