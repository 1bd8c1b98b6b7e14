//! `kseg explain`: the manual of a check.

use std::io::{self, Write};

use anyhow::{Result, bail};
use kseg::verify::{CATALOG, Check, CheckId};

use super::Context;
use super::exit::Outcome;

/// Explains a check: what it finds, why it happens, what Kafka does, and how to repair it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kseg explain                 a list of all checks
  kseg explain B101
  kseg explain crc-mismatch

Exit status:
  0  done
  2  unknown check")]
pub(crate) struct Explain {
    /// A code, as B101, or a name, as crc-mismatch [default: a list of all]
    #[arg(value_name = "CHECK")]
    checks: Vec<String>,
}

impl Explain {
    /// Prints manuals, or the list.
    pub(crate) fn run(self, context: &mut Context) -> Result<Outcome> {
        let mut chosen = Vec::new();
        for text in &self.checks {
            match CheckId::find(text) {
                Some(check) => chosen.push(check.check()),
                None => bail!("unknown check {text:?}; kseg explain lists all checks"),
            }
        }
        let text = if chosen.is_empty() {
            list()
        } else {
            chosen
                .into_iter()
                .map(manual)
                .collect::<Vec<_>>()
                .join("\n")
        };
        match context.out.write_all(text.as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(Outcome::Clean),
        }
    }
}

/// A line a check.
fn list() -> String {
    let lines = CATALOG.iter().map(|check| {
        let (code, name, severity, title) = (check.code, check.name, check.severity, check.title());
        format!("{code}  {name:<28}  {severity:<7}  {title}\n")
    });
    lines.collect()
}

/// The manual of a check, with one paragraph a section.
fn manual(check: &Check) -> String {
    let (code, name, title) = (check.code, check.name, check.title());
    let (severity, depth, fix) = (check.severity, check.depth.name(), check.fix.name());
    let mut text = format!("{code} {name}: {title}\n{severity}, depth {depth}, fix {fix}\n");
    for line in check.otherwise() {
        text.extend(["  ", &line, "\n"]);
    }
    for line in check.manual() {
        let mut parts = line.split("**").skip(1);
        if let (Some(section), Some(rest)) = (parts.next(), parts.next()) {
            text.extend(["\n", section, "\n  ", rest.trim_start(), "\n"]);
        }
    }
    text
}
