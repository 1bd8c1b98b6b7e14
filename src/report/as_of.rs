//! An image as it was at an offset or a time.

use super::Image;
use crate::format::{Batch, Record};
use crate::wire::{Offset, Timestamp};

/// The end of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Until {
    /// Everything.
    #[default]
    End,
    /// The records below this offset.
    Offset(Offset),
    /// The records up to this timestamp.
    Time(Timestamp),
}

impl Until {
    /// Returns true if a record is before the end.
    #[must_use]
    pub fn includes(self, record: &Record<'_>) -> bool {
        match self {
            Self::End => true,
            Self::Offset(end) => record.offset() < end,
            Self::Time(last) => record.timestamp() <= last,
        }
    }
}

/// An image of the records up to an end.
#[derive(Debug)]
pub struct AsOf<'a, I> {
    /// The image.
    pub image: &'a mut I,
    /// The end.
    pub until: Until,
}

impl<I: Image> Image for AsOf<'_, I> {
    fn record(&mut self, batch: &Batch<'_>, record: &Record<'_>) {
        if self.until.includes(record) {
            self.image.record(batch, record);
        }
    }
}
