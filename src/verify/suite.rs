//! Which checks look at what, and how they are driven.

use std::path::Path;
use std::sync::Arc;

use super::catalog::{CheckId, Depth};
use super::coverage::Coverage;
use super::finding::{Finding, Findings};
use super::segment::{OnBytes, Options, Subject, Verified, verify_log};
use crate::format::Limits;
use crate::format::name::{self, DirName, FileKind, FileName};
use crate::scan::{Jobs, Merge};
use crate::store::{Error, Item, LogDir, LogFile, Partition, lock};

/// How a `.log` is opened: mapped or read.
pub type Open<'a> = &'a (dyn Fn(&Path) -> Result<LogFile, Error> + Sync);

/// What is to be done, and with what.
#[derive(Clone, Copy)]
pub struct Suite<'a> {
    /// How deep to look.
    pub depth: Depth,
    /// Threads within a `.log`.
    pub jobs: Jobs,
    /// Bounds of unpacking.
    pub limits: Limits,
    /// The time now, in milliseconds since 1970-01-01 UTC.
    pub now_ms: Option<i64>,
    /// Opens a `.log`.
    pub open: Open<'a>,
    /// Whom to tell of bytes of logs.
    pub on_bytes: OnBytes<'a>,
}

impl std::fmt::Debug for Suite<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Suite")
            .field("depth", &self.depth)
            .finish_non_exhaustive()
    }
}

/// What became of a file, a partition or a log dir.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What is wrong.
    pub findings: Findings,
    /// What the bytes are.
    pub coverage: Coverage,
    /// The files looked at, in order.
    pub files: Vec<Arc<Path>>,
}

impl Merge for Outcome {
    fn merge(&mut self, next: Self) {
        self.findings.merge(next.findings);
        self.coverage.merge(next.coverage);
        self.files.extend(next.files);
    }
}

impl Outcome {
    /// Takes in a file of which nobody knows more than that it is there.
    fn unknown(&mut self, item: &Item) {
        let mut coverage = Coverage::of_file(item.len_bytes());
        coverage.unknown_bytes = item.len_bytes();
        self.coverage.merge(coverage);
    }

    /// Says that something could not be read, and why.
    pub fn unreadable(&mut self, path: &Arc<Path>, error: &Error) {
        self.findings
            .add(Finding::new(CheckId::Unreadable, path).says(error.to_string()));
    }
}

impl Suite<'_> {
    /// Verifies what lies in a log dir beside its partitions.
    #[must_use]
    pub fn root(&self, dir: &LogDir) -> Outcome {
        let mut outcome = Outcome::default();
        for item in dir.items().iter().filter(|item| item.is_file()) {
            outcome.unknown(item);
        }
        outcome
    }

    /// Verifies everything in the directory of a partition.
    #[must_use]
    pub fn partition(&self, partition: &Partition) -> Outcome {
        let mut outcome = Outcome::default();
        let segments = partition.segments();
        let last = segments
            .iter()
            .rev()
            .find_map(|segment| segment.file(FileKind::Log));
        let is_live = lock::is_live(partition.path());
        for item in partition.items().iter().filter(|item| item.is_file()) {
            if !item.is_current(FileKind::Log) {
                outcome.unknown(item);
                continue;
            }
            let subject = Subject {
                is_last: last == Some(item),
                is_live,
                ..subject_of(item, partition.name())
            };
            self.log(item, &subject, &mut outcome);
        }
        outcome
    }

    /// Verifies a file by itself.
    #[must_use]
    pub fn file(&self, item: &Item) -> Outcome {
        let mut outcome = Outcome::default();
        let is_log =
            |name: FileName<'_>| matches!(name.kind, FileKind::Log | FileKind::MetadataSnapshot);
        if item.is_file() && item.file_name().is_some_and(is_log) {
            let path = item.path().canonicalize();
            let dir = path
                .as_deref()
                .ok()
                .and_then(Path::parent)
                .map(name::file_name);
            let subject = Subject {
                is_live: lock::is_live(item.path()),
                ..subject_of(item, dir.and_then(DirName::parse))
            };
            self.log(item, &subject, &mut outcome);
        } else {
            outcome.unknown(item);
        }
        outcome
    }

    /// Verifies a `.log`.
    fn log(&self, item: &Item, subject: &Subject, outcome: &mut Outcome) {
        outcome.files.push(Arc::clone(&subject.path));
        let options = Options {
            depth: self.depth,
            jobs: self.jobs,
            limits: self.limits,
            now_ms: self.now_ms,
            on_bytes: self.on_bytes,
        };
        let verified: Result<Verified<()>, Error> =
            (self.open)(item.path()).and_then(|log| verify_log(&log, subject, options, || ()));
        match verified {
            Ok(verified) => {
                outcome.findings.merge(verified.findings);
                outcome.coverage.merge(verified.coverage);
            }
            Err(error) => outcome.unreadable(&subject.path, &error),
        }
    }
}

/// What is known of a `.log` from its name and that of its directory.
fn subject_of(log: &Item, dir: Option<DirName<'_>>) -> Subject {
    Subject {
        base_offset: log
            .file_name()
            .filter(|name| name.kind == FileKind::Log && name.is_canonical())
            .and_then(|name| name.offset),
        topic: dir.as_ref().and_then(DirName::topic).map(str::to_owned),
        partition: match dir {
            Some(DirName::Partition { partition, .. }) => Some(partition),
            _ => None,
        },
        ..Subject::at(log.path())
    }
}
