//! What is refused, and that nothing is touched then.

use std::io::Write;
use std::path::{Path, PathBuf};

use kseg::repair::{
    Action, Applied, Consent, Content, Crc, Derive, Disk, Error, Plan, PlanPath, Recipe, Refusal,
    Scope, Sharing, Target, apply, approve, undo,
};

use super::power::{Fate, MemDisk, Trouble};
use super::{
    IN_PLACE, LOG, ROOT, Reversed, approved, bare, disk, every_action, into, path, plan, repaired,
    run,
};

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
fn what_somebody_changed_while_a_repair_was_interrupted_is_not_overwritten() {
    let original = disk(&[]);
    let plan = every_action(&original);
    let (mut refused, mut half_done) = (0, 0);
    for most in 0.. {
        let cut = original.with(Some(Trouble::Power(most)));
        if run(&cut, &plan, &IN_PLACE).is_ok() {
            break;
        }
        let disk = cut.after(Fate::Kept);
        half_done += 1;
        let log = Path::new(ROOT).join(LOG);
        disk.append(&log).unwrap().write_all(b"!").unwrap();
        let theirs = disk.bytes(&log);
        if let Err(error) = run(&disk, &plan, &IN_PLACE) {
            let is_told = matches!(
                error,
                Error::Refused(
                    Refusal::Changed { .. } | Refusal::Foreign { .. } | Refusal::Applied(_)
                )
            );
            assert!(is_told, "after {most}: {error}");
            refused += 1;
        }
        assert_eq!(disk.bytes(&log), theirs, "after {most}");
        let _refused = undo(Path::new(ROOT), &disk);
        assert_eq!(disk.bytes(&log), theirs, "after {most}");
    }
    assert!(refused == half_done && half_done > 50);
}

/// Makes derived files, and changes a segment meanwhile.
struct Meddler<'a>(&'a MemDisk);

impl Derive for Meddler<'_> {
    fn derive(
        &self,
        file: &PlanPath,
        recipe: &Recipe,
        locate: &dyn Fn(&str) -> PathBuf,
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        let swap = Path::new(ROOT).join("orders-3/00000000000000000050.log.swap");
        self.0.append(&swap).unwrap().write_all(b"!").unwrap();
        Reversed(self.0).derive(file, recipe, locate, out)
    }
}

#[test]
fn what_changes_while_it_is_read_stops_the_repair_before_it_begins() {
    for target in [IN_PLACE, into()] {
        let disk = disk(&[]);
        let plan = every_action(&disk);
        let mut before = bare(&disk.tree("/"));
        let approved = approved(&disk, &plan, &target).unwrap();
        let stopped = apply(approved, &disk, &Meddler(&disk)).unwrap_err();
        assert!(matches!(stopped, Error::Unprepared(_)), "{stopped}");
        let mut after = bare(&disk.tree("/"));
        let swap = "disk/data/orders-3/00000000000000000050.log.swap";
        assert_ne!(before.remove(swap), after.remove(swap));
        assert_eq!(before, after);
    }
}

#[test]
fn an_original_that_is_damaged_in_its_quarantine_is_not_put_back() {
    let disk = disk(&["/disk/data"]);
    let plan = every_action(&disk);
    let Applied::InPlace { quarantine, .. } = run(&disk, &plan, &IN_PLACE).unwrap() else {
        panic!("in place");
    };
    let saved = quarantine.join("original").join(LOG);
    disk.append(&saved).unwrap().write_all(b"!").unwrap();
    let before = disk.tree("/");
    let refused = undo(&quarantine, &disk).unwrap_err();
    assert!(matches!(refused, Error::Refused(Refusal::Changed { .. })));
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
fn an_empty_plan_changes_nothing_and_makes_a_copy_where_one_is_wanted() {
    let disk = disk(&[]);
    let describe = Action::Describe {
        file: path("meta.properties"),
    };
    for actions in [vec![], vec![describe]] {
        let disk = disk.with(None);
        let plan = plan(&disk, ROOT, Scope::LogDir, actions);
        let before = disk.all(ROOT);
        assert_eq!(run(&disk, &plan, &IN_PLACE).unwrap(), Applied::Nothing);
        let Applied::Into { files, .. } = run(&disk, &plan, &into()).unwrap() else {
            panic!("a copy");
        };
        assert_eq!((files.written, files.linked), (0, 1));
        assert_eq!(disk.all(ROOT), before);
        assert_eq!(bare(&disk.tree("/disk/fixed")), bare(&before.0));
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
fn a_disk_that_fails_is_not_written_to() {
    let disk = disk(&[]);
    let plan = every_action(&disk);
    let before = disk.tree("/");
    disk.fail(&Path::new(ROOT).join(LOG));
    let refused = approved(&disk, &plan, &IN_PLACE).unwrap_err();
    assert!(
        matches!(refused, Error::Refused(Refusal::Failing(_))),
        "{refused}"
    );
    assert!(refused.to_string().contains("use --into"), "{refused}");
    assert_eq!(disk.tree("/"), before);
}
