//! Findings as test results: a suite for each partition, a test case for each file.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use kseg::verify::Severity;

use super::report::{Report, ShownFinding, Summary, Unit};
use crate::cli::render::is_hidden;

pub(super) struct Junit {
    /// The severity from which a finding makes its test case fail, if any.
    pub(super) fails: Option<Severity>,
}

impl Report for Junit {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"kseg verify\">"
        )
    }

    fn unit(&mut self, unit: &Unit, out: &mut dyn Write) -> io::Result<()> {
        let mut cases: BTreeMap<&Path, Vec<&ShownFinding>> = BTreeMap::new();
        for file in &unit.files {
            cases.entry(file).or_default();
        }
        for shown in &unit.findings {
            cases.entry(&shown.finding.path).or_default().push(shown);
        }
        let is_failure = |shown: &&ShownFinding| {
            let fails = |least| shown.finding.severity >= least;
            self.fails.is_some_and(fails) && !shown.is_known
        };
        let failures = cases.values().filter(|shown| shown.iter().any(&is_failure));
        writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"0\">",
            escape(&unit.path.to_string_lossy()),
            cases.len(),
            failures.count(),
        )?;
        for (path, shown) in &cases {
            let name = path
                .file_name()
                .unwrap_or(path.as_os_str())
                .to_string_lossy();
            let class = path.parent().unwrap_or(path).to_string_lossy();
            write!(
                out,
                "    <testcase classname=\"{}\" name=\"{}\" time=\"0\"",
                escape(&class),
                escape(&name)
            )?;
            if shown.is_empty() {
                writeln!(out, "/>")?;
                continue;
            }
            writeln!(out, ">")?;
            let (failed, others): (Vec<&ShownFinding>, Vec<&ShownFinding>) =
                shown.iter().partition(|shown| is_failure(shown));
            if let Some(first) = failed.first() {
                writeln!(
                    out,
                    "      <failure type=\"{}\" message=\"{}\">{}</failure>",
                    first.finding.check.code(),
                    escape(&first.finding.message()),
                    escape(&lines(&failed)),
                )?;
            }
            if !others.is_empty() {
                writeln!(
                    out,
                    "      <system-out>{}</system-out>",
                    escape(&lines(&others))
                )?;
            }
            writeln!(out, "    </testcase>")?;
        }
        writeln!(out, "  </testsuite>")
    }

    fn finish(&mut self, _: &Summary, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "</testsuites>")
    }
}

fn lines(shown: &[&ShownFinding]) -> String {
    let lines = shown.iter().map(|shown| {
        let finding = &shown.finding;
        let place = finding
            .position
            .map_or(String::new(), |position| format!(" at {position}"));
        format!("{} {}{place}: {finding}", finding.severity, finding.check)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Text as valid XML 1.0.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            // XML 1.0 has no escapes for most hidden characters.
            c if is_hidden(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                escaped.extend(c.escape_default());
            }
            c => escaped.push(c),
        }
    }
    escaped
}
