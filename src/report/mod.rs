//! Folds over records that are not checks: the state that results from the records of an internal
//! topic.
//!
//! An [`Image`] takes batches in the order of the log, and has the state that Kafka itself would
//! hold in memory after reading them ([`fold()`] reads the files): [`groups`], [`connect`],
//! [`transactions`], [`share_groups`], [`remote_segments`], [`metadata_image`].
//!
//! A [`listing`] has the contents of a disk, by its files, headers and checkpoints; [`reach`] has
//! the start and end of logs, [`producers`] their producers; a [`group_view`] and a [`txn_view`]
//! combine images and logs. [`compaction`] is the log cleaner's view of a log.
//!
//! **Invariant:** the size of an image depends on the current state, not on the number of records
//! read; unreadable records are counted and change nothing; secrets are never kept. Absent on
//! purpose: the source of batches, the output of images.

pub mod as_of;
pub mod compaction;
pub mod connect;
pub mod fold;
pub mod group_view;
pub mod groups;
pub mod key_sample;
pub mod key_table;
pub mod listing;
pub mod metadata_image;
pub mod producers;
pub mod reach;
pub mod remote_segments;
pub mod secrets;
pub mod share_groups;
pub mod sizes;
pub mod stats;
pub mod timeline;
pub mod transactions;
pub mod txn_view;

pub use as_of::{AsOf, Until};
pub use fold::{DamagedPlace, LogPart, fold};
pub use groups::Groups;
pub use metadata_image::MetadataImage;
pub use remote_segments::RemoteSegments;
pub use share_groups::ShareGroups;
pub use transactions::Transactions;

use crate::format::{Batch, Fault, Record, Scratch};

/// A state that results from records.
pub trait Image {
    /// Takes the next record of the log.
    fn record(&mut self, batch: &Batch<'_>, record: &Record<'_>);

    /// Takes the next batch of the log.
    ///
    /// # Errors
    /// A record is invalid; the records before it have been taken.
    fn batch(&mut self, batch: &Batch<'_>, scratch: &mut Scratch) -> Result<(), Fault> {
        for record in batch.records(scratch)? {
            self.record(batch, &record?);
        }
        Ok(())
    }
}
