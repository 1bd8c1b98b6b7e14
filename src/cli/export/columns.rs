//! The records of a log as a file of columns.

use std::ops::ControlFlow;

use anyhow::Result;
use kseg::scan::Output;
use kseg::store::Item;
use serde::Serialize;

use super::file::PackedFile;
use crate::cli::pick::{LogFiles, Take, Tally};
use crate::cli::progress::Progress;
use crate::cli::render::columns::parquet::ColumnFile;
use crate::cli::render::records::{Entry, Lossy, RecordRenderer, Rows};
use crate::cli::schema;

/// Takes records and writes row groups, one after the other.
pub(super) struct Grouping<'a> {
    renderer: RecordRenderer<'a>,
    file: ColumnFile<&'a mut PackedFile>,
    progress: &'a Progress,
    failed: Option<anyhow::Error>,
}

/// The source of the records.
#[derive(Serialize)]
struct Source {
    file: String,
    size_bytes: u64,
}

impl<'a> Grouping<'a> {
    pub(super) fn new(
        renderer: RecordRenderer<'a>,
        file: ColumnFile<&'a mut PackedFile>,
        progress: &'a Progress,
    ) -> Self {
        Self {
            renderer,
            file,
            progress,
            failed: None,
        }
    }

    fn write_group(&mut self) -> ControlFlow<()> {
        let Some(rows) = self.renderer.rows() else {
            return ControlFlow::Continue(());
        };
        self.progress.wrote(rows.bytes());
        if let Some(arrays) = rows.arrays()
            && let Err(error) = self.file.row_group(arrays)
        {
            self.failed = Some(error);
            return ControlFlow::Break(());
        }
        rows.clear();
        ControlFlow::Continue(())
    }

    /// Writes the rest, and the footer with the facts about the file. Returns the values that
    /// columns could not hold.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn finish(mut self, track: &LogFiles, tally: &Tally) -> Result<Lossy> {
        if self.failed.is_none() {
            let _flow = self.write_group();
        }
        if let Some(error) = self.failed {
            return Err(error);
        }
        let rows = self.renderer.rows();
        let lossy = rows.map(Rows::take_lossy).unwrap_or_default();
        let sources: Vec<Source> = track
            .paths()
            .map(|path| Source {
                file: path.display().to_string(),
                size_bytes: Item::at(path).map_or(0, |item| item.len_bytes()),
            })
            .collect();
        let damage = tally.gaps.len() as u64 + tally.more_gaps;
        for (key, value) in [
            ("schema", schema::RECORD.id.to_owned()),
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
            ("source", track.path.display().to_string()),
            ("source_files", serde_json::to_string(&sources)?),
            ("records", tally.records.to_string()),
            ("damaged_places", damage.to_string()),
            ("lossy_timestamps", lossy.timestamps.to_string()),
            ("lossy_header_keys", lossy.header_keys.to_string()),
            ("lossy_values", lossy.values.to_string()),
        ] {
            self.file.note(&format!("kseg.{key}"), value);
        }
        self.file.finish()?;
        Ok(lossy)
    }
}

impl Take for Grouping<'_> {
    #[inline]
    fn take(&mut self, entry: Entry<'_, '_>, _: &mut Output<'_>) -> ControlFlow<()> {
        // Rows of columns are not written on a page.
        self.renderer.record(entry, &mut Vec::new());
        if self.renderer.rows().is_some_and(|rows| rows.is_group()) {
            return self.write_group();
        }
        ControlFlow::Continue(())
    }
}
