//! What a broker derives from the batches of a log: indexes, the state of producers, leader epochs.
//!
//! | file | from | built by |
//! |---|---|---|
//! | `.index`, `.timeindex` | positions, last offsets and largest timestamps of the batches of a segment | [`SegmentIndexes`] |
//! | `.txnindex` | the abort markers of a segment, and the transactions open at them | [`SegmentIndexes`], reported by [`Producers`] |
//! | `.snapshot` | the batches with a producer id before an offset | [`Producers`] |
//! | `leader-epoch-checkpoint` | the leader epochs of the batches | [`Epochs`] |
//!
//! [`LogState::take`] shows a batch to all of them, in the order of Kafka's recovery; [`recover`]
//! does so for the batches of a file. Where Kafka would throw, there is a [`Violation`], which has
//! the [`Exception`].
//!
//! ```
//! use kseg::format::Scratch;
//! use kseg::scan::derive::{LogState, SegmentIndexes, IndexSettings};
//! use kseg::scan::{Event, Policy, Walk};
//! use kseg::wire::Offset;
//!
//! # fn derive(log: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! let mut state = LogState::default();
//! let mut indexes = SegmentIndexes::new(IndexSettings::default(), Offset::new(0));
//! let mut scratch = Scratch::default();
//! for event in Walk::new(log, Policy::Verify) {
//!     let Event::Batch(batch) = event else { continue };
//!     state.take(&batch, &mut indexes, &mut scratch)?;
//! }
//! indexes.close()?;
//! let (index, snapshot) = (indexes.offset_index(), state.producers.snapshot());
//! # Ok(())
//! # }
//! ```
//!
//! Source: `LogSegment`, `ProducerStateManager`, `LeaderEpochFileCache`.
//!
//! **Invariant:** no batch, however hostile, makes this panic or take more memory than the settings
//! and [`MAX_PRODUCERS`] allow. Absent on purpose: the files on the disk, and the comparison with
//! them.

mod epochs;
mod indexes;
mod producers;
mod recover;
mod violation;

#[cfg(test)]
mod tests;

pub use epochs::Epochs;
pub use indexes::SegmentIndexes;
pub use producers::{CompletedTxn, Expiry, MAX_PRODUCERS, Producers};
pub use recover::{Ended, Recovered, recover};
pub use violation::{Exception, Violation};

use crate::format::defaults;
use crate::format::{Batch, Scratch};
use crate::wire::Release;

/// The settings that the contents of indexes depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexSettings {
    /// Bytes of log between two entries of an index (`index.interval.bytes`).
    pub index_interval_bytes: u32,
    /// The maximum size of an index (`segment.index.bytes`).
    pub max_index_bytes: u32,
    /// The release that writes.
    pub kafka: Release,
    /// The occasion on which it writes.
    pub way: Way,
}

/// The occasions on which brokers write indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Batches come in one after the other. The number of batches of an append is not on the disk;
    /// each is assumed to be one append. Before 3.7 the records of uncompressed batches are read
    /// for it, which takes several times as long.
    Append,
    /// A segment is recovered after an unclean shutdown, or because its `.index` is missing.
    Recover,
}

impl Default for IndexSettings {
    /// Kafka's defaults, a broker of the newest release, recovering.
    fn default() -> Self {
        Self {
            index_interval_bytes: defaults::INDEX_INTERVAL_BYTES,
            max_index_bytes: defaults::SEGMENT_INDEX_BYTES,
            kafka: Release::new(4, 3, u16::MAX),
            way: Way::Recover,
        }
    }
}

/// The state that results from the batches of a log.
#[derive(Debug, Clone, Default)]
pub struct LogState {
    /// The producers.
    pub producers: Producers,
    /// The leader epochs.
    pub epochs: Epochs,
}

impl LogState {
    /// Adds the next batch of the log to its segment's `indexes` and to this state, as Kafka's
    /// recovery does: indexes, then leader epochs, then producers.
    ///
    /// # Errors
    /// Kafka would throw. The steps before the failed one are done, those after it are not; the
    /// next batch can still be added.
    ///
    /// # References
    /// `LogSegment.recover`.
    pub fn take(
        &mut self,
        batch: &Batch<'_>,
        indexes: &mut SegmentIndexes,
        scratch: &mut Scratch,
    ) -> Result<(), Violation> {
        indexes.add(batch, scratch)?;
        let Batch::V2(batch) = batch else {
            return Ok(());
        };
        self.epochs.take(batch)?;
        match self.producers.take(batch, scratch)? {
            Some(txn) if txn.is_aborted => indexes.abort(&txn),
            _ => Ok(()),
        }
    }
}
