//! The start of one partition: the facts given, and the changes of its directory so far.

use std::collections::{BTreeMap, BTreeSet};

use super::conditions::Conditions;
use super::epochs::Epochs;
use super::reason::Reason;
use super::settings::{INDEX_BYTES, INDEX_INTERVAL_BYTES, TopicSettings};
use super::virtual_dir::VirtualDir;
use crate::format::Scratch;
use crate::store::Item;

/// The checkpoint entries of a partition.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Given {
    /// True if there was a clean shutdown marker.
    pub(super) clean: bool,
    /// The recovery point: the offset up to which the log was flushed.
    pub(super) recovery_point: i64,
    /// The log start offset.
    pub(super) log_start: i64,
    /// The offset up to which it was compacted, if it ever was.
    pub(super) cleaned: Option<i64>,
    /// True if the directory is about to be deleted.
    pub(super) to_be_deleted: bool,
}

/// A simulated start: the directory, and its changes so far.
#[derive(Debug)]
pub(super) struct Start<'a> {
    pub(super) conditions: &'a Conditions,
    /// The size limit of an index.
    pub(super) index_bytes: u32,
    /// Bytes between the entries of an index.
    pub(super) index_interval_bytes: u32,
    pub(super) virtual_dir: VirtualDir,
    pub(super) epochs: Epochs,
    pub(super) scratch: Scratch,
    pub(super) reasons: Vec<Reason>,
    /// The `.log`s that were recovered.
    pub(super) recovered: BTreeSet<String>,
    /// The ends of truncated segments, by the name of their `.log`.
    pub(super) ends: BTreeMap<String, i64>,
    /// Deleted files whose records are in other files.
    pub(super) replaced: BTreeSet<String>,
    /// The largest timestamps of recovered segments, by their `.log`.
    pub(super) largest_timestamps: BTreeMap<String, i64>,
    /// The id in `partition.metadata`.
    pub(super) topic_id: Option<[u8; 16]>,
    /// The first offsets of open transactions, with their producers.
    pub(super) ongoing: BTreeMap<i64, i64>,
    /// The timestamps of the last batches of producers without an open transaction.
    pub(super) idle_producers: Vec<i64>,
}

/// The start and end of a loaded log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) start: i64,
    pub(super) end: i64,
    /// The position in the last segment at which the reader stopped.
    pub(super) reached: u64,
}

impl<'a> Start<'a> {
    /// The state before the first step.
    pub(super) fn new(
        items: &[Item],
        settings: &TopicSettings<'_>,
        conditions: &'a Conditions,
    ) -> Self {
        let bytes = |name| u32::try_from(settings.number(name).value).unwrap_or(0);
        Self {
            conditions,
            index_bytes: bytes(INDEX_BYTES),
            index_interval_bytes: bytes(INDEX_INTERVAL_BYTES),
            virtual_dir: VirtualDir::of(items),
            epochs: Epochs::default(),
            scratch: Scratch::default(),
            reasons: Vec::new(),
            recovered: BTreeSet::new(),
            ends: BTreeMap::new(),
            replaced: BTreeSet::new(),
            largest_timestamps: BTreeMap::new(),
            topic_id: None,
            ongoing: BTreeMap::new(),
            idle_producers: Vec::new(),
        }
    }

    /// Notes that a segment was recovered.
    pub(super) fn recovered(&mut self, log: &str) {
        self.recovered.insert(log.to_owned());
    }
}
