//! Where the views of files go: headings, rows, damage, to standard output and standard error.

use std::io::{self, Write as _};
use std::ops::ControlFlow;

use kseg::decode::json::write_string;

use crate::cli::Context;
use crate::cli::exit::Failures;
use crate::cli::output::unwritten;
use crate::cli::render::rows::{Cell, Format, RowStyle, Table};
use crate::cli::render::{Push, json, table};

/// Bytes written at once.
const BUFFER_BYTES: usize = 256 << 10;

/// A table of more rows is not measured, but has fixed widths.
const SHORT_ROWS: usize = 500;

/// Notes on one file; more are counted.
const NOTES: u64 = 100;

/// What a file says of itself: a name for JSON, a label for people, a value.
pub(crate) type Fact = (&'static str, &'static str, Cell);

/// Prints.
pub(crate) struct Printer<'a> {
    format: Format,
    context: &'a mut Context,
    out: Vec<u8>,
    written: io::Result<()>,
    /// The file being shown.
    path: String,
    files: u64,
    rows: u64,
    limit: u64,
    notes: u64,
    /// The table whose heads stand above the rows that come.
    open: Option<&'static str>,
    damaged: bool,
    failed: Failures,
}

impl<'a> Printer<'a> {
    pub(crate) fn new(context: &'a mut Context, format: Format, limit: Option<u64>) -> Self {
        Self {
            format,
            context,
            out: Vec::new(),
            written: Ok(()),
            path: String::new(),
            files: 0,
            rows: 0,
            limit: limit.unwrap_or(u64::MAX),
            notes: 0,
            open: None,
            damaged: false,
            failed: Failures::default(),
        }
    }

    /// How many characters fit into a line, where that is known and people read it.
    pub(crate) fn columns(&self) -> Option<usize> {
        self.context.columns.filter(|_| self.format == Format::Text)
    }

    /// Begins the document.
    pub(crate) fn begin(&mut self) {
        if self.format == Format::Json {
            self.out.text("{\"schema\":\"kseg.show/1\",\"files\":[");
        }
    }

    /// Ends the document.
    pub(crate) fn end(&mut self) {
        if self.format == Format::Json {
            self.out.text("\n]}\n");
        }
        self.flush();
    }

    /// Begins a file: its name, its kind, and what it says of itself.
    pub(crate) fn file(&mut self, path: &str, kind: &str, size: Option<u64>, facts: &[Fact]) {
        path.clone_into(&mut self.path);
        (self.rows, self.notes, self.open) = (0, 0, None);
        if self.format == Format::Text {
            if self.files > 0 {
                self.out.push(b'\n');
            }
            self.out.text(&table::plain(path)).text(": ").text(kind);
            if let Some(size) = size {
                self.out.text(", ").int(size).text(" bytes");
            }
            for (_, label, cell) in facts {
                let shown = table::show(cell);
                self.out.text(", ").text(label).text(" ").text(&shown);
            }
            self.out.text("\n");
        } else {
            if self.format == Format::Json {
                self.out.text(if self.files > 0 { ",\n" } else { "\n" });
            }
            self.out.text("{\"schema\":\"kseg.file/1\",\"file\":");
            write_string(path.as_bytes(), &mut self.out);
            json::field("kind", &Cell::text(kind), &mut self.out);
            json::field(
                "size_bytes",
                &size.map_or(Cell::None, Cell::int),
                &mut self.out,
            );
            for (name, _, cell) in facts {
                json::field(name, cell, &mut self.out);
            }
            self.out.text(match self.format {
                Format::Json => ",\"rows\":[",
                _ => "}\n",
            });
        }
        self.files += 1;
    }

    /// Ends a file.
    pub(crate) fn end_file(&mut self) {
        if self.notes > NOTES {
            let more = self.notes - NOTES;
            let line = format!("kseg: {}: and {more} more\n", table::plain(&self.path));
            self.context.say(line.as_bytes());
        }
        if self.format == Format::Json {
            self.out.text("]}");
        }
        self.poll();
    }

    /// How rows of the file are written.
    pub(crate) fn style(&self) -> RowStyle<'_> {
        RowStyle {
            format: self.format,
            path: &self.path,
        }
    }

    /// Shows the rows of a table.
    pub(crate) fn table(&mut self, table: &'static Table, rows: &[Vec<Cell>]) {
        if rows.is_empty() {
            return;
        }
        if self.format == Format::Text && rows.len() <= SHORT_ROWS {
            let left = usize::try_from(self.limit.saturating_sub(self.rows)).unwrap_or(usize::MAX);
            let shown = rows.get(..left).unwrap_or(rows);
            self.title(table);
            table::short(table, shown, &mut self.out);
            self.rows += shown.len() as u64;
            self.open = None;
        } else {
            for row in rows {
                self.row(table, row);
            }
        }
        self.poll();
    }

    /// Shows one row of many. False: no more are wanted.
    pub(crate) fn row(&mut self, table: &'static Table, cells: &[Cell]) -> bool {
        if !self.wants_more() {
            return false;
        }
        self.heads(table);
        let start = self.out.len();
        let style = RowStyle {
            format: self.format,
            path: &self.path,
        };
        style.row(table, cells, &mut self.out);
        self.uncomma(start);
        self.rows += 1;
        self.poll();
        self.wants_more()
    }

    /// The heads of a table, unless they stand there already.
    pub(crate) fn heads(&mut self, table: &'static Table) {
        if self.format == Format::Text && self.open != Some(table.schema) {
            self.title(table);
            table::heads(table, &mut self.out);
            self.open = Some(table.schema);
        }
    }

    fn title(&mut self, table: &Table) {
        if !table.title.is_empty() {
            self.out.text("\n").text(table.title).text("\n");
        }
    }

    /// The first row of a JSON array has no comma before it.
    fn uncomma(&mut self, start: usize) {
        if self.format == Format::Json
            && self.rows == 0
            && let Some(comma) = self.out.get_mut(start)
        {
            *comma = b' ';
        }
    }

    /// Whether rows are left that the limit allows, and somebody reads them.
    pub(crate) fn wants_more(&self) -> bool {
        self.rows < self.limit && self.written.is_ok()
    }

    /// Whether somebody still reads.
    pub(crate) fn is_heard(&self) -> bool {
        self.written.is_ok()
    }

    /// How many rows are left that the limit allows; none if there is no limit.
    pub(crate) fn left(&self) -> Option<u64> {
        (self.limit < u64::MAX).then(|| self.limit.saturating_sub(self.rows))
    }

    /// Takes rows and notes that were rendered elsewhere.
    pub(crate) fn rendered(&mut self, text: &[u8], notes: &[u8]) -> ControlFlow<()> {
        if !text.is_empty() {
            let start = self.out.len();
            self.out.extend_from_slice(text);
            self.uncomma(start);
            self.rows += 1;
        }
        self.note(notes);
        self.poll();
        if self.written.is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }

    /// Says that a place of the file is damaged.
    pub(crate) fn damage(&mut self, position: u64, what: &str) {
        let start = self.out.len();
        let style = RowStyle {
            format: self.format,
            path: &self.path,
        };
        style.damage(position, None, what, &mut self.out);
        self.uncomma(start);
        self.rows += u64::from(self.format == Format::Json);
        let path = table::plain(&self.path);
        self.note(format!("kseg: {path}: position {position}: {what}\n").as_bytes());
        self.damaged = true;
    }

    /// Says that a place of one of several files is damaged.
    pub(crate) fn damage_of(&mut self, path: &str, position: u64, what: &str) {
        let own = std::mem::replace(&mut self.path, path.to_owned());
        self.damage(position, what);
        self.path = own;
    }

    /// Says something on standard error, a line at a time, as long as it is not too much.
    fn note(&mut self, notes: &[u8]) {
        for line in notes.split_inclusive(|&byte| byte == b'\n') {
            self.notes += 1;
            if self.notes <= NOTES {
                self.context.say(line);
            }
        }
    }

    /// Remembers that there was damage.
    pub(crate) fn seen(&mut self) {
        self.damaged = true;
    }

    /// Says that a file cannot be shown at all; the last of several is said at the end.
    pub(crate) fn fail(&mut self, error: anyhow::Error) {
        if let Some(earlier) = self.failed.add(error) {
            self.flush();
            self.context.say(earlier.as_bytes());
        }
    }

    /// A line for people only.
    pub(crate) fn remark(&mut self, text: &str) {
        if self.format == Format::Text {
            self.out.text(text).text("\n");
            self.open = None;
        }
    }

    fn poll(&mut self) {
        if self.out.len() >= BUFFER_BYTES {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.written.is_ok() {
            self.written = self.context.out.write_all(&self.out);
        }
        self.out.clear();
    }

    /// Whether there was damage.
    ///
    /// # Errors
    /// A file could not be read, or the output not be written; that nobody reads it any more is no error.
    pub(crate) fn result(self) -> anyhow::Result<bool> {
        match self.written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(unwritten(&error)),
            _ => self.failed.result().map(|()| self.damaged),
        }
    }
}
