//! The latest record of each key.
//!
//! The log is read twice: first keys and offsets, which are sorted by key, in files if there are
//! many; then the records with the last offset of each key.

use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Result, anyhow};
use kseg::report::key_sample::hash;
use kseg::scan::Output;

use super::pick::{LogReader, Opened, PickedCounts, Sink, Start, Take};
use super::render::Pages;
use super::render::records::{LocatedRecord, RecordRenderer};
use super::spill::{Sorted, Sorter};

/// Bytes of the hash of a key.
const HASH_BYTES: usize = 16;
/// Bytes of an offset.
const OFFSET_BYTES: usize = 8;
/// A key's hash, and an offset.
type Item = [u8; HASH_BYTES + OFFSET_BYTES];

/// The options.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Records without a value too.
    pub(super) tombstones: bool,
    /// The folder of temporary files.
    pub(super) dir: &'a Path,
}

/// Shows the latest record of each key of a log, in the order of their offsets, at most `left`.
///
/// # Errors
/// A file cannot be read, or a temporary file cannot be written.
pub(super) fn show(
    reader: LogReader<'_>,
    opened: &Opened,
    wanted: Wanted<'_>,
    left: &mut u64,
    renderer: RecordRenderer<'_>,
    sink: Sink<'_>,
) -> Result<PickedCounts> {
    let spilled = |error: io::Error| anyhow!("{}: sorting keys: {error}", wanted.dir.display());
    let mut keys = Keys {
        sorter: Sorter::new(wanted.dir),
        failed: Ok(()),
    };
    // Damage is reported in the second pass.
    let mut quiet = |_: &[u8], _: &[u8]| ControlFlow::Continue(());
    let _met_again = reader.follow(opened, Start::default(), &mut keys, &mut quiet)?;
    keys.failed.map_err(spilled)?;
    let mut latest = latest(keys.sorter, wanted.dir).map_err(spilled)?;
    let next = next(&mut latest).map_err(spilled)?;
    let mut showing = Showing {
        latest,
        next,
        tombstones: wanted.tombstones,
        left,
        renderer,
        failed: Ok(()),
    };
    let tally = reader.follow(opened, Start::default(), &mut showing, sink)?;
    showing.failed.map_err(spilled)?;
    Ok(tally)
}

/// The last offset of each key, in order.
fn latest(
    keys: Sorter<{ HASH_BYTES + OFFSET_BYTES }>,
    dir: &Path,
) -> io::Result<Sorted<OFFSET_BYTES>> {
    let mut offsets = Sorter::new(dir);
    let mut sorted = keys.sorted()?;
    let mut last: Option<Item> = None;
    while let Some(item) = sorted.next()? {
        if let Some(last) = last
            && last.first_chunk::<HASH_BYTES>() != item.first_chunk::<HASH_BYTES>()
        {
            push_offset(&mut offsets, &last)?;
        }
        last = Some(item);
    }
    if let Some(last) = last {
        push_offset(&mut offsets, &last)?;
    }
    offsets.sorted()
}

fn push_offset(offsets: &mut Sorter<OFFSET_BYTES>, item: &Item) -> io::Result<()> {
    item.last_chunk()
        .map_or(Ok(()), |offset| offsets.push(*offset))
}

fn next(latest: &mut Sorted<OFFSET_BYTES>) -> io::Result<Option<i64>> {
    Ok(latest
        .next()?
        .map(|offset| u64::from_be_bytes(offset).cast_signed()))
}

/// Takes keys and offsets.
struct Keys {
    sorter: Sorter<{ HASH_BYTES + OFFSET_BYTES }>,
    failed: io::Result<()>,
}

impl Take for Keys {
    fn take(&mut self, entry: LocatedRecord<'_, '_>, _: &mut Output<'_>) -> ControlFlow<()> {
        let Some(key) = entry.record.key() else {
            return ControlFlow::Continue(());
        };
        let mut item: Item = [0; HASH_BYTES + OFFSET_BYTES];
        // Offsets are not negative, so their big-endian bytes have the same order.
        let offset = entry.record.offset().get().cast_unsigned().to_be_bytes();
        let bytes = hash(key).to_be_bytes().into_iter().chain(offset);
        item.iter_mut().zip(bytes).for_each(|(to, byte)| *to = byte);
        self.failed = self.sorter.push(item);
        match self.failed {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

/// Shows the records with the offsets that were found.
struct Showing<'a> {
    latest: Sorted<OFFSET_BYTES>,
    /// The next offset that is shown.
    next: Option<i64>,
    tombstones: bool,
    left: &'a mut u64,
    renderer: RecordRenderer<'a>,
    failed: io::Result<()>,
}

impl Take for Showing<'_> {
    fn take(&mut self, entry: LocatedRecord<'_, '_>, out: &mut Output<'_>) -> ControlFlow<()> {
        let offset = entry.record.offset().get();
        if self.next != Some(offset) || entry.record.key().is_none() {
            return ControlFlow::Continue(());
        }
        match next(&mut self.latest) {
            Ok(next) => self.next = next,
            Err(error) => {
                self.failed = Err(error);
                return ControlFlow::Break(());
            }
        }
        if !self.tombstones && entry.record.value().is_none() {
            return ControlFlow::Continue(());
        }
        self.renderer.record(entry, &mut Pages(out));
        *self.left = self.left.saturating_sub(1);
        if *self.left == 0 {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}
