//! The progress of each share group in each partition, from `__share_group_state`.
//!
//! A snapshot has all facts; an update raises the start offset
//! (`ShareCoordinatorShard.handleShareUpdate`); null deletes. Records in flight are not kept.

use std::collections::BTreeMap;

use super::Image;
use crate::decode::share_state::SharePartition;
use crate::decode::{Decoder, Entry, EntryPart, Struct};
use crate::format::{Batch, Record};
use crate::wire::Uuid;
use crate::wire::{LeaderEpoch, Offset};

/// The key of a state: group, topic id, partition.
pub type ShareKey = (String, Uuid, i32);

/// The share groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShareGroups {
    /// Their partitions.
    pub partitions: BTreeMap<ShareKey, ShareState>,
    /// Records that could not be read, or update what does not exist.
    pub unread: u64,
}

/// The progress of a share group in a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShareState {
    /// The offset of its last record.
    pub record_offset: Offset,
    /// All records before it are completed; −1 means not known yet.
    pub start_offset: Offset,
    /// The leader epoch of the writer; −1 means unknown.
    pub leader_epoch: LeaderEpoch,
    /// The number of completed records after the start offset; −1 means unknown (before 4.2).
    pub delivery_complete_count: i32,
    /// The number of resets of the state.
    pub state_epoch: i32,
    /// The number of snapshots.
    pub snapshot_epoch: i32,
}

impl Image for ShareGroups {
    fn record(&mut self, batch: &Batch<'_>, record: &Record<'_>) {
        if batch.is_control() {
            return;
        }
        let entry = Decoder::ShareState.decode(record.key(), record.value());
        if self.entry(record.offset(), &entry).is_none() {
            self.unread += 1;
        }
    }
}

impl ShareGroups {
    /// Adds the state in another partition of the topic.
    pub fn join(&mut self, other: Self) {
        self.partitions.extend(other.partitions);
        self.unread = self.unread.saturating_add(other.unread);
    }

    fn entry(&mut self, offset: Offset, entry: &Entry<'_>) -> Option<()> {
        const UPDATE: i16 = 1;
        let partition = SharePartition::of(entry)?;
        let key = (
            partition.group.into_owned(),
            partition.topic_id,
            partition.partition,
        );
        let value = match &entry.value {
            EntryPart::Null => {
                self.partitions.remove(&key);
                return Some(());
            }
            EntryPart::Decoded(value) => value,
            EntryPart::Unread { .. } => return None,
        };
        let mut new = ShareState::of(offset, &value.body)?;
        if entry.key.decoded()?.message.id() == UPDATE {
            let old = self.partitions.get(&key)?;
            new.start_offset = new.start_offset.max(old.start_offset);
            new.leader_epoch = new.leader_epoch.max(old.leader_epoch);
            new.state_epoch = old.state_epoch;
        }
        self.partitions.insert(key, new);
        Some(())
    }
}

impl ShareState {
    fn of(record_offset: Offset, body: &Struct<'_>) -> Option<Self> {
        Some(Self {
            record_offset,
            start_offset: Offset(body.int("startOffset")?),
            leader_epoch: LeaderEpoch(body.number("leaderEpoch")?),
            delivery_complete_count: body.number("deliveryCompleteCount").unwrap_or(-1),
            state_epoch: body.number("stateEpoch").unwrap_or_default(),
            snapshot_epoch: body.number("snapshotEpoch")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updates_raise_the_start_offset_and_null_deletes() {
        let mut image = ShareGroups::default();
        let key = |id: u8| [&[0, id, 0, 1, b'g'][..], &[7; 16], &[0, 0, 0, 3]].concat();
        let snapshot = |start: u8| {
            let head = [
                0, 0, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, start,
            ];
            [&head[..], &[0; 16], &[1, 0]].concat()
        };
        let update = |start: i64| {
            let head = [0, 0, 0, 0, 0, 1, 0, 0, 0, 4];
            [&head[..], &start.to_be_bytes(), &[1, 0]].concat()
        };
        let mut take = |id, value: Option<Vec<u8>>| {
            let key = key(id);
            let entry = Decoder::ShareState.decode(Some(&key), value.as_deref());
            let taken = image.entry(Offset(0), &entry).is_some();
            let state = image.partitions.values().next();
            (
                taken,
                state.map(|state| (state.start_offset.0, state.state_epoch)),
            )
        };
        assert_eq!(take(1, Some(update(9))), (false, None));
        assert_eq!(take(0, Some(snapshot(5))), (true, Some((5, 5))));
        assert_eq!(take(1, Some(update(9))), (true, Some((9, 5))));
        assert_eq!(take(1, Some(update(-1))), (true, Some((9, 5))));
        assert_eq!(take(0, Some(snapshot(2))), (true, Some((2, 5))));
        assert_eq!(take(0, None), (true, None));
    }
}
