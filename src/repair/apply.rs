//! Application of an approved plan.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::approve::{Approved, Site};
use super::disk::{Disk, Duplicate, Kind, Likeness, Look, Sharing};
use super::error::{At, Error, Refusal};
use super::output::write_file;
use super::parts::{OWN, PlanPath};
use super::plan::{Part, Recipe, State};
use super::splice::pump;
use super::work::Source;
use super::{in_place, into};
use crate::format::name::LOCK;
use crate::format::name::LOG_SUFFIX;

/// Computes files that derive from a log.
pub trait Derive {
    /// Writes the content of `file` to `out`. `locate` says where a path of the plan lies as it will be.
    ///
    /// # Errors
    /// It cannot be computed, or not be written.
    fn derive(
        &self,
        file: &PlanPath,
        recipe: &Recipe,
        locate: &dyn Fn(&str) -> PathBuf,
        out: &mut dyn Write,
    ) -> Result<(), Error>;

    /// Returns the partitions of a copy, which is whole but for its name, in which nothing is wrong, by their paths below it; of a partition's
    /// copy the path is empty. Only their files may be hard links: a broker truncates what is damaged where it is, and in the source with it.
    ///
    /// # Errors
    /// The copy cannot be read.
    fn sound(&self, _copy: &Path) -> Result<BTreeSet<PathBuf>, Error> {
        Ok(BTreeSet::new())
    }
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Applied {
    /// There was nothing to do.
    Nothing,
    /// The directory is there.
    Into {
        /// The directory.
        dir: PathBuf,
        /// How many files it holds.
        files: Counts,
    },
    /// The log dir is repaired.
    InPlace {
        /// Where the originals and the journal are.
        quarantine: PathBuf,
        /// How many paths were changed.
        changed: usize,
    },
}

/// Files of a new directory, by how they came there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Written anew by steps of the plan.
    pub written: u64,
    /// The same files as in the source under another name.
    pub linked: u64,
    /// Files of their own that share bytes until one is changed.
    pub cloned: u64,
    /// Copied.
    pub copied: u64,
}

impl Counts {
    pub(super) fn add(&mut self, how: Duplicate) {
        *match how {
            Duplicate::Linked => &mut self.linked,
            Duplicate::Cloned => &mut self.cloned,
            Duplicate::Copied => &mut self.copied,
        } += 1;
    }
}

/// Carries a plan out, or what an earlier run left of it.
///
/// # Errors
/// Something could not be done. Either nothing was changed then, or the same plan applied again finishes it.
pub fn apply(approved: Approved, disk: &dyn Disk, derive: &dyn Derive) -> Result<Applied, Error> {
    if approved.is_empty() {
        return Ok(Applied::Nothing);
    }
    match approved.site.clone() {
        Site::InPlace { quarantine } => in_place::run(approved, &quarantine, disk, derive),
        Site::Into {
            dir,
            partial,
            sharing,
        } => into::run(approved, (&dir, &partial, sharing), disk, derive),
    }
}

/// Writes a new content to `to`, durable but for its name.
pub(super) fn write(
    approved: &Approved,
    disk: &dyn Disk,
    (path, source): (&PlanPath, &Source),
    to: &Path,
    derive: &dyn Fn(&Recipe, &mut dyn Write) -> Result<(), Error>,
) -> Result<State, Error> {
    let (model, how) = model(approved, disk, path, source)?;
    let model = (model.as_path(), how);
    match source {
        Source::Bytes(bytes) => write_file(disk, to, model, |out| out.write_all(bytes).at(to)),
        Source::File(from, Some(splice)) => {
            let from = approved.root.join(from.as_str());
            let input = disk.open(&from).at(&from)?;
            write_file(disk, to, model, |out| splice.write(&*input, out).at(to))
        }
        Source::Parts(parts) => write_file(disk, to, model, |out| {
            parts
                .iter()
                .try_for_each(|part| write_part(approved, disk, part, out))
        }),
        Source::File(from, None) => {
            let at = approved.root.join(from.as_str());
            let _how = disk.duplicate(&at, to, Sharing::Blocks).at(to)?;
            let was = approved.work.was.get(from).copied();
            Ok(was.unwrap_or(State::Absent))
        }
        Source::Recipe(recipe, expected) => {
            let found = write_file(disk, to, model, |out| derive(recipe, out))?;
            if found == *expected {
                return Ok(found);
            }
            Err(Error::Derived {
                root: approved.root.clone(),
                file: path.clone(),
                expected: expected.to_string(),
                found: found.to_string(),
            })
        }
    }
}

fn write_part(
    approved: &Approved,
    disk: &dyn Disk,
    part: &Part,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let (from, range) = match part {
        Part::Bytes(content) => return out.write_all(content.bytes()).at(&approved.root),
        Part::Range { file, range } => (approved.root.join(file.as_str()), range),
        Part::Replica { path, range, .. } => (PathBuf::from(path), range),
    };
    let input = disk.open(&from).at(&from)?;
    pump(&*input, range.clone(), &mut Vec::new(), |bytes| {
        out.write_all(bytes)
    })
    .at(&from)
}

/// The file that a new content is like: the one that it is made from, or else the one that it replaces; what is new is like its
/// siblings, or belongs to whom its directory belongs to.
fn model(
    approved: &Approved,
    disk: &dyn Disk,
    path: &PlanPath,
    source: &Source,
) -> Result<(PathBuf, Likeness), Error> {
    let from = match source {
        Source::File(from, _) => from,
        _ => path,
    };
    let is_file = |look: &Look| look.kind == Kind::File;
    if approved.looks.get(from).is_some_and(is_file) {
        return Ok((approved.root.join(from.as_str()), Likeness::Whole));
    }
    if let Some(model) = approved.siblings.borrow().get(path.dir()) {
        return Ok((model.clone(), Likeness::New));
    }
    let model = sibling(disk, &approved.root.join(path.dir()))?;
    let mut siblings = approved.siblings.borrow_mut();
    siblings.insert(path.dir().to_owned(), model.clone());
    Ok((model, Likeness::New))
}

/// A file of a directory that a new one is to be like: a segment, else any; else the directory itself.
fn sibling(disk: &dyn Disk, dir: &Path) -> Result<PathBuf, Error> {
    let mut any = None;
    for name in disk.list(dir).at(dir)? {
        let name = name.to_string_lossy();
        let is_segment = name.ends_with(LOG_SUFFIX);
        let is_better = is_segment || any.is_none();
        if !is_better || name.starts_with(OWN) || name == LOCK {
            continue;
        }
        let path = dir.join(&*name);
        if disk.look(&path).at(&path)?.kind == Kind::File {
            if is_segment {
                return Ok(path);
            }
            any = Some(path);
        }
    }
    Ok(any.unwrap_or_else(|| dir.to_owned()))
}

/// Nothing that was read has changed meanwhile.
pub(super) fn check_unchanged(approved: &Approved, disk: &dyn Disk) -> Result<(), Error> {
    let own = approved.looks.iter();
    let own = own.map(|(path, look)| (approved.root.join(path.as_str()), look));
    let theirs = approved.replicas.iter();
    let theirs = theirs.map(|(path, look)| (path.clone(), look));
    for (at, before) in own.chain(theirs) {
        let now = disk.look(&at).at(&at)?;
        // A directory changes when we write beside what is in it.
        let is_same = |now: Look| now.kind == Kind::Directory || now == *before;
        if now.kind != before.kind || !is_same(now) {
            return Err(Refusal::Changed {
                path: at,
                expected: "what it was a moment ago".into(),
                found: "another length or time".into(),
            }
            .into());
        }
    }
    Ok(())
}
