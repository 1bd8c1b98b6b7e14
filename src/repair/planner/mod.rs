//! Findings to a plan: what to change, so that a broker serves everything that can still be read.
//!
//! A partition's log comes first. Each `.log` is surveyed (`survey`) and mended by itself (`mend`);
//! then those of the partition are put in order together (`log`). Missing batches
//! are copied from replicas (`replicas`). What is beside the log follows from the log as it will be (`beside`,
//! `files`), and last what is in the log dir (`root`, `checkpoints`). The metadata log has rules of
//! its own (`metadata`). What no step repairs is described to people (`manual`). All of them add
//! their steps to one list (`steps`).
//!
//! **Invariant:** equal disks make equal plans; a disk without findings makes an empty one. Absent
//! on purpose: changing anything.

mod beside;
mod checkpoints;
mod coordinator;
mod diagnosis;
mod files;
mod frames;
mod links;
mod log;
mod manual;
mod mend;
mod mended;
mod metadata;
mod options;
mod relevance;
mod remake;
mod replicas;
mod root;
mod salvage;
mod set_aside;
mod steps;
mod survey;
mod witness;
mod wording;

pub use beside::derived::Rebuild;
use beside::{derived, epochs, leftovers, rescue};
use checkpoints::{Reach, Reaches};
pub use diagnosis::Diagnosis;
use links::Unfollowed;
pub use options::PlanOptions;
use relevance::{is_derived, is_wrong};
use replicas::Healed;
pub use set_aside::{SetAside, set_aside};
use steps::{LogPiece, NewLog, NewSegment, Reason, Steps};

use super::disk::Disk;
use super::error::{Error, Refusal};
use super::parts::is_nameable;
use super::plan::{Action, Plan, Scope};
use crate::format::FileKind;
use crate::format::name::DirState;
use crate::format::topic::CLUSTER_METADATA;
use crate::store::{self, Item, LogDir, Partition, Place};
use crate::verify::{CheckId, Finding, Severity};

/// Makes the plan for a log dir or a partition, by what was `seen` of it.
///
/// # Errors
/// Something cannot be read, or `place` is a file.
pub fn plan(
    place: &Place,
    seen: &Diagnosis,
    options: PlanOptions,
    disk: &dyn Disk,
) -> Result<Plan, Error> {
    let root = place.path().canonicalize();
    let root = root.map_err(store::Error::io(place.path()))?;
    if !is_nameable(&root) {
        return Err(Refusal::Unnameable(root).into());
    }
    let mut unfollowed = Unfollowed::default();
    let mut steps = Steps::new(disk, place.path());
    let scope = match place {
        Place::LogDir(dir) => {
            log_dir(dir, seen, &mut unfollowed, &mut steps, options)?;
            Scope::LogDir
        }
        Place::Partition(one) => {
            partition(one, seen, &mut unfollowed, &mut steps, options)?;
            Scope::Partition
        }
        Place::File(item) => return Err(Refusal::NoRoot(item.path().to_owned()).into()),
    };
    manual::steps(&seen.findings, &unfollowed, &mut steps)?;
    Ok(Plan::new(&root.to_string_lossy(), scope, steps.finish())?)
}

fn log_dir(
    dir: &LogDir,
    seen: &Diagnosis,
    unfollowed: &mut Unfollowed,
    steps: &mut Steps<'_>,
    options: PlanOptions,
) -> Result<(), Error> {
    let duplicates_and_strays = root::duplicates_and_strays(dir, steps)?;
    let mut reaches = Reaches::new();
    for item in dir.partitions() {
        if duplicates_and_strays.contains(item.name()) {
            continue;
        }
        if item.is_link() {
            let here: Vec<&Finding> = seen.below(item.path()).collect();
            unfollowed.dir(item, &here, steps)?;
            continue;
        }
        let mut here = steps.aside();
        let planned = Partition::open(item.path())
            .map_err(Error::from)
            .and_then(|one| Ok((partition(&one, seen, unfollowed, &mut here, options)?, one)));
        let (log, one) = match planned {
            Ok((log, one)) => {
                steps.append(here);
                (log, one)
            }
            // One directory that cannot be read keeps no other from its repair.
            Err(Error::Store(error)) => {
                unread(item, &error, seen, steps)?;
                continue;
            }
            Err(error) => return Err(error),
        };
        let Some(log) = log else {
            continue;
        };
        let key = one.topic().map(str::to_owned).zip(one.number());
        if let (Some(key), Some(reach), DirState::Current) = (key, log.reach(), one.state()) {
            let found = seen.extents.get(one.path());
            let epochs = found.and_then(|log| log.epochs).map(|start| start.0);
            let found_end = found.map_or(reach.end, |log| log.end.0);
            let reach = Reach {
                found_end,
                epochs,
                ..reach
            };
            reaches.insert(key, reach);
        }
    }
    replicas::absent::steps(dir, seen, steps)?;
    root::steps(dir, &reaches, seen, steps)
}

/// Describes why nothing is planned for a partition, if no finding does.
fn unread(
    item: &Item,
    error: &store::Error,
    seen: &Diagnosis,
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let mut here = seen.below(item.path());
    let is_known = here.any(|finding| finding.check == CheckId::Unreadable);
    match steps.path(item.path()).filter(|_| !is_known) {
        Some(file) => {
            let reason = Reason::manual(&[CheckId::Unreadable], error.to_string());
            steps.add(Action::Describe { file }, &[], reason)
        }
        None => Ok(()),
    }
}

/// Adds the steps for one partition. Returns the log that they leave; `None` if nothing is planned
/// there.
fn partition(
    partition: &Partition,
    seen: &Diagnosis,
    unfollowed: &mut Unfollowed,
    steps: &mut Steps<'_>,
    options: PlanOptions,
) -> Result<Option<NewLog>, Error> {
    let here: Vec<&Finding> = seen.below(partition.path()).collect();
    if unfollowed.files(partition, &here, steps)? {
        return Ok(None);
    }
    let is_any_wrong = here.iter().any(|finding| is_wrong(finding));
    if partition.topic() == Some(CLUSTER_METADATA) {
        if is_any_wrong {
            metadata::steps(partition, &here, seen, steps, options)?;
        }
        return Ok(None);
    }
    let is_log_sound = here
        .iter()
        .all(|finding| finding.severity < Severity::Warning || is_derived(finding.check));
    let healed = if is_any_wrong {
        replicas::heal(partition, &here, seen, steps, options)?
    } else {
        Healed::Not
    };
    let mut log = match healed {
        Healed::Wholly(log) => log,
        Healed::Partly => return Ok(None),
        Healed::Not if is_log_sound => NewLog::of(partition, seen),
        Healed::Not => log::steps(partition, &here, &seen.coordinators, steps, options)?,
    };
    if partition.state() == DirState::Current {
        rescue::steps(partition, &mut log, &here, steps, options)?;
        leftovers::steps(partition, &here, steps)?;
    }
    let is_changed = log.segments.iter().any(|segment| segment.is_changed);
    if is_any_wrong || is_changed {
        derived::steps(partition, &log, &here, steps)?;
        epochs::steps(partition, &log, &here, steps)?;
        files::steps(partition, &log, &here, steps)?;
        files::identity(partition, &here, &seen.proof, steps)?;
    }
    Ok(Some(log))
}

impl NewLog {
    /// A log that no step touches.
    fn of(partition: &Partition, seen: &Diagnosis) -> Self {
        let segments = partition.segments();
        let logs = segments.iter().filter_map(|segment| {
            let item = segment.file(FileKind::Log).filter(|item| item.is_file())?;
            Some(NewSegment {
                base: segment.base_offset().0,
                pieces: vec![LogPiece::Kept {
                    path: Item::path(item).to_owned(),
                    range: 0..item.len_bytes(),
                }],
                is_changed: false,
            })
        });
        let segments: Vec<NewSegment> = logs.collect();
        let extent = seen.extents.get(partition.path());
        Self {
            end: extent.map_or(0, |extent| extent.end.0),
            segments,
        }
    }

    /// Returns its start and end; `None` without segments.
    fn reach(&self) -> Option<Reach> {
        let (first, last) = (self.segments.first()?, self.segments.last()?);
        Some(Reach {
            start: first.base,
            active: last.base,
            end: self.end,
            found_end: self.end,
            epochs: None,
        })
    }
}
