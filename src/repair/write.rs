//! Writing of the new contents of an approved plan.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::approve::Approved;
use super::disk::{Disk, DiskItem, ItemKind, Likeness, Sharing};
use super::error::{At, Error, Refusal};
use super::output::write_file;
use super::parts::{FilePart, OWN, PlanPath, Recipe, State};
use super::splice::pump;
use super::work::Source;
use crate::format::name::{LOCK, LOG_SUFFIX};

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
    part: &FilePart,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let (from, range) = match part {
        FilePart::Bytes(content) => return out.write_all(content.bytes()).at(&approved.root),
        FilePart::Range { file, range } => (approved.root.join(file.as_str()), range),
        FilePart::Replica { path, range, .. } => (PathBuf::from(path), range),
    };
    let input = disk.open(&from).at(&from)?;
    pump(&*input, range.clone(), &mut Vec::new(), |bytes| {
        out.write_all(bytes)
    })
    .at(&from)
}

/// The file that a new content is like: the one that it is made from, or else the one that it
/// replaces; what is new is like its siblings, or has the owner of its directory.
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
    let is_file = |look: &DiskItem| look.kind == ItemKind::File;
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

/// A file of a directory that a new one is to be like: a segment, else any; else the directory
/// itself.
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
        if disk.look(&path).at(&path)?.kind == ItemKind::File {
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
        let is_same = |now: DiskItem| now.kind == ItemKind::Directory || now == *before;
        if now.kind != before.kind || !is_same(now) {
            return Err(Refusal::Changed {
                path: at,
                expected: "the length and time of a moment ago".into(),
                found: "another length or time".into(),
            }
            .into());
        }
    }
    Ok(())
}
