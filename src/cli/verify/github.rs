//! Findings as annotations of a GitHub workflow.

use std::io::{self, Write};

use kseg::verify::Severity;

use super::report::{Report, ShownFinding, Summary, Unit};
use super::text::totals;
use crate::cli::render::table::{counted, plain};

pub(super) struct Github {
    pub(super) with_notes: bool,
}

impl Report for Github {
    fn begin(&mut self, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn unit(&mut self, unit: &Unit, out: &mut dyn Write) -> io::Result<()> {
        let new = unit.findings.iter().filter(|shown| !shown.is_known);
        for ShownFinding { finding, .. } in new {
            if finding.severity == Severity::Note && !self.with_notes {
                continue;
            }
            let row = finding.check.check();
            let command = match finding.severity {
                Severity::Note => "notice",
                severity => severity.name(),
            };
            let place = finding
                .position
                .map_or(String::new(), |position| format!(" at {position}"));
            writeln!(
                out,
                "::{command} file={},title={}::{}",
                property(&finding.path.to_string_lossy()),
                property(&format!("{} {}", row.code, row.name)),
                data(&format!("{finding}{place}")),
            )?;
        }
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let files = counted(summary.coverage.files, "file");
        writeln!(out, "{files}: {}", totals(summary))
    }
}

/// Text after the colons, as GitHub's toolkit escapes it.
fn data(text: &str) -> String {
    let text = text.replace('%', "%25");
    let text = text.replace('\r', "%0D").replace('\n', "%0A");
    // A log viewer would interpret other control characters.
    plain(&text)
}

/// A property, which ends at a comma.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
