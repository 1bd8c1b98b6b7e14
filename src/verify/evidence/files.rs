//! Evidence in any file: bytes that can't be parsed, offsets that are missing or beyond the end of
//! the log.

use std::fmt;

use crate::format::Fault;

/// Bytes that can't be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Unparsed {
    /// Their fault.
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_text"))]
    pub fault: Fault,
    /// The position in the file.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub fault_position: Option<u64>,
    /// The position in the decompressed bytes of a batch.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub unpacked_position: Option<u64>,
    /// Records of the batch before it.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub records_before: Option<u64>,
}

impl From<Fault> for Unparsed {
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            fault_position: None,
            unpacked_position: None,
            records_before: None,
        }
    }
}

impl fmt::Display for Unparsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

#[cfg(feature = "serde")]
fn as_text<S: serde::Serializer>(fault: &Fault, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(fault)
}

/// Offsets that are in no segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Gap {
    /// The first one.
    pub from: i64,
    /// The last one.
    pub to: i64,
    /// The number of offsets.
    pub offsets: u64,
}

impl Gap {
    /// The offsets from `from` up to the one before `next`.
    pub(crate) fn before(next: i64, from: i64) -> Self {
        Self {
            from,
            to: next.saturating_sub(1),
            offsets: u64::try_from(next.saturating_sub(from)).unwrap_or(0),
        }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, offsets } = self;
        match offsets {
            1 => write!(f, "offset {from} is missing"),
            _ => write!(f, "{offsets} offsets are missing ({from}-{to})"),
        }
    }
}

/// Something at an offset beyond the end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct BeyondEnd {
    /// The kind.
    pub what: Mark,
    /// Its offset.
    #[cfg_attr(feature = "serde", serde(rename = "stored"))]
    pub offset: i64,
    /// The log end offset.
    pub log_end: i64,
}

/// A mark of a file at an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Mark {
    /// A snapshot, by its name.
    Snapshot,
    /// The start of a leader epoch.
    LeaderEpoch,
}

impl fmt::Display for BeyondEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            Mark::Snapshot => "the snapshot's offset",
            Mark::LeaderEpoch => "the leader epoch's start offset",
        };
        let Self {
            offset, log_end, ..
        } = self;
        write!(f, "{what} {offset} is beyond the log end offset {log_end}")
    }
}

/// A line of a checkpoint of the log dir, against the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct CheckpointLine {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset of the line.
    #[cfg_attr(feature = "serde", serde(rename = "stored"))]
    pub offset: i64,
    /// The fact that contradicts it.
    pub against: Against,
}

/// The fact that contradicts a line of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Against {
    /// The log end offset, which is lower.
    LogEnd(i64),
    /// The log end offset, which is higher although the broker stopped cleanly.
    CleanEnd(i64),
    /// The base offset of the active segment, which is lower.
    ActiveSegment(i64),
    /// The log start offset, which is higher.
    LogStart(i64),
    /// The start of the first leader epoch, or of the first segment if that is higher.
    FirstEpoch(i64),
    /// An earlier line of the same partition.
    Line(i64),
    /// There is no partition of this name.
    NoDirectory,
    /// The offset is negative.
    Negative,
}

impl fmt::Display for CheckpointLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            topic,
            partition,
            offset,
            against,
        } = self;
        write!(f, "{topic}-{partition}: offset {offset} ")?;
        match against {
            Against::LogEnd(end) => write!(f, "is beyond the log end offset {end}"),
            Against::CleanEnd(end) => write!(
                f,
                "is below the log end offset {end}, although the broker stopped cleanly"
            ),
            Against::ActiveSegment(base) => {
                write!(f, "is beyond the base offset {base} of the active segment")
            }
            Against::LogStart(start) => write!(f, "is below the log start offset {start}"),
            Against::FirstEpoch(first) => write!(
                f,
                "is beyond the first leader epoch and the first segment, which begin at {first}"
            ),
            Against::Line(other) => write!(f, "comes after {other}"),
            Against::NoDirectory => f.write_str("is for a partition that is not here"),
            Against::Negative => f.write_str("is negative"),
        }
    }
}
