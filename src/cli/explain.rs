//! `kseg explain`: the manual of a check.

use anyhow::{Result, bail};
use kseg::verify::{CATALOG, Check, CheckId};

use super::Context;
use super::exit::ExitStatus;
use super::render::wrap::indented;

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
    /// A code (B101) or a name (crc-mismatch) [default: a list of all]
    #[arg(value_name = "CHECK")]
    checks: Vec<String>,
}

impl Explain {
    /// Prints manuals, or the list.
    pub(crate) fn run(self, context: &mut Context) -> Result<ExitStatus> {
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
        let room = context.look().room;
        let lines = text.lines().map(|line| {
            let words = line.trim_start_matches(' ');
            let indent = line.len() - words.len();
            indented(words, indent, indent, room) + "\n"
        });
        context.print(&lines.collect::<String>())?;
        Ok(ExitStatus::Clean)
    }
}

/// Returns a line for each check.
fn list() -> String {
    let lines = CATALOG.iter().map(|check| {
        let (code, name, severity, title) = (check.code, check.name, check.severity, check.title());
        format!("{code}  {name:<28}  {severity:<7}  {title}\n")
    });
    lines.collect()
}

/// Returns the manual of a check, with a paragraph for each section.
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
