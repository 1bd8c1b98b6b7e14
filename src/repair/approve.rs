//! Approval: the only door from a plan to its application.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::disk::{Disk, DiskItem, Guard, ItemKind, Sharing};
use super::error::{At, Error, Refusal};
use super::journal::{Begin, DirTime, Mode, Record, Stage};
use super::output::{readable_state_of, state_of};
use super::parts::{Crc, OWN, PlanPath};
use super::plan::{Plan, Scope, State};
use super::work::Work;
use super::{folder, recheck};
use crate::format::FileKind;
use crate::format::name::FileName;

/// The target of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// In a new directory, which takes its name when it is finished; the root of the plan is only
    /// read.
    Into {
        /// The directory.
        dir: PathBuf,
        /// True if files that no step touches may be the same files under another name.
        sharing: Sharing,
    },
    /// In the root of the plan; what is replaced goes to a quarantine folder.
    InPlace {
        /// The folder; beside the log dir if none is given.
        quarantine: Option<PathBuf>,
    },
}

/// The lossy steps that are confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consent {
    /// These.
    Steps(Vec<u32>),
    /// All of them.
    Lossy,
}

/// A plan that may be carried out, and where; the locks that make it so are held until it is
/// dropped.
#[derive(Debug)]
#[must_use]
pub struct Approved {
    pub(super) root: PathBuf,
    pub(super) work: Work,
    pub(super) site: Site,
    /// The record of an earlier run.
    pub(super) earlier: Option<Record>,
    /// The metadata of the files at the time of their check.
    pub(super) looks: BTreeMap<PlanPath, DiskItem>,
    /// The same of files of replicas.
    pub(super) replicas: BTreeMap<PathBuf, DiskItem>,
    /// The model files of directories, as far as they were searched.
    pub(super) siblings: RefCell<BTreeMap<String, PathBuf>>,
    /// The modification times of the directories that are written to.
    pub(super) dirs: Vec<DirTime>,
    pub(super) begin: Begin,
    pub(super) guards: Vec<Box<dyn Guard>>,
}

/// The target, in paths without links.
#[derive(Debug, Clone)]
pub(super) enum Site {
    Into {
        dir: PathBuf,
        partial: PathBuf,
        sharing: Sharing,
    },
    InPlace {
        quarantine: PathBuf,
    },
}

/// Checks that a plan may be carried out now: every file is what it was, all steps that need it are
/// confirmed, no broker or repair runs, and the target is usable. Changes nothing, but takes the lock of
/// the log dir where the plan is to be carried out in place.
///
/// # Errors
/// It may not, or something cannot be looked at.
pub fn approve(
    plan: &Plan,
    target: &Target,
    consent: &Consent,
    disk: &dyn Disk,
) -> Result<Approved, Error> {
    check_consent(plan, consent)?;
    let given = Path::new(plan.root());
    if disk.look(given).at(given)?.kind == ItemKind::Absent {
        return Err(Refusal::NoRoot(given.to_owned()).into());
    }
    let root = disk.canonical(given).at(given)?;
    if disk.look(&root).at(&root)?.kind != ItemKind::Directory {
        return Err(Refusal::NoRoot(root).into());
    }
    let digest = plan.digest();
    let site = site(disk, &root, plan.scope(), digest, target)?;
    let mut approved = Approved {
        work: Work::of(&plan.clone().into())?,
        begin: Begin {
            mode: site.mode(),
            digest,
            scope: plan.scope(),
            root: root.clone(),
        },
        root,
        site,
        earlier: None,
        looks: BTreeMap::new(),
        replicas: BTreeMap::new(),
        siblings: RefCell::default(),
        dirs: Vec::new(),
        guards: Vec::new(),
    };
    if approved.is_empty() {
        return Ok(approved);
    }
    approved.lock(disk)?;
    approved.check_folder(disk)?;
    approved.dirs = match &approved.earlier {
        Some(record) if folder::is_unfinished(record) && !record.dirs.is_empty() => {
            record.dirs.clone()
        }
        _ => approved.dir_times(disk)?,
    };
    let stage = approved.earlier.as_ref().map(|record| record.stage);
    if stage != Some(Stage::Committed) {
        approved.check_files(disk)?;
        recheck::check(plan, &approved.root, disk)?;
    }
    Ok(approved)
}

fn check_consent(plan: &Plan, consent: &Consent) -> Result<(), Refusal> {
    let lossy = plan
        .steps()
        .iter()
        .filter(|step| step.safety.grade().needs_consent());
    let mut lossy: Vec<u32> = lossy.map(|step| step.id).collect();
    if let Consent::Steps(steps) = consent {
        if let Some(stranger) = steps.iter().find(|step| !lossy.contains(step)) {
            return Err(Refusal::NotLossy(*stranger));
        }
        lossy.retain(|step| !steps.contains(step));
        if !lossy.is_empty() {
            return Err(Refusal::Lossy(lossy));
        }
    }
    Ok(())
}

impl Site {
    fn mode(&self) -> Mode {
        match self {
            Self::Into { .. } => Mode::Into,
            Self::InPlace { .. } => Mode::InPlace,
        }
    }

    /// The folder that the journal is in.
    pub(super) fn folder(&self) -> &Path {
        match self {
            Self::Into { partial, .. } => partial,
            Self::InPlace { quarantine } => quarantine,
        }
    }
}

/// Resolves the target, and checks it.
fn site(
    disk: &dyn Disk,
    root: &Path,
    scope: Scope,
    digest: Crc,
    target: &Target,
) -> Result<Site, Error> {
    let log_dir = folder::log_dir(root, scope);
    match target {
        Target::InPlace { quarantine } => {
            let quarantine = match quarantine {
                Some(given) => resolve(disk, given)?,
                None => folder::quarantine(log_dir, digest),
            };
            check_outside(&quarantine, log_dir)?;
            check_no_log_dir(disk, &quarantine)?;
            Ok(Site::InPlace { quarantine })
        }
        Target::Into { dir, sharing } => {
            let dir = resolve(disk, dir)?;
            check_outside(&dir, root)?;
            check_outside(root, &dir)?;
            check_no_log_dir(disk, &dir)?;
            Ok(Site::Into {
                partial: folder::partial(&dir),
                dir,
                sharing: *sharing,
            })
        }
    }
}

/// A path that need not exist, in a directory that does.
pub(super) fn resolve(disk: &dyn Disk, path: &Path) -> Result<PathBuf, Error> {
    let missing = || std::io::Error::from(std::io::ErrorKind::NotFound);
    if disk.look(path).at(path)?.kind == ItemKind::Directory {
        return disk.canonical(path).at(path);
    }
    let name = path.file_name().ok_or_else(missing).at(path)?;
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    Ok(disk.canonical(parent).at(parent)?.join(name))
}

fn check_outside(path: &Path, dir: &Path) -> Result<(), Refusal> {
    if path.starts_with(dir) {
        return Err(Refusal::Inside {
            path: path.to_owned(),
            dir: dir.to_owned(),
        });
    }
    Ok(())
}

/// A directory next to partitions has to be a partition, or no broker starts.
fn check_no_log_dir(disk: &dyn Disk, path: &Path) -> Result<(), Error> {
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    for name in disk.list(parent).at(parent)? {
        let parsed = name.to_str().and_then(FileName::parse);
        let is_of_log_dir = parsed.is_some_and(|name| {
            matches!(
                name.kind,
                FileKind::RecoveryPoints
                    | FileKind::HighWatermarks
                    | FileKind::LogStarts
                    | FileKind::MetaProperties
                    | FileKind::CleanShutdown
            )
        });
        if is_of_log_dir {
            return Err(Refusal::InLogDir(path.to_owned()).into());
        }
    }
    disk.check_writable(parent).at(parent)
}

impl Approved {
    /// Returns true if there is nothing to do. A copy is made even where no step changes anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.work.is_empty() && matches!(self.site, Site::InPlace { .. })
    }

    fn lock(&mut self, disk: &dyn Disk) -> Result<(), Error> {
        let lock = folder::lock_of(folder::log_dir(&self.root, self.begin.scope));
        match self.site {
            Site::InPlace { .. } => self.guards.push(folder::hold(disk, &lock)?),
            // The source is only read, so its lock is only looked at.
            Site::Into { .. } => {
                if let Some(by) = disk.holder(&lock).at(&lock)? {
                    return Err(Refusal::Live { path: lock, by }.into());
                }
            }
        }
        let journal = folder::hold_journal(disk, self.site.folder())?;
        self.guards.extend(journal);
        Ok(())
    }

    /// Checks what an earlier run of this plan, or of another, left.
    fn check_folder(&mut self, disk: &dyn Disk) -> Result<(), Error> {
        let folder = self.site.folder();
        self.earlier = folder::stage(disk, folder, &self.begin)?;
        match self.earlier.as_ref().map(|record| record.stage) {
            Some(Stage::Finished) => return Err(Refusal::Applied(folder.to_owned()).into()),
            Some(Stage::Undoing) => return Err(Refusal::Undoing(folder.to_owned()).into()),
            _ => {}
        }
        match &self.site {
            Site::Into { dir, partial, .. } => {
                let tree = folder::tree(partial, dir);
                let is_moved = disk.look(&tree).at(&tree)?.kind == ItemKind::Absent;
                let is_made =
                    matches!(&self.earlier, Some(record) if record.stage == Stage::Committed);
                if !(is_made && is_moved) {
                    check_target(disk, dir)?;
                }
            }
            Site::InPlace { .. } => self.check_others(disk)?,
        }
        Ok(())
    }

    /// The times of the directories in which something is to change.
    fn dir_times(&self, disk: &dyn Disk) -> Result<Vec<DirTime>, Error> {
        let work = &self.work;
        let files = work.puts.keys().chain(&work.drops);
        let dirs = work.removed_dirs.iter().chain(work.renamed_dirs.keys());
        let inside = dirs.clone().map(|dir| Some(dir.clone()));
        let around = files.chain(dirs).map(|path| path.dir().parse().ok());
        let mut times = Vec::new();
        for dir in around.chain(inside).collect::<BTreeSet<Option<PlanPath>>>() {
            let at = self.root.join(dir.as_ref().map_or("", PlanPath::as_str));
            let look = disk.look(&at).at(&at)?;
            if let (ItemKind::Directory, Some(modified)) = (look.kind, look.attributes.modified) {
                times.push(DirTime { modified, dir });
            }
        }
        Ok(times)
    }

    /// No other repair of this log dir is under way.
    fn check_others(&self, disk: &dyn Disk) -> Result<(), Error> {
        let log_dir = folder::log_dir(&self.root, self.begin.scope);
        for (other, record) in folder::quarantines(disk, log_dir)? {
            if other != self.site.folder() && folder::is_unfinished(&record) {
                return Err(Refusal::Unfinished(other).into());
            }
        }
        // One whose folder is elsewhere shows in what it left beside the files.
        let ours = format!("{OWN}{}-", self.begin.digest);
        let mut dirs: Vec<&str> = self.work.was.keys().map(PlanPath::dir).collect();
        dirs.dedup();
        for dir in dirs.into_iter().map(|dir| self.root.join(dir)) {
            if disk.look(&dir).at(&dir)?.kind != ItemKind::Directory {
                continue;
            }
            for name in disk.list(&dir).at(&dir)? {
                let text = name.to_string_lossy();
                let is_ours = text.starts_with(&ours) || !text.starts_with(OWN);
                if !is_ours && (text.ends_with(".new") || text.ends_with(".old")) {
                    return Err(Refusal::Unfinished(dir.join(&name)).into());
                }
            }
        }
        Ok(())
    }

    /// Everything is what the plan says, reached without links.
    fn check_files(&mut self, disk: &dyn Disk) -> Result<(), Error> {
        for (path, expected) in &self.work.was {
            let dir = self.root.join(path.dir());
            if matches!(
                disk.look(&dir).at(&dir)?.kind,
                ItemKind::Link | ItemKind::Special | ItemKind::File
            ) {
                return Err(Refusal::Odd(dir).into());
            }
            let at = self.root.join(path.as_str());
            let before = disk.look(&at).at(&at)?;
            // What differs in length need not be read.
            let found = match (expected, before.kind) {
                (State::File { len_bytes, .. }, ItemKind::File)
                    if *len_bytes != before.len_bytes =>
                {
                    format!("{} bytes", before.len_bytes)
                }
                _ => {
                    let (found, unreadable) = readable_state_of(disk, &at)?;
                    if unreadable.is_some() {
                        self.check_apart(disk, &at, before.device)?;
                    }
                    if found == *expected {
                        String::new()
                    } else {
                        found.to_string()
                    }
                }
            };
            if !found.is_empty() {
                return Err(Refusal::Changed {
                    path: at,
                    expected: expected.to_string(),
                    found,
                }
                .into());
            }
            self.looks.insert(path.clone(), before);
        }
        for (path, expected) in &self.work.replicas {
            let before = disk.look(path).at(path)?;
            let found = state_of(disk, path)?;
            if found != *expected {
                return Err(Refusal::Changed {
                    path: path.clone(),
                    expected: expected.to_string(),
                    found: found.to_string(),
                }
                .into());
            }
            self.replicas.insert(path.clone(), before);
        }
        self.check_dirs(disk)
    }

    /// A disk that fails is not written to: where a file cannot be read in places, the target is on
    /// another file system.
    fn check_apart(&self, disk: &dyn Disk, path: &Path, device: u64) -> Result<(), Error> {
        let refusal = match &self.site {
            Site::InPlace { .. } => Refusal::Failing(path.to_owned()),
            Site::Into { dir, .. } => {
                let parent = dir.parent().unwrap_or(dir);
                if disk.look(parent).at(parent)?.device != device {
                    return Ok(());
                }
                Refusal::FailingInto {
                    path: path.to_owned(),
                    dir: dir.clone(),
                }
            }
        };
        Err(refusal.into())
    }

    /// A directory that goes is empty once its files are gone; what gets a content has a directory
    /// to be in.
    fn check_dirs(&self, disk: &dyn Disk) -> Result<(), Error> {
        for dir in &self.work.removed_dirs {
            let at = self.root.join(dir.as_str());
            for name in disk.list(&at).at(&at)? {
                let path = format!("{dir}/{}", name.to_string_lossy()).parse();
                if !path.is_ok_and(|path: PlanPath| self.work.drops.contains(&path)) {
                    return Err(Refusal::NotEmpty(at).into());
                }
            }
        }
        for path in self.work.puts.keys() {
            let dir = self.root.join(path.dir());
            if disk.look(&dir).at(&dir)?.kind != ItemKind::Directory {
                return Err(Refusal::NoRoot(dir).into());
            }
        }
        let Site::InPlace { .. } = self.site else {
            return Ok(());
        };
        let changed = self.work.puts.keys().chain(&self.work.drops);
        for dir in changed.map(|path| self.root.join(path.dir())) {
            disk.check_writable(&dir).at(&dir)?;
        }
        Ok(())
    }
}

/// The name of the target is free, or that of an empty directory that can be replaced.
fn check_target(disk: &dyn Disk, dir: &Path) -> Result<(), Error> {
    let look = disk.look(dir).at(dir)?;
    match look.kind {
        ItemKind::Absent => return Ok(()),
        ItemKind::Directory if disk.list(dir).at(dir)?.is_empty() => {}
        _ => return Err(Refusal::Exists(dir.to_owned()).into()),
    }
    let parent = dir.parent().unwrap_or(dir);
    if disk.look(parent).at(parent)?.device != look.device {
        return Err(Refusal::MountPoint(dir.to_owned()).into());
    }
    Ok(())
}
