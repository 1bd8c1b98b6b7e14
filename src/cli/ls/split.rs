//! Parts of segments, to read a log dir in many tasks.

use std::path::Path;

use kseg::records::files::SegmentFiles;
use kseg::report::listing::{PartitionSummary, SegmentSummary};
use kseg::scan::{SplitPoint, split};
use kseg::store::Error;
use serde::Serialize;

use super::Lister;
use super::columns::{self, offset, time};
use crate::cli::render::rows::{Cell, Column, Content, Row};
use crate::cli::schema::{self, Schema};

/// Offsets of a segment that one task may read.
#[derive(Debug, Serialize)]
pub(super) struct SplitRow {
    path: Content,
    partition: Content,
    base_offset: i64,
    /// The first offset of the part; for the first part the base offset.
    first_offset: i64,
    /// The offset after the last.
    end_offset: i64,
    position: u64,
    size_bytes: u64,
    /// Of the whole segment.
    last_timestamp_ms: Option<i64>,
}

impl Row for SplitRow {
    const SCHEMA: Schema = schema::SPLIT;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Partition", |row: &Self| Cell::content(&row.partition)).usually(24),
        Column::right("Base offset", |row: &Self| row.base_offset.into()).gives_way(1),
        Column::right("First offset", |row: &Self| row.first_offset.into()),
        Column::right("End offset", |row: &Self| row.end_offset.into()),
        Column::right("Position", |row: &Self| Cell::Count(row.position)).gives_way(2),
        Column::right("In batches", |row: &Self| Cell::Size(row.size_bytes)),
    ];
}

impl Lister<'_> {
    /// Shows the parts of a segment.
    pub(super) fn splits(&mut self, summary: &PartitionSummary, each: &SegmentSummary, size: u64) {
        let (Some(log), Some(end)) = (each.log(), offset(each.end_offset())) else {
            return;
        };
        let points = match self.points(each, size) {
            Ok(points) => points,
            Err(error) => return self.writer.fail(error),
        };
        let base = each.segment.base_offset();
        let first = SplitPoint {
            position: 0,
            offset: base,
        };
        let starts = std::iter::once(first).chain(points.iter().copied());
        let ends = points
            .iter()
            .map(|point| (point.offset.get(), point.position));
        for (start, (end_offset, end)) in starts.zip(ends.chain([(end, log.len_bytes())])) {
            self.writer.row(&SplitRow {
                path: columns::path(log.path()),
                partition: columns::path(Path::new(summary.partition.folder())),
                base_offset: base.get(),
                first_offset: start.offset.get(),
                end_offset,
                position: start.position,
                size_bytes: end.saturating_sub(start.position),
                last_timestamp_ms: time(each.extent.and_then(|extent| extent.last_timestamp)),
            });
        }
    }

    fn points(&self, each: &SegmentSummary, size: u64) -> Result<Vec<SplitPoint>, Error> {
        let Some(files) = SegmentFiles::of(&each.segment) else {
            return Ok(Vec::new());
        };
        let log = self.ls.reading.unmapped().open(files.log())?;
        split(&log, files.indexes().parse().offsets, size)
    }
}
