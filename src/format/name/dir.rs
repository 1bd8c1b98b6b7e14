//! Names of directories: partitions in any state, and those of tiered storage.

use super::number::{UUID_CHARS, parse_int};

/// The state of a partition's directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DirState {
    /// In use.
    Current,
    /// `-delete`: about to be deleted.
    Delete,
    /// `-future`: being moved here from another log dir.
    Future,
    /// `-stray`: not assigned to this broker.
    Stray,
}

/// The parsed name of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DirName<'a> {
    /// A partition.
    Partition {
        /// The topic.
        topic: &'a str,
        /// The partition.
        partition: i32,
        /// The state.
        state: DirState,
        /// The unique part of the name, in any state but the first.
        id: Option<&'a str>,
    },
    /// `remote-log-index-cache`.
    RemoteIndexCache,
}

impl<'a> DirName<'a> {
    const SUFFIXES: [(&'static str, DirState); 3] = [
        ("-delete", DirState::Delete),
        ("-future", DirState::Future),
        ("-stray", DirState::Stray),
    ];

    /// Parses `name`; returns `None` if a broker would not start because of it.
    #[must_use]
    pub fn parse(name: &'a str) -> Option<Self> {
        if name == "remote-log-index-cache" {
            return Some(Self::RemoteIndexCache);
        }
        let special = Self::SUFFIXES
            .into_iter()
            .find_map(|(suffix, state)| Some((name.strip_suffix(suffix)?, state)));
        let (plain, state, id) = match special {
            Some((rest, state)) => {
                let (plain, id) = rest.rsplit_once('.')?;
                (plain, state, Some(id).filter(|id| !id.is_empty())?.into())
            }
            None => (name, DirState::Current, None),
        };
        let (topic, partition) = plain.rsplit_once('-')?;
        if topic.is_empty() {
            return None;
        }
        Some(Self::Partition {
            topic,
            partition: parse_int(partition)?,
            state,
            id,
        })
    }

    /// The topic of a partition.
    #[must_use]
    pub fn topic(&self) -> Option<&'a str> {
        match self {
            Self::Partition { topic, .. } => Some(topic),
            Self::RemoteIndexCache => None,
        }
    }
}

/// The parsed name of a partition's folder in tiered storage: `orders-3-<topic id>`.
///
/// No broker starts on a log dir with such a folder in it. Source: `LocalTieredStorage`,
/// `RemoteLogSegmentFileset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TieredDirName<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition.
    pub partition: i32,
    /// The topic's id, in base64 as Kafka prints it.
    pub topic_id: &'a str,
}

impl<'a> TieredDirName<'a> {
    /// Parses the name; `None` if it is not that of a partition's folder in tiered storage.
    #[must_use]
    pub fn parse(name: &'a str) -> Option<Self> {
        let (partition, topic_id) = name.split_at_checked(name.len().checked_sub(UUID_CHARS)?)?;
        let is_base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        // An id may itself contain '-', so the length decides where it begins.
        let (topic, partition) = partition.strip_suffix('-')?.rsplit_once('-')?;
        if topic.is_empty() || !topic_id.bytes().all(is_base64) {
            return None;
        }
        Some(Self {
            topic,
            partition: parse_int(partition).filter(|number| *number >= 0)?,
            topic_id,
        })
    }
}

/// The topic and the partition in the name of a directory, in a log dir or in tiered storage.
#[must_use]
pub fn topic_partition(dir: &str) -> Option<(&str, i32)> {
    match DirName::parse(dir) {
        Some(DirName::Partition {
            topic, partition, ..
        }) => Some((topic, partition)),
        Some(DirName::RemoteIndexCache) => None,
        None => TieredDirName::parse(dir).map(|name| (name.topic, name.partition)),
    }
}
