//! Findings to a plan: what to change, so that a broker serves everything that can still be read.
//!
//! A partition's log comes first ([`log`]): which batches there are, which can be mended, where they belong. What is around it
//! then follows from the log as it will be: what derives from it ([`derived`]), its other files ([`files`]), and what lies in
//! the log dir ([`root`]).
//!
//! **Invariant:** equal disks make equal plans; a disk without findings makes an empty one. Absent on purpose: changing
//! anything.

mod derived;
mod log;
mod mend;
mod order;
mod remake;
mod salvage;
mod steps;
mod survey;

use std::path::Path;

use super::disk::Disk;
use super::error::{Error, Refusal};
use super::plan::{self, Draft, Plan, Scope};
use crate::scan::Jobs;
use crate::store::{self, Partition, Place};
use crate::verify::{Finding, Severity};
use steps::Steps;

/// How a plan is made.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Threads within a `.log`.
    pub jobs: Jobs,
}

/// Makes the plan for a log dir or a partition, of which `findings` tell.
///
/// # Errors
/// Something cannot be read, or `place` is a file.
pub fn plan(
    place: &Place,
    findings: &[Finding],
    options: Options,
    disk: &dyn Disk,
) -> Result<Plan, Error> {
    let root = place
        .path()
        .canonicalize()
        .map_err(store_error(place.path()))?;
    let mut steps = Steps::new(disk, &root);
    let scope = match place {
        Place::LogDir(dir) => {
            for item in dir.partitions() {
                let partition = Partition::open(root.join(item.name()))?;
                self::partition(&partition, findings, &mut steps, options)?;
            }
            Scope::LogDir
        }
        Place::Partition(_) => {
            let partition = Partition::open(root)?;
            self::partition(&partition, findings, &mut steps, options)?;
            Scope::Partition
        }
        Place::File(item) => return Err(Refusal::NoRoot(item.path().to_owned()).into()),
    };
    let root = root.canonicalize().map_err(store_error(root))?;
    let draft = Draft {
        schema: plan::SCHEMA.to_owned(),
        tool: concat!("kseg ", env!("CARGO_PKG_VERSION")).to_owned(),
        root: root.to_string_lossy().into_owned(),
        scope,
        steps: steps.finish(),
    };
    Ok(Plan::try_from(draft)?)
}

fn store_error(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    |why| store::Error::io(path)(why).into()
}

/// The steps for one partition; none if nothing is wrong there.
fn partition(
    partition: &Partition,
    findings: &[Finding],
    steps: &mut Steps<'_>,
    options: Options,
) -> Result<(), Error> {
    let here: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.path.starts_with(partition.path()))
        .collect();
    if here
        .iter()
        .all(|finding| finding.severity < Severity::Warning)
    {
        return Ok(());
    }
    let log = log::steps(partition, &here, steps, options)?;
    derived::steps(partition, &log, &here, steps)
}
