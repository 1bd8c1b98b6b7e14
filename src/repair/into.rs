//! Repair into a directory: a copy is made beside the place where it will be, and gets its name
//! when it is finished.

use std::path::{Path, PathBuf};

use super::applied::{Applied, Counts, Derive};
use super::approve::Approved;
use super::disk::{Disk, Duplicate, ItemKind, Likeness, Sharing};
use super::error::{At, Error, Refusal};
use super::folder::{self, sync_parent};
use super::journal::{Record, Stage};
use super::work::{Source, order};
use super::write::{check_unchanged, write};
use crate::format::name::{FileState, LOCK, LOG_SUFFIX, base_offset};
use crate::format::{FileKind, FileName};

/// The maximum depth of directories. Kafka has two levels.
const DEPTH: usize = 8;

/// Carries a plan out in a copy.
pub(super) fn run(
    mut approved: Approved,
    (dir, partial, sharing): (&Path, &Path, Sharing),
    disk: &dyn Disk,
    derive: &dyn Derive,
) -> Result<Applied, Error> {
    let tree = folder::tree(partial, dir);
    let is_made = matches!(&approved.earlier, Some(record) if record.stage == Stage::Committed);
    let mut files = Counts::default();
    if !is_made {
        let mut journal = folder::begin(disk, partial, &approved.begin, &[])?;
        let guard = folder::hold_journal(disk, partial)?;
        approved.guards.extend(guard);
        let mut made = Copy {
            approved: &approved,
            disk,
            sharing,
            files: Counts::default(),
            linked: Vec::new(),
        };
        let done = made.make(&tree, derive).and_then(|()| journal.commit(&[]));
        if let Err(why) = done {
            // A commit that was written although an error was reported is about a complete tree,
            // which stays.
            let is_open = matches!(
                Record::read(disk, partial),
                Ok(Some(Record {
                    stage: Stage::Begun,
                    ..
                }))
            );
            let is_gone = is_open && folder::clear(disk, partial).is_ok();
            return Err(if is_gone {
                Error::Unprepared(Box::new(why))
            } else {
                why
            });
        }
        files = made.files;
    }
    if disk.look(&tree).at(&tree)?.kind == ItemKind::Directory {
        disk.rename(&tree, dir).at(dir)?;
    }
    sync_parent(disk, dir)?;
    disk.sync_dir(partial).at(partial)?;
    folder::clear(disk, partial)?;
    Ok(Applied::Into {
        dir: dir.to_owned(),
        files,
    })
}

/// A copy in the making.
struct Copy<'a> {
    approved: &'a Approved,
    disk: &'a dyn Disk,
    sharing: Sharing,
    files: Counts,
    /// Files that are those of the source, by their paths below it.
    linked: Vec<PathBuf>,
}

impl Copy<'_> {
    fn make(&mut self, tree: &Path, derive: &dyn Derive) -> Result<(), Error> {
        let mut dirs = Vec::new();
        self.mirror(Path::new(""), tree, 0, &mut dirs)?;
        self.put(tree, derive)?;
        let work = &self.approved.work;
        for dir in work.removed_dirs.iter().filter(|dir| !work.replaces(dir)) {
            let dir = tree.join(dir.as_str());
            self.disk.remove_dir(&dir).at(&dir)?;
        }
        for (from, to) in &work.renamed_dirs {
            let (from, to) = (tree.join(from.as_str()), tree.join(to.as_str()));
            self.disk.rename(&from, &to).at(&to)?;
        }
        self.part(tree, derive)?;
        check_unchanged(self.approved, self.disk)?;
        // From the inside out; what is done to a directory's name shows in the one around it.
        for path in dirs.iter().rev() {
            let (dir, model) = (tree.join(self.renamed(path)), self.approved.root.join(path));
            if self.disk.look(&dir).at(&dir)?.kind == ItemKind::Directory {
                self.disk.dress(&dir, &model, Likeness::Whole).at(&dir)?;
                self.disk.sync_dir(&dir).at(&dir)?;
            }
        }
        sync_parent(self.disk, tree)
    }

    /// The path that something of the source has in the copy.
    fn renamed(&self, path: &Path) -> PathBuf {
        let mut names = path.components();
        let first = names.next().and_then(|name| name.as_os_str().to_str());
        let renamed = &self.approved.work.renamed_dirs;
        let to = first.and_then(|first| renamed.get(&first.parse().ok()?));
        to.map_or_else(
            || path.to_owned(),
            |to| Path::new(to.as_str()).join(names.as_path()),
        )
    }

    /// Copies files that were hard links where something is wrong around them.
    fn part(&mut self, tree: &Path, derive: &dyn Derive) -> Result<(), Error> {
        if self.linked.is_empty() {
            return Ok(());
        }
        let sound = derive.sound(tree)?;
        for path in std::mem::take(&mut self.linked) {
            let to = self.renamed(&path);
            if to.parent().is_some_and(|dir| sound.contains(dir)) {
                continue;
            }
            let (from, to) = (self.approved.root.join(path), tree.join(to));
            self.disk.remove(&to).at(&to)?;
            self.files
                .add(self.disk.duplicate(&from, &to, Sharing::Blocks).at(&to)?);
            self.files.linked -= 1;
        }
        Ok(())
    }

    /// Takes over what no step touches.
    fn mirror(
        &mut self,
        path: &Path,
        tree: &Path,
        depth: usize,
        dirs: &mut Vec<PathBuf>,
    ) -> Result<(), Error> {
        let (disk, from) = (self.disk, self.approved.root.join(path));
        let to = tree.join(path);
        if depth > DEPTH {
            return Err(Refusal::Odd(from).into());
        }
        disk.make_dir(&to).at(&to)?;
        dirs.push(path.to_owned());
        let names = disk.list(&from).at(&from)?;
        let active = active_base(names.iter().filter_map(|name| name.to_str()));
        for name in names {
            let (below, at) = (path.join(&name), from.join(&name));
            match disk.look(&at).at(&at)?.kind {
                ItemKind::Directory if self.makes_room(&below) => {}
                ItemKind::Directory => self.mirror(&below, tree, depth + 1, dirs)?,
                ItemKind::File => {
                    let is_kept = below
                        .to_str()
                        .is_none_or(|text| self.approved.work.keeps(text));
                    if is_kept && name != LOCK {
                        let sharing = match self.sharing {
                            Sharing::File if is_closed(name.to_str(), active) => Sharing::File,
                            _ => Sharing::Blocks,
                        };
                        let to = tree.join(&below);
                        // An original that cannot be read is named, not its copy.
                        drop(disk.open(&at).at(&at)?);
                        let how = disk.duplicate(&at, &to, sharing).at(&to)?;
                        self.files.add(how);
                        if how == Duplicate::Linked {
                            self.linked.push(below);
                        }
                    }
                }
                // It holds nothing that could be copied.
                ItemKind::Absent | ItemKind::Special => {}
                // Through a link a broker on the copy would write to the original.
                ItemKind::Link => return Err(Refusal::Link(at).into()),
            }
        }
        Ok(())
    }

    /// Returns true if a directory, which is empty then, is replaced by a file.
    fn makes_room(&self, path: &Path) -> bool {
        let path = path.to_str().and_then(|path| path.parse().ok());
        path.is_some_and(|path| self.approved.work.replaces(&path))
    }

    /// Writes what steps make.
    fn put(&mut self, tree: &Path, derive: &dyn Derive) -> Result<(), Error> {
        let approved = self.approved;
        let mut puts: Vec<_> = approved.work.puts.iter().collect();
        // What is computed needs the log as it will be.
        puts.sort_by_cached_key(|(path, source)| {
            (matches!(source, Source::Recipe(..)), order(path))
        });
        let locate = |text: &str| tree.join(text);
        for (path, source) in puts {
            let to = tree.join(path.as_str());
            let state = write(approved, self.disk, (path, source), &to, &|recipe, out| {
                derive.derive(path, recipe, &locate, out)
            })?;
            debug_assert!(matches!(state, super::plan::State::File { .. }));
            self.files.written += 1;
        }
        Ok(())
    }
}

/// The base offset of the segment that a broker continues writing.
fn active_base<'a>(names: impl Iterator<Item = &'a str>) -> Option<i64> {
    let logs = names.filter(|name| name.ends_with(LOG_SUFFIX));
    logs.filter_map(base_offset).map(|offset| offset.0).max()
}

/// Returns true if a file is the records of a closed segment. Everything else brokers change where
/// it is: indexes are rebuilt through mappings, the active segment grows.
fn is_closed(name: Option<&str>, active: Option<i64>) -> bool {
    let name = name.and_then(FileName::parse);
    name.is_some_and(|name| {
        (name.kind, name.state) == (FileKind::Log, FileState::Current)
            && name.offset.map(|offset| offset.0) < active
    })
}
