//! A cluster as the commands or documents that recreate it, and as `kafka-topics.sh --describe`
//! shows it.
//!
//! # References
//! `TopicCommand`, `ConfigCommand`, `AclCommand` of Kafka 4.3; Strimzi's `KafkaTopic`
//! (`kafka.strimzi.io/v1`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kseg::report::MetadataImage;
use kseg::report::metadata_image::{Acl, Topic};
use kseg::report::secrets::REDACTED;

use super::enums::{MECHANISMS, camel, named};
use crate::cli::render::plain;
use crate::cli::render::rows::uuid;

/// The form in which a cluster is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// As kafka-topics.sh --describe shows topics
    Kafka,
    /// Commands of Kafka's tools that create the topics, configurations, quotas and ACLs
    Commands,
    /// Resources of Strimzi, one for each topic
    Strimzi,
}

/// The types of the resources that have configurations (`ConfigResource.Type`).
const TOPIC: i8 = 2;

/// The cluster in a form.
pub(super) fn text(image: &MetadataImage, form: Form) -> String {
    let mut text = String::new();
    if form != Form::Kafka {
        notes(image, &mut text);
    }
    let mut topics: Vec<_> = image.topics.iter().collect();
    topics.sort_by_key(|(id, topic)| (&topic.name, **id));
    for (id, topic) in topics {
        match form {
            Form::Kafka => describe(image, id, topic, &mut text),
            Form::Commands => create(image, topic, &mut text),
            Form::Strimzi => document(image, topic, &mut text),
        }
    }
    if form == Form::Commands {
        configs(image, &mut text);
        quotas(image, &mut text);
        image.acls.iter().for_each(|acl| permission(acl, &mut text));
    }
    text
}

/// Writes notes about what the commands cannot create.
fn notes(image: &MetadataImage, text: &mut String) {
    for id in image.registered_non_voters() {
        let _ = writeln!(
            text,
            "# controller {id} is registered and not a voter: it keeps the metadata version from \
             being raised until it is unregistered"
        );
    }
    for ((user, mechanism), iterations) in &image.scram_users {
        let mechanism = named(*mechanism, &MECHANISMS);
        let user = quoted(user);
        let _ = writeln!(
            text,
            "# the password of {user} is not shown: kafka-configs.sh --bootstrap-server HOST:9092 \
             --alter --entity-type users --entity-name {user} --add-config \
             '{mechanism}=[iterations={iterations},password=PASSWORD]'"
        );
    }
    if !image.tokens.is_empty() {
        let count = image.tokens.len();
        let _ = writeln!(text, "# {count} delegation tokens cannot be made again");
    }
}

fn own_configs<'a>(
    image: &'a MetadataImage,
    topic: &Topic,
) -> impl Iterator<Item = (&'a String, &'a String)> {
    let own = image.configs.get(&(TOPIC, topic.name.clone()));
    own.into_iter().flatten()
}

/// The topic names of dynamic broker settings, where the names differ.
const OF_BROKERS: [(&str, &str); 8] = [
    ("log.cleanup.policy", "cleanup.policy"),
    ("log.retention.ms", "retention.ms"),
    ("log.retention.bytes", "retention.bytes"),
    ("log.segment.bytes", "segment.bytes"),
    ("log.roll.ms", "segment.ms"),
    ("log.message.timestamp.type", "message.timestamp.type"),
    ("message.max.bytes", "max.message.bytes"),
    ("min.insync.replicas", "min.insync.replicas"),
];

/// The configurations of a topic that are not defaults: its own, and those of all brokers.
fn effective<'a>(image: &'a MetadataImage, topic: &Topic) -> BTreeMap<&'a str, &'a str> {
    const BROKER: i8 = 4;
    let all = image.configs.get(&(BROKER, String::new()));
    let of_brokers = OF_BROKERS.iter().filter_map(|(broker, topic)| {
        let value = all?.get(*broker)?;
        Some((*topic, value.as_str()))
    });
    let own = own_configs(image, topic).map(|(key, value)| (key.as_str(), value.as_str()));
    of_brokers.chain(own).collect()
}

/// `kafka-topics.sh --describe`; the configurations are in the order of their names, while Kafka's
/// order is that of a hash map.
fn describe(image: &MetadataImage, id: &[u8; 16], topic: &Topic, text: &mut String) {
    let pairs = effective(image, topic).into_iter();
    let pairs: Vec<String> = pairs.map(|(key, value)| format!("{key}={value}")).collect();
    let factor = topic
        .partitions
        .values()
        .next()
        .map_or(0, |it| it.replicas.len());
    let name = &topic.name;
    let _ = writeln!(
        text,
        "Topic: {name}\tTopicId: {}\tPartitionCount: {}\tReplicationFactor: {factor}\tConfigs: {}",
        uuid(id),
        topic.partitions.len(),
        plain(&pairs.join(","))
    );
    for (number, partition) in &topic.partitions {
        let leader = if partition.leader < 0 {
            "none".to_owned()
        } else {
            partition.leader.to_string()
        };
        let _ = write!(
            text,
            "\tTopic: {name}\tPartition: {number}\tLeader: {leader}\tReplicas: {}\tIsr: {}",
            list(&partition.replicas),
            list(&partition.isr)
        );
        if !(partition.adding.is_empty() && partition.removing.is_empty()) {
            let _ = write!(
                text,
                "\tAdding Replicas: {}\tRemoving Replicas: {}",
                list(&partition.adding),
                list(&partition.removing)
            );
        }
        let _ = writeln!(
            text,
            "\tElr: {}\tLastKnownElr: {}",
            list(&partition.elr),
            list(&partition.last_known_elr)
        );
    }
}

fn list(ids: &[i32]) -> String {
    joined(ids, ",")
}

fn joined(ids: &[i32], between: &str) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    ids.join(between)
}

/// `kafka-topics.sh --create`: the first replica of each partition is its preferred leader. Kafka
/// creates its internal topics itself.
fn create(image: &MetadataImage, topic: &Topic, text: &mut String) {
    if kseg::format::topic::INTERNAL.contains(&&*topic.name) {
        let _ = writeln!(text, "# {}: Kafka makes it itself", topic.name);
        return;
    }
    let replicas = topic.partitions.values();
    let replicas: Vec<String> = replicas.map(|it| joined(&it.replicas, ":")).collect();
    let _ = write!(
        text,
        "kafka-topics.sh --bootstrap-server HOST:9092 --create --topic {} --replica-assignment {}",
        quoted(&topic.name),
        replicas.join(",")
    );
    for (key, value) in own_configs(image, topic) {
        // Unlike kafka-configs.sh the tool accepts lists unchanged.
        let _ = write!(text, " --config {}", quoted(&format!("{key}={value}")));
    }
    text.push('\n');
}

/// `kafka-configs.sh --alter` for everything but topics.
fn configs(image: &MetadataImage, text: &mut String) {
    for ((kind, name), entries) in image.configs.iter().filter(|((kind, _), _)| *kind != TOPIC) {
        let entity = match kind {
            4 => "brokers",
            8 => "broker-loggers",
            16 => "client-metrics",
            32 => "groups",
            _ => continue,
        };
        let entity_name = if name.is_empty() {
            "--entity-default".to_owned()
        } else {
            format!("--entity-name {}", quoted(name))
        };
        let (hidden, shown): (Vec<_>, Vec<_>) =
            entries.iter().partition(|(_, value)| *value == REDACTED);
        for (key, _) in hidden {
            let _ = writeln!(text, "# {entity} {name}: the value of {key} is not shown");
        }
        let value = |value: &str| {
            if value.contains(',') {
                format!("[{value}]")
            } else {
                value.to_owned()
            }
        };
        let pairs: Vec<String> = shown
            .into_iter()
            .map(|(key, it)| format!("{key}={}", value(it)))
            .collect();
        if !pairs.is_empty() {
            let _ = writeln!(
                text,
                "kafka-configs.sh --bootstrap-server HOST:9092 --alter --entity-type {entity} \
                 {entity_name} --add-config {}",
                quoted(&pairs.join(","))
            );
        }
    }
}

/// `kafka-configs.sh --alter` for the limits of clients.
fn quotas(image: &MetadataImage, text: &mut String) {
    for ((entities, key), value) in &image.quotas {
        let mut line = String::from("kafka-configs.sh --bootstrap-server HOST:9092 --alter");
        for (kind, name) in entities {
            let kind = match kind.as_str() {
                "user" => "users",
                "client-id" => "clients",
                "ip" => "ips",
                other => other,
            };
            let _ = write!(line, " --entity-type {kind}");
            match name {
                Some(name) => {
                    let _ = write!(line, " --entity-name {}", quoted(name));
                }
                None => line += " --entity-default",
            }
        }
        let _ = writeln!(
            text,
            "{line} --add-config {}",
            quoted(&format!("{key}={value}"))
        );
    }
}

/// `kafka-acls.sh --add`.
fn permission(acl: &Acl, text: &mut String) {
    // By numbers of ResourceType, AclPermissionType and PatternType.
    let resource = match acl.resource_type {
        2 => format!("--topic {}", quoted(&acl.resource_name)),
        3 => format!("--group {}", quoted(&acl.resource_name)),
        4 => "--cluster".to_owned(),
        5 => format!("--transactional-id {}", quoted(&acl.resource_name)),
        6 => format!("--delegation-token {}", quoted(&acl.resource_name)),
        7 => format!("--user-principal {}", quoted(&acl.resource_name)),
        other => {
            let _ = writeln!(text, "# a permission for a resource of type {other}");
            return;
        }
    };
    let verb = if acl.permission == 2 { "deny" } else { "allow" };
    let pattern = if acl.pattern_type == 4 {
        " --resource-pattern-type prefixed"
    } else {
        ""
    };
    let _ = writeln!(
        text,
        "kafka-acls.sh --bootstrap-server HOST:9092 --add --{verb}-principal {} --{verb}-host {} \
         --operation {} {resource}{pattern}",
        quoted(&acl.principal),
        quoted(&acl.host),
        camel(acl.operation)
    );
}

/// A `KafkaTopic`. Kubernetes accepts fewer names than Kafka, so the topic's own name is a separate
/// field.
fn document(image: &MetadataImage, topic: &Topic, text: &mut String) {
    if kseg::format::topic::INTERNAL.contains(&&*topic.name) {
        return;
    }
    let factor = topic
        .partitions
        .values()
        .next()
        .map_or(0, |it| it.replicas.len());
    let _ = write!(
        text,
        "---\napiVersion: kafka.strimzi.io/v1\nkind: KafkaTopic\nmetadata:\n  name: {}\n  \
         labels:\n    strimzi.io/cluster: CLUSTER\nspec:\n  topicName: {}\n  partitions: {}\n  \
         replicas: {factor}\n",
        resource_name(&topic.name),
        scalar(&topic.name),
        topic.partitions.len()
    );
    let mut is_first = true;
    for (key, value) in own_configs(image, topic) {
        if std::mem::take(&mut is_first) {
            text.push_str("  config:\n");
        }
        let _ = writeln!(text, "    {key}: {}", scalar(value));
    }
}

/// The name of a resource in Kubernetes: lower case, digits, `-` and `.`; one that had to be
/// changed gets a number, so that all are unique.
fn resource_name(topic: &str) -> String {
    let is_fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let name: String = topic
        .to_ascii_lowercase()
        .chars()
        .map(|c| if is_fine(c) { c } else { '-' })
        .collect();
    let trimmed = name.trim_matches(['-', '.']);
    if trimmed == topic {
        return name;
    }
    let hash = kseg::wire::text::java_hash(topic).cast_unsigned();
    format!(
        "{}---{hash:08x}",
        if trimmed.is_empty() { "topic" } else { trimmed }
    )
}

/// A value in YAML: numbers and booleans unchanged, others as a JSON string.
fn scalar(value: &str) -> String {
    let is_plain = value.parse::<i64>().is_ok() || ["true", "false"].contains(&value);
    if is_plain {
        return value.to_owned();
    }
    serde_json::to_string(value).unwrap_or_default()
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "-_.,:=/@+[]%".contains(c);
    if !word.is_empty() && word.chars().all(|c| is_safe(c) && c != '[' && c != ']') {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell_and_values_for_yaml() {
        assert_eq!(quoted("a.b=1,2"), "a.b=1,2");
        assert_eq!(quoted("it's [x]"), r"'it'\''s [x]'");
        assert_eq!(quoted("*"), "'*'");
        assert_eq!(scalar("604800000"), "604800000");
        assert_eq!(scalar("compact,delete"), "\"compact,delete\"");
    }

    #[test]
    fn names_that_kubernetes_refuses_are_changed_and_stay_apart() {
        assert_eq!(resource_name("orders.v1"), "orders.v1");
        let (a, b) = (resource_name("My_Topic"), resource_name("my-topic_"));
        assert!(a.starts_with("my-topic---") && b.starts_with("my-topic---") && a != b);
    }
}
