//! A time index that is being built.

use super::thrown::Thrown;

/// The time index that is being built, as far as it matters for a start.
pub(super) struct Times {
    pub(super) entries: u64,
    pub(super) room: u64,
    pub(super) last: (i64, i64),
    /// The largest timestamp and the last offset of its batch.
    pub(super) largest: (i64, i64),
}

impl Times {
    /// Adds the largest timestamp, if it is larger than the one before (`maybeAppend`).
    pub(super) fn add(&mut self, position: u64, name: &str) -> Result<(), Thrown> {
        if self.entries + 1 >= self.room {
            return Err(Thrown::fatal(
                name,
                "its time index is full before the whole segment is indexed",
            ));
        }
        self.finish(position)
    }

    pub(super) fn finish(&mut self, position: u64) -> Result<(), Thrown> {
        if self.entries > 0 && self.largest.1 < self.last.1 {
            return Err(Thrown::Disorder(position));
        }
        if self.largest.0 > self.last.0 {
            self.entries += 1;
            self.last = self.largest;
        }
        Ok(())
    }
}
