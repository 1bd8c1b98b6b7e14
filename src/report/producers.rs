//! The producers of a partition and their open transactions, as a broker has them after loading the
//! log.
//!
//! # References
//! `UnifiedLog.rebuildProducerState`: the newest snapshot, and the batches after it.

use std::ops::ControlFlow;
use std::path::Path;

use super::fold::DamagedPlace;
use crate::format::{Batch, FileKind, Limits, ProducerSnapshot, Scratch};
use crate::scan::derive::Producers;
use crate::scan::{Event, Output, Policy, ScanOptions, Visitor, follow};
use crate::store::{Cap, Error, Item, LogFile, Partition, read_small};
use crate::wire::Offset;

/// Reads the newest valid snapshot and the batches after it; without one, all batches. `open` opens
/// a `.log`; damaged places are added to `damage`.
///
/// # Errors
/// A file cannot be read.
pub fn of_partition(
    partition: &Partition,
    limits: Limits,
    open: impl Fn(&Path) -> Result<LogFile, Error>,
    damage: &mut Vec<DamagedPlace>,
) -> Result<Producers, Error> {
    let (from, mut producers) = newest_snapshot(partition, damage)?;
    let segments = partition.segments();
    let options = ScanOptions {
        limits,
        ..ScanOptions::of(Policy::Salvage)
    };
    for (nth, segment) in segments.iter().enumerate() {
        let next = segments.get(nth.saturating_add(1));
        let is_before = next.is_some_and(|next| next.base_offset() <= from);
        if is_before || !segment.file(FileKind::Log).is_some_and(Item::is_file) {
            continue;
        }
        let log = open(segment.log())?;
        let mut taking = Taking {
            producers: &mut producers,
            from,
            path: segment.log(),
            quiet_end: next.is_none().then(|| log.len_bytes()),
            damage,
        };
        follow(&log, options, &mut taking, &mut |_| {
            ControlFlow::Continue(())
        })?;
    }
    Ok(producers)
}

/// The newest valid snapshot and its offset; offset 0 and no producers if there is none.
fn newest_snapshot(
    partition: &Partition,
    damage: &mut Vec<DamagedPlace>,
) -> Result<(Offset, Producers), Error> {
    let snapshots = partition.items().iter();
    let snapshots = snapshots
        .filter(|item| item.is_file() && item.is_current(FileKind::ProducerSnapshot))
        .filter_map(|item| Some((item.file_name()?.offset?, item.path())));
    let mut snapshots: Vec<(Offset, &Path)> = snapshots.collect();
    snapshots.sort();
    for (offset, path) in snapshots.into_iter().rev() {
        let bytes = read_small(path, Cap::of(FileKind::ProducerSnapshot))?;
        let loaded = ProducerSnapshot::parse(&bytes).and_then(|snapshot| {
            snapshot.check()?;
            Ok(Producers::load(&snapshot, None))
        });
        let what = match loaded {
            Ok(Ok(producers)) => return Ok((offset, producers)),
            Ok(Err(violation)) => violation.to_string(),
            Err(fault) => fault.to_string(),
        };
        damage.push(DamagedPlace {
            path: path.to_owned(),
            position: 0,
            what,
        });
    }
    Ok((Offset(0), Producers::default()))
}

/// Adds the batches of a segment.
struct Taking<'a> {
    producers: &'a mut Producers,
    from: Offset,
    path: &'a Path,
    /// The end of the last segment: zeros up to there are preallocated space.
    quiet_end: Option<u64>,
    damage: &'a mut Vec<DamagedPlace>,
}

impl Taking<'_> {
    fn damaged(&mut self, position: u64, what: String) {
        self.damage.push(DamagedPlace {
            path: self.path.to_owned(),
            position,
            what,
        });
    }
}

impl Visitor for Taking<'_> {
    fn event(
        &mut self,
        event: Event<'_>,
        scratch: &mut Scratch,
        _: &mut Output<'_>,
    ) -> ControlFlow<()> {
        match event.into_batch() {
            Ok(Batch::V2(batch)) if batch.base_offset() >= self.from => {
                if let Err(violation) = self.producers.take(&batch, scratch) {
                    self.damaged(batch.position().0, violation.to_string());
                }
            }
            Ok(_) => {}
            Err(gap) if gap.is_zeros() && self.quiet_end == Some(gap.range().end) => {}
            Err(gap) => self.damaged(gap.range().start, gap.kind().to_string()),
        }
        ControlFlow::Continue(())
    }
}
