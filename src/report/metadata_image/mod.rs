//! A cluster, as it results from its metadata log or a snapshot.
//!
//! Records of a transaction (KIP-868) are applied at its end; an abort drops them.
//!
//! # References
//! `MetadataDelta`, `TopicDelta`, `PartitionRegistration.merge`, `OffsetControlManager`.

mod partition;

use std::collections::{BTreeMap, BTreeSet};

pub use self::partition::PartitionRegistration;
use self::partition::uuids;
use super::Image;
use super::secrets::{REDACTED, is_secret};
use crate::decode::cluster_metadata as id;
use crate::decode::{Decoder, Struct, Value, control};
use crate::format::control::ControlType;
use crate::format::{Batch, Record};
use crate::wire::Offset;
use crate::wire::Uuid;

/// The entity of a quota, as types and names (`None` is the default), and the name of the quota.
pub type QuotaKey = (Vec<(String, Option<String>)>, String);

/// A cluster.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct MetadataImage {
    /// The topics by id.
    pub topics: BTreeMap<Uuid, Topic>,
    /// The ids of the topics by name.
    by_name: BTreeMap<String, Uuid>,
    /// The ids of topics that were deleted since the snapshot.
    pub deleted: BTreeSet<Uuid>,
    /// Configurations by type and name of their resource, then by name, without secrets.
    pub configs: BTreeMap<(i8, String), BTreeMap<String, String>>,
    /// The brokers that are registered.
    pub brokers: BTreeMap<i32, Node>,
    /// The controllers that are registered.
    pub controllers: BTreeMap<i32, Node>,
    /// The levels of features.
    pub features: BTreeMap<String, i16>,
    /// The ACLs.
    pub acls: BTreeSet<Acl>,
    /// Limits of clients: their entities, the name of the limit, its value.
    pub quotas: BTreeMap<QuotaKey, f64>,
    /// Users with SCRAM credentials and their mechanisms, and the number of iterations.
    pub scram_users: BTreeMap<(String, i8), i32>,
    /// Delegation tokens by id, without their secrets.
    pub tokens: BTreeMap<String, Token>,
    /// The first producer id that is not assigned yet.
    pub next_producer_id: Option<i64>,
    /// The state of a migration from `ZooKeeper`.
    pub zk_migration: Option<i8>,
    /// The voters of the quorum with their directories, if the log says so.
    pub voters: BTreeMap<i32, Option<Uuid>>,
    /// The version of the `KRaft` protocol, if the log says so.
    pub kraft_version: Option<i16>,
    /// The offset of the last record.
    pub last_offset: Option<Offset>,
    /// Records that could not be read or applied.
    pub unread: u64,
    /// The records of a transaction that is not decided.
    pending: Option<Vec<Vec<u8>>>,
}

/// A topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its partitions.
    pub partitions: BTreeMap<i32, PartitionRegistration>,
}

/// A broker or controller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Node {
    /// The epoch of its registration; `None` for a controller.
    pub epoch: Option<i64>,
    /// The incarnation id.
    pub incarnation: Uuid,
    /// Its listeners, as `NAME://host:port`.
    pub endpoints: Vec<String>,
    /// Its rack.
    pub rack: Option<String>,
    /// True if it is fenced.
    pub fenced: bool,
    /// True if it is shutting down.
    pub in_controlled_shutdown: bool,
    /// Its log dirs, if they are known.
    pub log_dirs: Vec<Uuid>,
}

/// An ACL, by numbers of Kafka's enums.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Acl {
    /// Its id.
    pub id: Uuid,
    /// The type of the resource.
    pub resource_type: i8,
    /// Its name.
    pub resource_name: String,
    /// The pattern type of the name.
    pub pattern_type: i8,
    /// The principal.
    pub principal: String,
    /// The host.
    pub host: String,
    /// The operation.
    pub operation: i8,
    /// The permission type.
    pub permission: i8,
}

/// A delegation token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Token {
    /// The owner.
    pub owner: String,
    /// The requester.
    pub requester: String,
    /// The renewers.
    pub renewers: Vec<String>,
    /// The times of creation, of expiry and of the last renewal, in milliseconds.
    pub times_ms: [i64; 3],
}

impl Image for MetadataImage {
    fn record(&mut self, batch: &Batch<'_>, record: &Record<'_>) {
        self.last_offset = Some(record.offset());
        let value = record.value().unwrap_or_default();
        if batch.is_control() {
            if let Ok(kind) = ControlType::parse(record.key()) {
                self.control(kind, value);
            }
        } else {
            self.value(value);
        }
    }
}

impl MetadataImage {
    /// Registered controllers that are not voters; `None` if the log has no voters.
    #[must_use]
    pub fn registered_non_voters(&self) -> Vec<i32> {
        if self.voters.is_empty() {
            return Vec::new();
        }
        let ids = self.controllers.keys().copied();
        ids.filter(|id| !self.voters.contains_key(id)).collect()
    }

    /// Returns the number of records of an open transaction (`None` without one).
    #[must_use]
    pub fn pending_records(&self) -> Option<usize> {
        self.pending.as_ref().map(Vec::len)
    }

    /// Returns the topic of a name, and its id.
    #[must_use]
    pub fn topic(&self, name: &str) -> Option<(&Uuid, &Topic)> {
        self.topics.get_key_value(self.by_name.get(name)?)
    }

    /// The names of the topics, in order.
    #[must_use]
    pub fn topic_names(&self) -> BTreeSet<&str> {
        self.topics.values().map(|topic| &*topic.name).collect()
    }

    fn control(&mut self, kind: ControlType, value: &[u8]) {
        if !matches!(kind, ControlType::KraftVersion | ControlType::KraftVoters) {
            return;
        }
        let Ok(body) = control::control(kind.id(), value) else {
            self.unread += 1;
            return;
        };
        if kind == ControlType::KraftVersion {
            self.kraft_version = body.number("kRaftVersion");
        } else {
            let voter = |voter: &Struct<'_>| {
                let id = voter.number("voterId")?;
                Some((id, voter.uuid("voterDirectoryId").copied()))
            };
            self.voters = body.structures("voters").filter_map(voter).collect();
        }
    }

    fn value(&mut self, value: &[u8]) {
        let entry = Decoder::ClusterMetadata.decode(None, Some(value));
        let Some(decoded) = entry.value.decoded() else {
            self.unread += 1;
            return;
        };
        match (decoded.message.id(), &mut self.pending) {
            (id::BEGIN_TRANSACTION, _) => self.pending = Some(Vec::new()),
            (id::ABORT_TRANSACTION, _) => self.pending = None,
            (id::END_TRANSACTION, _) => {
                for value in self.pending.take().unwrap_or_default() {
                    self.value(&value);
                }
            }
            (_, Some(pending)) => pending.push(value.to_vec()),
            (kind, None) => {
                if self.apply(kind, &decoded.body).is_none() {
                    self.unread += 1;
                }
            }
        }
    }

    /// Applies a record; returns `None` if it is malformed.
    fn apply(&mut self, kind: i16, body: &Struct<'_>) -> Option<()> {
        match kind {
            id::TOPIC => {
                let (id, name) = (*body.uuid("topicId")?, own(body, "name")?);
                self.by_name.insert(name.clone(), id);
                self.topics.entry(id).or_default().name = name;
            }
            id::REMOVE_TOPIC => {
                let id = body.uuid("topicId")?;
                self.deleted.insert(*id);
                let topic = self.topics.remove(id)?;
                if self.by_name.get(&topic.name) == Some(id) {
                    self.by_name.remove(&topic.name);
                }
                self.configs.remove(&(id::TOPIC_RESOURCE, topic.name));
            }
            id::PARTITION => {
                let topic = self.topics.get_mut(body.uuid("topicId")?)?;
                let partition = PartitionRegistration::of(body)?;
                topic
                    .partitions
                    .insert(body.number("partitionId")?, partition);
            }
            id::PARTITION_CHANGE => {
                let topic = self.topics.get_mut(body.uuid("topicId")?)?;
                let partition = topic.partitions.get_mut(&body.number("partitionId")?)?;
                partition.change(body);
            }
            id::CLEAR_ELR => {
                let name = own(body, "topicName")?;
                for topic in self.topics.values_mut() {
                    if name.is_empty() || topic.name == name {
                        topic
                            .partitions
                            .values_mut()
                            .for_each(|partition| partition.elr.clear());
                    }
                }
            }
            id::CONFIG => self.config(body)?,
            id::FEATURE_LEVEL => {
                let level = body
                    .number("featureLevel")
                    .or_else(|| body.number("maxFeatureLevel"))?;
                if level == 0 {
                    self.features.remove(&own(body, "name")?);
                } else {
                    self.features.insert(own(body, "name")?, level);
                }
            }
            id::REMOVE_FEATURE_LEVEL => drop(self.features.remove(&own(body, "name")?)),
            id::PRODUCER_IDS => {
                let next = body
                    .int("nextProducerId")
                    .or_else(|| body.int("producerIdsEnd"))?;
                self.next_producer_id = Some(next);
            }
            id::ZK_MIGRATION => self.zk_migration = Some(body.number("zkMigrationState")?),
            id::NO_OP => {}
            _ => return self.apply_node(kind, body),
        }
        Some(())
    }

    /// Applies records about brokers and controllers.
    fn apply_node(&mut self, kind: i16, body: &Struct<'_>) -> Option<()> {
        match kind {
            id::REGISTER_BROKER => {
                self.brokers
                    .insert(body.number("brokerId")?, Node::of(body));
            }
            id::UNREGISTER_BROKER => drop(self.brokers.remove(&body.number("brokerId")?)),
            id::FENCE_BROKER => self.brokers.get_mut(&body.number("id")?)?.fenced = true,
            id::UNFENCE_BROKER => self.brokers.get_mut(&body.number("id")?)?.fenced = false,
            id::BROKER_CHANGE => {
                let node = self.brokers.get_mut(&body.number("brokerId")?)?;
                match body.int("fenced") {
                    Some(1) => node.fenced = true,
                    Some(-1) => node.fenced = false,
                    _ => {}
                }
                match body.int("inControlledShutdown") {
                    Some(1) => node.in_controlled_shutdown = true,
                    Some(-1) => node.in_controlled_shutdown = false,
                    _ => {}
                }
                let dirs = uuids(body, "logDirs");
                if !dirs.is_empty() {
                    node.log_dirs = dirs;
                }
            }
            id::REGISTER_CONTROLLER => {
                self.controllers
                    .insert(body.number("controllerId")?, Node::of(body));
            }
            id::UNREGISTER_CONTROLLER => {
                drop(self.controllers.remove(&body.number("controllerId")?));
            }
            _ => return self.apply_security(kind, body),
        }
        Some(())
    }

    /// Applies records about ACLs, quotas, credentials and tokens.
    fn apply_security(&mut self, kind: i16, body: &Struct<'_>) -> Option<()> {
        match kind {
            id::ACL | id::OLD_ACL => drop(self.acls.insert(Acl::of(body)?)),
            id::REMOVE_ACL => {
                let id = *body.uuid("id")?;
                self.acls.retain(|acl| acl.id != id);
            }
            id::CLIENT_QUOTA => {
                let entity = |data: &Struct<'_>| {
                    let name = own(data, "entityName");
                    Some((own(data, "entityType")?, name))
                };
                let entities = body.structures("entity").filter_map(entity).collect();
                let key = (entities, own(body, "key")?);
                if body.get("remove") == Some(&Value::Bool(true)) {
                    self.quotas.remove(&key);
                } else if let Some(Value::Float(value)) = body.get("value") {
                    self.quotas.insert(key, *value);
                }
            }
            id::USER_SCRAM_CREDENTIAL => {
                let name = own(body, "name")?;
                let infos = body.structures("credentialInfos");
                for info in infos.chain(body.number::<i8>("mechanism").map(|_| body)) {
                    let key = (name.clone(), info.number("mechanism")?);
                    self.scram_users.insert(key, info.number("iterations")?);
                }
            }
            id::REMOVE_USER_SCRAM_CREDENTIAL => {
                let key = (own(body, "name")?, body.number("mechanism")?);
                self.scram_users.remove(&key);
            }
            id::DELEGATION_TOKEN => {
                let token = Token {
                    owner: own(body, "owner")?,
                    requester: own(body, "requester").unwrap_or_default(),
                    renewers: strings(body, "renewers"),
                    times_ms: ["issueTimestamp", "expirationTimestamp", "maxTimestamp"]
                        .map(|name| body.int(name).unwrap_or(-1)),
                };
                self.tokens.insert(own(body, "tokenId")?, token);
            }
            id::REMOVE_DELEGATION_TOKEN => drop(self.tokens.remove(&own(body, "tokenId")?)),
            _ => return None,
        }
        Some(())
    }

    fn config(&mut self, body: &Struct<'_>) -> Option<()> {
        let resource = (body.number("resourceType")?, own(body, "resourceName")?);
        let name = own(body, "name")?;
        let Some(value) = own(body, "value") else {
            if let Some(configs) = self.configs.get_mut(&resource) {
                configs.remove(&name);
                if configs.is_empty() {
                    self.configs.remove(&resource);
                }
            }
            return Some(());
        };
        let value = if is_secret(&name) {
            REDACTED.to_owned()
        } else {
            value
        };
        self.configs
            .entry(resource)
            .or_default()
            .insert(name, value);
        Some(())
    }
}

impl Node {
    fn of(body: &Struct<'_>) -> Self {
        let endpoint = |endpoint: &Struct<'_>| {
            let name = endpoint.text("name").unwrap_or_default();
            let host = endpoint.text("host").unwrap_or_default();
            let port = endpoint.int("port").unwrap_or_default();
            format!("{name}://{host}:{port}")
        };
        Self {
            epoch: body.int("brokerEpoch"),
            incarnation: body.uuid("incarnationId").copied().unwrap_or_default(),
            endpoints: body.structures("endPoints").map(endpoint).collect(),
            rack: own(body, "rack"),
            fenced: body.get("fenced") == Some(&Value::Bool(true)),
            in_controlled_shutdown: body.get("inControlledShutdown") == Some(&Value::Bool(true)),
            log_dirs: uuids(body, "logDirs"),
        }
    }
}

impl Acl {
    fn of(body: &Struct<'_>) -> Option<Self> {
        Some(Self {
            // Releases before 3.2 had none.
            id: body.uuid("id").copied().unwrap_or_default(),
            resource_type: body.number("resourceType")?,
            resource_name: own(body, "resourceName").unwrap_or_default(),
            pattern_type: body.number("patternType")?,
            principal: own(body, "principal")?,
            host: own(body, "host")?,
            operation: body.number("operation")?,
            permission: body.number("permissionType")?,
        })
    }
}

fn own(body: &Struct<'_>, name: &str) -> Option<String> {
    body.text(name).map(std::borrow::Cow::into_owned)
}

fn strings(body: &Struct<'_>, name: &str) -> Vec<String> {
    let string = |value: &Value<'_>| match value {
        Value::String(bytes) => Some(crate::wire::text::text(bytes).into_owned()),
        _ => None,
    };
    body.array(name).iter().filter_map(string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "523e709ff16a4d78ab1004af559458d7";

    fn image(values: &[&str]) -> MetadataImage {
        let mut image = MetadataImage::default();
        for value in values {
            let digits: Vec<u8> = value.bytes().filter(|b| *b != b' ').collect();
            let bytes: Vec<u8> = digits
                .chunks(2)
                .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
                .collect();
            image.value(&bytes);
        }
        image
    }

    fn topic(name: &str) -> String {
        let hex = name
            .bytes()
            .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        format!("010200 {:02x} {hex} {ID} 00", name.len() + 1)
    }

    #[test]
    fn partitions_change_their_epochs_with_their_leader() {
        let partition = format!(
            "010300 00000000 {ID} 03 00000001 00000002 03 00000001 00000002 01 01 00000001 00000000 00000000 00"
        );
        let change = format!("010500 00000000 {ID} 02 00 05 02 00000002 01 04 00000002");
        let image = image(&[&topic("t"), &partition, &change]);
        let topic = image.topics.values().next().unwrap();
        let partition = topic.partitions.get(&0).unwrap();
        assert_eq!((partition.leader, partition.leader_epoch), (2, 1));
        assert_eq!(
            (&*partition.isr, &*partition.replicas),
            (&[2][..], &[1, 2][..])
        );
        assert_eq!((partition.partition_epoch, image.unread), (1, 0));
    }

    #[test]
    fn transactions_count_when_they_end() {
        let (begin, end, abort) = ("01170000", "01180000", "01190000");
        let names = |values: &[&str]| {
            let image = image(values);
            let names: Vec<_> = image
                .topic_names()
                .iter()
                .map(|name| (*name).to_owned())
                .collect();
            (names, image.pending_records())
        };
        let topic = topic("t");
        assert_eq!(names(&[begin, &topic]), (vec![], Some(1)));
        assert_eq!(names(&[begin, &topic, end]), (vec!["t".to_owned()], None));
        assert_eq!(names(&[begin, &topic, abort]), (vec![], None));
        let remove = format!("010900 {ID} 00");
        assert_eq!(names(&[&topic, &remove]), (vec![], None));
    }

    #[test]
    fn secrets_are_not_kept_and_what_cannot_be_read_is_counted() {
        let config = "010400 04 02 31 11 73736c2e6b65792e70617373776f7264 02 70 00";
        let image = image(&[config, "0163", "ff"]);
        assert_eq!(image.unread, 2);
        let configs = image.configs.get(&(4, "1".to_owned())).unwrap();
        assert_eq!(configs.get("ssl.key.password").unwrap(), REDACTED);
    }
}
