//! Many findings of one kind in one file: the first is reported, the others are counted.

use super::finding::{Finding, Findings};

/// The first finding of a kind, and their number.
#[derive(Debug, Default)]
pub(super) struct Tally {
    first: Option<Box<Finding>>,
    count: u64,
}

impl Tally {
    /// Counts one more; `finding` is called for the first only.
    pub(super) fn add(&mut self, finding: impl FnOnce() -> Finding) {
        if self.first.is_none() {
            self.first = Some(Box::new(finding()));
        }
        self.count += 1;
    }

    /// Adds the first one to the findings, with the number of all of them.
    pub(super) fn report(self, findings: &mut Findings) {
        if let Some(first) = self.first {
            findings.add(first.counted(self.count));
        }
    }
}
