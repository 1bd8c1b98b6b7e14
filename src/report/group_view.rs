//! Each group with its offsets and the logs of its topics: its lag, and problems.

use std::collections::{BTreeMap, BTreeSet};

use super::Groups;
use super::groups::{AssignedOf, CommittedOffset, Group, GroupKind, GroupState, Member};
use super::reach::{Reach, Reaches};
use crate::wire::ProducerId;

/// The assignor that a broker uses if no member of a consumer group requests one
/// (`group.consumer.assignors`).
const DEFAULT_ASSIGNOR: &str = "uniform";

/// A group.
#[derive(Debug)]
#[non_exhaustive]
pub struct GroupView<'a> {
    /// Its name.
    pub name: &'a str,
    /// The record of the group; `None` for a group that only commits offsets.
    pub group: Option<&'a Group>,
    /// Its state.
    pub state: GroupState,
    /// Its committed or assigned partitions in the order of Kafka's tool: by member, topic and
    /// partition, then those without a member.
    pub offsets: Vec<GroupOffset<'a>>,
}

/// A partition of a group.
#[derive(Debug)]
#[non_exhaustive]
pub struct GroupOffset<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition.
    pub partition: i32,
    /// The committed offset; `None` if nothing was committed.
    pub committed: Option<&'a CommittedOffset>,
    /// The offset that an open transaction would commit, and its producer.
    pub pending: Option<(ProducerId, &'a CommittedOffset)>,
    /// The start and end of the log; `None` if it is not on these disks.
    pub reach: Option<&'a Reach>,
    /// The member that it is assigned to.
    pub member: Option<(&'a str, &'a Member)>,
}

/// The problem of a committed offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OffsetProblem {
    /// The partition is not on these disks.
    NoLog,
    /// It is below the log start: a consumer starts again by `auto.offset.reset`.
    BelowLogStart,
    /// It is beyond the log end: in the same way.
    BeyondLogEnd,
}

impl GroupOffset<'_> {
    /// LOG-END-OFFSET − CURRENT-OFFSET, as Kafka's own tool computes it, less the records after it
    /// that a share group has completed; negative if the offset is beyond the log end.
    #[must_use]
    pub fn lag(&self) -> Option<i64> {
        let end = self.reach?.end;
        let committed = self.committed?;
        let left = end.0.saturating_sub(committed.offset.0);
        Some(left.saturating_sub(committed.done_after))
    }

    /// Returns its problem.
    #[must_use]
    pub fn problem(&self) -> Option<OffsetProblem> {
        let Some(reach) = self.reach else {
            return Some(OffsetProblem::NoLog);
        };
        let offset = self.committed?.offset;
        if offset < reach.start {
            return Some(OffsetProblem::BelowLogStart);
        }
        (offset > reach.end).then_some(OffsetProblem::BeyondLogEnd)
    }
}

impl<'a> GroupView<'a> {
    /// Every group, by name.
    #[must_use]
    pub fn all(groups: &'a Groups, reaches: &'a Reaches) -> Vec<Self> {
        let committed = by_group(groups.offsets.iter());
        let pending = groups.pending.iter().flat_map(|(producer, offsets)| {
            let of = move |(key, commit)| (key, (*producer, commit));
            offsets.iter().map(of)
        });
        let pending = by_group(pending);
        let names: BTreeSet<&str> = groups.names().chain(pending.keys().copied()).collect();
        let topics: BTreeSet<&str> = reaches
            .partitions
            .keys()
            .map(|(topic, _)| &**topic)
            .collect();
        let view = |name| {
            let group = groups.groups.get(name);
            let state = group.map_or(GroupState::Empty, |group| {
                group.state(|topic| topics.contains(topic))
            });
            let none = Parts::new();
            let committed = committed.get(name).unwrap_or(&none);
            let none = Parts::new();
            let pending = pending.get(name).unwrap_or(&none);
            Self {
                name,
                group,
                state,
                offsets: offsets(group, committed, pending, reaches),
            }
        };
        names.into_iter().map(view).collect()
    }

    /// Returns the assignor of its members, if it has one.
    #[must_use]
    pub fn assignor(&self) -> Option<&'a str> {
        let group = self.group?;
        match group.kind {
            GroupKind::Classic => group.protocol.as_deref().filter(|name| !name.is_empty()),
            GroupKind::Consumer => {
                let mut votes = BTreeMap::<&str, usize>::new();
                for name in group
                    .members
                    .values()
                    .filter_map(|it| it.assignor.as_deref())
                {
                    *votes.entry(name).or_default() += 1;
                }
                let most = votes.into_iter().max_by_key(|(_, votes)| *votes);
                Some(most.map_or(DEFAULT_ASSIGNOR, |(name, _)| name))
            }
            GroupKind::Share | GroupKind::Streams => None,
        }
    }
}

/// Items by partition.
type Parts<'a, T> = BTreeMap<(&'a str, i32), T>;

/// Collects items by group.
fn by_group<'a, T>(
    offsets: impl Iterator<Item = (&'a (String, String, i32), T)>,
) -> BTreeMap<&'a str, Parts<'a, T>> {
    let mut groups = BTreeMap::<_, Parts<'a, T>>::new();
    for ((group, topic, partition), what) in offsets {
        let parts = groups.entry(&**group).or_default();
        parts.insert((&**topic, *partition), what);
    }
    groups
}

fn offsets<'a>(
    group: Option<&'a Group>,
    committed: &Parts<'a, &'a CommittedOffset>,
    pending: &Parts<'a, (ProducerId, &'a CommittedOffset)>,
    reaches: &'a Reaches,
) -> Vec<GroupOffset<'a>> {
    let row = |(topic, partition): (&'a str, i32), member| GroupOffset {
        topic,
        partition,
        committed: committed.get(&(topic, partition)).copied(),
        pending: pending.get(&(topic, partition)).copied(),
        reach: reaches.partitions.get(&(topic.to_owned(), partition)),
        member,
    };
    let mut rows = Vec::new();
    let mut taken = BTreeSet::new();
    let members = group.into_iter().flat_map(|group| &group.members);
    let mut members: Vec<_> = members
        .map(|(id, member)| (id, member, partitions(group, member, reaches)))
        .filter(|(_, _, parts)| !parts.is_empty())
        .collect();
    members.sort_by_key(|(_, member, parts)| (std::cmp::Reverse(parts.len()), member.rank));
    for (id, member, parts) in members {
        for part in parts {
            taken.insert(part);
            rows.push(row(part, Some((&**id, member))));
        }
    }
    let all: BTreeSet<_> = committed.keys().chain(pending.keys()).copied().collect();
    let left = all.into_iter().filter(|part| !taken.contains(part));
    rows.extend(left.map(|part| row(part, None)));
    rows
}

/// The partitions that a member has, in order. Topics known only by id are found if their
/// partitions are on these disks.
fn partitions<'a>(
    group: Option<&'a Group>,
    member: &'a Member,
    reaches: &'a Reaches,
) -> Vec<(&'a str, i32)> {
    let topology = group.and_then(|group| group.topology.as_ref());
    let topics = |of: &'a AssignedOf| -> &'a [String] {
        match of {
            AssignedOf::Topic(name) => std::slice::from_ref(name),
            AssignedOf::TopicId(id) => reaches.topics.get(id).map_or(&[], std::slice::from_ref),
            AssignedOf::Subtopology(id) => {
                let part = topology.and_then(|topology| topology.subtopologies.get(id));
                part.map_or(&[], |part| &part.sources)
            }
        }
    };
    let parts = member.assigned.iter().flat_map(|assigned| {
        let topics = topics(&assigned.of).iter();
        topics.flat_map(|topic| assigned.partitions.iter().map(|number| (&**topic, *number)))
    });
    let mut parts: Vec<_> = parts.collect();
    parts.sort_unstable();
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Offset;

    fn reach(start: i64, end: i64) -> Reach {
        Reach {
            path: "t-0".into(),
            start: Offset(start),
            end: Offset(end),
            high_watermark: None,
        }
    }

    #[test]
    fn lag_is_the_end_of_the_log_less_the_offset_and_what_is_odd_is_said() {
        let mut groups = Groups::default();
        let mut reaches = Reaches::default();
        for (partition, offset) in [(0, 5), (1, 1), (2, 30), (3, 7)] {
            let commit = CommittedOffset::of_offset(offset);
            groups
                .offsets
                .insert(("g".into(), "t".into(), partition), commit);
        }
        for partition in 0..3 {
            reaches
                .partitions
                .insert(("t".into(), partition), reach(3, 20));
        }
        let views = GroupView::all(&groups, &reaches);
        assert_eq!(views.len(), 1);
        assert_eq!((views[0].name, views[0].state), ("g", GroupState::Empty));
        let found: Vec<_> = views[0]
            .offsets
            .iter()
            .map(|row| (row.lag(), row.problem()))
            .collect();
        assert_eq!(
            found,
            [
                (Some(15), None),
                (Some(19), Some(OffsetProblem::BelowLogStart)),
                (Some(-10), Some(OffsetProblem::BeyondLogEnd)),
                (None, Some(OffsetProblem::NoLog)),
            ]
        );
    }
}
