//! The result as Markdown, for the summary of a job.

use std::io::{self, Write};

use kseg::verify::Severity;

use super::overview::{Overview, PlaceRow};
use super::report::{Report, Summary, Unit};
use super::text::{read, totals};
use crate::cli::render::rows::Row as _;
use crate::cli::render::table::plain;

/// The maximum number of rows: a summary has to be short.
const ROWS: usize = 50;

#[derive(Default)]
pub(super) struct Markdown {
    found: Overview,
}

impl Report for Markdown {
    fn begin(&mut self, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn unit(&mut self, unit: &Unit, _: &mut dyn Write) -> io::Result<()> {
        self.found.add(unit);
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let name = |place: &super::overview::PlaceFindings| plain(&place.path.to_string_lossy());
        let rows = self.found.rows(Severity::Warning, name);
        writeln!(out, "### {}\n", escape(&self.found.answer(&rows, summary)))?;
        if !rows.is_empty() {
            let heads = PlaceRow::COLUMNS.iter().map(|column| column.shape.head);
            let heads: Vec<&str> = heads.collect();
            writeln!(out, "| {} |", heads.join(" | "))?;
            writeln!(out, "|{}", "---|".repeat(heads.len()))?;
        }
        for (row, _) in rows.iter().take(ROWS) {
            let cells = PlaceRow::COLUMNS.iter();
            let cells: Vec<String> = cells
                .map(|column| escape(&(column.cell)(row).show(false)))
                .collect();
            writeln!(out, "| {} |", cells.join(" | "))?;
        }
        match rows.len().saturating_sub(ROWS) {
            0 => {}
            more => writeln!(out, "\n{more} more")?,
        }
        writeln!(out, "\n{}; {}", read(summary), totals(summary))
    }
}

/// Text with Markdown characters escaped.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if "\\`*_{}[]<>#|~".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}
