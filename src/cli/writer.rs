//! The output of rows: tables for people, objects for machines, and errors on standard error.

use std::io::{self, Write as _};
use std::marker::PhantomData;
use std::ops::ControlFlow;

use anyhow::anyhow;
use serde::Serialize;

use super::Context;
use super::exit::Failures;
use super::output::unwritten;
use super::render::rows::{Format, Row};
use super::render::table::{self, Table, TableStyle};
use super::render::wrap::{titled, wrapped};
use super::render::{Push, csv, json, plain};
use super::schema::{self, Schema};

/// Bytes written at once.
const BUFFER_BYTES: usize = 256 << 10;

/// The number of notes on one file; more are counted.
const NOTES: u64 = 100;

/// A damaged place of a file, shown as a line between the rows.
#[derive(Debug, Serialize)]
struct Damage<'a> {
    position: u64,
    size_bytes: Option<u64>,
    what: &'a str,
}

/// Writes rows of any kind.
pub(crate) struct Writer<'a> {
    format: Format,
    look: TableStyle,
    context: &'a mut Context,
    out: Vec<u8>,
    written: io::Result<()>,
    /// The table that the next row may belong to, and the id of its rows.
    table: Option<(&'static str, Table)>,
    /// The id of the rows in a CSV document.
    csv: Option<&'static str>,
    /// The file being shown.
    file: Option<String>,
    /// True if nothing is in the JSON array that is open.
    is_first: bool,
    /// True if something was written for people before.
    is_below: bool,
    rows: u64,
    limit: u64,
    notes: u64,
    damaged: bool,
    failed: Failures,
}

impl<'a> Writer<'a> {
    /// Begins a document.
    pub(crate) fn new(context: &'a mut Context, format: Format, document: Schema) -> Self {
        let look = context.look();
        let mut writer = Self {
            format,
            look,
            context,
            out: Vec::new(),
            written: Ok(()),
            table: None,
            csv: None,
            file: None,
            is_first: true,
            is_below: false,
            rows: 0,
            limit: u64::MAX,
            notes: 0,
            damaged: false,
            failed: Failures::default(),
        };
        if format == Format::Json {
            let array = if document == schema::SHOW {
                "files"
            } else {
                "rows"
            };
            let open = format!("{{\"schema\":\"{}\",\"{array}\":[", document.id);
            writer.out.text(&open);
        }
        writer
    }

    /// The same with at most this number of rows of each file.
    pub(crate) fn with_limit(mut self, limit: Option<u64>) -> Self {
        self.limit = limit.unwrap_or(u64::MAX);
        self
    }

    /// The same with sizes in bytes.
    pub(crate) fn with_exact_bytes(mut self, exact: bool) -> Self {
        self.look.exact_bytes = exact;
        self
    }

    /// Returns true if the format is for people.
    pub(crate) fn is_text(&self) -> bool {
        self.format == Format::Text
    }

    /// Returns true if the format can have rows of one kind only.
    pub(crate) fn takes_one_kind(&self) -> bool {
        self.format == Format::Csv
    }

    /// Returns the look of the table.
    pub(crate) fn look(&self) -> TableStyle {
        self.look
    }

    /// Returns true if the output is still read.
    pub(crate) fn is_heard(&self) -> bool {
        self.written.is_ok()
    }

    /// Returns true if the limit allows more rows, and the output is still read.
    pub(crate) fn wants_more(&self) -> bool {
        self.rows < self.limit && self.is_heard()
    }

    /// Returns the number of rows that the limit still allows; `None` without a limit.
    pub(crate) fn left(&self) -> Option<u64> {
        (self.limit < u64::MAX).then(|| self.limit.saturating_sub(self.rows))
    }

    /// Begins a file: its path, its kind, and its facts. The rows that follow are of it.
    pub(crate) fn file<R: Row>(&mut self, path: &str, file: &R) {
        (self.rows, self.notes) = (0, 0);
        self.titled(path, &table::line(file, self.look));
        self.file = Some(path.to_owned());
        match self.format {
            Format::Json => {
                self.separate();
                json::open_object(R::SCHEMA, file, Some(path), &mut self.out);
                self.out.text(",\"rows\":[");
                self.is_first = true;
            }
            Format::Ndjson => {
                json::object(R::SCHEMA, file, Some(path), &mut self.out);
                self.out.push(b'\n');
            }
            Format::Text | Format::Csv => {}
        }
    }

    /// Ends a file.
    pub(crate) fn end_file(&mut self) {
        self.end_table();
        let file = self.file.take().unwrap_or_default();
        if self.notes > NOTES {
            let more = self.notes - NOTES;
            let line = format!("kseg: {}: and {more} more\n", plain(&file));
            self.context.say(line.as_bytes());
        }
        if self.format == Format::Json {
            self.out.text("]}");
            self.is_first = false;
        }
        self.poll();
    }

    /// A sentence for people, after a blank line if something is above it.
    pub(crate) fn heading(&mut self, text: &str) {
        self.leave_blank();
        self.remark(text);
    }

    /// A heading that begins with a path: `path: text`.
    pub(crate) fn titled(&mut self, path: &str, text: &str) {
        self.leave_blank();
        self.people(&titled(&plain(path), &plain(text), self.look.room));
    }

    /// A sentence for people, in as many lines as the terminal needs.
    pub(crate) fn remark(&mut self, text: &str) {
        self.people(&wrapped(&plain(text), self.look.room));
    }

    /// A line that is not broken, such as a command to copy.
    pub(crate) fn line(&mut self, text: &str) {
        self.people(&plain(text));
    }

    fn leave_blank(&mut self) {
        self.end_table();
        if self.is_text() && self.is_below {
            self.out.push(b'\n');
        }
    }

    fn people(&mut self, text: &str) {
        self.end_table();
        if self.is_text() {
            self.out.text(text).text("\n");
            self.is_below = true;
        }
    }

    /// Shows rows of one kind, as long as more are wanted.
    pub(crate) fn table<R: Row>(&mut self, rows: impl IntoIterator<Item = R>) {
        for row in rows {
            if !self.row(&row) {
                break;
            }
        }
    }

    /// Shows a row. Returns false if no more are wanted.
    pub(crate) fn row<R: Row>(&mut self, row: &R) -> bool {
        if !self.wants_more() {
            return false;
        }
        let mut rendered = Vec::new();
        self.rendering().row(row, &mut rendered);
        self.place::<R>(&rendered);
        self.rows += 1;
        self.wants_more()
    }

    /// Shows a row to machines only.
    pub(crate) fn for_machines<R: Row>(&mut self, row: &R) {
        if matches!(self.format, Format::Json | Format::Ndjson) {
            self.row(row);
        }
    }

    /// Returns a renderer of rows on other threads, for [`rendered`](Self::rendered).
    pub(crate) fn rendering<R: Row>(&self) -> Rendering<R> {
        Rendering {
            format: self.format,
            look: self.look,
            file: self.file.clone(),
            row: PhantomData,
        }
    }

    /// Adds rows and notes that were rendered elsewhere.
    pub(crate) fn rendered<R: Row>(&mut self, rows: &[u8], notes: &[u8]) -> ControlFlow<()> {
        if !rows.is_empty() {
            self.place::<R>(rows);
            self.rows += 1;
        }
        self.note(notes);
        if self.is_heard() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }

    /// Adds rendered rows to the document.
    fn place<R: Row>(&mut self, rendered: &[u8]) {
        match self.format {
            Format::Text => {
                let id = R::SCHEMA.id;
                if self.table.as_ref().is_none_or(|(open, _)| *open != id) {
                    self.end_table();
                    if !R::TITLE.is_empty() {
                        self.out.text("\n").text(R::TITLE).text("\n");
                    }
                    self.table = Some((id, Table::new::<R>(self.look)));
                }
                if let Some((_, table)) = &mut self.table {
                    table.push(rendered, &mut self.out);
                }
                self.is_below = true;
            }
            Format::Json => {
                for object in rendered.split_inclusive(|&byte| byte == b'\n') {
                    self.separate();
                    let object = object.strip_suffix(b"\n").unwrap_or(object);
                    self.out.extend_from_slice(object);
                }
            }
            Format::Ndjson => self.out.extend_from_slice(rendered),
            Format::Csv => self.csv::<R>(rendered),
        }
        // A reader of a stream gets the first object at once.
        if !self.is_text() && self.rows == 0 {
            self.flush();
        }
        self.poll();
    }

    fn csv<R: Row>(&mut self, rendered: &[u8]) {
        let id = R::SCHEMA.id;
        let mut is_first = self.csv.is_none();
        let own = *self.csv.get_or_insert(id);
        if own != id {
            let error = anyhow!("--format csv holds one kind of rows, {own}; {id} needs ndjson");
            self.limit = 0;
            self.fail(error);
            return;
        }
        for object in rendered.split(|&byte| byte == b'\n') {
            if !object.is_empty() {
                csv::line(object, std::mem::take(&mut is_first), &mut self.out);
            }
        }
    }

    /// Begins the next element of the JSON array that is open.
    fn separate(&mut self) {
        let is_first = std::mem::take(&mut self.is_first);
        self.out.text(if is_first { "\n" } else { ",\n" });
    }

    fn end_table(&mut self) {
        if let Some((_, table)) = self.table.take() {
            table.finish(&mut self.out);
        }
    }

    /// Reports a damaged place of the file.
    pub(crate) fn damage(&mut self, position: u64, what: &str) {
        let file = self.file.clone().unwrap_or_default();
        self.damage_of(&file, position, what);
    }

    /// Reports a damaged place of one of several files.
    pub(crate) fn damage_of(&mut self, file: &str, position: u64, what: &str) {
        let mut rendered = Vec::new();
        damage(
            self.format,
            Some(file),
            (position, None),
            what,
            &mut rendered,
        );
        match (self.format, &mut self.table) {
            (Format::Text, Some((_, table))) => table.push(&rendered, &mut self.out),
            (Format::Text, None) => {
                self.out.extend(rendered.into_iter().skip(1));
                self.is_below = true;
            }
            (Format::Json, _) => {
                self.separate();
                rendered.pop();
                self.out.extend(rendered);
            }
            (Format::Ndjson | Format::Csv, _) => self.out.extend(rendered),
        }
        self.note(note(file, position, what).as_bytes());
        self.damaged = true;
    }

    /// Writes notes to standard error, up to the limit.
    fn note(&mut self, notes: &[u8]) {
        for line in notes.split_inclusive(|&byte| byte == b'\n') {
            self.notes += 1;
            if self.notes <= NOTES {
                self.context.say(line);
            }
        }
    }

    /// Returns true if there was damage.
    pub(crate) fn has_damage(&self) -> bool {
        self.damaged
    }

    /// Remembers that there was damage.
    pub(crate) fn seen(&mut self) {
        self.damaged = true;
    }

    /// Reports that something could not be read; the last of several errors is reported at the end.
    pub(crate) fn fail(&mut self, error: impl Into<anyhow::Error>) {
        if let Some(earlier) = self.failed.add(error.into()) {
            self.flush();
            self.context.say(earlier.as_bytes());
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

    /// Ends the document, and returns true if there was damage.
    ///
    /// # Errors
    /// Something could not be read, or the output could not be written; a closed pipe is not an
    /// error.
    pub(crate) fn finish(mut self) -> anyhow::Result<bool> {
        self.end_table();
        if self.format == Format::Json {
            self.out.text("\n]}\n");
        }
        self.flush();
        match self.written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(unwritten(&error)),
            _ => self.failed.result().map(|()| self.damaged),
        }
    }
}

/// A renderer of rows of one kind on other threads; [`Writer::rendered`] adds them to the document.
#[derive(Debug)]
pub(crate) struct Rendering<R> {
    format: Format,
    look: TableStyle,
    file: Option<String>,
    row: PhantomData<fn(&R)>,
}

impl<R: Row> Rendering<R> {
    /// Appends a row.
    pub(crate) fn row(&self, row: &R, out: &mut Vec<u8>) {
        match self.format {
            Format::Text => table::cells(row, self.look, out),
            Format::Json => {
                json::object(R::SCHEMA, row, None, out);
                out.push(b'\n');
            }
            Format::Ndjson | Format::Csv => {
                json::object(R::SCHEMA, row, self.file.as_deref(), out);
                out.push(b'\n');
            }
        }
    }

    /// Appends a damaged place of the file.
    pub(crate) fn damage(
        &self,
        (position, size): (u64, Option<u64>),
        what: &str,
        out: &mut Vec<u8>,
    ) {
        damage(
            self.format,
            self.file.as_deref(),
            (position, size),
            what,
            out,
        );
    }

    /// Writes a note to standard error.
    pub(crate) fn note(&self, position: u64, what: &str) -> String {
        note(self.file.as_deref().unwrap_or_default(), position, what)
    }
}

fn note(file: &str, position: u64, what: &str) -> String {
    format!("kseg: {}: position {position}: {what}\n", plain(file))
}

fn damage(
    format: Format,
    file: Option<&str>,
    (position, size): (u64, Option<u64>),
    what: &str,
    out: &mut Vec<u8>,
) {
    let row = Damage {
        position,
        size_bytes: size,
        what,
    };
    let file = file.filter(|_| format == Format::Ndjson);
    match format {
        Format::Text => {
            let size = size.map_or(String::new(), |size| format!("{size} bytes: "));
            table::remark(&format!("! position {position}: {size}{what}"), out);
        }
        Format::Json | Format::Ndjson => {
            json::object(schema::DAMAGE, &row, file, out);
            out.push(b'\n');
        }
        // It is reported on standard error.
        Format::Csv => {}
    }
}
