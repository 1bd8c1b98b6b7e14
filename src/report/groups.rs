//! Every group and its offsets, as `__consumer_offsets` leaves them.
//!
//! Offsets that were committed inside a transaction wait for its marker. A marker that commits does not put an older
//! commit above a newer one that was not part of it (`GroupMetadataManager`, `OffsetMetadataManager`).

use std::collections::BTreeMap;

use super::Image;
use crate::decode::consumer_offsets::OffsetCommit;
use crate::decode::{Decoder, Entry, Part, Struct};
use crate::format::control::ControlType;
use crate::format::{Batch, Record};
use crate::wire::{LeaderEpoch, Offset, ProducerId, Timestamp};

/// Whose offset it is: group, topic, partition.
pub type OffsetKey = (String, String, i32);

/// The groups in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Groups {
    /// The offsets committed.
    pub offsets: BTreeMap<OffsetKey, CommittedOffset>,
    /// The groups that have a state; others have offsets only.
    pub groups: BTreeMap<String, Group>,
    /// Offsets in transactions that are not decided, by producer.
    pub pending: BTreeMap<ProducerId, BTreeMap<OffsetKey, CommittedOffset>>,
    /// Records that could not be read.
    pub unread: u64,
}

/// An offset that a group committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedOffset {
    /// Where the record of it stands in the log.
    pub record_offset: Offset,
    /// The next offset to read.
    pub offset: Offset,
    /// The leader epoch of the last record read; −1 means unknown.
    pub leader_epoch: LeaderEpoch,
    /// The client's note.
    pub metadata: String,
    /// When it was committed.
    pub commit_timestamp: Timestamp,
    /// When it expires, if the client asked for that; else −1.
    pub expire_timestamp: Timestamp,
}

/// The kind of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupKind {
    /// Members hand their assignment to each other.
    Classic,
    /// The broker assigns partitions (KIP-848).
    Consumer,
    /// Members share partitions (KIP-932).
    Share,
    /// Kafka Streams (KIP-1071).
    Streams,
}

impl GroupKind {
    /// What Kafka calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Consumer => "consumer",
            Self::Share => "share",
            Self::Streams => "streams",
        }
    }
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// Its kind.
    pub kind: GroupKind,
    /// The generation of a classic group, the epoch of others.
    pub epoch: i32,
    /// The epoch of the target assignment; none in classic groups, and before the first assignment.
    pub target_epoch: Option<i32>,
    /// What the members of a classic group are: `consumer`, `connect`.
    pub protocol_type: Option<String>,
    /// How a classic group assigns.
    pub protocol: Option<String>,
    /// The member that assigns in a classic group.
    pub leader: Option<String>,
    /// The topics that a streams group needs: those it reads, and those between its parts.
    pub topology: Option<Vec<String>>,
    /// The members by id.
    pub members: BTreeMap<String, Member>,
}

impl Group {
    fn new(kind: GroupKind) -> Self {
        Self {
            kind,
            epoch: 0,
            target_epoch: None,
            protocol_type: None,
            protocol: None,
            leader: None,
            topology: None,
            members: BTreeMap::new(),
        }
    }

    /// The state that a coordinator gives it after reading these records, where `exists` says which topics there are.
    ///
    /// # References
    /// `ClassicGroup`, `ConsumerGroup.maybeUpdateGroupState`, `ShareGroup`, `StreamsGroup`.
    pub fn state(&self, exists: impl Fn(&str) -> bool) -> GroupState {
        if self.members.is_empty() {
            return GroupState::Empty;
        }
        let is_ready = || {
            let topics = self.topology.as_ref();
            topics.is_some_and(|topics| topics.iter().all(|topic| exists(topic)))
        };
        match self.kind {
            GroupKind::Classic | GroupKind::Share => GroupState::Stable,
            GroupKind::Streams if !is_ready() => GroupState::NotReady,
            GroupKind::Consumer | GroupKind::Streams => {
                let target = self.target_epoch.unwrap_or_default();
                if self.epoch > target {
                    return GroupState::Assigning;
                }
                let mut members = self.members.values();
                match members.all(|member| member.is_stable && member.epoch == target) {
                    true => GroupState::Stable,
                    false => GroupState::Reconciling,
                }
            }
        }
    }
}

/// The state of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupState {
    /// It has no members.
    Empty,
    /// A streams group lacks topics.
    NotReady,
    /// A new assignment is to be computed.
    Assigning,
    /// Members have not all taken up the assignment.
    Reconciling,
    /// Every member has what it was assigned.
    Stable,
}

impl GroupState {
    /// What Kafka calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::NotReady => "NotReady",
            Self::Assigning => "Assigning",
            Self::Reconciling => "Reconciling",
            Self::Stable => "Stable",
        }
    }
}

/// A member of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// A static member's name.
    pub instance_id: Option<String>,
    /// The client.
    pub client_id: String,
    /// Its address.
    pub client_host: String,
    /// The assignor that it asks for, in a consumer group.
    pub assignor: Option<String>,
    /// The epoch that it has come to; 0 in classic groups.
    pub epoch: i32,
    /// Whether it waits neither to revoke partitions nor for others to do so.
    pub is_stable: bool,
    /// The partitions that it has.
    pub assigned: Vec<Assigned>,
    /// The partitions that it is to have.
    pub target: Vec<Assigned>,
}

/// Partitions of a topic that a member has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Assigned {
    /// Of what.
    pub of: AssignedOf,
    /// The numbers of the partitions.
    pub partitions: Vec<i32>,
}

/// What partitions are assigned of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum AssignedOf {
    /// A topic by its name, in classic groups.
    Topic(String),
    /// A topic by its id.
    TopicId([u8; 16]),
    /// A part of a streams topology: the partitions are active tasks of it.
    Subtopology(String),
}

/// A record type of a group's state: what a key of it is about.
enum About {
    Group(GroupKind),
    Member(GroupKind),
    /// The epoch of the target assignment.
    TargetEpoch(GroupKind),
    /// What a member is to have.
    Target(GroupKind),
    /// What a member has.
    Current(GroupKind),
    Topology,
}

impl About {
    /// Types of `__consumer_offsets`; the others only refine these.
    fn of(id: i16) -> Option<Self> {
        use GroupKind::{Classic, Consumer, Share, Streams};
        Some(match id {
            2 => Self::Group(Classic),
            3 => Self::Group(Consumer),
            5 => Self::Member(Consumer),
            6 => Self::TargetEpoch(Consumer),
            7 => Self::Target(Consumer),
            8 => Self::Current(Consumer),
            10 => Self::Member(Share),
            11 => Self::Group(Share),
            12 => Self::TargetEpoch(Share),
            13 => Self::Target(Share),
            14 => Self::Current(Share),
            17 => Self::Group(Streams),
            19 => Self::Member(Streams),
            20 => Self::TargetEpoch(Streams),
            21 => Self::Target(Streams),
            22 => Self::Current(Streams),
            23 => Self::Topology,
            _ => return None,
        })
    }

    const fn kind(&self) -> GroupKind {
        match *self {
            Self::Group(kind)
            | Self::Member(kind)
            | Self::TargetEpoch(kind)
            | Self::Target(kind)
            | Self::Current(kind) => kind,
            Self::Topology => GroupKind::Streams,
        }
    }
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
    /// Decides a transaction.
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
            // Target and current assignments, topologies and the like belong to a group that has records of its own.
            self.unread +=
                u64::from(matches!(entry.value, Part::Unread { .. }) || key.message.id() < 2);
            return;
        };
        let group = key.body.text("group").or_else(|| key.body.text("groupId"));
        let Some(group) = group else {
            self.unread += 1;
            return;
        };
        let member = key.body.text("memberId").unwrap_or_default();
        match &entry.value {
            Part::Unread { .. } => self.unread += 1,
            Part::Null => self.forget(&group, &member, &about),
            Part::Decoded(value) => {
                let state = self.of_kind(group.into_owned(), about.kind());
                learn(state, member.into_owned(), &about, &value.body);
            }
        }
    }

    /// Takes out what a tombstone deletes. One of another kind is that of a group which was converted: a coordinator
    /// deletes the old one before or after it writes the new one.
    fn forget(&mut self, group: &str, member: &str, about: &About) {
        let known = self.groups.get_mut(group);
        let Some(state) = known.filter(|state| state.kind == about.kind()) else {
            return;
        };
        match about {
            About::Group(_) => {
                self.groups.remove(group);
            }
            About::Member(_) => {
                state.members.remove(member);
            }
            About::TargetEpoch(_) => state.target_epoch = None,
            About::Target(_) => {
                if let Some(member) = state.members.get_mut(member) {
                    member.target.clear();
                }
            }
            About::Current(_) => {
                if let Some(member) = state.members.get_mut(member) {
                    (member.epoch, member.is_stable) = (0, false);
                    member.assigned.clear();
                }
            }
            About::Topology => state.topology = None,
        }
    }

    /// The group, which becomes one of this kind if it is another.
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
                // A tombstone also ends what is pending (`OffsetMetadataManager.replay`).
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

/// Takes in what a record says of a group or a member.
fn learn(state: &mut Group, member: String, about: &About, body: &Struct<'_>) {
    match about {
        About::Group(GroupKind::Classic) => classic(state, body),
        About::Group(_) => state.epoch = body.number("epoch").unwrap_or_default(),
        About::TargetEpoch(_) => state.target_epoch = body.number("assignmentEpoch"),
        About::Topology => state.topology = Some(topology(body)),
        About::Member(_) => {
            let member = state.members.entry(member).or_default();
            name(member, body);
            member.instance_id = own(body, "instanceId");
            member.assignor = own(body, "serverAssignor");
        }
        About::Target(_) => {
            let member = state.members.entry(member).or_default();
            member.target = assigned(body, &["topicPartitions", "activeTasks"]);
        }
        About::Current(_) => {
            let member = state.members.entry(member).or_default();
            member.epoch = body.number("memberEpoch").unwrap_or_default();
            member.is_stable = body.int("state").is_none_or(|state| state == STABLE);
            member.assigned = assigned(body, &["assignedPartitions", "activeTasks"]);
        }
    }
}

/// The number of the state in which a member has what it was assigned (`MemberState`).
const STABLE: i64 = 0;

fn own(body: &Struct<'_>, field: &str) -> Option<String> {
    body.text(field).map(std::borrow::Cow::into_owned)
}

fn name(member: &mut Member, body: &Struct<'_>) {
    member.client_id = own(body, "clientId").unwrap_or_default();
    member.client_host = own(body, "clientHost").unwrap_or_default();
}

/// A classic group writes everything at once, and its members hand their assignments to each other.
fn classic(state: &mut Group, body: &Struct<'_>) {
    state.epoch = body.number("generation").unwrap_or_default();
    state.protocol_type = own(body, "protocolType");
    state.protocol = own(body, "protocol");
    state.leader = own(body, "leader");
    let members = body.structures("members").map(|of| {
        let mut member = Member {
            instance_id: own(of, "groupInstanceId"),
            is_stable: true,
            ..Member::default()
        };
        name(&mut member, of);
        if let Some(assignment) = of.structure("assignment") {
            member.assigned = assigned(assignment, &["assignedPartitions"]);
        }
        (own(of, "memberId").unwrap_or_default(), member)
    });
    state.members = members.collect();
}

/// The partitions in the first of these fields that the record has.
fn assigned(body: &Struct<'_>, fields: &[&str]) -> Vec<Assigned> {
    let field = fields.iter().find(|field| body.get(field).is_some());
    let parts = field.map(|field| body.structures(field));
    let parts = parts.into_iter().flatten().filter_map(|part| {
        let of = match (part.uuid("topicId"), own(part, "topic")) {
            (Some(id), _) => AssignedOf::TopicId(*id),
            (None, Some(topic)) => AssignedOf::Topic(topic),
            (None, None) => AssignedOf::Subtopology(own(part, "subtopologyId")?),
        };
        let partitions = part.numbers("partitions").collect();
        Some(Assigned { of, partitions })
    });
    parts.collect()
}

/// The topics that a streams group needs.
fn topology(body: &Struct<'_>) -> Vec<String> {
    let mut topics = Vec::new();
    for part in body.structures("subtopologies") {
        topics.extend(part.texts("sourceTopics").map(std::borrow::Cow::into_owned));
        for field in ["repartitionSourceTopics", "stateChangelogTopics"] {
            topics.extend(part.structures(field).filter_map(|of| own(of, "name")));
        }
    }
    topics
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
        // The later commit of partition 1 stands above the earlier one in the transaction.
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
