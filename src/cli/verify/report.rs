//! The interface of formats: findings of one unit after the other, then the totals.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;
pub(crate) use kseg::verify::UnitKind;
use kseg::verify::evidence::Unopened;
use kseg::verify::finding::More;
use kseg::verify::{CheckId, Coverage, Evidence, Finding, Severity};

use crate::cli::render::table::{counted, plain};

/// A finding as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct ShownFinding {
    pub(crate) finding: Finding,
    /// True if it is in the baseline.
    pub(crate) is_known: bool,
}

/// Findings that belong together: of a partition, of a file, or of the other files of log dirs.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) kind: UnitKind,
    pub(crate) path: Arc<Path>,
    pub(crate) files: Vec<Arc<Path>>,
    pub(crate) findings: Vec<ShownFinding>,
    /// Findings that were only counted.
    pub(crate) more: Vec<More>,
}

/// The totals of all units.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// The number of findings by severity and check.
    pub(crate) counts: BTreeMap<(Severity, CheckId), u64>,
    /// The number of findings in the baseline.
    pub(crate) known: u64,
    /// The number of findings that fail the run, without those that are known.
    pub(crate) failing: u64,
    /// The number of files and directories that the operating system does not let kseg read.
    pub(crate) unread: u64,
    pub(crate) units: u64,
    pub(crate) coverage: Coverage,
}

impl Summary {
    /// Returns the number of findings of a severity.
    pub(crate) fn of(&self, severity: Severity) -> u64 {
        let counts = self.counts.iter();
        let of = counts.filter(|((found, _), _)| *found == severity);
        of.map(|(_, count)| count).sum()
    }

    /// Returns the error for files that could not be read: what is in them is not verified.
    pub(crate) fn error(&self) -> Option<anyhow::Error> {
        let unread = (self.unread > 0).then(|| counted(self.unread, "path"))?;
        let code = CheckId::Unreadable.check().code;
        Some(anyhow!("{unread} could not be read ({code})"))
    }
}

/// Returns true if a finding is that the operating system refuses to open or read a path.
pub(crate) fn is_unread(finding: &Finding) -> bool {
    let is_refused = matches!(finding.evidence, Evidence::Unopened(Unopened::Error { .. }));
    is_refused && finding.check == CheckId::Unreadable && finding.severity == Severity::Error
}

/// A format: writes units as they come.
pub(super) trait Report {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()>;
    fn unit(&mut self, unit: &Unit, out: &mut dyn Write) -> io::Result<()>;
    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()>;
}

/// The settings of formats.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    /// The severity from which a finding fails the run, if any.
    pub(super) fails: Option<Severity>,
    /// True if notes are shown in formats for people.
    pub(super) with_notes: bool,
}

/// A path on one line, whatever characters its names have.
pub(super) fn line_of(path: &Path) -> String {
    plain(&path.to_string_lossy())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// One JSON document
    Json,
    /// JUnit XML: a test case for each file
    Junit,
    /// SARIF 2.1.0 for code scanning
    Sarif,
    /// Annotations in a run of GitHub Actions
    Github,
}
