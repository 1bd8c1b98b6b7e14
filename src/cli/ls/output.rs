//! Where rows go: tables for people, objects for machines.

use std::io::{self, Write as _};

use anyhow::Result;

use super::sort::Order;
use crate::cli::Context;
use crate::cli::exit::Failures;
use crate::cli::output::unwritten;
use crate::cli::render::listing::Listing;
use crate::cli::render::rows::{Cell, Format, Table};
use crate::cli::render::{Push, json, table};

/// Bytes written at once.
const BUFFER_BYTES: usize = 64 << 10;

/// Prints rows, in the order wanted.
pub(super) struct Output<'a> {
    context: &'a mut Context,
    format: Format,
    order: Order,
    out: Vec<u8>,
    written: io::Result<()>,
    /// The table that the next row may belong to.
    listing: Option<Listing>,
    /// Rows that wait to be sorted.
    held: Vec<Vec<Cell>>,
    rows: u64,
    failed: Failures,
}

impl<'a> Output<'a> {
    /// Begins the document.
    pub(super) fn new(context: &'a mut Context, format: Format, order: Order) -> Self {
        let mut out = Vec::new();
        if format == Format::Json {
            out.text("{\"schema\":\"kseg.ls/1\",\"rows\":[");
        }
        Self {
            context,
            format,
            order,
            out,
            written: Ok(()),
            listing: None,
            held: Vec::new(),
            rows: 0,
            failed: Failures::default(),
        }
    }

    /// Whether people read it.
    pub(super) fn is_text(&self) -> bool {
        self.format == Format::Text
    }

    /// Whether somebody still reads it.
    pub(super) fn is_heard(&self) -> bool {
        self.written.is_ok()
    }

    /// A line for people, with a blank one before it if there is something above that it does not belong to.
    pub(super) fn heading(&mut self, text: &str) {
        self.end_table();
        if self.is_text() {
            if self.rows > 0 {
                self.out.push(b'\n');
            }
            self.remark(text);
        }
    }

    /// A line for people.
    pub(super) fn remark(&mut self, text: &str) {
        self.end_table();
        if self.is_text() {
            self.out.text(&table::plain(text)).text("\n");
            self.rows += 1;
        }
    }

    /// A row of a table that may be sorted: it waits for the others if need be.
    pub(super) fn sortable(&mut self, table: &'static Table, row: Vec<Cell>) {
        if self.order.is_natural() {
            self.row(table, row);
        } else {
            self.held.push(row);
        }
    }

    /// Shows the rows that waited.
    pub(super) fn release(&mut self, table: &'static Table) {
        let mut rows = std::mem::take(&mut self.held);
        self.order.sort(table, &mut rows);
        for row in rows {
            self.row(table, row);
        }
    }

    /// A row.
    pub(super) fn row(&mut self, table: &'static Table, row: Vec<Cell>) {
        if self.is_text() {
            if self
                .listing
                .as_ref()
                .is_some_and(|open| open.table().schema != table.schema)
            {
                self.end_table();
            }
            let room = self.context.columns;
            let open = self
                .listing
                .get_or_insert_with(|| Listing::new(table, room));
            open.push(row, &mut self.out);
        } else {
            self.object(table, &row);
        }
        self.count();
    }

    /// A row for machines only.
    pub(super) fn for_machines(&mut self, table: &'static Table, row: &[Cell]) {
        if !self.is_text() {
            self.object(table, row);
            self.count();
        }
    }

    fn count(&mut self) {
        self.rows += 1;
        // Whoever reads objects as they come gets the first one at once.
        if self.out.len() >= BUFFER_BYTES || (self.rows == 1 && !self.is_text()) {
            self.flush();
        }
    }

    fn object(&mut self, table: &'static Table, row: &[Cell]) {
        let fields = table.columns.iter().zip(row);
        match self.format {
            Format::Text => {}
            Format::Json => {
                self.out.text(if self.rows > 0 { ",\n" } else { "\n" });
                json::object(table.schema, None, fields, &mut self.out);
            }
            Format::Ndjson => {
                json::object(table.schema, None, fields, &mut self.out);
                self.out.push(b'\n');
            }
        }
    }

    fn end_table(&mut self) {
        if let Some(listing) = self.listing.take() {
            listing.finish(&mut self.out);
        }
    }

    /// Says that something could not be read; the last of several is said at the end.
    pub(super) fn fail(&mut self, error: impl Into<anyhow::Error>) {
        if let Some(earlier) = self.failed.add(error.into()) {
            self.context.say(earlier.as_bytes());
        }
    }

    fn flush(&mut self) {
        if self.written.is_ok() {
            self.written = self.context.out.write_all(&self.out);
        }
        self.out.clear();
    }

    /// Ends the document.
    ///
    /// # Errors
    /// Something could not be read, or the output not be written; that nobody reads it any more is no error.
    pub(super) fn finish(mut self) -> Result<()> {
        self.end_table();
        if self.format == Format::Json {
            self.out.text("\n]}\n");
        }
        self.flush();
        match self.written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(unwritten(&error)),
            _ => self.failed.result(),
        }
    }
}
