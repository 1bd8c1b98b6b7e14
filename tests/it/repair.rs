//! Repairs on a disk that loses power or runs full at any moment.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use kseg::format::Placeholder;
use kseg::repair::{
    Action, Applied, Approved, Consent, Content, Crc, Derive, Disk, Error, Fingerprint, Loss, Plan,
    PlanPath, Recipe, Refusal, Safety, Scope, Sharing, State, Step, Target, apply, approve,
    state_of, undo,
};
use kseg::wire::{LeaderEpoch, Offset, OffsetDelta, ProducerId, Timestamp};

use crate::power::{Fate, MemDisk, Trouble};

pub(crate) const FATES: [Fate; 8] = [
    Fate::Lost,
    Fate::Kept,
    Fate::Names,
    Fate::Bytes,
    Fate::Some(1),
    Fate::Some(2),
    Fate::Some(5),
    Fate::Some(11),
];

const ROOT: &str = "/disk/data";
const LOG: &str = "orders-3/00000000000000000000.log";

type Tree = BTreeMap<String, (Vec<u8>, Option<SystemTime>)>;

/// Makes a derived file of what its log says, reading it where it is said to be.
pub(crate) struct Reversed<'a>(pub(crate) &'a dyn Disk);

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
}

pub(crate) fn path(text: &str) -> PlanPath {
    text.parse().expect("a path")
}

pub(crate) fn file_state(bytes: &[u8]) -> State {
    State::File {
        len_bytes: bytes.len() as u64,
        crc: Crc::of(bytes),
    }
}

/// A plan whose fingerprints are what is on the disk now.
pub(crate) fn plan(disk: &dyn Disk, root: &str, scope: Scope, actions: Vec<Action>) -> Plan {
    let steps = actions.into_iter().zip(1..).map(|(action, id)| {
        let mut files = vec![action.file().clone()];
        if let Action::Rename { to, .. } = &action {
            files.push(to.clone());
        }
        let fingerprint = |file: PlanPath| Fingerprint {
            is: state_of(disk, &Path::new(root).join(file.as_str())).expect("a state"),
            file,
        };
        let (safety, records) = match action {
            Action::Describe { .. } => (Safety::Manual, 0),
            Action::Excise { .. } | Action::Truncate { .. } => (Safety::Lossy, 1),
            _ => (Safety::Safe, 0),
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

pub(crate) fn placeholder() -> Placeholder {
    Placeholder {
        base_offset: Offset(4),
        last_offset_delta: OffsetDelta(2),
        leader_epoch: LeaderEpoch(1),
        attributes: 0,
        base_timestamp: Timestamp(-1),
        max_timestamp: Timestamp(9),
        producer_id: ProducerId(-1),
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
        ("odd/junk", b"junk"),
        ("lost-0.0123-stray/00000000000000000000.log", b"found again"),
        ("lost-0.0123-stray/partition.metadata", b"broken"),
    ] {
        disk.file(&format!("{ROOT}/{name}"), bytes);
    }
    disk.file("/other/file", b"");
    disk
}

/// A plan with every action, for that log dir.
fn every_action(disk: &MemDisk) -> Plan {
    let text = |text: &str| Content::new(text).expect("short");
    let (log, index) = new_log();
    let actions = vec![
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
        Action::Move {
            file: path(LOG),
            range: 12..14,
            to: 11,
        },
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
    ];
    plan(disk, ROOT, Scope::LogDir, actions)
}

/// What the plan makes of the first segment, and of its index.
fn new_log() -> (Vec<u8>, Vec<u8>) {
    let mut log = b"Z1457".to_vec();
    log.extend_from_slice(&placeholder().encode());
    log.extend_from_slice(b"acdbefg");
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

/// Every file is the old one or the new one, whole; none of those that were there and will be there is missing.
#[track_caller]
fn assert_old_or_new(disk: &MemDisk, old: &Tree, context: &str) {
    // A directory gets its new name with whatever is in it.
    let named = |tree: BTreeMap<String, Vec<u8>>| -> BTreeMap<String, Vec<u8>> {
        let names = tree.into_iter();
        names
            .map(|(name, bytes)| (name.replace("lost-0.0123-stray", "lost-0"), bytes))
            .collect()
    };
    let (old, new) = (named(bare(old)), named(repaired()));
    let now = named(bare(&disk.tree(ROOT)));
    for (name, bytes) in &now {
        let is_ours = name.contains("kseg-");
        let is_known = old.get(name) == Some(bytes) || new.get(name) == Some(bytes);
        assert!(
            is_ours || is_known || name == "odd/",
            "{context}: {name} is {bytes:?}"
        );
    }
    for name in old.keys().filter(|name| new.contains_key(*name)) {
        assert!(now.contains_key(name), "{context}: {name} is gone");
    }
}

#[test]
fn a_plan_with_every_action_is_carried_out_in_place_and_undone() {
    for mounts in [&[][..], &["/disk/data"]] {
        let disk = disk(mounts);
        let (old, plan) = (disk.tree(ROOT), every_action(&disk));
        let Applied::InPlace { quarantine, .. } = run(&disk, &plan, &IN_PLACE).unwrap() else {
            panic!("in place");
        };
        assert_eq!(bare(&disk.tree(ROOT)), repaired());
        let time = |name: &str, tree: &Tree| tree[name].1;
        assert_eq!(time(LOG, &disk.tree(ROOT)), time(LOG, &old));
        let again = run(&disk, &plan, &IN_PLACE).unwrap_err();
        assert!(
            matches!(again, Error::Refused(Refusal::Applied(_))),
            "{again}"
        );
        let undone = undo(&quarantine, &disk).unwrap();
        assert_eq!(undone.root, Path::new(ROOT));
        assert_eq!(disk.tree(ROOT), old);
        assert_eq!(left_over(&disk), Vec::<String>::new());
        // And it can be had again.
        let _applied = run(&disk, &plan, &IN_PLACE).unwrap();
        let _undone = undo(Path::new(ROOT), &disk).unwrap();
        assert_eq!(disk.tree(ROOT), old);
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
    assert_eq!((files.linked, files.written), (1, 7));
    assert_eq!(left_over(&disk), Vec::<String>::new());
    let again = run(&disk, &plan, &into()).unwrap_err();
    assert!(matches!(again, Error::Refused(Refusal::Exists(_))));
    let nothing = undo(Path::new("/disk/fixed"), &disk).unwrap_err();
    assert!(matches!(nothing, Error::NothingToUndo(_)), "{nothing}");
}

/// Runs something with the power cut after every number of operations, and what follows with every fate of what was not durable.
fn cut(
    disk: &MemDisk,
    work: impl Fn(&MemDisk) -> Result<(), Error>,
    then: impl Fn(&MemDisk, &str),
) {
    for most in 0.. {
        let cut = disk.with(Some(Trouble::Power(most)));
        let done = work(&cut);
        for fate in FATES {
            then(&cut.after(fate), &format!("after {most}, {fate:?}"));
        }
        if done.is_ok() {
            assert!(most > 20, "so few operations");
            return;
        }
    }
}

#[test]
fn a_power_cut_in_place_leaves_every_file_old_or_new_and_both_ways_open() {
    for mounts in [&[][..], &["/disk/data"]] {
        let disk = disk(mounts);
        let (old, plan) = (disk.tree(ROOT), every_action(&disk));
        let apply = |disk: &MemDisk| run(disk, &plan, &IN_PLACE).map(|_| ());
        cut(&disk, apply, |disk, context| {
            assert_old_or_new(disk, &old, context);
            let forwards = disk.with(None);
            match run(&forwards, &plan, &IN_PLACE) {
                Ok(_) | Err(Error::Refused(Refusal::Applied(_))) => {}
                Err(error) => panic!("{context}: {error}"),
            }
            assert_eq!(bare(&forwards.tree(ROOT)), repaired(), "{context}");
            let _undone = undo(Path::new(ROOT), &forwards).unwrap();
            assert_eq!(forwards.tree(ROOT), old, "{context}");
            let backwards = disk.with(None);
            match undo(Path::new(ROOT), &backwards) {
                // The power went before there was anything, or before it was more than an empty folder.
                Ok(_) | Err(Error::NothingToUndo(_)) => {}
                Err(error) => panic!("{context}: {error}"),
            }
            assert_eq!(backwards.tree(ROOT), old, "{context}");
        });
    }
}

#[test]
fn a_power_cut_while_finishing_can_be_finished_or_undone_too() {
    let disk = disk(&[]);
    let (old, plan) = (disk.tree(ROOT), every_action(&disk));
    let total = {
        let whole = disk.with(Some(Trouble::Power(u32::MAX - 1)));
        let _applied = run(&whole, &plan, &IN_PLACE).unwrap();
        whole.done()
    };
    for first in (0..total).step_by(3) {
        let once = disk.with(Some(Trouble::Power(first)));
        run(&once, &plan, &IN_PLACE).unwrap_err();
        let once = once.after(Fate::Some(first));
        for second in (first % 5..total).step_by(5) {
            let twice = once.with(Some(Trouble::Power(second)));
            let _cut = run(&twice, &plan, &IN_PLACE);
            let twice = twice.after(Fate::Some(second));
            let context = format!("{first} and {second}");
            assert_old_or_new(&twice, &old, &context);
            let back = twice.with(None);
            let _undone = undo(Path::new(ROOT), &back);
            assert_eq!(back.tree(ROOT), old, "{context}");
            let _finished = run(&twice, &plan, &IN_PLACE);
            assert_eq!(bare(&twice.tree(ROOT)), repaired(), "{context}");
        }
    }
}

#[test]
fn a_power_cut_while_undoing_leaves_every_file_old_or_new_and_undo_goes_on() {
    for mounts in [&[][..], &["/disk/data"]] {
        let disk = disk(mounts);
        let (old, plan) = (disk.tree(ROOT), every_action(&disk));
        let _applied = run(&disk, &plan, &IN_PLACE).unwrap();
        let back = |disk: &MemDisk| undo(Path::new(ROOT), disk).map(|_| ());
        cut(&disk, back, |disk, context| {
            assert_old_or_new(disk, &old, context);
            match back(disk) {
                Ok(()) | Err(Error::NothingToUndo(_)) => {}
                Err(error) => panic!("{context}: {error}"),
            }
            assert_eq!(disk.tree(ROOT), old, "{context}");
            assert!(left_over(disk).len() <= 1, "{context}");
            // A folder whose journal is gone already is in nobody's way.
            let _applied = run(disk, &plan, &IN_PLACE).expect(context);
        });
    }
}

#[test]
fn a_power_cut_while_copying_leaves_the_source_and_no_half_a_copy() {
    let disk = disk(&[]);
    let (old, plan) = (disk.tree(ROOT), every_action(&disk));
    let apply = |disk: &MemDisk| run(disk, &plan, &into()).map(|_| ());
    cut(&disk, apply, |disk, context| {
        assert_eq!(disk.tree(ROOT), old, "{context}");
        let made = bare(&disk.tree("/disk/fixed"));
        assert!(made.is_empty() || made == repaired(), "{context}");
        let given_up = disk.with(None);
        let _undone = undo(Path::new("/disk/fixed"), &given_up);
        assert_eq!(given_up.tree(ROOT), old, "{context}");
        match run(disk, &plan, &into()) {
            Ok(_) | Err(Error::Refused(Refusal::Exists(_))) => {}
            Err(error) => panic!("{context}: {error}"),
        }
        assert_eq!(bare(&disk.tree("/disk/fixed")), repaired(), "{context}");
        assert_eq!(disk.tree(ROOT), old, "{context}");
    });
}

#[test]
fn a_full_disk_stops_a_repair_before_it_begins_or_in_a_state_that_can_be_finished() {
    for target in [IN_PLACE, into()] {
        let disk = disk(&[]);
        let (old, plan) = (disk.tree(ROOT), every_action(&disk));
        for most in 0.. {
            let full = disk.with(Some(Trouble::Full(most)));
            let done = run(&full, &plan, &target);
            let room = full.with(None);
            let context = format!("after {most}");
            match done {
                Ok(_) => {
                    assert!(most > 20);
                    break;
                }
                Err(Error::HalfDone { .. }) => assert_old_or_new(&room, &old, &context),
                Err(_) => {
                    assert_eq!(room.tree(ROOT), old, "{context}");
                    assert_eq!(left_over(&room), Vec::<String>::new(), "{context}");
                }
            }
            let _applied = run(&room, &plan, &target).expect(&context);
            let made = match target {
                Target::InPlace { .. } => ROOT,
                Target::Into { .. } => "/disk/fixed",
            };
            assert_eq!(bare(&room.tree(made)), repaired(), "{context}");
        }
    }
}

#[test]
fn what_changed_since_the_plan_is_refused_and_nothing_is_touched() {
    for target in [IN_PLACE, into()] {
        let original = disk(&[]);
        let plan = every_action(&original);
        for name in [
            LOG,
            "orders-3/00000000000000000000.index",
            "odd/junk",
            "orders-3/00000000000000000050.log",
        ] {
            let disk = original.with(None);
            let path = Path::new(ROOT).join(name);
            disk.append(&path).unwrap().write_all(b"!").unwrap();
            let before = disk.tree("/");
            let refused = run(&disk, &plan, &target).unwrap_err();
            assert!(
                matches!(refused, Error::Refused(Refusal::Changed { .. })),
                "{refused}"
            );
            assert_eq!(disk.tree("/"), before);
        }
        let disk = original.with(None);
        disk.file(&format!("{ROOT}/odd/more"), b"more");
        let refused = run(&disk, &plan, &target).unwrap_err();
        assert!(matches!(
            refused,
            Error::Refused(Refusal::Changed { .. } | Refusal::NotEmpty(_))
        ));
    }
}

#[test]
fn what_changed_since_the_repair_is_not_undone() {
    let disk = disk(&[]);
    let plan = every_action(&disk);
    let _applied = run(&disk, &plan, &IN_PLACE).unwrap();
    let log = Path::new(ROOT).join(LOG);
    disk.append(&log).unwrap().write_all(b"!").unwrap();
    let before = disk.tree("/");
    let refused = undo(Path::new(ROOT), &disk).unwrap_err();
    assert!(matches!(refused, Error::Refused(Refusal::Foreign { .. })));
    assert_eq!(disk.tree("/"), before);
}

#[test]
fn a_broker_or_another_repair_keeps_us_out() {
    let disk = disk(&[]);
    let plan = every_action(&disk);
    let first = approved(&disk, &plan, &IN_PLACE).unwrap();
    for target in [IN_PLACE, into()] {
        let refused = approved(&disk, &plan, &target).unwrap_err();
        assert!(
            matches!(refused, Error::Refused(Refusal::Live { .. })),
            "{refused}"
        );
    }
    drop(first);
    // One that is interrupted keeps other plans out, but not itself.
    let cut = disk.with(Some(Trouble::Power(40)));
    run(&cut, &plan, &IN_PLACE).unwrap_err();
    let disk = cut.after(Fate::Kept);
    let other = plan_of_one(&disk);
    let refused = run(&disk, &other, &IN_PLACE).unwrap_err();
    assert!(
        matches!(refused, Error::Refused(Refusal::Unfinished(_))),
        "{refused}"
    );
    let elsewhere = Target::InPlace {
        quarantine: Some("/other/place".into()),
    };
    let refused = run(&disk, &other, &elsewhere).unwrap_err();
    assert!(matches!(refused, Error::Refused(Refusal::Unfinished(_))));
    let _applied = run(&disk, &plan, &IN_PLACE).unwrap();
}

fn plan_of_one(disk: &MemDisk) -> Plan {
    let replace = Action::Replace {
        file: path("meta.properties"),
        content: Content::new("version=2\n").unwrap(),
    };
    plan(disk, ROOT, Scope::LogDir, vec![replace])
}

#[test]
fn targets_that_make_no_sense_are_refused() {
    let disk = disk(&["/disk/mounted"]);
    disk.file("/disk/full/file", b"");
    disk.file("/disk/log/meta.properties", b"");
    disk.make_dir(Path::new("/disk/mounted")).unwrap();
    disk.make_dir(Path::new("/disk/empty")).unwrap();
    let plan = every_action(&disk);
    let refusal = |dir: &str| {
        let target = Target::Into {
            dir: dir.into(),
            sharing: Sharing::File,
        };
        match approved(&disk, &plan, &target) {
            Err(Error::Refused(refusal)) => refusal,
            other => panic!("{dir}: {other:?}"),
        }
    };
    assert!(matches!(refusal(ROOT), Refusal::Inside { .. }));
    assert!(matches!(refusal("/disk/data/x"), Refusal::Inside { .. }));
    assert!(matches!(refusal("/disk"), Refusal::Inside { .. }));
    assert!(matches!(refusal("/disk/full"), Refusal::Exists(_)));
    assert!(matches!(refusal("/disk/full/file"), Refusal::Exists(_)));
    assert!(matches!(refusal("/disk/mounted"), Refusal::MountPoint(_)));
    assert!(matches!(refusal("/disk/log/x"), Refusal::InLogDir(_)));
    let inside = Target::InPlace {
        quarantine: Some("/disk/data/orders-3/q".into()),
    };
    let refused = approved(&disk, &plan, &inside).unwrap_err();
    assert!(matches!(refused, Error::Refused(Refusal::Inside { .. })));
    let empty = Target::Into {
        dir: "/disk/empty".into(),
        sharing: Sharing::Blocks,
    };
    let Applied::Into { files, .. } = run(&disk, &plan, &empty).unwrap() else {
        panic!("a copy");
    };
    assert_eq!(files.linked, 0);
    assert_eq!(bare(&disk.tree("/disk/empty")), repaired());
}

#[test]
fn lossy_steps_need_consent() {
    let disk = disk(&[]);
    let plan = every_action(&disk);
    let refusal = |consent: Consent| match approve(&plan, &IN_PLACE, &consent, &disk) {
        Err(Error::Refused(refusal)) => Some(refusal),
        Err(other) => panic!("{other}"),
        Ok(_) => None,
    };
    let steps = |steps: &[u32]| refusal(Consent::Steps(steps.to_vec()));
    assert_eq!(steps(&[]), Some(Refusal::Lossy(vec![2, 4])));
    assert_eq!(steps(&[2]), Some(Refusal::Lossy(vec![4])));
    assert_eq!(steps(&[2, 4, 5]), Some(Refusal::NotLossy(5)));
    assert_eq!(steps(&[2, 99]), Some(Refusal::NotLossy(99)));
    assert_eq!(steps(&[4, 2]), None);
    assert_eq!(refusal(Consent::Lossy), None);
}

#[test]
fn an_empty_plan_does_nothing() {
    let disk = disk(&[]);
    let describe = Action::Describe {
        file: path("meta.properties"),
    };
    for actions in [vec![], vec![describe]] {
        let plan = plan(&disk, ROOT, Scope::LogDir, actions);
        let before = disk.tree("/");
        for target in [IN_PLACE, into()] {
            assert_eq!(run(&disk, &plan, &target).unwrap(), Applied::Nothing);
        }
        assert_eq!(disk.tree("/"), before);
    }
}

#[test]
fn a_derived_file_that_comes_out_otherwise_stops_the_repair_before_it_begins() {
    let disk = disk(&[]);
    let rebuild = Action::Rebuild {
        file: path("orders-3/00000000000000000000.index"),
        recipe: Recipe::OffsetIndex {
            interval_bytes: 4096,
        },
        len_bytes: 3,
        crc: Crc(0),
    };
    let plan = plan(&disk, ROOT, Scope::LogDir, vec![rebuild]);
    let before = disk.tree("/");
    for target in [IN_PLACE, into()] {
        let stopped = run(&disk, &plan, &target).unwrap_err();
        let Error::Unprepared(why) = stopped else {
            panic!("{stopped}");
        };
        assert!(matches!(*why, Error::Derived { .. }), "{why}");
        assert_eq!(disk.tree("/"), before);
    }
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
