//! Every group and its offsets, from `__consumer_offsets`.
//!
//! Offsets that were committed inside a transaction wait for its marker. A commit marker does not
//! replace a newer commit outside of the transaction (`GroupMetadataManager`,
//! `OffsetMetadataManager`).

mod group;

use std::collections::BTreeMap;

use self::group::About;
use super::{Image, ShareGroups};
use crate::decode::consumer_offsets::OffsetCommit;
use crate::decode::{Decoder, Entry, EntryPart};
use crate::format::control::ControlType;
use crate::format::{Batch, Record};
use crate::wire::{LeaderEpoch, Offset, ProducerId, Timestamp};

pub use group::{
    Assigned, AssignedOf, Group, GroupKind, GroupState, Member, ReplicaTasks, Subtopology, Topology,
};

/// The key of an offset: group, topic, partition.
pub type OffsetKey = (String, String, i32);

/// The groups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Groups {
    /// The offsets committed.
    pub offsets: BTreeMap<OffsetKey, CommittedOffset>,
    /// The groups that have a state; others have offsets only.
    pub groups: BTreeMap<String, Group>,
    /// Offsets in open transactions, by producer.
    pub pending: BTreeMap<ProducerId, BTreeMap<OffsetKey, CommittedOffset>>,
    /// Records that could not be read.
    pub unread: u64,
}

/// An offset that a group committed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommittedOffset {
    /// The offset of its record.
    pub record_offset: Offset,
    /// The next offset to read.
    pub offset: Offset,
    /// The leader epoch of the last record read; −1 means unknown.
    pub leader_epoch: LeaderEpoch,
    /// The client's note.
    pub metadata: String,
    /// The time of the commit.
    pub commit_timestamp: Timestamp,
    /// The expiry time that the client requested, or −1.
    pub expire_timestamp: Timestamp,
    /// The number of completed records after the offset, only in share groups.
    pub done_after: i64,
}

impl Image for Groups {
    fn record(&mut self, batch: &Batch<'_>, record: &Record<'_>) {
        let producer = match batch {
            Batch::V2(batch) if batch.is_transactional() => Some(batch.producer_id()),
            _ => None,
        };
        if batch.is_control() {
            if let (Some(producer), Ok(marker)) = (producer, ControlType::parse(record.key())) {
                self.marker(producer, marker);
            }
            return;
        }
        let entry = Decoder::Offsets.decode(record.key(), record.value());
        self.entry(record.offset(), producer, &entry);
    }
}

impl Groups {
    /// Adds the groups of another partition of `__consumer_offsets`. A group is in one partition
    /// only; a producer may have open transactions in several, which is why each partition has to
    /// be read by itself.
    pub fn join(&mut self, other: Self) {
        self.groups.extend(other.groups);
        self.offsets.extend(other.offsets);
        self.unread += other.unread;
        for (producer, offsets) in other.pending {
            self.pending.entry(producer).or_default().extend(offsets);
        }
    }

    /// Adds the start offsets of share groups as their offsets, if the topic id is known.
    pub fn take_share_groups(&mut self, share: &ShareGroups, topics: &BTreeMap<[u8; 16], String>) {
        for ((group, topic, partition), state) in &share.partitions {
            let Some(topic) = topics.get(topic).filter(|_| state.start_offset.0 >= 0) else {
                continue;
            };
            let start = CommittedOffset {
                record_offset: state.record_offset,
                leader_epoch: state.leader_epoch,
                commit_timestamp: Timestamp(-1),
                done_after: state.delivery_complete_count.max(0).into(),
                ..CommittedOffset::of_offset(state.start_offset.0)
            };
            self.offsets
                .insert((group.clone(), topic.clone(), *partition), start);
        }
    }

    /// Ends a transaction.
    fn marker(&mut self, producer: ProducerId, marker: ControlType) {
        let decided = match marker {
            ControlType::Commit | ControlType::Abort => self.pending.remove(&producer),
            _ => None,
        };
        if marker != ControlType::Commit {
            return;
        }
        for (key, commit) in decided.unwrap_or_default() {
            let newer = self
                .offsets
                .get(&key)
                .is_some_and(|known| known.record_offset >= commit.record_offset);
            if !newer {
                self.offsets.insert(key, commit);
            }
        }
    }

    fn entry(&mut self, offset: Offset, producer: Option<ProducerId>, entry: &Entry<'_>) {
        if let Some(commit) = OffsetCommit::of(entry) {
            return self.commit(offset, producer, commit);
        }
        let Some(key) = entry.key.decoded() else {
            self.unread += 1;
            return;
        };
        let Some(about) = About::of(key.message.id()) else {
            // Assignments and topologies belong to a group that has records of its own.
            self.unread +=
                u64::from(matches!(entry.value, EntryPart::Unread { .. }) || key.message.id() < 2);
            return;
        };
        let group = key.body.text("group").or_else(|| key.body.text("groupId"));
        let Some(group) = group else {
            self.unread += 1;
            return;
        };
        let member = key.body.text("memberId").unwrap_or_default();
        match &entry.value {
            EntryPart::Unread { .. } => self.unread += 1,
            EntryPart::Null => self.forget(&group, &member, &about),
            EntryPart::Decoded(value) => {
                let state = self.of_kind(group.into_owned(), about.kind());
                state.learn(offset.0, member.into_owned(), &about, &value.body);
            }
        }
    }

    /// Applies a tombstone. One of another kind is that of a converted group: a coordinator deletes
    /// the old one before or after it writes the new one.
    fn forget(&mut self, group: &str, member: &str, about: &About) {
        let known = self.groups.get_mut(group);
        let Some(state) = known.filter(|state| state.kind == about.kind()) else {
            return;
        };
        if matches!(about, About::Group(_)) {
            self.groups.remove(group);
        } else {
            state.forget(member, about);
        }
    }

    /// The group, which is replaced if it is of another kind.
    fn of_kind(&mut self, group: String, kind: GroupKind) -> &mut Group {
        let state = self.groups.entry(group).or_insert_with(|| Group::new(kind));
        if state.kind != kind {
            *state = Group::new(kind);
        }
        state
    }

    fn commit(&mut self, offset: Offset, producer: Option<ProducerId>, commit: OffsetCommit<'_>) {
        let key = (
            commit.group.into_owned(),
            commit.topic.into_owned(),
            commit.partition,
        );
        let offsets = match producer {
            Some(producer) => self.pending.entry(producer).or_default(),
            None => &mut self.offsets,
        };
        let Some(commit) = commit.commit else {
            offsets.remove(&key);
            if producer.is_none() {
                // A tombstone also removes pending offsets (`OffsetMetadataManager.replay`).
                self.pending.values_mut().for_each(|pending| {
                    pending.remove(&key);
                });
            }
            return;
        };
        let committed = CommittedOffset {
            record_offset: offset,
            offset: commit.offset,
            leader_epoch: commit.leader_epoch,
            metadata: commit.metadata.into_owned(),
            commit_timestamp: commit.commit_timestamp,
            expire_timestamp: commit.expire_timestamp,
            done_after: 0,
        };
        offsets.insert(key, committed);
    }

    /// The groups: those with a state, and those with offsets only.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let mut names: Vec<&str> = self
            .groups
            .keys()
            .map(String::as_str)
            .chain(self.offsets.keys().map(|(group, _, _)| group.as_str()))
            .collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter()
    }
}

impl CommittedOffset {
    /// Returns the time at which a coordinator may delete it, if offsets are kept for `kept_ms`
    /// (`offsets.retention.minutes`); `None` while its group has members.
    ///
    /// # References
    /// `ClassicGroup.offsetExpirationCondition`, `OffsetExpirationConditionImpl`.
    #[must_use]
    pub fn expires_at(&self, group: Option<&Group>, kept_ms: i64) -> Option<i64> {
        if group.is_some_and(|group| !group.members.is_empty()) {
            return None;
        }
        if self.expire_timestamp.0 >= 0 {
            return Some(self.expire_timestamp.0);
        }
        // The offsets of a classic group that had members expire after the last one left.
        let left = group
            .filter(|group| group.kind == GroupKind::Classic && group.protocol_type.is_some())
            .and_then(|group| group.state_since);
        let since = left.unwrap_or(self.commit_timestamp.0);
        Some(since.saturating_add(kept_ms))
    }

    /// A committed offset for tests.
    pub(super) fn of_offset(offset: i64) -> Self {
        Self {
            record_offset: Offset(0),
            offset: Offset(offset),
            leader_epoch: LeaderEpoch(-1),
            metadata: String::new(),
            commit_timestamp: Timestamp(0),
            expire_timestamp: Timestamp(-1),
            done_after: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(partition: u8) -> Vec<u8> {
        vec![0, 1, 0, 1, b'g', 0, 1, b't', 0, 0, 0, partition]
    }

    fn value(offset: u8) -> Vec<u8> {
        let mut value = vec![0, 3, 0, 0, 0, 0, 0, 0, 0, offset, 0, 0, 0, 0, 0, 0];
        value.extend(5_i64.to_be_bytes());
        value
    }

    fn offsets(image: &Groups) -> Vec<(i32, i64)> {
        let offsets = image.offsets.iter();
        offsets
            .map(|((_, _, partition), commit)| (*partition, commit.offset.0))
            .collect()
    }

    #[test]
    fn transactional_commits_wait_for_their_marker() {
        let mut image = Groups::default();
        let mut at = 0;
        let mut take = |image: &mut Groups, producer, partition, offset: Option<u8>| {
            let (key, value) = (key(partition), offset.map(value));
            let entry = Decoder::Offsets.decode(Some(&key), value.as_deref());
            image.entry(Offset(at), producer, &entry);
            at += 1;
        };
        let (one, two) = (ProducerId(1), ProducerId(2));
        take(&mut image, None, 0, Some(1));
        take(&mut image, Some(one), 0, Some(9));
        take(&mut image, Some(one), 1, Some(9));
        take(&mut image, Some(two), 2, Some(9));
        take(&mut image, None, 1, Some(10));
        assert_eq!(offsets(&image), [(0, 1), (1, 10)]);
        image.marker(two, ControlType::Abort);
        image.marker(one, ControlType::Commit);
        // The later commit of partition 1 is above the earlier one in the transaction.
        assert_eq!(offsets(&image), [(0, 9), (1, 10)]);
        assert!(image.pending.is_empty());
        take(&mut image, None, 0, None);
        assert_eq!(offsets(&image), [(1, 10)]);
        assert_eq!(image.unread, 0);
        assert_eq!(image.names().collect::<Vec<_>>(), ["g"]);
    }

    #[test]
    fn what_cannot_be_read_is_counted() {
        let mut image = Groups::default();
        for (key, value) in [(&[0_u8, 99][..], &[0_u8][..]), (&key(0), &[0])] {
            let entry = Decoder::Offsets.decode(Some(key), Some(value));
            image.entry(Offset(0), None, &entry);
        }
        assert_eq!(image.unread, 2);
    }
}
