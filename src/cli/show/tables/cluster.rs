//! A cluster by its metadata log.

use kseg::report::MetadataImage;
use kseg::report::metadata_image::{Node, Topic};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::cli::render::rows::{Cell, Column, Row, known, text, uuid};
use crate::cli::schema::{self, Schema};
use crate::cli::show::enums::{MECHANISMS, OPERATIONS, PATTERNS, PERMISSIONS, RESOURCES, named};
use crate::cli::writer::Writer;

#[derive(Debug, Serialize)]
struct ClusterRow {
    last_offset: Option<i64>,
    kraft_version: Option<i16>,
    next_producer_id: Option<i64>,
    zk_migration: Option<i8>,
    pending_records: Option<usize>,
}

impl Row for ClusterRow {
    const SCHEMA: Schema = schema::CLUSTER;
    const TITLE: &'static str = "Cluster";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::right("Last offset", |row: &Self| (&row.last_offset).into()),
        Column::right("KRaft version", |row: &Self| (&row.kraft_version).into()).gives_way(1),
        Column::right("Next producer id", |row: &Self| {
            (&row.next_producer_id).into()
        }),
        Column::right("ZooKeeper migration", |row: &Self| {
            (&row.zk_migration).into()
        })
        .gives_way(2),
        Column::right("Pending records", |row: &Self| {
            Cell::maybe(row.pending_records, |count| Cell::Count(count as u64))
        }),
    ];
}

#[derive(Debug, Serialize)]
struct VoterRow {
    voter_id: i32,
    directory_id: Option<String>,
}

impl Row for VoterRow {
    const SCHEMA: Schema = schema::VOTER;
    const TITLE: &'static str = "Voters";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::right("Id", |row: &Self| row.voter_id.into()),
        Column::left("Directory", |row: &Self| text(row.directory_id.as_deref())),
    ];
}

#[derive(Debug, Serialize)]
struct FeatureRow {
    feature: String,
    level: i16,
}

impl Row for FeatureRow {
    const SCHEMA: Schema = schema::FEATURE;
    const TITLE: &'static str = "Features";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Feature", |row: &Self| (&row.feature).into()),
        Column::right("Level", |row: &Self| row.level.into()),
    ];
}

#[derive(Debug, Serialize)]
struct NodeRow {
    role: &'static str,
    node_id: i32,
    epoch: Option<i64>,
    fenced: bool,
    in_controlled_shutdown: bool,
    rack: Option<String>,
    endpoints: Vec<String>,
    incarnation: String,
    log_dirs: Vec<String>,
}

impl Row for NodeRow {
    const SCHEMA: Schema = schema::NODE;
    const TITLE: &'static str = "Brokers and controllers";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Role", |row: &Self| row.role.into()),
        Column::right("Id", |row: &Self| row.node_id.into()),
        Column::right("Broker epoch", |row: &Self| (&row.epoch).into()).gives_way(2),
        Column::left("Fenced", |row: &Self| row.fenced.into()),
        Column::left("Controlled shutdown", |row: &Self| {
            row.in_controlled_shutdown.into()
        })
        .gives_way(3),
        Column::left("Rack", |row: &Self| text(row.rack.as_deref())).gives_way(1),
        Column::left("Endpoints", |row: &Self| Cell::list(&row.endpoints)).wraps(20),
        Column::left("Incarnation", |row: &Self| (&row.incarnation).into()).gives_way(5),
        Column::left("Log dirs", |row: &Self| Cell::list(&row.log_dirs))
            .gives_way(4)
            .wraps(22),
    ];
}

#[derive(Debug, Serialize)]
struct TopicRow {
    topic: String,
    topic_id: String,
    partitions: usize,
}

impl Row for TopicRow {
    const SCHEMA: Schema = schema::CLUSTER_TOPIC;
    const TITLE: &'static str = "Topics";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Topic", |row: &Self| (&row.topic).into()).wraps(16),
        Column::left("Id", |row: &Self| (&row.topic_id).into()),
        Column::right("Partitions", |row: &Self| {
            Cell::Count(row.partitions as u64)
        }),
    ];
}

#[derive(Debug, Serialize)]
struct PartitionRow {
    topic: String,
    partition: i32,
    leader: Option<i32>,
    leader_epoch: i32,
    replicas: Vec<i32>,
    isr: Vec<i32>,
    elr: Vec<i32>,
    adding: Vec<i32>,
    removing: Vec<i32>,
    partition_epoch: i32,
    directories: Vec<String>,
}

impl Row for PartitionRow {
    const SCHEMA: Schema = schema::CLUSTER_PARTITION;
    const TITLE: &'static str = "Partitions";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Topic", |row: &Self| (&row.topic).into()).wraps(16),
        Column::right("Partition", |row: &Self| row.partition.into()),
        Column::right("Leader", |row: &Self| (&row.leader).into()),
        Column::right("Leader epoch", |row: &Self| row.leader_epoch.into()).gives_way(1),
        Column::left("Replicas", |row: &Self| Cell::list(&row.replicas)),
        Column::left("ISR", |row: &Self| Cell::list(&row.isr)),
        Column::left("ELR", |row: &Self| Cell::list(&row.elr)).gives_way(2),
        Column::left("Adding", |row: &Self| Cell::list(&row.adding)).gives_way(3),
        Column::left("Removing", |row: &Self| Cell::list(&row.removing)).gives_way(3),
        Column::right("Partition epoch", |row: &Self| row.partition_epoch.into()).gives_way(4),
        Column::left("Directories", |row: &Self| Cell::list(&row.directories))
            .gives_way(5)
            .wraps(22),
    ];
}

#[derive(Debug, Serialize)]
struct ConfigRow {
    resource_type: String,
    resource: String,
    key: String,
    value: String,
}

impl Row for ConfigRow {
    const SCHEMA: Schema = schema::CONFIG;
    const TITLE: &'static str = "Configurations";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Resource", |row: &Self| (&row.resource_type).into()),
        Column::left("Name", |row: &Self| (&row.resource).into()).wraps(12),
        Column::left("Setting", |row: &Self| (&row.key).into()).wraps(12),
        Column::left("Value", |row: &Self| (&row.value).into()).wraps(12),
    ];
}

#[derive(Debug, Serialize)]
struct AclRow {
    id: String,
    principal: String,
    host: String,
    permission: String,
    operation: String,
    resource_type: String,
    pattern_type: String,
    resource: String,
}

impl Row for AclRow {
    const SCHEMA: Schema = schema::ACL;
    const TITLE: &'static str = "Permissions";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Id", |row: &Self| (&row.id).into()).gives_way(3),
        Column::left("Principal", |row: &Self| (&row.principal).into()).wraps(12),
        Column::left("Host", |row: &Self| (&row.host).into()).gives_way(2),
        Column::left("Permission", |row: &Self| (&row.permission).into()),
        Column::left("Operation", |row: &Self| (&row.operation).into()),
        Column::left("Resource", |row: &Self| (&row.resource_type).into()),
        Column::left("Pattern", |row: &Self| (&row.pattern_type).into()).gives_way(1),
        Column::left("Name", |row: &Self| (&row.resource).into()).wraps(12),
    ];
}

#[derive(Debug, Serialize)]
struct QuotaRow {
    entity: Vec<String>,
    key: String,
    value: Box<RawValue>,
}

impl Row for QuotaRow {
    const SCHEMA: Schema = schema::QUOTA;
    const TITLE: &'static str = "Quotas";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Client", |row: &Self| Cell::list(&row.entity)).wraps(16),
        Column::left("Quota", |row: &Self| (&row.key).into()),
        Column::right("Value", |row: &Self| row.value.get().into()),
    ];
}

#[derive(Debug, Serialize)]
struct ScramRow {
    user: String,
    mechanism: String,
    iterations: i32,
}

impl Row for ScramRow {
    const SCHEMA: Schema = schema::SCRAM_USER;
    const TITLE: &'static str = "SCRAM users";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("User", |row: &Self| (&row.user).into()).wraps(12),
        Column::left("Mechanism", |row: &Self| (&row.mechanism).into()),
        Column::right("Iterations", |row: &Self| row.iterations.into()),
    ];
}

#[derive(Debug, Serialize)]
struct TokenRow {
    token_id: String,
    owner: String,
    requester: String,
    renewers: Vec<String>,
    issue_timestamp_ms: Option<i64>,
    expiration_timestamp_ms: Option<i64>,
    max_timestamp_ms: Option<i64>,
}

impl Row for TokenRow {
    const SCHEMA: Schema = schema::DELEGATION_TOKEN;
    const TITLE: &'static str = "Delegation tokens";
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Token", |row: &Self| (&row.token_id).into()).wraps(12),
        Column::left("Owner", |row: &Self| (&row.owner).into()).wraps(12),
        Column::left("Requester", |row: &Self| (&row.requester).into()).gives_way(3),
        Column::left("Renewers", |row: &Self| Cell::list(&row.renewers)).gives_way(4),
        Column::left("Issued", |row: &Self| {
            Cell::maybe(row.issue_timestamp_ms, Cell::Time)
        })
        .gives_way(2),
        Column::left("Expires", |row: &Self| {
            Cell::maybe(row.expiration_timestamp_ms, Cell::Time)
        }),
        Column::left("Expires at the latest", |row: &Self| {
            Cell::maybe(row.max_timestamp_ms, Cell::Time)
        })
        .gives_way(1),
    ];
}

/// Shows a cluster.
pub(in crate::cli::show) fn metadata(writer: &mut Writer<'_>, image: &MetadataImage) {
    writer.row(&ClusterRow {
        last_offset: image.last_offset.map(kseg::wire::Offset::get),
        kraft_version: image.kraft_version,
        next_producer_id: image.next_producer_id,
        zk_migration: image.zk_migration,
        pending_records: image.pending_records(),
    });
    writer.table(image.voters.iter().map(|(id, directory)| VoterRow {
        voter_id: *id,
        directory_id: directory.as_ref().map(uuid),
    }));
    writer.table(image.features.iter().map(|(name, level)| FeatureRow {
        feature: name.clone(),
        level: *level,
    }));
    let nodes = [
        ("broker", &image.brokers),
        ("controller", &image.controllers),
    ];
    let nodes = nodes.into_iter();
    writer.table(
        nodes.flat_map(|(role, nodes)| nodes.iter().map(move |(id, at)| node(role, *id, at))),
    );
    let mut topics: Vec<_> = image.topics.iter().collect();
    topics.sort_by_key(|(id, topic)| (&topic.name, **id));
    writer.table(topics.iter().map(|(id, topic)| TopicRow {
        topic: topic.name.clone(),
        topic_id: uuid(id),
        partitions: topic.partitions.len(),
    }));
    writer.table(topics.iter().flat_map(|(_, topic)| partitions(topic)));
    writer.table(configs(image));
    security(writer, image);
    for id in image.registered_non_voters() {
        writer.remark(&format!("controller {id} is registered and not a voter"));
    }
}

fn node(role: &'static str, id: i32, node: &Node) -> NodeRow {
    NodeRow {
        role,
        node_id: id,
        epoch: node.epoch,
        fenced: node.fenced,
        in_controlled_shutdown: node.in_controlled_shutdown,
        rack: node.rack.clone(),
        endpoints: node.endpoints.clone(),
        incarnation: uuid(&node.incarnation),
        log_dirs: node.log_dirs.iter().map(uuid).collect(),
    }
}

fn partitions(topic: &Topic) -> impl Iterator<Item = PartitionRow> {
    topic
        .partitions
        .iter()
        .map(|(number, partition)| PartitionRow {
            topic: topic.name.clone(),
            partition: *number,
            leader: known(partition.leader),
            leader_epoch: partition.leader_epoch,
            replicas: partition.replicas.clone(),
            isr: partition.isr.clone(),
            elr: partition.elr.clone(),
            adding: partition.adding.clone(),
            removing: partition.removing.clone(),
            partition_epoch: partition.partition_epoch,
            directories: partition.directories.iter().map(uuid).collect(),
        })
}

fn configs(image: &MetadataImage) -> impl Iterator<Item = ConfigRow> {
    image
        .configs
        .iter()
        .flat_map(|((kind, resource), configs)| {
            let kind = match kind {
                2 => "topic".to_owned(),
                4 => "broker".to_owned(),
                8 => "broker-logger".to_owned(),
                16 => "client-metrics".to_owned(),
                32 => "group".to_owned(),
                other => other.to_string(),
            };
            configs.iter().map(move |(key, value)| ConfigRow {
                resource_type: kind.clone(),
                resource: resource.clone(),
                key: key.clone(),
                value: value.clone(),
            })
        })
}

fn security(writer: &mut Writer<'_>, image: &MetadataImage) {
    writer.table(image.acls.iter().map(|acl| AclRow {
        id: uuid(&acl.id),
        principal: acl.principal.clone(),
        host: acl.host.clone(),
        permission: named(acl.permission, &PERMISSIONS),
        operation: named(acl.operation, &OPERATIONS),
        resource_type: named(acl.resource_type, &RESOURCES),
        pattern_type: named(acl.pattern_type, &PATTERNS),
        resource: acl.resource_name.clone(),
    }));
    writer.table(image.quotas.iter().map(|((entities, key), value)| {
        let entities = entities.iter().map(|(kind, name)| {
            let name = name.as_deref().unwrap_or("<default>");
            format!("{kind}={name}")
        });
        QuotaRow {
            entity: entities.collect(),
            key: key.clone(),
            value: RawValue::from_string(value.to_string()).unwrap_or_default(),
        }
    }));
    let users = image.scram_users.iter();
    writer.table(users.map(|((user, mechanism), iterations)| ScramRow {
        user: user.clone(),
        mechanism: named(*mechanism, &MECHANISMS),
        iterations: *iterations,
    }));
    writer.table(image.tokens.iter().map(|(id, token)| {
        let [issued, expires, latest] = token.times_ms;
        TokenRow {
            token_id: id.clone(),
            owner: token.owner.clone(),
            requester: token.requester.clone(),
            renewers: token.renewers.clone(),
            issue_timestamp_ms: known(issued),
            expiration_timestamp_ms: known(expires),
            max_timestamp_ms: known(latest),
        }
    }));
}
