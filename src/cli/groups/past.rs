//! Log ends at an earlier time.

use std::ops::ControlFlow;

use kseg::report::reach::{Reach, Reaches};
use kseg::scan::{Filter, Jobs, in_order};
use kseg::store::{Error, Partition};
use kseg::wire::{Offset, Timestamp};

/// Moves the log ends back to a time: before the first record with a later timestamp, in the topics that are `wanted`.
/// Timestamps are those of the records, which producers set. The high watermark of that time is unknown.
pub(super) fn rewind(
    reaches: &mut Reaches,
    to: Timestamp,
    wanted: impl Fn(&str) -> bool,
    jobs: Jobs,
) {
    let later = Filter::from_time(Timestamp::new(to.get().saturating_add(1)));
    let look = |reach: &mut Reach| {
        reach.high_watermark = None;
        if let Some(first) = first(reach, later)? {
            reach.end = first.min(reach.end);
        }
        Ok(())
    };
    let errors = &mut reaches.errors;
    let partitions = reaches.partitions.iter_mut();
    let partitions = partitions.filter(|((topic, _), _)| wanted(topic));
    let partitions: Vec<&mut Reach> = partitions.map(|(_, reach)| reach).collect();
    in_order(jobs, partitions, look, &mut |looked: Result<(), Error>| {
        errors.extend(looked.err());
        ControlFlow::Continue(())
    });
}

/// The offset of the first wanted record.
fn first(reach: &Reach, wanted: Filter) -> Result<Option<Offset>, Error> {
    let mut first = None;
    let records = Partition::open(&reach.path)?.records(wanted).salvage();
    let _ = records.try_for_each(|record| {
        first = Some(record.offset());
        ControlFlow::Break(())
    })?;
    Ok(first)
}
