//! Which checks look at what, and how they are driven.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::catalog::{CheckId, Depth};
use super::coverage::Coverage;
use super::finding::{Finding, Findings};
use super::segment::{Options, Subject, Verified, verify_log};
use crate::format::Limits;
use crate::format::name::{FileKind, FileState};
use crate::scan::{Jobs, Merge};
use crate::store::{Error, Item, LogFile, Partition, Segment, lock};

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
    /// Opens a `.log`.
    pub open: Open<'a>,
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
    /// Verifies everything in the directory of a partition.
    #[must_use]
    pub fn partition(&self, partition: &Partition) -> Outcome {
        let mut outcome = Outcome::default();
        let segments = partition.segments();
        let is_live = lock::is_live(partition.path());
        for (index, segment) in segments.iter().enumerate() {
            let is_last = index + 1 == segments.len();
            if let Some(log) = segment.file(FileKind::Log) {
                let subject = Subject {
                    is_last,
                    is_live,
                    ..subject_of(log, Some(segment), Some(partition))
                };
                self.log(log, &subject, &mut outcome);
            }
        }
        outcome
    }

    /// Verifies a file by itself.
    #[must_use]
    pub fn file(&self, item: &Item) -> Outcome {
        let mut outcome = Outcome::default();
        let name = item.file_name();
        match name {
            Some(name) if name.kind == FileKind::Log && name.state == FileState::Current => {
                let subject = Subject {
                    base_offset: name.offset,
                    is_live: lock::is_live(item.path()),
                    ..subject_of(item, None, None)
                };
                self.log(item, &subject, &mut outcome);
            }
            _ => outcome.unknown(item),
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

/// What is known of a `.log` from its neighbourhood.
pub(super) fn subject_of(log: &Item, segment: Option<&Segment>, partition: Option<&Partition>) -> Subject {
    let modified = log.modified();
    let since = modified.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    Subject {
        path: Arc::from(log.path()),
        base_offset: segment.map(Segment::base_offset),
        topic: partition.and_then(Partition::topic).map(str::to_owned),
        partition: partition.and_then(Partition::number),
        is_last: true,
        is_live: false,
        modified_ms: since.and_then(|since| i64::try_from(since.as_millis()).ok()),
    }
}
