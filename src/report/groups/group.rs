//! A group of any kind, its members, and their assignments.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::decode::Struct;

/// The kind of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupKind {
    /// Members compute the assignment.
    Classic,
    /// The broker assigns partitions (KIP-848).
    Consumer,
    /// Members share partitions (KIP-932).
    Share,
    /// Kafka Streams (KIP-1071).
    Streams,
}

impl GroupKind {
    /// Returns Kafka's name for it.
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
    /// The epoch of the target assignment; `None` in classic groups, and before the first
    /// assignment.
    pub target_epoch: Option<i32>,
    /// The protocol type of a classic group: `consumer`, `connect`.
    pub protocol_type: Option<String>,
    /// The assignor of a classic group.
    pub protocol: Option<String>,
    /// The member that assigns in a classic group.
    pub leader: Option<String>,
    /// The topology of a streams group.
    pub topology: Option<Topology>,
    /// The members by id.
    pub members: BTreeMap<String, Member>,
    /// The time at which a classic group entered its state, in milliseconds; `None` in records
    /// before version 2.
    pub state_since: Option<i64>,
}

impl Group {
    pub(super) fn new(kind: GroupKind) -> Self {
        Self {
            kind,
            epoch: 0,
            target_epoch: None,
            protocol_type: None,
            protocol: None,
            leader: None,
            topology: None,
            members: BTreeMap::new(),
            state_since: None,
        }
    }

    /// The state in a coordinator after reading these records; `exists` returns true for existing
    /// topics.
    ///
    /// # References
    /// `ClassicGroup`, `ConsumerGroup.maybeUpdateGroupState`, `ShareGroup`, `StreamsGroup`.
    pub fn state(&self, exists: impl Fn(&str) -> bool) -> GroupState {
        if self.members.is_empty() {
            return GroupState::Empty;
        }
        let is_ready = || {
            let topology = self.topology.as_ref();
            topology.is_some_and(|topology| topology.topics().all(&exists))
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
                if members.all(|member| member.is_stable && member.epoch == target) {
                    GroupState::Stable
                } else {
                    GroupState::Reconciling
                }
            }
        }
    }
}

/// The parts that a streams application consists of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Topology {
    /// The epoch of the topology.
    pub epoch: i32,
    /// The parts by id.
    pub subtopologies: BTreeMap<String, Subtopology>,
}

/// A part of a streams application.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subtopology {
    /// The topics that it reads, those written by other parts included. Task N of the part reads
    /// partition N of each.
    pub sources: Vec<String>,
    /// Its changelog topics.
    pub changelogs: Vec<String>,
}

impl Topology {
    /// Every topic that the application needs.
    pub fn topics(&self) -> impl Iterator<Item = &str> {
        let parts = self.subtopologies.values();
        let topics = parts.flat_map(|part| part.sources.iter().chain(&part.changelogs));
        topics.map(String::as_str)
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
    /// A new assignment has to be computed.
    Assigning,
    /// Some members have not yet adopted the assignment.
    Reconciling,
    /// Every member has its assignment.
    Stable,
}

impl GroupState {
    /// Returns Kafka's name for it.
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
    /// Its rank among the members: that in the record of a classic group, or by the time of
    /// joining.
    pub rank: i64,
    /// The assignor that it requests, in a consumer group.
    pub assignor: Option<String>,
    /// Its member epoch; 0 in classic groups.
    pub epoch: i32,
    /// True if it is not waiting for partitions to be revoked.
    pub is_stable: bool,
    /// The partitions that it has; the active tasks of a streams group.
    pub assigned: Vec<Assigned>,
    /// The partitions of its target assignment, in the same form.
    pub target: Vec<Assigned>,
    /// The other tasks that it has in a streams group.
    pub replicas: ReplicaTasks,
    /// The other tasks of its target assignment in a streams group.
    pub target_replicas: ReplicaTasks,
    /// The process of a member of a streams group.
    pub process_id: Option<String>,
    /// True if a member of a consumer group still uses the classic protocol.
    pub is_classic: bool,
}

/// Tasks of a streams group with a copy of a state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplicaTasks {
    /// Standby tasks.
    pub standby: Vec<Assigned>,
    /// Warm-up tasks, which catch up before they become active.
    pub warmup: Vec<Assigned>,
}

impl ReplicaTasks {
    fn of(body: &Struct<'_>) -> Self {
        Self {
            standby: assigned(body, &["standbyTasks"]),
            warmup: assigned(body, &["warmupTasks"]),
        }
    }
}

/// Partitions of a topic that a member has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Assigned {
    /// The topic or subtopology.
    pub of: AssignedOf,
    /// The numbers of the partitions.
    pub partitions: Vec<i32>,
}

/// The kind of an assignment.
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

/// The subject of a record of a group's state.
pub(super) enum About {
    Group(GroupKind),
    Member(GroupKind),
    /// The epoch of the target assignment.
    TargetEpoch(GroupKind),
    /// The target assignment of a member.
    Target(GroupKind),
    /// The current assignment of a member.
    Current(GroupKind),
    Topology,
}

impl About {
    /// The subject for a record type of `__consumer_offsets`; other types add details only.
    pub(super) fn of(id: i16) -> Option<Self> {
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

    pub(super) const fn kind(&self) -> GroupKind {
        match *self {
            Self::Group(kind)
            | Self::Member(kind)
            | Self::TargetEpoch(kind)
            | Self::Target(kind)
            | Self::Current(kind) => kind,
            Self::Topology => GroupKind::Streams,
        }
    }

    /// The number of the stable state of a member: `MemberState`, one enum for streams groups and
    /// one for the others.
    const fn stable(&self) -> i64 {
        match self.kind() {
            GroupKind::Streams => 1,
            GroupKind::Classic | GroupKind::Consumer | GroupKind::Share => 0,
        }
    }
}

impl Group {
    /// Applies a record about the group or a member.
    pub(super) fn learn(&mut self, rank: i64, member: String, about: &About, body: &Struct<'_>) {
        let joining = || Member {
            rank,
            ..Member::default()
        };
        match about {
            About::Group(GroupKind::Classic) => classic(self, body),
            About::Group(_) => self.epoch = body.number("epoch").unwrap_or_default(),
            About::TargetEpoch(_) => self.target_epoch = body.number("assignmentEpoch"),
            About::Topology => self.topology = Some(topology(body)),
            About::Member(_) => {
                let member = self.members.entry(member).or_insert_with(joining);
                name(member, body);
                member.instance_id = own(body, "instanceId");
                member.assignor = own(body, "serverAssignor");
                member.process_id = own(body, "processId");
                member.is_classic = body.structure("classicMemberMetadata").is_some();
            }
            About::Target(_) => {
                let member = self.members.entry(member).or_insert_with(joining);
                member.target = assigned(body, &["topicPartitions", "activeTasks"]);
                member.target_replicas = ReplicaTasks::of(body);
            }
            About::Current(_) => {
                let member = self.members.entry(member).or_insert_with(joining);
                member.epoch = body.number("memberEpoch").unwrap_or_default();
                let stable = about.stable();
                member.is_stable = body.int("state").is_none_or(|state| state == stable);
                member.assigned = assigned(body, &["assignedPartitions", "activeTasks"]);
                member.replicas = ReplicaTasks::of(body);
                // Partitions belong to the member until it has revoked them; a coordinator does not
                // count tasks like that (`ConsumerGroupMember`, `StreamsGroupMember`).
                let pending = ["partitionsPendingRevocation"];
                join(&mut member.assigned, assigned(body, &pending));
            }
        }
    }

    /// Applies a tombstone, except that of the group itself.
    pub(super) fn forget(&mut self, member: &str, about: &About) {
        match about {
            About::Group(_) => {}
            About::Member(_) => {
                self.members.remove(member);
            }
            About::TargetEpoch(_) => self.target_epoch = None,
            About::Target(_) => {
                if let Some(member) = self.members.get_mut(member) {
                    member.target.clear();
                    member.target_replicas = ReplicaTasks::default();
                }
            }
            About::Current(_) => {
                if let Some(member) = self.members.get_mut(member) {
                    (member.epoch, member.is_stable) = (0, false);
                    member.assigned.clear();
                    member.replicas = ReplicaTasks::default();
                }
            }
            About::Topology => self.topology = None,
        }
    }
}

fn own(body: &Struct<'_>, field: &str) -> Option<String> {
    body.text(field).map(Cow::into_owned)
}

fn name(member: &mut Member, body: &Struct<'_>) {
    member.client_id = own(body, "clientId").unwrap_or_default();
    member.client_host = own(body, "clientHost").unwrap_or_default();
}

/// Applies the record of a classic group, which has everything; the assignments are opaque to the
/// broker.
fn classic(state: &mut Group, body: &Struct<'_>) {
    state.epoch = body.number("generation").unwrap_or_default();
    state.protocol_type = own(body, "protocolType");
    state.protocol = own(body, "protocol");
    state.leader = own(body, "leader");
    state.state_since = body
        .int("currentStateTimestamp")
        .filter(|&since| since >= 0);
    let members = body.structures("members").zip(0..).map(|(of, rank)| {
        let mut member = Member {
            rank,
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

/// The partitions in the first of these fields that is present.
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

/// Adds partitions to others.
fn join(all: &mut Vec<Assigned>, more: Vec<Assigned>) {
    for more in more {
        match all.iter_mut().find(|known| known.of == more.of) {
            Some(known) => known.partitions.extend(more.partitions),
            None => all.push(more),
        }
    }
}

/// The topology of a streams group.
fn topology(body: &Struct<'_>) -> Topology {
    let parts = body.structures("subtopologies").filter_map(|part| {
        let named = |field| {
            let topics = part.structures(field);
            topics.filter_map(|of| own(of, "name"))
        };
        let sources = part.texts("sourceTopics").map(Cow::into_owned);
        let subtopology = Subtopology {
            sources: sources.chain(named("repartitionSourceTopics")).collect(),
            changelogs: named("stateChangelogTopics").collect(),
        };
        Some((own(part, "subtopologyId")?, subtopology))
    });
    Topology {
        epoch: body.number("epoch").unwrap_or_default(),
        subtopologies: parts.collect(),
    }
}
