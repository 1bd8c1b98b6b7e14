//! The records of a log as a file of columns.

use std::num::NonZero;
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use kseg::scan::{Jobs, Output, in_order_of};
use kseg::store::Item;
use serde::Serialize;

use super::file::PackedFile;
use crate::cli::pick::{LogFiles, LogReader, PickedCounts, Start, Take};
use crate::cli::progress::Progress;
use crate::cli::render::columns::Array;
use crate::cli::render::columns::parquet::{ColumnFile, EncodedGroup, GroupEncoder};
use crate::cli::render::plain;
use crate::cli::render::records::{LocatedRecord, Lossy, RecordFormat, RecordRenderer, Rows};
use crate::cli::schema;

/// Writes the records of a log. They are read on one thread, because a row group consists of many
/// pieces; encoding takes most of the time, and has the other threads.
///
/// # Errors
/// They cannot be read or written.
pub(super) fn write(
    (reader, format, track): (LogReader<'_>, &RecordFormat, &LogFiles),
    (mut file, encoder): (ColumnFile<&mut PackedFile>, GroupEncoder),
    progress: &Progress,
    notes: &mut Vec<u8>,
) -> Result<PickedCounts> {
    let sink = &mut |_: &[u8], said: &[u8]| {
        notes.extend_from_slice(said);
        ControlFlow::Continue(())
    };
    let opened = reader.open(track, sink)?;
    let spare = Spare::default();
    let read = |pass: Pass<'_>| {
        let mut grouping = Grouping {
            renderer: format.renderer(track.decoder()),
            pass,
            spare: &spare,
            progress,
        };
        let mut tally = reader.follow(&opened, Start::default(), &mut grouping, sink)?;
        tally.lossy = grouping.finish();
        Ok::<PickedCounts, anyhow::Error>(tally)
    };
    let mut written = Ok(());
    let append = &mut |group: Result<EncodedGroup>| {
        written = group.and_then(|group| file.append(group));
        if written.is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    let most = NonZero::new(MOST_ENCODERS).unwrap_or(NonZero::<usize>::MIN);
    let jobs = Jobs::new(reader.reading.jobs().threads().min(most));
    let encode = |mut arrays: Vec<Array>| {
        let group = encoder.encode(&mut arrays);
        lock(&spare).push(arrays);
        group
    };
    let tally = in_order_of(jobs, read, encode, append)?;
    written?;
    finish(file, track, &tally)?;
    let path = plain(&track.path.to_string_lossy()).into_owned();
    notes.extend_from_slice(tally.lossy.notes(&path).as_bytes());
    Ok(tally)
}

/// Writes the footer, with the facts about the file.
fn finish(
    mut file: ColumnFile<&mut PackedFile>,
    track: &LogFiles,
    tally: &PickedCounts,
) -> Result<()> {
    let sources: Vec<Source> = track
        .paths()
        .map(|path| Source {
            file: path.display().to_string(),
            size_bytes: Item::at(path).map_or(0, |item| item.len_bytes()),
        })
        .collect();
    let damage = tally.gaps.len() as u64 + tally.more_gaps;
    let lossy = &tally.lossy;
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
        file.note(&format!("kseg.{key}"), value);
    }
    file.finish()
}

/// The source of the records.
#[derive(Serialize)]
struct Source {
    file: String,
    size_bytes: u64,
}

/// The most threads that encode row groups: each has one in memory, of 30 MiB with all buffers, and
/// three would exceed the 128 MiB that a partition may take.
const MOST_ENCODERS: usize = 2;

/// Columns whose rows are encoded. The next rows take their memory: allocated again for each group,
/// it would be new pages from the system each time.
type Spare = Mutex<Vec<Vec<Array>>>;

fn lock(spare: &Spare) -> MutexGuard<'_, Vec<Vec<Array>>> {
    spare.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Receives the rows of a group.
type Pass<'g> = &'g mut dyn FnMut(Vec<Array>) -> ControlFlow<()>;

/// Collects records into row groups, and passes them on.
struct Grouping<'a, 'g> {
    renderer: RecordRenderer<'a>,
    pass: Pass<'g>,
    spare: &'g Spare,
    progress: &'a Progress,
}

impl Grouping<'_, '_> {
    fn pass_group(&mut self) -> ControlFlow<()> {
        let Some(rows) = self.renderer.rows() else {
            return ControlFlow::Continue(());
        };
        self.progress.wrote(rows.bytes());
        let Some(arrays) = rows.take() else {
            return ControlFlow::Continue(());
        };
        (self.pass)(arrays)?;
        // Only now: a group that was passed on before may be encoded, and its memory free again.
        rows.put(lock(self.spare).pop());
        ControlFlow::Continue(())
    }

    /// Passes the rest on. Returns the values that columns could not hold.
    fn finish(mut self) -> Lossy {
        // If the receiver has stopped, it reports why.
        let _flow = self.pass_group();
        let rows = self.renderer.rows();
        rows.map(Rows::take_lossy).unwrap_or_default()
    }
}

impl Take for Grouping<'_, '_> {
    #[inline]
    fn take(&mut self, entry: LocatedRecord<'_, '_>, _: &mut Output<'_>) -> ControlFlow<()> {
        // Rows of columns are not written on a page.
        self.renderer.record(entry, &mut Vec::new());
        if self.renderer.rows().is_some_and(|rows| rows.is_group()) {
            return self.pass_group();
        }
        ControlFlow::Continue(())
    }
}
