//! The outcome of verifying a file, a partition or a log dir.

use std::path::Path;
use std::sync::Arc;

use super::catalog::{CheckId, Severity};
use super::coverage::Coverage;
use super::evidence::Unopened;
use super::finding::{Finding, Findings};
use crate::decode::schema_ids::SchemaIds;
use crate::scan::Merge;
use crate::store::{Cap, Error, Item, Source, read_small};

/// The outcome of a file, a partition or a log dir.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Outcome {
    /// The findings.
    pub findings: Findings,
    /// The byte counts.
    pub coverage: Coverage,
    /// The files read, in order.
    pub files: Vec<Arc<Path>>,
    /// The schema ids of the records, at the depth that decodes them.
    pub(super) schema_ids: SchemaIds,
}

impl Merge for Outcome {
    fn merge(&mut self, next: Self) {
        self.findings.merge(next.findings);
        self.coverage.merge(next.coverage);
        self.files.extend(next.files);
        self.schema_ids.merge(next.schema_ids);
    }
}

impl Outcome {
    /// Adds a file that no check reads.
    pub(super) fn unknown(&mut self, item: &Item) {
        let mut coverage = Coverage::of_file(item.len_bytes());
        coverage.unknown_bytes = item.len_bytes();
        self.coverage.merge(coverage);
    }

    /// Adds the finding that something could not be read.
    pub fn unreadable(&mut self, path: &Arc<Path>, error: &Error) {
        // A running broker may have deleted it since it was listed.
        if error.is_not_found() {
            return;
        }
        let text = error.to_string();
        // The finding already has the path.
        let reason = text.strip_prefix(&format!("{}: ", path.display()));
        let finding = Finding::new(CheckId::Unreadable, path).saw(Unopened::Error {
            error: reason.unwrap_or(&text).to_owned(),
        });
        // Or it may have truncated it: followers do so after another leader is elected.
        self.findings.add(match error {
            Error::Shorter(_) => finding.severity(Severity::Warning),
            _ => finding,
        });
    }

    /// Reads a small file, if it is a regular file and can be read.
    pub(super) fn read_small(&mut self, item: &Item) -> Option<(Arc<Path>, Source)> {
        if !item.is_file() {
            return None;
        }
        let path: Arc<Path> = Arc::from(item.path());
        self.files.push(Arc::clone(&path));
        match read_small(&path, Cap::at(&path)) {
            Ok(bytes) => {
                let len = bytes.len() as u64;
                self.coverage.merge(Coverage {
                    small_bytes: len,
                    ..Coverage::of_file(len)
                });
                Some((path, bytes))
            }
            Err(error) => {
                self.unreadable(&path, &error);
                None
            }
        }
    }
}
