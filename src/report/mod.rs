//! Folds over records that are not checks: what the records of an internal topic amount to.
//!
//! An [`Image`] takes batches in the order of the log and ends up with what Kafka itself would hold in memory after
//! reading them ([`fold()`] shows it the files): [`groups`], [`connect`], [`transactions`], [`share_groups`], [`remote_segments`], [`metadata_image`].
//!
//! A [`listing`] is what is on a disk, by its files, headers and checkpoints; [`reach`] is where logs begin and end, [`producers`] who writes to them; a
//! [`group_view`] and a [`txn_view`] are images and logs together. [`compaction`]
//! is what the log cleaner would make of a log.
//!
//! **Invariant:** what an image holds grows with what is in force, not with what was read; records that cannot be read
//! are counted and change nothing; secrets are never kept. Absent on purpose: where batches come from, how images look.

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

use crate::format::{Batch, Record, Scratch};
use crate::wire::Fault;

pub use as_of::{AsOf, Until};
pub use fold::{DamagedPlace, LogPart, fold};
pub use groups::Groups;
pub use metadata_image::MetadataImage;
pub use remote_segments::RemoteSegments;
pub use share_groups::ShareGroups;
pub use transactions::Transactions;

/// A state that results from records.
pub trait Image {
    /// Takes the next record of the log.
    fn record(&mut self, batch: &Batch<'_>, record: &Record<'_>);

    /// Takes the next batch of the log.
    ///
    /// # Errors
    /// What is wrong with its records; those before it have been taken.
    fn batch(&mut self, batch: &Batch<'_>, scratch: &mut Scratch) -> Result<(), Fault> {
        for record in batch.records(scratch)? {
            self.record(batch, &record?);
        }
        Ok(())
    }
}
