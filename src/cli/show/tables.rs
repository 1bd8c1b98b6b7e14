//! Images as tables.

use kseg::report::groups::GroupKind;
use kseg::report::metadata_image::{Node, Topic};
use kseg::report::{Groups, MetadataImage, ShareGroups, Transactions};
use kseg::wire::Uuid;

use super::printer::Printer;
use crate::cli::render::rows::{Cell, Column, Table};

/// Makes a table from what its columns are called.
macro_rules! table {
    ($name:ident, $schema:literal, $title:literal, $($field:literal $head:literal $width:literal),+ $(,)?) => {
        const $name: Table = Table {
            schema: $schema,
            title: $title,
            columns: &[$(Column::new($field, $head, $width)),+],
        };
    };
}

table!(TOPICS, "kseg.topic/1", "Topics", "topic" "Topic" 24, "topic_id" "Id" 22, "partitions" "Partitions" 10);
table!(PARTITIONS, "kseg.partition/1", "Partitions",
    "topic" "Topic" 24, "partition" "Partition" 9, "leader" "Leader" 6, "leader_epoch" "Epoch" 5,
    "replicas" "Replicas" 10, "isr" "In sync" 10, "elr" "Eligible" 8, "adding" "Adding" 6, "removing" "Removing" 8,
    "partition_epoch" "Changes" 7, "directories" "Directories" 22);
table!(CONFIGS, "kseg.config/1", "Configurations",
    "resource_type" "Of" 8, "resource" "Name" 24, "key" "Setting" 24, "value" "Value" 24);
table!(NODES, "kseg.node/1", "Brokers and controllers",
    "role" "Role" 10, "node_id" "Id" 6, "epoch" "Epoch" 8, "fenced" "Fenced" 6, "in_controlled_shutdown" "Stopping" 8,
    "rack" "Rack" 8, "endpoints" "Endpoints" 32, "incarnation" "Incarnation" 22, "log_dirs" "Log dirs" 22);
table!(FEATURES, "kseg.feature/1", "Features", "feature" "Feature" 24, "level" "Level" 5);
table!(ACLS, "kseg.acl/1", "Permissions",
    "id" "Id" 22, "principal" "Principal" 16, "host" "Host" 8, "permission" "Permission" 10, "operation" "Operation" 16,
    "resource_type" "Resource" 16, "pattern_type" "Pattern" 8, "resource" "Name" 24);
table!(QUOTAS, "kseg.quota/1", "Limits of clients", "entity" "Of" 32, "key" "Limit" 24, "value" "Value" 12);
table!(SCRAM, "kseg.scram_user/1", "SCRAM users", "user" "User" 16, "mechanism" "Mechanism" 14, "iterations" "Iterations" 10);
table!(TOKENS, "kseg.delegation_token/1", "Delegation tokens",
    "token_id" "Token" 24, "owner" "Owner" 16, "requester" "Requester" 16, "renewers" "Renewers" 16,
    "issue_timestamp_ms" "Issued" 24, "expiration_timestamp_ms" "Expires" 24, "max_timestamp_ms" "At the latest" 24);
table!(VOTERS, "kseg.voter/1", "Voters", "voter_id" "Id" 6, "directory_id" "Directory" 22);
table!(CLUSTER, "kseg.cluster/1", "Cluster",
    "last_offset" "Last offset" 11, "kraft_version" "KRaft version" 13, "next_producer_id" "Next producer id" 16,
    "zk_migration" "ZooKeeper migration" 19, "pending_records" "Pending records" 15);

table!(OFFSETS, "kseg.committed_offset/1", "Offsets",
    "group" "Group" 16, "topic" "Topic" 24, "partition" "Partition" 9, "offset" "Offset" 10, "leader_epoch" "Epoch" 5,
    "commit_timestamp_ms" "Committed" 24, "expire_timestamp_ms" "Expires" 24, "pending_producer_id" "Pending of" 10,
    "record_offset" "Record" 8, "metadata" "Metadata" 8);
table!(GROUPS, "kseg.group/1", "Groups",
    "group" "Group" 16, "kind" "Kind" 8, "epoch" "Epoch" 5, "members" "Members" 7, "protocol_type" "Protocol type" 13,
    "protocol" "Protocol" 10, "leader" "Leader" 24);
table!(MEMBERS, "kseg.member/1", "Members",
    "group" "Group" 16, "member_id" "Member" 32, "instance_id" "Instance" 8, "client_id" "Client" 16, "client_host" "Host" 12);
table!(IDS, "kseg.transactional_id/1", "",
    "transactional_id" "Transactional id" 24, "state" "State" 14, "producer_id" "Producer" 8, "producer_epoch" "Epoch" 5,
    "timeout_ms" "Timeout ms" 10, "start_timestamp_ms" "Started" 24, "last_update_timestamp_ms" "Updated" 24,
    "record_offset" "Record" 8, "partitions" "Partitions" 24);

table!(SHARES, "kseg.share_partition/1", "",
    "group" "Group" 16, "topic_id" "Topic id" 22, "partition" "Partition" 9, "start_offset" "Start offset" 12,
    "leader_epoch" "Epoch" 5, "state_epoch" "State" 5, "snapshot_epoch" "Snapshots" 9, "record_offset" "Record" 8);

/// Shows a cluster.
pub(super) fn metadata(printer: &mut Printer<'_>, image: &MetadataImage) {
    let cluster = vec![
        image
            .last_offset
            .map_or(Cell::None, |offset| Cell::Int(offset.0)),
        image
            .kraft_version
            .map_or(Cell::None, |version| Cell::Int(version.into())),
        image.next_producer_id.map_or(Cell::None, Cell::Int),
        image
            .zk_migration
            .map_or(Cell::None, |state| Cell::Int(state.into())),
        image.pending_records().map_or(Cell::None, Cell::int),
    ];
    printer.table(&CLUSTER, &[cluster]);
    printer.table(&VOTERS, &voters(image));
    let features = image.features.iter();
    let features: Vec<_> = features
        .map(|(name, level)| vec![Cell::text(name), Cell::Int((*level).into())])
        .collect();
    printer.table(&FEATURES, &features);
    let nodes = [
        ("broker", &image.brokers),
        ("controller", &image.controllers),
    ];
    let nodes: Vec<_> = nodes
        .into_iter()
        .flat_map(|(role, nodes)| nodes.iter().map(move |(id, at)| node(role, *id, at)))
        .collect();
    printer.table(&NODES, &nodes);
    let mut topics: Vec<_> = image.topics.iter().collect();
    topics.sort_by_key(|(id, topic)| (&topic.name, **id));
    let rows = topics.iter().map(|(id, topic)| {
        vec![
            Cell::text(&topic.name),
            Cell::uuid(id),
            Cell::int(topic.partitions.len()),
        ]
    });
    printer.table(&TOPICS, &rows.collect::<Vec<_>>());
    let rows = topics.iter().flat_map(|(_, topic)| partitions(topic));
    printer.table(&PARTITIONS, &rows.collect::<Vec<_>>());
    printer.table(&CONFIGS, &configs(image));
    security(printer, image);
}

fn voters(image: &MetadataImage) -> Vec<Vec<Cell>> {
    let row = |(id, directory): (&i32, &Option<Uuid>)| {
        let directory = directory.as_ref().map_or(Cell::None, Cell::uuid);
        vec![Cell::Int((*id).into()), directory]
    };
    image.voters.iter().map(row).collect()
}

fn uuids(uuids: &[Uuid]) -> Cell {
    Cell::List(uuids.iter().map(Cell::uuid).collect())
}

fn texts(texts: &[String]) -> Cell {
    Cell::List(texts.iter().map(|text| Cell::text(text)).collect())
}

fn node(role: &str, id: i32, node: &Node) -> Vec<Cell> {
    vec![
        Cell::text(role),
        Cell::Int(id.into()),
        node.epoch.map_or(Cell::None, Cell::Int),
        Cell::Bool(node.fenced),
        Cell::Bool(node.in_controlled_shutdown),
        Cell::maybe(node.rack.as_deref()),
        texts(&node.endpoints),
        Cell::uuid(&node.incarnation),
        uuids(&node.log_dirs),
    ]
}

fn partitions(topic: &Topic) -> impl Iterator<Item = Vec<Cell>> {
    topic.partitions.iter().map(|(number, partition)| {
        let ints = |list: &[i32]| Cell::ints(list.iter().copied());
        vec![
            Cell::text(&topic.name),
            Cell::Int((*number).into()),
            Cell::id(partition.leader),
            Cell::Int(partition.leader_epoch.into()),
            ints(&partition.replicas),
            ints(&partition.isr),
            ints(&partition.elr),
            ints(&partition.adding),
            ints(&partition.removing),
            Cell::Int(partition.partition_epoch.into()),
            uuids(&partition.directories),
        ]
    })
}

fn configs(image: &MetadataImage) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    for ((kind, resource), configs) in &image.configs {
        let kind = match kind {
            2 => Cell::text("topic"),
            4 => Cell::text("broker"),
            8 => Cell::text("broker-logger"),
            16 => Cell::text("client-metrics"),
            32 => Cell::text("group"),
            other => Cell::Text(other.to_string()),
        };
        rows.extend(configs.iter().map(|(key, value)| {
            vec![
                kind.clone(),
                Cell::text(resource),
                Cell::text(key),
                Cell::text(value),
            ]
        }));
    }
    rows
}

/// A number of one of Kafka's enums by its name.
fn named(number: i8, names: &[&str]) -> Cell {
    let name = usize::try_from(number)
        .ok()
        .and_then(|index| names.get(index));
    Cell::Text(name.map_or_else(|| number.to_string(), |name| (*name).to_owned()))
}

const PERMISSIONS: [&str; 4] = ["unknown", "any", "deny", "allow"];
const OPERATIONS: [&str; 16] = [
    "unknown",
    "any",
    "all",
    "read",
    "write",
    "create",
    "delete",
    "alter",
    "describe",
    "cluster-action",
    "describe-configs",
    "alter-configs",
    "idempotent-write",
    "create-tokens",
    "describe-tokens",
    "two-phase-commit",
];
const RESOURCES: [&str; 8] = [
    "unknown",
    "any",
    "topic",
    "group",
    "cluster",
    "transactional-id",
    "delegation-token",
    "user",
];
const PATTERNS: [&str; 5] = ["unknown", "any", "match", "literal", "prefixed"];
const MECHANISMS: [&str; 3] = ["unknown", "SCRAM-SHA-256", "SCRAM-SHA-512"];

fn security(printer: &mut Printer<'_>, image: &MetadataImage) {
    let acls = image.acls.iter().map(|acl| {
        vec![
            Cell::uuid(&acl.id),
            Cell::text(&acl.principal),
            Cell::text(&acl.host),
            named(acl.permission, &PERMISSIONS),
            named(acl.operation, &OPERATIONS),
            named(acl.resource_type, &RESOURCES),
            named(acl.pattern_type, &PATTERNS),
            Cell::text(&acl.resource_name),
        ]
    });
    printer.table(&ACLS, &acls.collect::<Vec<_>>());
    let quotas = image.quotas.iter().map(|((entities, key), value)| {
        let entities = entities.iter().map(|(kind, name)| {
            let name = name.as_deref().unwrap_or("<default>");
            Cell::Text(format!("{kind}={name}"))
        });
        vec![
            Cell::List(entities.collect()),
            Cell::text(key),
            Cell::Json(value.to_string().into_bytes()),
        ]
    });
    printer.table(&QUOTAS, &quotas.collect::<Vec<_>>());
    let users = image
        .scram_users
        .iter()
        .map(|((user, mechanism), iterations)| {
            vec![
                Cell::text(user),
                named(*mechanism, &MECHANISMS),
                Cell::Int((*iterations).into()),
            ]
        });
    printer.table(&SCRAM, &users.collect::<Vec<_>>());
    let tokens = image.tokens.iter().map(|(id, token)| {
        let [issued, expires, latest] = token.times_ms;
        vec![
            Cell::text(id),
            Cell::text(&token.owner),
            Cell::text(&token.requester),
            texts(&token.renewers),
            Cell::time(issued),
            Cell::time(expires),
            Cell::time(latest),
        ]
    });
    printer.table(&TOKENS, &tokens.collect::<Vec<_>>());
}

/// Shows groups and their offsets.
pub(super) fn groups(printer: &mut Printer<'_>, image: &Groups) {
    let rows = image.names().map(|name| {
        let Some(group) = image.groups.get(name) else {
            // Kafka takes a group with nothing but offsets for a classic one without members.
            let mut row = vec![Cell::text(name), Cell::text(GroupKind::Classic.name())];
            row.resize(7, Cell::None);
            return row;
        };
        vec![
            Cell::text(name),
            Cell::text(group.kind.name()),
            Cell::Int(group.epoch.into()),
            Cell::int(group.members.len()),
            Cell::maybe(group.protocol_type.as_deref()),
            Cell::maybe(group.protocol.as_deref()),
            Cell::maybe(group.leader.as_deref()),
        ]
    });
    printer.table(&GROUPS, &rows.collect::<Vec<_>>());
    let members = image.groups.iter().flat_map(|(name, group)| {
        group.members.iter().map(|(id, member)| {
            vec![
                Cell::text(name),
                Cell::text(id),
                Cell::maybe(member.instance_id.as_deref()),
                Cell::text(&member.client_id),
                Cell::text(&member.client_host),
            ]
        })
    });
    printer.table(&MEMBERS, &members.collect::<Vec<_>>());
    let in_force = image
        .offsets
        .iter()
        .map(|(key, commit)| (key, commit, Cell::None));
    let pending = image.pending.iter().flat_map(|(producer, offsets)| {
        let producer = producer.0;
        offsets
            .iter()
            .map(move |(key, commit)| (key, commit, Cell::Int(producer)))
    });
    let offsets = in_force
        .chain(pending)
        .map(|((group, topic, partition), commit, producer)| {
            vec![
                Cell::text(group),
                Cell::text(topic),
                Cell::Int((*partition).into()),
                Cell::Int(commit.offset.0),
                Cell::id(commit.leader_epoch.0),
                Cell::time(commit.commit_timestamp.0),
                Cell::time(commit.expire_timestamp.0),
                producer,
                Cell::Int(commit.record_offset.0),
                Cell::text(&commit.metadata),
            ]
        });
    printer.table(&OFFSETS, &offsets.collect::<Vec<_>>());
}

/// Shows transactional ids.
pub(super) fn transactions(printer: &mut Printer<'_>, image: &Transactions) {
    let rows = image.ids.iter().map(|(id, state)| {
        let partitions = state.partitions.iter();
        let partitions =
            partitions.map(|(topic, partition)| Cell::Text(format!("{topic}-{partition}")));
        vec![
            Cell::text(id),
            Cell::maybe(state.status.map(|status| status.to_string())),
            Cell::Int(state.producer_id.0),
            Cell::Int(state.producer_epoch.into()),
            Cell::Int(state.timeout_ms.into()),
            Cell::time(state.start.0),
            Cell::time(state.last_update.0),
            Cell::Int(state.offset.0),
            Cell::List(partitions.collect()),
        ]
    });
    printer.table(&IDS, &rows.collect::<Vec<_>>());
}

/// Shows how far share groups have come.
pub(super) fn share_groups(printer: &mut Printer<'_>, image: &ShareGroups) {
    let rows = image
        .partitions
        .iter()
        .map(|((group, topic, partition), state)| {
            vec![
                Cell::text(group),
                Cell::uuid(topic),
                Cell::Int((*partition).into()),
                Cell::id(state.start_offset.0),
                Cell::id(state.leader_epoch.0),
                Cell::Int(state.state_epoch.into()),
                Cell::Int(state.snapshot_epoch.into()),
                Cell::Int(state.record_offset.0),
            ]
        });
    printer.table(&SHARES, &rows.collect::<Vec<_>>());
}
