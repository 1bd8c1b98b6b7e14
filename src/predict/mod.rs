//! A simulation of what a broker does to a log dir at its next start.
//!
//! A broker's own recovery truncates the log at the first bad batch and deletes every later
//! segment, without asking and without a copy. The steps of its start are simulated here in its own
//! order, on a list of files (a virtual directory) with the changes of the steps so far:
//!
//! ```text
//! all log dirs: node, cluster, directories, metadata log         node, cluster
//! └ meta.properties · names of directories · checkpoints         root
//!   └─ partition: leader epochs                                  start
//!        ├─ leftovers, swap files                                leftovers, swap
//!        ├─ segments without a usable index: recovered           loader, segment
//!        ├─ unclean: segments beyond the recovery point          loader, segment
//!        ├─ end of the log, by the last index entry              segment
//!        ├─ snapshots of producers                               producers
//!        ├─ partition.metadata                                   identity
//!        ├─ what consumers get of it                              fetch, open
//!        └─ the first hour: retention and other regular tasks     hour, retention,
//!                                                                 compaction, expiry
//! ```
//!
//! ```no_run
//! use kseg::predict::{Conditions, predict};
//! use kseg::store::Place;
//!
//! let places = [Place::at("/var/lib/kafka")?];
//! let verdict = predict(&places, |_| true, &Conditions::default())?;
//! println!("{} records would be lost", verdict.lost().records);
//! # Ok::<(), kseg::store::Error>(())
//! ```
//!
//! **Invariant:** nothing but reading; a segment is read once, and only if a broker would read it
//! or something of it is lost or deleted; the prediction does not depend on the time of the call,
//! only on that of the start in the conditions. Absent on purpose: records written after the start,
//! and other replicas.

mod cluster;
pub mod compaction;
mod conditions;
mod epochs;
mod expiry;
mod fetch;
mod hour;
mod identity;
mod index;
mod later;
mod leftovers;
mod load;
mod loader;
mod log;
mod loss;
mod lost;
mod metadata_log;
mod node;
mod open;
mod partition;
mod producers;
mod properties;
mod reason;
mod release;
mod remains;
pub mod retention;
mod root;
mod segment;
pub mod settings;
mod snapshots;
mod start;
mod swap;
mod thrown;
mod times;
mod txn_index;
mod verdict;
mod virtual_dir;

pub use conditions::Conditions;
pub use fetch::{DuplicateOffsets, FetchFailure, Served, UnreadableOffsets};
pub use later::{Cause, Change, LaterEvent, Moment};
pub use lost::Lost;
pub use open::{OpenTransaction, TransactionEnd};
pub use reason::{Reason, Stranger};
pub use release::{Kafka, NotKnown};
pub use settings::{SettingOrigin, Settings, TopicSettings, Unusable};
pub use verdict::{
    DirVerdict, MissingPartition, PartitionVerdict, Renaming, StartOutcome, Truncation, Unknown,
    Verdict,
};

use crate::store::{Error, Item, Place};

/// Predicts the outcomes of the given log dirs and partitions of one node, for the partitions that
/// are `wanted`. The marker and checkpoints of a partition's log dir are read; single files are
/// ignored.
///
/// # Errors
/// Something cannot be read.
///
/// # References
/// `LogManager.loadLogs`, `LogLoader.load`.
pub fn predict(
    places: &[Place],
    wanted: impl Fn(&Item) -> bool,
    conditions: &Conditions,
) -> Result<Verdict, Error> {
    let look = || node::verdict(places, &wanted, conditions);
    let mut verdict = look()?;
    for _ in 1..LOOKS {
        if verdict.lost().is_nothing() || !verdict.is_of_running() {
            break;
        }
        verdict = look()?;
    }
    Ok(verdict)
}

/// The limit of attempts if a broker runs and a loss is predicted: topics are created and deleted
/// between the reads of the metadata log and of the partitions.
const LOOKS: u32 = 3;
