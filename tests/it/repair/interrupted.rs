//! Repairs on a disk that loses power or runs full at any moment.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use kseg::repair::{
    Consent, Derive, Disk, Error, PlanPath, Recipe, Refusal, Stoppable, Target, apply, approve,
    undo,
};

use super::power::{Fate, MemDisk, Trouble};
use super::{
    All, IN_PLACE, ROOT, Reversed, bare, disk, every_action, into, left_over, repaired, run,
};

const FATES: [Fate; 8] = [
    Fate::Lost,
    Fate::Kept,
    Fate::Names,
    Fate::Bytes,
    Fate::Some(1),
    Fate::Some(2),
    Fate::Some(5),
    Fate::Some(11),
];

/// Every file is the old one or the new one, whole; none of those that were there and will be there is missing.
#[track_caller]
fn assert_old_or_new(disk: &MemDisk, (old, _): &All, context: &str) {
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
        let (old, plan) = (disk.all(ROOT), every_action(&disk));
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
            assert_eq!(forwards.all(ROOT), old, "{context}");
            let backwards = disk.with(None);
            match undo(Path::new(ROOT), &backwards) {
                // The power went before there was anything, or before it was more than an empty folder.
                Ok(_) | Err(Error::NothingToUndo(_)) => {}
                Err(error) => panic!("{context}: {error}"),
            }
            assert_eq!(backwards.all(ROOT), old, "{context}");
            assert_eq!(left_over(&backwards), Vec::<String>::new(), "{context}");
        });
    }
}

#[test]
fn a_power_cut_while_finishing_can_be_finished_or_undone_too() {
    let disk = disk(&[]);
    let (old, plan) = (disk.all(ROOT), every_action(&disk));
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
            assert_eq!(back.all(ROOT), old, "{context}");
            let _finished = run(&twice, &plan, &IN_PLACE);
            assert_eq!(bare(&twice.tree(ROOT)), repaired(), "{context}");
        }
    }
}

#[test]
fn a_power_cut_while_undoing_leaves_every_file_old_or_new_and_undo_goes_on() {
    for mounts in [&[][..], &["/disk/data"]] {
        let disk = disk(mounts);
        let (old, plan) = (disk.all(ROOT), every_action(&disk));
        let _applied = run(&disk, &plan, &IN_PLACE).unwrap();
        let back = |disk: &MemDisk| undo(Path::new(ROOT), disk).map(|_| ());
        cut(&disk, back, |disk, context| {
            assert_old_or_new(disk, &old, context);
            let there = disk.with(None);
            match run(&there, &plan, &IN_PLACE) {
                // Not begun to go back yet, or back already.
                Ok(_) | Err(Error::Refused(Refusal::Applied(_))) => {
                    assert_eq!(bare(&there.tree(ROOT)), repaired(), "{context}");
                }
                Err(Error::Refused(Refusal::Undoing(_))) => {}
                Err(error) => panic!("{context}: {error}"),
            }
            match back(disk) {
                Ok(()) | Err(Error::NothingToUndo(_)) => {}
                Err(error) => panic!("{context}: {error}"),
            }
            assert_eq!(disk.all(ROOT), old, "{context}");
            assert_eq!(left_over(disk), Vec::<String>::new(), "{context}");
            let _applied = run(disk, &plan, &IN_PLACE).expect(context);
        });
    }
}

#[test]
fn a_power_cut_while_copying_leaves_the_source_and_no_half_a_copy() {
    let disk = disk(&[]);
    let (old, plan) = (disk.all(ROOT), every_action(&disk));
    let apply = |disk: &MemDisk| run(disk, &plan, &into()).map(|_| ());
    cut(&disk, apply, |disk, context| {
        assert_eq!(disk.all(ROOT), old, "{context}");
        let made = bare(&disk.tree("/disk/fixed"));
        assert!(made.is_empty() || made == repaired(), "{context}");
        let given_up = disk.with(None);
        let _undone = undo(Path::new("/disk/fixed"), &given_up);
        assert_eq!(given_up.all(ROOT), old, "{context}");
        assert_eq!(left_over(&given_up), Vec::<String>::new(), "{context}");
        match run(disk, &plan, &into()) {
            Ok(_) | Err(Error::Refused(Refusal::Exists(_))) => {}
            Err(error) => panic!("{context}: {error}"),
        }
        assert_eq!(bare(&disk.tree("/disk/fixed")), repaired(), "{context}");
        assert_eq!(disk.all(ROOT), old, "{context}");
    });
}

#[test]
fn a_full_disk_stops_a_repair_before_it_begins_or_in_a_state_that_can_be_finished() {
    for target in [IN_PLACE, into()] {
        let disk = disk(&[]);
        let (old, plan) = (disk.all(ROOT), every_action(&disk));
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
                    assert_eq!(room.all(ROOT), old, "{context}");
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
fn an_operation_that_fails_once_leaves_both_ways_open_even_if_the_power_goes_next() {
    let disk = disk(&[]);
    let (old, plan) = (disk.all(ROOT), every_action(&disk));
    for nth in 0.. {
        let glitch = disk.with(Some(Trouble::Glitch(nth, u32::MAX - 1)));
        if run(&glitch, &plan, &IN_PLACE).is_ok() {
            assert!(nth > 50);
            break;
        }
        let total = glitch.done();
        // Which operations are next to each other shifts with the first number.
        for most in (nth + 1 + nth % 4..=total).step_by(4) {
            let cut = disk.with(Some(Trouble::Glitch(nth, most)));
            let _failed = run(&cut, &plan, &IN_PLACE);
            for fate in [Fate::Lost, Fate::Kept, Fate::Some(nth)] {
                let (there, back) = (cut.after(fate), cut.after(fate));
                let context = format!("{nth}, then {most}, {fate:?}");
                assert_old_or_new(&there, &old, &context);
                let _undone = undo(Path::new(ROOT), &back);
                assert_eq!(back.all(ROOT), old, "{context}");
                let _applied = run(&there, &plan, &IN_PLACE);
                assert_eq!(bare(&there.tree(ROOT)), repaired(), "{context}");
                let _undone = undo(Path::new(ROOT), &there).expect(&context);
                assert_eq!(there.all(ROOT), old, "{context}");
            }
        }
    }
}

#[test]
fn an_operation_of_a_copy_or_of_an_undo_that_fails_once_loses_nothing() {
    let disk = disk(&["/disk/data"]);
    let (old, plan) = (disk.all(ROOT), every_action(&disk));
    for nth in 0.. {
        let glitch = disk.with(Some(Trouble::Glitch(nth, u32::MAX - 1)));
        let done = run(&glitch, &plan, &into()).is_ok();
        let made = bare(&glitch.tree("/disk/fixed"));
        assert!(made.is_empty() || made == repaired(), "{nth}");
        let _again = run(&glitch, &plan, &into());
        assert_eq!(bare(&glitch.tree("/disk/fixed")), repaired(), "{nth}");
        assert_eq!(glitch.all(ROOT), old, "{nth}");
        if done && nth > glitch.done() {
            break;
        }
    }
    let _applied = run(&disk, &plan, &IN_PLACE).unwrap();
    for nth in 0.. {
        let glitch = disk.with(Some(Trouble::Glitch(nth, u32::MAX - 1)));
        let done = undo(Path::new(ROOT), &glitch).is_ok();
        assert_old_or_new(&glitch, &old, &format!("{nth}"));
        let _again = undo(Path::new(ROOT), &glitch);
        assert_eq!(glitch.all(ROOT), old, "{nth}");
        if done && nth > glitch.done() {
            break;
        }
    }
}

/// Says stop as soon as something is computed.
struct Stopping<'a>(&'a dyn Disk, &'a AtomicBool);

impl Derive for Stopping<'_> {
    fn derive(
        &self,
        file: &PlanPath,
        recipe: &Recipe,
        locate: &dyn Fn(&str) -> PathBuf,
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        self.1.store(true, Ordering::Relaxed);
        Reversed(self.0).derive(file, recipe, locate, out)
    }
}

#[test]
fn who_is_told_to_stop_takes_back_what_is_prepared() {
    let disk = disk(&[]);
    let plan = every_action(&disk);
    for is_stopped_before in [true, false] {
        for target in [IN_PLACE, into()] {
            let (before, stop) = (disk.tree("/"), AtomicBool::new(is_stopped_before));
            let stoppable = Stoppable::new(&disk, &stop);
            let approved = approve(&plan, &target, &Consent::Lossy, &stoppable).unwrap();
            let stopped = apply(approved, &stoppable, &Stopping(&disk, &stop)).unwrap_err();
            assert!(matches!(stopped, Error::Unprepared(_)), "{stopped}");
            assert_eq!(disk.tree("/"), before, "{target:?}");
        }
    }
}

#[test]
fn who_is_told_to_stop_behind_the_commit_finishes() {
    let disk = disk(&[]);
    let plan = every_action(&disk);
    let whole = disk.with(None);
    let _applied = run(&whole, &plan, &IN_PLACE).unwrap();
    for most in 0..whole.done() {
        let cut = disk.with(Some(Trouble::Power(most)));
        let _gone = run(&cut, &plan, &IN_PLACE);
        let there = cut.after(Fate::Kept);
        let stop = AtomicBool::new(true);
        let stoppable = Stoppable::new(&there, &stop);
        let Ok(approved) = approve(&plan, &IN_PLACE, &Consent::Lossy, &stoppable) else {
            continue;
        };
        match apply(approved, &stoppable, &Reversed(&there)) {
            Ok(_) => assert_eq!(bare(&there.tree(ROOT)), repaired(), "{most}"),
            Err(error) => assert!(matches!(error, Error::Unprepared(_)), "{most}: {error}"),
        }
    }
}
