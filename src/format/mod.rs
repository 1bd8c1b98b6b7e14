//! What bytes mean: one file per on-disk structure, bytes in, views out.
//!
//! | file | module |
//! |---|---|
//! | names of files and directories | [`name`] |
//! | what is wrong with bytes | [`fault`] |
//! | internal topics and reserved ids; default settings | [`topic`], [`defaults`] |
//! | offsets of the fields of fixed headers and entries | [`layout`] |
//! | the header common to every entry of a `.log` | [`frame`] |
//! | record batches (magic 2), and what all magics have in common | [`batch`] |
//! | messages (magic 0 and 1) and compressed sets of them | [`legacy`] |
//! | records and their headers, and those of a batch | [`record`] |
//! | batches without records | [`placeholder`] |
//! | control records | [`control`] |
//! | compressed payloads | [`codec`] |
//! | batches made of what is left of damaged ones | [`remake`] |
//! | `.index`: offsets to positions | [`offset_index`] |
//! | `.timeindex`: timestamps to offsets | [`time_index`] |
//! | `.txnindex`: aborted transactions | [`txn_index`] |
//! | `.snapshot`: the state of producers | [`producer_snapshot`] |
//! | offset checkpoints of a log dir | [`checkpoint`] |
//! | `leader-epoch-checkpoint` | [`leader_epochs`] |
//! | `meta.properties`, `partition.metadata` | [`properties`] |
//! | `quorum-state`, `.kafka_cleanshutdown` | [`quorum_state`], [`clean_shutdown`] |
//! | `remote_log_snapshot` | [`remote_snapshot`] |
//!
//! **Invariant:** nothing here opens a file, prints, or panics on any input; no number in the data
//! decides how much is allocated. Absent on purpose: files, which bytes belong together, what to do
//! about a fault.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::expect_used))]

pub mod batch;
pub mod checkpoint;
pub mod clean_shutdown;
pub mod codec;
pub mod control;
pub mod defaults;
pub mod dissect;
pub mod fault;
pub mod frame;
pub mod index;
pub mod json;
pub mod layout;
pub mod leader_epochs;
pub mod legacy;
pub mod name;
pub mod offset_index;
pub mod placeholder;
pub mod producer_snapshot;
pub mod properties;
pub mod quorum_state;
pub mod record;
mod records;
pub mod remake;
pub mod remote_snapshot;
mod search;
pub mod time_index;
pub mod topic;
pub mod txn_index;

pub use batch::{Batch, RecordBatch, TimestampType};
pub use checkpoint::OffsetCheckpoint;
pub use codec::{Budget, Codec, Limits, Scratch};
pub use fault::{Fault, FaultKind};
pub use frame::Frame;
pub use leader_epochs::LeaderEpochs;
pub use legacy::Message;
pub use name::{DirName, FileKind, FileName};
pub use offset_index::OffsetIndex;
pub use placeholder::Placeholder;
pub use producer_snapshot::ProducerSnapshot;
pub use properties::{MetaProperties, PartitionMetadata, Properties};
pub use quorum_state::QuorumState;
pub use record::{Header, Headers, Record};
pub use records::Records;
pub use remake::Remake;
pub use time_index::TimeIndex;
pub use txn_index::TxnIndex;

#[cfg(test)]
mod tests;
