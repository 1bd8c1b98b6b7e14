//! What every format shows: findings of one unit after the other, then what they add up to.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use kseg::verify::finding::More;
use kseg::verify::{CheckId, Coverage, Finding, Severity};

use super::Format;
use super::{document, github, junit, sarif, text};
use crate::cli::render::table::plain;

/// A finding as it is shown.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) finding: Finding,
    /// Whether the baseline has it.
    pub(super) is_known: bool,
}

/// A partition, a file, or what lies beside the partitions of a log dir.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) path: Arc<Path>,
    pub(super) files: Vec<Arc<Path>>,
    pub(super) findings: Vec<Shown>,
    /// Findings that were only counted.
    pub(super) more: Vec<More>,
}

/// What all units add up to.
#[derive(Debug, Default)]
pub(super) struct Summary {
    /// How many findings of a check there are, by how bad they are taken to be.
    pub(super) counts: BTreeMap<(Severity, CheckId), u64>,
    /// Findings that the baseline has.
    pub(super) known: u64,
    /// Findings at the level that fails the run, or above it, without those that are known.
    pub(super) failing: u64,
    pub(super) units: u64,
    pub(super) coverage: Coverage,
}

impl Summary {
    /// How many findings are as bad as that.
    pub(super) fn of(&self, severity: Severity) -> u64 {
        let counts = self.counts.iter();
        let of = counts.filter(|((found, _), _)| *found == severity);
        of.map(|(_, count)| count).sum()
    }
}

/// A format: writes units as they come.
pub(super) trait Report {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()>;
    fn unit(&mut self, unit: &Unit, out: &mut dyn Write) -> io::Result<()>;
    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()>;
}

/// The format asked for.
pub(super) fn of(format: Format, with_notes: bool, fails: Severity) -> Box<dyn Report> {
    match format {
        Format::Text => Box::new(text::Text::new(with_notes)),
        Format::Json => Box::new(document::Document::default()),
        Format::Junit => Box::new(junit::Junit { fails }),
        Format::Sarif => Box::new(sarif::Sarif::default()),
        Format::Github => Box::new(github::Github),
    }
}

/// A path on one line, whatever characters its names have.
pub(super) fn line_of(path: &Path) -> String {
    plain(&path.to_string_lossy())
}
