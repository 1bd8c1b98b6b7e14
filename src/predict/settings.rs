//! The settings of the broker that starts and of its topics, which determine deletions.
//!
//! A topic's own settings are in the metadata log, with those of brokers that were changed while
//! they ran; the others are in the file with which the broker is started. Settings that are in
//! neither have Kafka's default, which counts as assumed.

use std::collections::BTreeMap;
use std::fmt;

use super::release::Kafka;
use crate::format::Properties;
use crate::format::topic::{COMPACTED, SHARE_GROUP_STATE};

/// The types of the resources that have configurations (`ConfigResource.Type`).
pub(super) const TOPIC_RESOURCE: i8 = 2;
pub(super) const BROKER_RESOURCE: i8 = 4;

/// The origin of the value of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum SettingOrigin {
    /// It was given for this prediction.
    Given,
    /// It is set for the topic in the metadata log.
    Topic,
    /// It is set for the broker or the cluster in the metadata log.
    Cluster,
    /// It is set in the broker's file.
    Broker,
    /// It is not set: Kafka's default is assumed.
    Assumed,
}

/// A setting, under its topic name, or its broker name if topics do not have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting<T> {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: T,
    /// The origin.
    pub origin: SettingOrigin,
}

/// A setting that is a number, or a list of words.
struct KnownSetting {
    name: &'static str,
    /// Its names as broker settings, with the factor to the unit of the topic setting; the first
    /// one that is set is used.
    broker: &'static [(&'static str, i64)],
    default: i64,
}

const fn known(
    name: &'static str,
    broker: &'static [(&'static str, i64)],
    default: i64,
) -> KnownSetting {
    KnownSetting {
        name,
        broker,
        default,
    }
}

/// The settings that are numbers. Those of brokers only have one name.
const NUMBERS: [KnownSetting; 22] = [
    known(
        RETENTION_MS,
        &[
            ("log.retention.ms", 1),
            ("log.retention.minutes", 60_000),
            ("log.retention.hours", 3_600_000),
        ],
        7 * DAY_MS,
    ),
    known(RETENTION_BYTES, &[("log.retention.bytes", 1)], -1),
    known(LOCAL_RETENTION_MS, &[("log.local.retention.ms", 1)], -2),
    known(
        LOCAL_RETENTION_BYTES,
        &[("log.local.retention.bytes", 1)],
        -2,
    ),
    known(
        DELETE_DELAY_MS,
        &[("log.segment.delete.delay.ms", 1)],
        60_000,
    ),
    known(SEGMENT_BYTES, &[("log.segment.bytes", 1)], 1 << 30),
    known(INDEX_BYTES, &[("log.index.size.max.bytes", 1)], 10 << 20),
    known(
        INDEX_INTERVAL_BYTES,
        &[("log.index.interval.bytes", 1)],
        4096,
    ),
    known(
        TOMBSTONE_MS,
        &[("log.cleaner.delete.retention.ms", 1)],
        DAY_MS,
    ),
    known(
        COMPACTION_LAG_MS,
        &[("log.cleaner.min.compaction.lag.ms", 1)],
        0,
    ),
    known(
        MOST_COMPACTION_LAG_MS,
        &[("log.cleaner.max.compaction.lag.ms", 1)],
        i64::MAX,
    ),
    known(CLEANER_BACKOFF_MS, &[], 15_000),
    known(MAX_DECOMPRESSED_BYTES, &[], 2_147_483_639),
    known(CHECK_MS, &[], 300_000),
    known(FIRST_CHECK_MS, &[], 30_000),
    known(OFFSETS_MINUTES, &[], 7 * 24 * 60),
    known(OFFSETS_CHECK_MS, &[], 600_000),
    known(TRANSACTIONAL_ID_MS, &[], 7 * DAY_MS),
    known(TRANSACTIONAL_ID_CHECK_MS, &[], 3_600_000),
    known(PRODUCER_ID_MS, &[], DAY_MS),
    known(PRODUCER_ID_CHECK_MS, &[], 600_000),
    known(TIMED_OUT_CHECK_MS, &[], 10_000),
];

const DAY_MS: i64 = 86_400_000;

/// The time that records are kept.
pub const RETENTION_MS: &str = "retention.ms";
/// The size limit of a partition.
pub const RETENTION_BYTES: &str = "retention.bytes";
/// The time that tiered records stay on the local disk.
pub const LOCAL_RETENTION_MS: &str = "local.retention.ms";
/// The size of a tiered partition that stays on the local disk.
pub const LOCAL_RETENTION_BYTES: &str = "local.retention.bytes";
/// The delay before deleted files are removed.
pub(super) const DELETE_DELAY_MS: &str = "file.delete.delay.ms";
/// The size limit of a segment.
pub(super) const SEGMENT_BYTES: &str = "segment.bytes";
/// The size limit of an index of the last segment.
pub(super) const INDEX_BYTES: &str = "segment.index.bytes";
/// Bytes between the entries of an index.
pub(super) const INDEX_INTERVAL_BYTES: &str = "index.interval.bytes";
/// The time that compaction keeps a tombstone.
pub(super) const TOMBSTONE_MS: &str = "delete.retention.ms";
/// The minimum age of a record to be compacted.
pub const COMPACTION_LAG_MS: &str = "min.compaction.lag.ms";
/// The age at which a record must be compacted.
pub const MOST_COMPACTION_LAG_MS: &str = "max.compaction.lag.ms";
/// The maximum decompressed size of a record for the cleaner (4.4 and later).
pub const MAX_DECOMPRESSED_BYTES: &str = "max.decompressed.message.bytes";
/// Time between two runs of the cleaner.
pub(super) const CLEANER_BACKOFF_MS: &str = "log.cleaner.backoff.ms";
/// Time between two retention checks.
pub const CHECK_MS: &str = "log.retention.check.interval.ms";
/// Time from the start to the first retention check.
pub(super) const FIRST_CHECK_MS: &str = "log.initial.task.delay.ms";
/// The time that the offsets of an empty group are kept.
pub const OFFSETS_MINUTES: &str = "offsets.retention.minutes";
/// Time between two checks for expired offsets.
pub(super) const OFFSETS_CHECK_MS: &str = "offsets.retention.check.interval.ms";
/// The time after which a transactional id expires.
pub(super) const TRANSACTIONAL_ID_MS: &str = "transactional.id.expiration.ms";
/// Time between two checks for expired transactional ids.
pub(super) const TRANSACTIONAL_ID_CHECK_MS: &str =
    "transaction.remove.expired.transaction.cleanup.interval.ms";
/// The time after which an idle producer expires.
pub(super) const PRODUCER_ID_MS: &str = "producer.id.expiration.ms";

/// Time between two checks for expired producers.
pub(super) const PRODUCER_ID_CHECK_MS: &str = "producer.id.expiration.check.interval.ms";
/// Time between two checks for transactions that timed out.
pub(super) const TIMED_OUT_CHECK_MS: &str =
    "transaction.abort.timed.out.transaction.cleanup.interval.ms";

/// The minimum dirty ratio at which the cleaner compacts a log.
pub(super) const DIRTY_RATIO: &str = "min.cleanable.dirty.ratio";
const BROKER_DIRTY_RATIO: &str = "log.cleaner.min.cleanable.ratio";
/// True if there is a cleaner.
const CLEANER: &str = "log.cleaner.enable";

/// The policy for old records: `delete`, `compact`, or both.
const POLICY: (&str, &str) = ("cleanup.policy", "log.cleanup.policy");
/// True if a topic is tiered, which the broker must allow.
const TIERED: &str = "remote.storage.enable";

/// The properties of server.properties that are not log settings.
const IDENTITY: [&str; 6] = [
    "node.id",
    "broker.id",
    "log.dirs",
    "log.dir",
    "metadata.log.dir",
    "process.roles",
];

/// The settings given for a prediction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// The settings of server.properties, if there is one.
    file: Option<BTreeMap<String, String>>,
    /// The settings of the command line, which override all others.
    given: BTreeMap<String, String>,
}

/// An unknown setting, or an invalid value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable(String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

impl Settings {
    /// Reads `server.properties`.
    ///
    /// # Errors
    /// A number is invalid: the broker would not start.
    pub fn of_file(bytes: &[u8]) -> Result<Self, Unusable> {
        let entries = Properties::parse(bytes).entries.into_iter();
        let file: BTreeMap<String, String> =
            entries.map(|entry| (entry.key, entry.value)).collect();
        for (name, value) in &file {
            check(name, value)?;
        }
        Ok(Self {
            file: Some(file),
            given: BTreeMap::new(),
        })
    }

    /// Sets a setting, by its topic or broker name, for everything.
    ///
    /// # Errors
    /// A prediction does not depend on it, or its value is not a number.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), Unusable> {
        if !is_known(name) {
            return Err(Unusable(format!(
                "{name}: not a setting that the prediction uses; expected one of: {}",
                names().join(", ")
            )));
        }
        check(name, value)?;
        self.given.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    /// Returns a setting of server.properties, or its override.
    #[must_use]
    pub fn broker(&self, name: &str) -> Option<&str> {
        let file = self.file.as_ref().and_then(|file| file.get(name));
        self.given.get(name).or(file).map(String::as_str)
    }

    /// The node, if it is named.
    #[must_use]
    pub fn node_id(&self) -> Option<i32> {
        let id = self.broker("node.id").or(self.broker("broker.id"))?;
        id.trim().parse().ok().filter(|&id| id >= 0)
    }

    /// The log dirs that the broker's file names, that of the metadata log included.
    #[must_use]
    pub fn log_dirs(&self) -> Vec<&str> {
        let listed = self.broker("log.dirs").or(self.broker("log.dir"));
        let listed = listed.into_iter().flat_map(|dirs| dirs.split(','));
        let mut dirs = Vec::new();
        for dir in listed.chain(self.broker("metadata.log.dir")) {
            let dir = dir.trim();
            if !dir.is_empty() && !dirs.contains(&dir) {
                dirs.push(dir);
            }
        }
        dirs
    }

    /// Returns true if the broker's file was given.
    #[must_use]
    pub fn has_file(&self) -> bool {
        self.file.is_some()
    }
}

/// Returns true if a value is valid for the setting.
fn check(name: &str, value: &str) -> Result<(), Unusable> {
    let is_number = NUMBERS.iter().any(|known| is_named(known, name));
    if is_number && value.trim().parse::<i64>().is_err() {
        return Err(Unusable(format!(
            "invalid value \"{value}\" of {name}: expected a number"
        )));
    }
    if [DIRTY_RATIO, BROKER_DIRTY_RATIO].contains(&name)
        && !value
            .trim()
            .parse::<f64>()
            .is_ok_and(|ratio| (0.0..=1.0).contains(&ratio))
    {
        return Err(Unusable(format!(
            "invalid value \"{value}\" of {name}: expected a number from 0 to 1"
        )));
    }
    Ok(())
}

fn is_named(known: &KnownSetting, name: &str) -> bool {
    known.name == name || known.broker.iter().any(|(other, _)| *other == name)
}

fn is_known(name: &str) -> bool {
    NUMBERS.iter().any(|known| is_named(known, name))
        || [
            POLICY.0,
            POLICY.1,
            TIERED,
            DIRTY_RATIO,
            BROKER_DIRTY_RATIO,
            CLEANER,
        ]
        .contains(&name)
        || IDENTITY.contains(&name)
}

/// The names of settings, those of topics first.
fn names() -> Vec<&'static str> {
    let numbers = NUMBERS.iter().map(|known| known.name);
    numbers.chain([POLICY.0, TIERED, DIRTY_RATIO]).collect()
}

type Configs = BTreeMap<String, String>;

/// The settings of one topic on the broker that starts.
#[derive(Debug, Clone, Copy)]
pub struct TopicSettings<'a> {
    pub(super) settings: &'a Settings,
    /// The configurations in the metadata log of the topic, of the broker, and of all brokers.
    pub(super) configs: [Option<&'a Configs>; 3],
    /// The topic; the policy of Kafka's internal topics is known.
    pub(super) topic: &'a str,
    pub(super) kafka: Kafka,
    /// True if the cleaner has an entry for a partition of the topic: without a known policy,
    /// `compact` is assumed.
    pub(super) was_compacted: bool,
}

impl TopicSettings<'_> {
    /// The value of a setting as text, under the topic's or a broker's name.
    fn text(&self, name: &'static str, broker: &[&str]) -> Option<(&str, usize, SettingOrigin)> {
        let [topic, own, all] = self.configs;
        if let Some(value) = self.settings.given.get(name) {
            return Some((value, 0, SettingOrigin::Given));
        }
        if let Some(value) = topic.and_then(|topic| topic.get(name)) {
            return Some((value, 0, SettingOrigin::Topic));
        }
        broker.iter().enumerate().find_map(|(index, name)| {
            let mut in_log = [own, all].into_iter().flatten();
            let in_log = in_log.find_map(|configs| configs.get(*name));
            let given = self.settings.given.get(*name);
            let file = self.settings.file.as_ref().and_then(|file| file.get(*name));
            let value = [
                (given, SettingOrigin::Given),
                (in_log, SettingOrigin::Cluster),
                (file, SettingOrigin::Broker),
            ];
            let mut found = value.into_iter();
            found.find_map(|(value, origin)| Some((value?.as_str(), index, origin)))
        })
    }

    /// A number.
    #[must_use]
    pub fn number(&self, name: &'static str) -> Setting<i64> {
        let assumed = |value| Setting {
            name,
            value,
            origin: SettingOrigin::Assumed,
        };
        let Some(known) = NUMBERS.iter().find(|known| known.name == name) else {
            return assumed(-1);
        };
        if name == FIRST_CHECK_MS && !self.kafka.delays_first_check() {
            return assumed(known.default);
        }
        let names: Vec<&str> = if known.broker.is_empty() {
            vec![name]
        } else {
            known.broker.iter().map(|(name, _)| *name).collect()
        };
        let found = self.text(name, &names);
        let parsed = found.and_then(|(text, index, origin)| {
            let value: i64 = text.trim().parse().ok()?;
            let of_topic =
                matches!(origin, SettingOrigin::Topic) || self.settings.given.contains_key(name);
            let unit = known.broker.get(index).map_or(1, |(_, unit)| *unit);
            let value = if of_topic || value < 0 {
                value
            } else {
                value.saturating_mul(unit)
            };
            Some(Setting {
                name,
                value,
                origin,
            })
        });
        parsed.unwrap_or_else(|| {
            // KIP-932: the topic of share groups is kept forever.
            let is_kept = name == RETENTION_MS && self.topic == SHARE_GROUP_STATE;
            assumed(if is_kept { -1 } else { known.default })
        })
    }

    /// Returns two flags: true if old segments are deleted, and true if records are compacted.
    #[must_use]
    pub fn policy(&self) -> Setting<(bool, bool)> {
        let (value, origin) = match self.text(POLICY.0, &[POLICY.1]) {
            Some((text, _, origin)) => (text, origin),
            None if self.was_compacted || COMPACTED.contains(&self.topic) => {
                ("compact", SettingOrigin::Assumed)
            }
            None => ("delete", SettingOrigin::Assumed),
        };
        let has = |word: &str| value.split(',').any(|part| part.trim() == word);
        Setting {
            name: POLICY.0,
            value: (has("delete"), has("compact")),
            origin,
        }
    }

    /// The minimum dirty ratio at which the cleaner compacts a log, from 0 to 1.
    #[must_use]
    pub fn dirty_ratio(&self) -> Setting<f64> {
        let found = self.text(DIRTY_RATIO, &[BROKER_DIRTY_RATIO]);
        let parsed = found.and_then(|(text, _, origin)| Some((text.trim().parse().ok()?, origin)));
        let (value, origin) = parsed.unwrap_or((0.5, SettingOrigin::Assumed));
        Setting {
            name: DIRTY_RATIO,
            value,
            origin,
        }
    }

    /// Returns true if the broker compacts logs.
    pub(super) fn has_cleaner(&self) -> bool {
        self.text(CLEANER, &[CLEANER])
            .is_none_or(|(value, ..)| value.trim() != "false")
    }

    /// The time after which an idle producer expires; before KIP-854, that of a transactional id.
    pub(super) fn producer_id(&self) -> Setting<i64> {
        let name = if self.kafka.forgets_producers_by_id() {
            PRODUCER_ID_MS
        } else {
            TRANSACTIONAL_ID_MS
        };
        self.number(name)
    }

    /// Returns true if the topic is tiered: its old segments are in tiered storage too.
    #[must_use]
    pub fn is_tiered(&self) -> bool {
        self.kafka.is_kraft()
            && self
                .text(TIERED, &[])
                .is_some_and(|(value, ..)| value.trim() == "true")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(settings: &'a Settings, topic: Option<&'a Configs>) -> TopicSettings<'a> {
        TopicSettings {
            settings,
            configs: [topic, None, None],
            topic: "orders",
            kafka: Kafka::V4_3,
            was_compacted: false,
        }
    }

    #[test]
    fn a_topic_that_the_cleaner_noted_is_compacted_unless_something_says_otherwise() {
        let noted = |settings: &Settings| {
            let settings = TopicSettings {
                was_compacted: true,
                ..of(settings, None)
            };
            settings.policy().value
        };
        let mut settings = Settings::default();
        assert_eq!(noted(&settings), (false, true));
        settings.set("cleanup.policy", "delete").unwrap();
        assert_eq!(noted(&settings), (true, false));
    }

    #[test]
    fn a_topic_s_setting_counts_before_the_broker_s_and_milliseconds_before_hours() {
        let mut settings =
            Settings::of_file(b"log.retention.hours=1\nlog.dirs=/a, /b\nnode.id=3\n").unwrap();
        let hour = of(&settings, None).number(RETENTION_MS);
        assert_eq!(
            (hour.value, hour.origin),
            (3_600_000, SettingOrigin::Broker)
        );
        assert_eq!(settings.log_dirs(), ["/a", "/b"]);
        assert_eq!(settings.node_id(), Some(3));
        let topic = BTreeMap::from([("retention.ms".to_owned(), "5".to_owned())]);
        let own = of(&settings, Some(&topic)).number(RETENTION_MS);
        assert_eq!((own.value, own.origin), (5, SettingOrigin::Topic));
        settings.set("log.retention.minutes", "2").unwrap();
        assert_eq!(of(&settings, None).number(RETENTION_MS).value, 120_000);
        settings.set("retention.ms", "-1").unwrap();
        let given = of(&settings, Some(&topic)).number(RETENTION_MS);
        assert_eq!((given.value, given.origin), (-1, SettingOrigin::Given));
    }

    #[test]
    fn defaults_are_assumed_and_other_names_refused() {
        let mut settings = Settings::default();
        let default = of(&settings, None).number(RETENTION_MS);
        assert_eq!(
            (default.value, default.origin),
            (7 * DAY_MS, SettingOrigin::Assumed)
        );
        assert_eq!(of(&settings, None).policy().value, (true, false));
        assert!(settings.set("retention", "1").is_err());
        assert!(settings.set("retention.ms", "soon").is_err());
        assert!(Settings::of_file(b"log.retention.bytes=1g").is_err());
    }
}
