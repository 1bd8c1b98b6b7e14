//! A partition as the metadata log registers it.

use crate::decode::{Struct, Value};
use crate::format::topic::is_reserved_id;
use crate::wire::Uuid;

/// A partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionRegistration {
    /// The brokers of its replicas.
    pub replicas: Vec<i32>,
    /// The replicas that are in sync.
    pub isr: Vec<i32>,
    /// The replicas that are being removed.
    pub removing: Vec<i32>,
    /// The replicas that are being added.
    pub adding: Vec<i32>,
    /// The eligible leader replicas (KIP-966).
    pub elr: Vec<i32>,
    /// The last known eligible leader replicas (KIP-966).
    pub last_known_elr: Vec<i32>,
    /// The log dirs, one for each replica, if they are known.
    pub directories: Vec<Uuid>,
    /// The leader; −1 means none.
    pub leader: i32,
    /// Its leader epoch.
    pub leader_epoch: i32,
    /// The partition epoch, which counts changes.
    pub partition_epoch: i32,
}

impl PartitionRegistration {
    /// Returns the id of its log dir on a broker, if it is known.
    #[must_use]
    pub fn directory(&self, broker: i32) -> Option<Uuid> {
        let index = self.replicas.iter().position(|other| *other == broker)?;
        let id = self.directories.get(index)?;
        // Small numbers are reserved: unknown, lost, migrating.
        (!is_reserved_id(*id)).then_some(*id)
    }

    pub(super) fn of(body: &Struct<'_>) -> Option<Self> {
        Some(Self {
            replicas: body.numbers("replicas").collect(),
            isr: body.numbers("isr").collect(),
            removing: body.numbers("removingReplicas").collect(),
            adding: body.numbers("addingReplicas").collect(),
            elr: body.numbers("eligibleLeaderReplicas").collect(),
            last_known_elr: body.numbers("lastKnownElr").collect(),
            directories: uuids(body, "directories"),
            leader: body.number("leader")?,
            leader_epoch: body.number("leaderEpoch")?,
            partition_epoch: body.number("partitionEpoch")?,
        })
    }

    /// A new leader, or none, raises the leader epoch (`PartitionRegistration.merge`).
    pub(super) fn change(&mut self, body: &Struct<'_>) {
        const NO_CHANGE: i32 = -2;
        let list = |name: &str, old: &mut Vec<i32>| {
            if let Some(Value::Array(_)) = body.get(name) {
                *old = body.numbers(name).collect();
            }
        };
        list("isr", &mut self.isr);
        list("replicas", &mut self.replicas);
        list("removingReplicas", &mut self.removing);
        list("addingReplicas", &mut self.adding);
        list("eligibleLeaderReplicas", &mut self.elr);
        list("lastKnownElr", &mut self.last_known_elr);
        if let Some(Value::Array(_)) = body.get("directories") {
            self.directories = uuids(body, "directories");
        }
        let leader = body.number("leader").unwrap_or(NO_CHANGE);
        if leader != NO_CHANGE {
            self.leader = leader;
            self.leader_epoch = self.leader_epoch.wrapping_add(1);
        }
        self.partition_epoch = self.partition_epoch.wrapping_add(1);
    }
}

pub(super) fn uuids(body: &Struct<'_>, name: &str) -> Vec<Uuid> {
    let uuid = |value: &Value<'_>| match value {
        Value::Uuid(uuid) => Some(**uuid),
        _ => None,
    };
    body.array(name).iter().filter_map(uuid).collect()
}
