//! What a start depends on beside the files.

use std::fmt;
use std::str::FromStr;

use crate::format::defaults;
use crate::wire::Release;

/// A broker whose start-up is known in detail, from its sources and from what it did to spoiled log dirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub enum Kafka {
    /// 2.8, with `ZooKeeper`; stands for 2.3 to 2.8.
    #[cfg_attr(feature = "serde", serde(rename = "2.8"))]
    V2_8,
    /// 3.9; stands for 3.7 to 3.9.
    #[cfg_attr(feature = "serde", serde(rename = "3.9"))]
    V3_9,
    /// 4.3; stands for 4.1 and later.
    #[default]
    #[cfg_attr(feature = "serde", serde(rename = "4.3"))]
    V4_3,
}

impl Kafka {
    /// All of them, oldest first.
    pub const ALL: [Self; 3] = [Self::V2_8, Self::V3_9, Self::V4_3];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::V2_8 => "2.8",
            Self::V3_9 => "3.9",
            Self::V4_3 => "4.3",
        }
    }

    /// Whether a corrupt file that is read while a partition is opened takes the log dir offline; before 3.3 it kept the
    /// broker from starting.
    pub(super) fn spares_the_broker(self) -> bool {
        self >= Self::V3_9
    }

    /// Whether an I/O error during recovery empties the segment, as `LogLoader` does since it is written in Java.
    pub(super) fn wipes_on_io_errors(self) -> bool {
        self >= Self::V4_3
    }

    /// Whether offsets are sought by base offset first, which unpacks messages of magic 0 and 1.
    pub(super) fn seeks_by_base_offset(self) -> bool {
        self >= Self::V4_3
    }

    /// Whether a transaction may begin where the log does not reach; older brokers die of it.
    pub(super) fn forgives_lost_transactions(self) -> bool {
        self >= Self::V3_9
    }

    /// Whether swap files are renamed into place as they are; before 3.0 they were recovered first.
    pub(super) fn renames_swaps(self) -> bool {
        self >= Self::V3_9
    }

    /// Whether text that is no number where one belongs is an error of another kind than a malformed line.
    pub(super) fn tells_numbers_apart(self) -> bool {
        self >= Self::V3_9
    }
}

impl fmt::Display for Kafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Not a broker whose start-up is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotKnown;

impl fmt::Display for NotKnown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the start-up is known of 2.8, 3.9 and 4.3")
    }
}

impl std::error::Error for NotKnown {}

impl FromStr for Kafka {
    type Err = NotKnown;

    /// Takes the name, or that of a release of it: `3.9.1`.
    fn from_str(text: &str) -> Result<Self, NotKnown> {
        let release: Release = text.parse().map_err(|_| NotKnown)?;
        let name = release.to_string();
        Self::ALL
            .into_iter()
            .find(|kafka| {
                name.strip_prefix(kafka.name())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
            .ok_or(NotKnown)
    }
}

/// What a start depends on beside the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conditions {
    /// The broker that starts.
    pub kafka: Kafka,
    /// Takes `.kafka_cleanshutdown` for missing: what if the broker had crashed?
    pub unclean: bool,
    /// Takes the recovery points for missing too, so that everything is recovered.
    pub no_recovery_points: bool,
    /// `segment.index.bytes`: bytes that an index of the last segment may grow to.
    pub index_bytes: u32,
    /// `index.interval.bytes`: bytes between the entries of a rebuilt index.
    pub index_interval_bytes: u32,
    /// The node that starts, where it is known from another log dir or the settings.
    pub node: Option<Node>,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            kafka: Kafka::default(),
            unclean: false,
            no_recovery_points: false,
            index_bytes: defaults::SEGMENT_INDEX_BYTES,
            index_interval_bytes: defaults::INDEX_INTERVAL_BYTES,
            node: None,
        }
    }
}

/// Who a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its number.
    pub id: i32,
    /// Its cluster.
    pub cluster_id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_stands_for_its_branch() {
        assert_eq!("4.3".parse(), Ok(Kafka::V4_3));
        assert_eq!("2.8.2".parse(), Ok(Kafka::V2_8));
        for text in ["", "4", "4.30", "3.8.1", "x"] {
            assert_eq!(text.parse::<Kafka>(), Err(NotKnown), "{text}");
        }
    }
}
