//! Why a repair was not done, or not to its end.

use std::io;
use std::path::{Path, PathBuf};

use super::disk::Holder;
use super::parts::PlanPath;
use super::unsound::Unsound;
use crate::store;

/// Why a plan was not carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It was refused; nothing was touched.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The plan makes no sense.
    #[error(transparent)]
    Unsound(#[from] Unsound),
    /// The operating system says no.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Preparing failed; what was written beside is gone again.
    #[error("{0}; nothing was changed")]
    Unprepared(Box<Error>),
    /// Some is done and some is not.
    #[error("{why}; the repair is half done: apply the same plan again to finish it, or undo {} to go back", folder.display())]
    HalfDone {
        /// The quarantine folder.
        folder: PathBuf,
        /// What went wrong.
        why: Box<Error>,
    },
    /// Some is as it was and some is not yet.
    #[error("{why}; the undo is half done: undo {} again to finish it", folder.display())]
    HalfUndone {
        /// The quarantine folder.
        folder: PathBuf,
        /// What went wrong.
        why: Box<Error>,
    },
    /// A derived file came out otherwise than the plan says.
    #[error("{}: {file} comes out as {found}, but the plan expects {expected}", root.display())]
    Derived {
        /// The root of the plan.
        root: PathBuf,
        /// The file.
        file: PlanPath,
        /// What it becomes by the plan.
        expected: String,
        /// What came out.
        found: String,
    },
    /// A derived file could not be computed.
    #[error("{file}: {why}")]
    Underived {
        /// The file.
        file: PlanPath,
        /// Why.
        why: String,
    },
    /// The journal of a repair does not say what it was for.
    #[error("{}: the journal is damaged; the originals are in {} still", .0.join("journal").display(), .0.join("original").display())]
    Journal(PathBuf),
    /// There is no repair here.
    #[error("{}: no repair to undo: neither a quarantine folder nor a log dir with one beside it (--into leaves its source as it was)", .0.display())]
    NothingToUndo(PathBuf),
}

/// Why nothing was begun.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Something is not what it was when the plan was made.
    #[error("{}: changed since the plan was made: {found} where the plan expects {expected}; make a new plan", path.display())]
    Changed {
        /// What.
        path: PathBuf,
        /// What the plan says.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Something was changed by somebody else after a repair had begun.
    #[error("{}: neither what it was before the repair nor what it became: {found}; the originals are in {}", path.display(), original.display())]
    Foreign {
        /// What.
        path: PathBuf,
        /// What is there.
        found: String,
        /// Where the originals are.
        original: PathBuf,
    },
    /// Steps that give something up, which nobody agreed to.
    #[error("not confirmed: {}: confirm with --accept or --accept-lossy, or leave them out of the plan", steps(.0))]
    Lossy(Vec<u32>),
    /// Agreed to a step that does not exist, or that needs no consent.
    #[error("--accept {0}: not a step of this plan that needs consent")]
    NotLossy(u32),
    /// Somebody holds the lock of the log dir.
    #[error("{}: {}", path.display(), holder(*.by))]
    Live {
        /// The lock.
        path: PathBuf,
        /// Who.
        by: Holder,
    },
    /// This very repair runs already.
    #[error("{}: this repair is running in another process", .0.display())]
    Running(PathBuf),
    /// Another repair of the same log dir is not finished.
    #[error("{}: left by another repair that is not finished; apply its plan again or undo it, or remove this if it came with a copy", .0.display())]
    Unfinished(PathBuf),
    /// This repair is being undone.
    #[error("{}: an undo is not finished; end it with kseg repair undo", .0.display())]
    Undoing(PathBuf),
    /// There are several repairs of the same log dir.
    #[error("several repairs could be meant; name one of {}", list(.0))]
    Several(Vec<PathBuf>),
    /// This plan was applied.
    #[error("{}: this plan was applied already; undo it to apply it again", .0.display())]
    Applied(PathBuf),
    /// The root is not what the plan says.
    #[error("{}: no directory", .0.display())]
    NoRoot(PathBuf),
    /// The target has something in it.
    #[error("{}: exists and is not an empty directory; --into makes a new one", .0.display())]
    Exists(PathBuf),
    /// The target cannot take another's place at once.
    #[error("{}: a mount point; name a directory in it", .0.display())]
    MountPoint(PathBuf),
    /// The target lies in what is repaired.
    #[error("{}: lies inside {}", path.display(), dir.display())]
    Inside {
        /// The target.
        path: PathBuf,
        /// What it lies in.
        dir: PathBuf,
    },
    /// The target lies in a log dir, where a broker does not start with a directory of another name.
    #[error("{}: lies directly in a log dir, where a half-made directory would keep a broker from starting; name another place and move the result", .0.display())]
    InLogDir(PathBuf),
    /// A symbolic link where a partition or a file of Kafka is expected.
    #[error("{}: a symbolic link, which a repair does not follow; make a plan for the directory that it leads to", .0.display())]
    Link(PathBuf),
    /// A symbolic link, or something that is neither a file nor a directory.
    #[error("{}: a symbolic link or a special file, which a repair does not follow", .0.display())]
    Odd(PathBuf),
    /// A file of a disk that fails, to which nothing more is to be written.
    #[error("{}: cannot be read in places, and --in-place would write to a disk that fails; use --into with a directory on another file system", .0.display())]
    Failing(PathBuf),
    /// A target on the file system of a file of a disk that fails.
    #[error("{}: cannot be read in places, and {} is on the same file system; use --into with a directory on another one", path.display(), dir.display())]
    FailingInto {
        /// The file.
        path: PathBuf,
        /// The target.
        dir: PathBuf,
    },
    /// A step says that it is proven, and is not.
    #[error("step {0}: says that it is proven, and the files do not prove it; make the plan again")]
    NotProven(u32),
    /// A folder that has the name of ours, but is not.
    #[error("{}: exists, and is not what a repair left", .0.display())]
    NotOurs(PathBuf),
    /// A directory is to go in which something is left.
    #[error("{}: not empty after all steps", .0.display())]
    NotEmpty(PathBuf),
}

fn list(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    shown.join(", ")
}

fn steps(steps: &[u32]) -> String {
    let numbers: Vec<String> = steps.iter().map(u32::to_string).collect();
    let word = if steps.len() == 1 { "step" } else { "steps" };
    format!("{word} {}", numbers.join(", "))
}

fn holder(by: Holder) -> String {
    match by {
        Holder::Process(id) => {
            format!("held by process {id}, as by a running broker; stop it first")
        }
        Holder::Unknown => "held by another repair, or by a broker on another machine".into(),
    }
}

/// Says where an operating system's no was met.
pub(super) trait At<T> {
    fn at(self, path: &Path) -> Result<T, Error>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, path: &Path) -> Result<T, Error> {
        self.map_err(|error| store::Error::io(path)(error).into())
    }
}
