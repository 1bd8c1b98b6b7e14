//! The impact of damage in a `.log`: the records lost, the reaction of a broker, the offset at
//! which consumers continue.

use std::fmt;
use std::sync::Arc;

/// The loss at a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Loss {
    /// The last offset of the valid batch before it.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub last_offset_before: Option<i64>,
    /// The first offset of the valid batch after it.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub next_offset_after: Option<i64>,
    /// The first and the last offset that can't be read.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "offsets_lost", skip_serializing_if = "Option::is_none")
    )]
    pub offsets: Option<(i64, i64)>,
    /// The number of records.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub records: Records,
    /// The timestamps of the first and the last of them, in milliseconds since 1970-01-01 UTC.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub times_ms: Option<(i64, i64)>,
}

/// The number of lost records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Records {
    /// This number: the header with the count can be trusted.
    Exactly(u64),
    /// At most this number, the missing offsets: compaction may have removed some of the records
    /// before.
    AtMost(u64),
    /// The number cannot be known.
    Unknown,
}

impl Records {
    /// The maximum; 0 if it is unknown.
    #[must_use]
    pub const fn at_most(self) -> u64 {
        match self {
            Self::Exactly(records) | Self::AtMost(records) => records,
            Self::Unknown => 0,
        }
    }

    /// Returns true if the number is known.
    #[must_use]
    pub const fn is_exact(self) -> bool {
        matches!(self, Self::Exactly(_))
    }
}

impl fmt::Display for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |records: u64| if records == 1 { "" } else { "s" };
        match *self {
            Self::Exactly(records) => write!(f, "{records} record{}", plural(records)),
            Self::AtMost(records) => write!(f, "at most {records} record{}", plural(records)),
            Self::Unknown => f.write_str("an unknown number of records"),
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.offsets, self.last_offset_before) {
            (Some((first, last)), _) if first == last => {
                write!(f, "offset {first} ({}) is unreadable", self.records)
            }
            (Some((first, last)), _) => {
                write!(
                    f,
                    "offsets {first}-{last} ({}) are unreadable",
                    self.records
                )
            }
            (None, Some(before)) => {
                write!(f, "after offset {before}, {} unreadable", self.records)
            }
            (None, None) => write!(f, "{} unreadable", self.records),
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Records {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let (name, records) = match *self {
            Self::Exactly(records) => ("records_lost", records),
            Self::AtMost(records) => ("records_lost_at_most", records),
            Self::Unknown => return serializer.serialize_map(Some(0))?.end(),
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(name, &records)?;
        map.end()
    }
}

/// The impact of damage in a `.log`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Impact {
    /// The reaction of a broker.
    pub broker: BrokerAction,
    /// The offset at which consumers can continue.
    pub resume: Option<Resume>,
}

/// The reaction of a broker to damaged bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BrokerAction {
    /// It is running, and writing here.
    Writes,
    /// Truncates preallocated space, after an unclean shutdown.
    Trims {
        /// The position.
        at: u64,
    },
    /// Truncates the segment at its damaged end, and continues after it if the shutdown was clean.
    TruncatesTail {
        /// The position.
        at: u64,
    },
    /// Truncates a segment at its damaged end and deletes those after it.
    TruncatesLog {
        /// The position.
        at: u64,
    },
    /// Fails where a fetch comes here, and in recovery after an unclean shutdown.
    Fails,
    /// Fails where a fetch comes here, and truncates the segment here after an unclean shutdown.
    TruncatesGood {
        /// The position.
        at: u64,
        /// Bytes after the damage, which are lost with it.
        bytes_after: u64,
    },
}

impl fmt::Display for BrokerAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Writes => f.write_str("it is writing these bytes"),
            Self::Fails => f.write_str(
                "fetches that reach it fail, and so does recovery after an unclean shutdown",
            ),
            Self::Trims { at } => {
                write!(
                    f,
                    "after an unclean shutdown it truncates the segment at {at}"
                )
            }
            Self::TruncatesTail { at } => write!(
                f,
                "after an unclean shutdown it truncates the segment at {at}; after a clean one it \
                 appends after these bytes, and no client can read the new records"
            ),
            Self::TruncatesLog { at } => write!(
                f,
                "no client can read it; after an unclean shutdown it truncates the segment at \
                 {at} and deletes the segments after it"
            ),
            Self::TruncatesGood { at, bytes_after } => write!(
                f,
                "fetches that reach it fail; after an unclean shutdown it truncates the segment \
                 at {at}: the {bytes_after} bytes after the damage are lost too"
            ),
        }
    }
}

/// The offset at which consumers can continue after damage.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resume {
    /// The topic, if it is in the name of a directory.
    pub topic: Option<Arc<str>>,
    /// The partition, in the same way.
    pub partition: Option<i32>,
    /// The first offset that can be read.
    pub offset: i64,
}

impl fmt::Display for Resume {
    /// Writes the commands that make a consumer continue there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let topic = self.topic.as_deref().unwrap_or("TOPIC");
        let partition = self.partition.map(|number| number.to_string());
        let (partition, offset) = (partition.as_deref().unwrap_or("PARTITION"), self.offset);
        write!(
            f,
            "kafka-consumer-groups.sh --bootstrap-server HOST:9092 --group GROUP --topic \
             {topic}:{partition} --reset-offsets --to-offset {offset} --execute, or kcat -b \
             HOST:9092 -t {topic} -p {partition} -o {offset}"
        )
    }
}
