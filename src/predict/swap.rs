//! Compactions completed as before 3.0 (`Log.completeSwapOperations`): the `.log.swap` is
//! recovered, and replaces the segments that it covers.

use super::leftovers::{SWAP, offset_of};
use super::loader::Loader;
use super::reason::Reason;
use super::segment::Segment;
use super::start::Start;
use super::thrown::Thrown;

impl Loader {
    /// Swaps the files in.
    pub(super) fn swap_in(
        &mut self,
        start: &mut Start<'_>,
        swaps: &[String],
    ) -> Result<(), Thrown> {
        for name in swaps {
            let base = offset_of(name)?;
            let mut swap = Segment::open_as(start, base, SWAP)?;
            start.reasons.push(Reason::Swap { file: name.clone() });
            let mut producers = self.producers_at(start, base)?;
            swap.recover(start, &mut producers)
                .map_err(|thrown| match thrown {
                    Thrown::Overflow(_) => {
                        Thrown::fatal(name, "an offset is too far from its base")
                    }
                    other => other.escaped(name),
                })?;
            producers.snapshot(&mut start.virtual_dir)?;
            let (next, _) = swap.next_offset(start)?;
            let mut covered = Vec::new();
            for old in self.bases(base, next) {
                if let Some(segment) = self.segments.get_mut(&old)
                    && segment.next_offset(start)?.0 > base
                {
                    covered.push(old);
                }
            }
            for old in covered {
                if let Some(segment) = self.segments.get(&old) {
                    start.replaced.insert(segment.log_name());
                }
                if old == base {
                    // The snapshot at its base is that of the new segment too.
                    if let Some(segment) = self.segments.remove(&old) {
                        for file in segment.names() {
                            start.virtual_dir.delete(&file);
                        }
                    }
                } else {
                    self.delete(start, &[old]);
                }
            }
            if let Some(old) = self.segments.get(&base) {
                // Not covered, but overwritten anyway.
                start.replaced.insert(old.log_name());
            }
            swap.rename(start);
            self.segments.insert(base, swap);
        }
        Ok(())
    }
}
