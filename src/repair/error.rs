//! Why a repair was not done, or not to its end.

use std::io;
use std::path::{Path, PathBuf};

use super::disk::Holder;
use super::invalid_plan::InvalidPlan;
use super::parts::PlanPath;
use crate::store;

/// The reason why a plan was not applied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It was refused; nothing was touched.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The plan makes no sense.
    #[error(transparent)]
    InvalidPlan(#[from] InvalidPlan),
    /// The operating system says no.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Preparing failed; what was written beside is gone again.
    #[error("{0}; nothing was changed")]
    Unprepared(Box<Error>),
    /// Some is done and some is not.
    #[error("{why}; the repair is incomplete: apply the same plan again to finish it, or revert it with kseg repair undo {}", folder.display())]
    HalfDone {
        /// The quarantine folder.
        folder: PathBuf,
        /// The cause.
        why: Box<Error>,
    },
    /// Some is as it was and some is not yet.
    #[error("{why}; the undo is incomplete: finish it with kseg repair undo {}", folder.display())]
    HalfUndone {
        /// The quarantine folder.
        folder: PathBuf,
        /// The cause.
        why: Box<Error>,
    },
    /// A derived file came out otherwise than the plan says.
    #[error("{}: rebuilding {file} gives {found}, but the plan expects {expected}", root.display())]
    Derived {
        /// The root of the plan.
        root: PathBuf,
        /// The file.
        file: PlanPath,
        /// The fingerprint in the plan.
        expected: String,
        /// The fingerprint of the rebuilt file.
        found: String,
    },
    /// A derived file could not be computed.
    #[error("{file}: {why}")]
    Underived {
        /// The file.
        file: PlanPath,
        /// The reason.
        why: String,
    },
    /// The journal of a repair does not say what it was for.
    #[error("{}: the journal is damaged; the originals are still in {}", .0.join("journal").display(), .0.join("original").display())]
    Journal(PathBuf),
    /// There is no repair here.
    #[error("{}: no repair to undo: expected a quarantine folder, or a log dir with one next to it (--into doesn't change its source)", .0.display())]
    NothingToUndo(PathBuf),
}

/// The reason why a plan was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Something is not what it was when the plan was made.
    #[error("{}: changed since the plan was made: found {found}, the plan expects {expected}; make a new plan", path.display())]
    Changed {
        /// The path.
        path: PathBuf,
        /// The state in the plan.
        expected: String,
        /// The item that was found.
        found: String,
    },
    /// Something was changed by another program after a repair had begun.
    #[error("{}: changed since the repair: found {found}; the originals are in {}", path.display(), original.display())]
    Foreign {
        /// The path.
        path: PathBuf,
        /// The item that was found.
        found: String,
        /// The folder of the originals.
        original: PathBuf,
    },
    /// Steps with a loss that are not confirmed.
    #[error("not confirmed: {}: confirm with --accept or --accept-lossy, or leave out with --skip", steps(.0))]
    Lossy(Vec<u32>),
    /// Agreed to a step that does not exist, or that needs no consent.
    #[error("--accept {0}: not a step of this plan that needs consent")]
    NotLossy(u32),
    /// Another process holds the lock of the log dir.
    #[error("{}: {}", path.display(), holder(*.by))]
    Live {
        /// The lock.
        path: PathBuf,
        /// The holder.
        by: Holder,
    },
    /// This very repair runs already.
    #[error("{}: this repair is running in another process", .0.display())]
    Running(PathBuf),
    /// Another repair of the same log dir is not finished.
    #[error("{}: belongs to another repair, which is incomplete; finish it by applying its plan again or revert it with kseg repair undo, or remove this folder if it came with a copy of the log dir", .0.display())]
    Unfinished(PathBuf),
    /// This repair is being undone.
    #[error("{}: an undo is incomplete; finish it with kseg repair undo", .0.display())]
    Undoing(PathBuf),
    /// There are several repairs of the same log dir.
    #[error("several repairs can be undone here; name one: {}", list(.0))]
    Several(Vec<PathBuf>),
    /// This plan was applied.
    #[error("{}: this plan is already applied; to apply it again, revert it first with kseg repair undo", .0.display())]
    Applied(PathBuf),
    /// The root is not what the plan says.
    #[error("{}: not a directory", .0.display())]
    NoRoot(PathBuf),
    /// A plan cannot name the root.
    #[error("{}: kseg cannot repair a path with control characters, direction marks or bytes that are not UTF-8; rename the directory, and make a new plan", .0.display())]
    Unnameable(PathBuf),
    /// The target has something in it.
    #[error("{}: already exists and is not empty; --into creates a new directory", .0.display())]
    Exists(PathBuf),
    /// The target cannot take another's place at once.
    #[error("{}: a mount point; give a directory inside it", .0.display())]
    MountPoint(PathBuf),
    /// The target is in what is repaired.
    #[error("{}: is inside {}; give a directory outside of it", path.display(), dir.display())]
    Inside {
        /// The target.
        path: PathBuf,
        /// The directory around it.
        dir: PathBuf,
    },
    /// The target is in a log dir, where a broker does not start with a directory of another
    /// name.
    #[error("{}: is in a log dir, where an unknown directory keeps a broker from starting; give another place and move the result", .0.display())]
    InLogDir(PathBuf),
    /// A symbolic link in what is to be copied.
    #[error("{}: a symbolic link, which a copy does not follow; move it out of the log dir first, or repair --in-place", .0.display())]
    Link(PathBuf),
    /// A symbolic link, or something that is neither a file nor a directory.
    #[error("{}: a symbolic link or a special file, which a repair does not follow", .0.display())]
    Odd(PathBuf),
    /// A file of a disk that fails, to which nothing more is to be written.
    #[error("{}: has unreadable bytes, and --in-place would write to a failing disk; use --into with a directory on another file system", .0.display())]
    Failing(PathBuf),
    /// A target on the file system of a file of a disk that fails.
    #[error("{}: has unreadable bytes, and {} is on the same file system; use --into with a directory on another one", path.display(), dir.display())]
    FailingInto {
        /// The file.
        path: PathBuf,
        /// The target.
        dir: PathBuf,
    },
    /// A step says that it is proven, and is not.
    #[error("step {0}: marked as proven, but the files don't prove it; make a new plan")]
    NotProven(u32),
    /// A folder that has the name of ours, but is not.
    #[error("{}: already exists, and was not created by a repair", .0.display())]
    NotOurs(PathBuf),
    /// A directory is to go in which something is left.
    #[error("{}: expected an empty directory after all steps", .0.display())]
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
