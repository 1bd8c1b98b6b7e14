//! Symbolic links and special files: a repair follows no link and opens no pipe, so nothing is
//! planned in a partition that has one where a file of Kafka belongs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::relevance::is_wrong;
use super::steps::{Reason, Steps};
use crate::repair::error::Error;
use crate::repair::plan::Action;
use crate::store::{Item, Partition};
use crate::verify::{CheckId, Finding};

/// The directories of partitions in which nothing is planned. They have one step, for the
/// link or the special file.
#[derive(Debug, Default)]
pub(super) struct Unfollowed(BTreeSet<PathBuf>);

impl Unfollowed {
    /// Returns true if a path is one of the directories, or below one.
    pub(super) fn holds(&self, path: &Path) -> bool {
        path.ancestors().any(|dir| self.0.contains(dir))
    }

    /// Leaves out the directory of a partition that is a link. A manual step is added if something
    /// is wrong in the partition.
    ///
    /// # Errors
    /// The step cannot be added.
    pub(super) fn dir(
        &mut self,
        dir: &Item,
        findings: &[&Finding],
        steps: &mut Steps<'_>,
    ) -> Result<(), Error> {
        self.0.insert(dir.path().to_owned());
        let why = "a symbolic link, which a repair does not follow: make a plan for the \
                   directory that it points to";
        describe(dir, findings, why, steps)
    }

    /// Returns true if a file of Kafka in a partition is a link or a special file. A manual step is
    /// added for each if something is wrong in the partition.
    ///
    /// # Errors
    /// A step cannot be added.
    pub(super) fn files(
        &mut self,
        partition: &Partition,
        findings: &[&Finding],
        steps: &mut Steps<'_>,
    ) -> Result<bool, Error> {
        for item in partition.items() {
            let is_special = !item.is_file() && !item.is_dir();
            if !(item.is_link() || is_special) || item.file_name().is_none() {
                continue;
            }
            self.0.insert(partition.path().to_owned());
            let why = if item.is_link() {
                "a symbolic link, which a repair does not follow: put the file that it points to \
                 in its place, and make the plan again; nothing else is planned in this partition"
            } else {
                "neither a file nor a directory: move it out of the log dir, and make the plan \
                 again; nothing else is planned in this partition"
            };
            describe(item, findings, why, steps)?;
        }
        Ok(self.0.contains(partition.path()))
    }
}

/// Adds a manual step for an item, with the checks of everything that is wrong around it.
fn describe(
    item: &Item,
    findings: &[&Finding],
    why: &str,
    steps: &mut Steps<'_>,
) -> Result<(), Error> {
    let wrong = findings.iter().filter(|finding| is_wrong(finding));
    let checks: BTreeSet<CheckId> = wrong.map(|finding| finding.check).collect();
    let Some(file) = steps.path(item.path()).filter(|_| !checks.is_empty()) else {
        return Ok(());
    };
    let checks: Vec<CheckId> = checks.into_iter().collect();
    steps.add(Action::Describe { file }, &[], Reason::manual(&checks, why))
}
