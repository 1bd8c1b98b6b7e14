//! Which checks look at what, and how they are driven.

use std::path::Path;
use std::sync::Arc;

use super::alone;
use super::catalog::{CheckId, Depth, Severity};
use super::chain::SegmentCheck;
use super::coverage::Coverage;
use super::finding::{Finding, Findings};
use super::partition::{Around, Known, PartitionCheck};
use super::segment::{OnBytes, Options, Subject, verify_among};
use super::setting::Stop;
use crate::format::Limits;
use crate::format::name::{self, DirName, FileKind, FileName};
use crate::scan::{Jobs, Merge};
use crate::store::{Error, Item, LogFile, Partition, lock};

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
    pub(super) fn unknown(&mut self, item: &Item) {
        let mut coverage = Coverage::of_file(item.len_bytes());
        coverage.unknown_bytes = item.len_bytes();
        self.coverage.merge(coverage);
    }

    /// Says that something could not be read, and why.
    pub fn unreadable(&mut self, path: &Arc<Path>, error: &Error) {
        // A running broker may have deleted it since it was listed.
        if error.is_not_found() {
            return;
        }
        let finding = Finding::new(CheckId::Unreadable, path).says(error.to_string());
        // Or it may have cut it: followers do, after another leader is elected.
        self.findings.add(match error {
            Error::Shorter(_) => finding.severity(Severity::Warning),
            _ => finding,
        });
    }
}

impl Suite<'_> {
    /// Verifies everything in the directory of a partition, with what its log dir says of it. Tells what the log dir
    /// needs to know.
    #[must_use]
    pub fn partition(&self, partition: &Partition, around: Around) -> (Outcome, Known) {
        let mut check = PartitionCheck::new(partition, around);
        let mut logs = Outcome::default();
        for index in 0..check.segments().len() {
            self.segment(partition, index, around, &mut check, &mut logs);
        }
        let (outcome, known) = check.finish(partition);
        logs.merge(outcome);
        logs.findings = logs.findings.at_depth(self.depth);
        (logs, known)
    }

    /// Verifies a `.log`, and shows it to the checks of the files beside it.
    fn segment(
        &self,
        partition: &Partition,
        index: usize,
        around: Around,
        check: &mut PartitionCheck,
        outcome: &mut Outcome,
    ) {
        let log = check
            .segments()
            .get(index)
            .and_then(|segment| segment.file(FileKind::Log));
        let Some(item) = log.cloned() else { return };
        let subject = Subject {
            is_last: index + 1 == check.segments().len(),
            is_live: around.stop == Stop::Live,
            ..subject_of(&item, partition.name())
        };
        let Some(mut segment) = check.begin(index) else {
            return;
        };
        if self.log(&item, &subject, Some(&mut segment), outcome) {
            check.end(segment, item.len_bytes());
        } else {
            check.lose(segment);
        }
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
            self.log(item, &subject, None, &mut outcome);
        } else {
            alone::file(item, &mut outcome);
        }
        outcome.findings = outcome.findings.at_depth(self.depth);
        outcome
    }

    /// Verifies a `.log`, and shows it to the check of the files beside it. Returns whether it could be read.
    fn log(
        &self,
        item: &Item,
        subject: &Subject,
        check: Option<&mut SegmentCheck>,
        outcome: &mut Outcome,
    ) -> bool {
        outcome.files.push(Arc::clone(&subject.path));
        let options = Options {
            depth: self.depth,
            jobs: self.jobs,
            limits: self.limits,
            now_ms: self.now_ms,
            on_bytes: self.on_bytes,
        };
        let verified =
            (self.open)(item.path()).and_then(|log| verify_among(&log, subject, options, check));
        match verified {
            Ok(verified) => {
                outcome.findings.merge(verified.findings);
                outcome.coverage.merge(verified.coverage);
                true
            }
            Err(error) => {
                if !error.is_not_found() {
                    outcome.unknown(item);
                }
                outcome.unreadable(&subject.path, &error);
                false
            }
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
