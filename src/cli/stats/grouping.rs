//! The groupings of `kseg stats`.

use kseg::report::stats::By;

/// The property that the records of a group have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Grouping {
    Topic,
    Partition,
    Key,
    KeyPrefix,
    Header,
    Producer,
    Codec,
    Hour,
    Size,
}

impl Grouping {
    /// Its name on the command line and in documents.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Partition => "partition",
            Self::Key => "key",
            Self::KeyPrefix => "key-prefix",
            Self::Header => "header",
            Self::Producer => "producer",
            Self::Codec => "codec",
            Self::Hour => "hour",
            Self::Size => "size",
        }
    }

    /// Returns the grouping of the report; `prefix_bytes` is the length of key prefixes, if given.
    pub(super) fn by(self, prefix_bytes: Option<usize>) -> By {
        match self {
            Self::Topic | Self::Partition => By::Whole,
            Self::Key => By::Key,
            Self::KeyPrefix => By::KeyPrefix(prefix_bytes),
            Self::Header => By::Header,
            Self::Producer => By::Producer,
            Self::Codec => By::Codec,
            Self::Hour => By::Hour,
            Self::Size => By::Size,
        }
    }

    /// Returns true if there may be too many groups to show all.
    pub(super) fn is_open_ended(self) -> bool {
        matches!(
            self,
            Self::Key | Self::KeyPrefix | Self::Header | Self::Producer
        )
    }
}
