//! Findings for people.

use std::io::{self, Write};

use kseg::verify::evidence::Checksum;
use kseg::verify::{Evidence, Finding, Severity, Value};

use super::report::{Report, Shown, Summary, Unit, line_of};
use crate::cli::render::table::{counted, plain};
use crate::cli::render::time::rfc3339;

pub(super) struct Text {
    with_notes: bool,
}

impl Text {
    pub(super) fn new(with_notes: bool) -> Self {
        Self { with_notes }
    }
}

impl Report for Text {
    fn begin(&mut self, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn unit(&mut self, unit: &Unit, out: &mut dyn Write) -> io::Result<()> {
        for shown in &unit.findings {
            if shown.finding.severity > Severity::Note || self.with_notes {
                write(shown, out)?;
            }
        }
        for more in &unit.more {
            let (check, count) = (more.check.check(), more.count);
            writeln!(
                out,
                "{count} more of {} {} in {}\n",
                check.code,
                check.name,
                line_of(&more.path)
            )?;
        }
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        if !summary.counts.is_empty() {
            let heads = ("code", "check", "level", "findings");
            writeln!(
                out,
                "{:<4}  {:<28}  {:<7}  {:>8}",
                heads.0, heads.1, heads.2, heads.3
            )?;
        }
        for ((severity, check), count) in summary.counts.iter().rev() {
            let row = check.check();
            writeln!(
                out,
                "{:<4}  {:<28}  {severity:<7}  {count:>8}",
                row.code, row.name
            )?;
        }
        let coverage = &summary.coverage;
        writeln!(
            out,
            "{}, {}: {} batches, {} entries, {} small files, {} padding, {} damage, {} unknown",
            counted(coverage.files, "file"),
            counted(coverage.size_bytes, "byte"),
            coverage.batch_bytes,
            coverage.entry_bytes,
            coverage.small_bytes,
            coverage.padding_bytes,
            coverage.damage_bytes,
            coverage.unknown_bytes,
        )?;
        if !coverage.is_complete() {
            writeln!(
                out,
                "not every byte is accounted for: this is a bug in kseg"
            )?;
        }
        write!(out, "{}", totals(summary))?;
        match summary.known {
            0 => writeln!(out),
            known => writeln!(out, "; {known} of them known"),
        }
    }
}

/// How much was found, by severity.
pub(super) fn totals(summary: &Summary) -> String {
    let all = [
        (Severity::Error, "error"),
        (Severity::Warning, "warning"),
        (Severity::Note, "note"),
    ];
    all.map(|(severity, what)| counted(summary.of(severity), what))
        .join(", ")
}

fn write(shown: &Shown, out: &mut dyn Write) -> io::Result<()> {
    let finding = &shown.finding;
    let row = finding.check.check();
    let known = if shown.is_known { " (known)" } else { "" };
    writeln!(
        out,
        "{}[{}]: {}{known}",
        finding.severity,
        row.code,
        plain(&finding.message())
    )?;
    writeln!(out, "  --> {}{}", line_of(&finding.path), place(finding))?;
    for line in numbers(&finding.evidence) {
        writeln!(out, "   = {}", plain(&line))?;
    }
    if let Some(loss) = &finding.loss {
        let times = loss.times_ms.map(|times| match times {
            (from, to) if from == to => format!("; written at {}", rfc3339(from)),
            (from, to) => format!("; written from {} to {}", rfc3339(from), rfc3339(to)),
        });
        writeln!(out, "   = {loss}{}", times.unwrap_or_default())?;
    }
    if let Some(impact) = &finding.impact {
        writeln!(out, "   = a broker: {}", impact.broker)?;
        if let Some(resume) = &impact.resume {
            let command = plain(&resume.to_string());
            writeln!(out, "   = to let consumers skip it: {command}")?;
        }
    }
    writeln!(out, "   = help: kseg explain {}\n", row.code)
}

/// ` at 73400 (offset 184902, 1211 bytes)`.
fn place(finding: &Finding) -> String {
    let position = finding.position.map(|position| format!(" at {position}"));
    let offset = finding.offset.map(|offset| format!("offset {offset}"));
    let length = finding.length.map(|length| format!("{length} bytes"));
    let inside: Vec<String> = offset.into_iter().chain(length).collect();
    let inside = if inside.is_empty() {
        String::new()
    } else {
        format!(" ({})", inside.join(", "))
    };
    position.unwrap_or_default() + &inside
}

/// The numbers that are not in the message.
fn numbers(evidence: &Evidence) -> Vec<String> {
    match evidence {
        Evidence::Checksum(Checksum { stored, actual, .. }) => {
            vec![format!("stored {stored:#010x}, actual {actual:#010x}")]
        }
        Evidence::Disorder(run) => {
            let (what, stored) = (run.number, run.stored);
            let before = run.before.map(|before| format!(", after {before}"));
            let after = run.after.map(|after| format!(", before {after}"));
            let actual = run
                .actual
                .map(|actual| format!("; without the bit {actual}"));
            let rest = [before, after, actual].map(Option::unwrap_or_default);
            vec![format!("{what} {stored}{}", rest.concat())]
        }
        Evidence::Said(said) => {
            let pairs: Vec<String> = said.iter().map(|(name, value)| pair(name, value)).collect();
            let line = Some(pairs.join(", "));
            line.filter(|line| !line.is_empty()).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn pair(name: &str, value: &Value) -> String {
    let words = name.trim_end_matches("_ms").replace('_', " ");
    match value {
        Value::Int(ms) if name.ends_with("_ms") => {
            let ms = i64::try_from(*ms).unwrap_or(i64::MAX);
            format!("{words} {}", rfc3339(ms))
        }
        Value::Text(text) => format!("{words} {}", text.escape_debug()),
        value => format!("{words} {value}"),
    }
}
