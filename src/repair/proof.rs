//! Proofs: why a step is right. Each is made by the code that checked it, and by nothing else.
//!
//! Read from a document a proof is only a claim: `fits` checks what can be checked without a
//! disk, and the approval of a plan checks the bytes again.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use super::parts::PlanPath;
use crate::format::{Batch, Frame};
use crate::store::{self, LogFile};
use crate::wire::Position;

/// Bytes compared in one go.
const WINDOW_BYTES: u64 = 1 << 20;

/// The proof of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case")
)]
#[non_exhaustive]
pub enum Proof {
    /// A checksum covers what the step leaves.
    Checksum(Checksum),
    /// The same bytes are elsewhere.
    EqualBytes(EqualBytes),
    /// It follows from data that is intact.
    Derived(Derived),
    /// The batches on both sides allow only one value.
    Neighbours(Between),
    /// No broker reads what goes.
    Unused(Unused),
    /// The same batches are whole in a replica.
    Replica(Replica),
}

/// A batch whose checksum is right.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Checksum {
    /// The range of the batch in the original file.
    batch: Range<u64>,
    /// Another batch of the same size would have passed once in so many cases; `None` if nothing
    /// was tried.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none")
    )]
    one_in: Option<u64>,
}

/// Bytes that are elsewhere too.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct EqualBytes {
    /// The file that has them and keeps them.
    file: PlanPath,
    /// The range.
    range: Range<u64>,
}

/// The origin of derived data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Derived {
    from: Origin,
}

/// Data that is intact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case")
)]
#[non_exhaustive]
pub enum Origin {
    /// The batches of the partition, as the plan leaves them.
    Log,
    /// The metadata log of the node.
    MetadataLog,
    /// Other partitions of the topic.
    OtherPartitions,
    /// The lines of the file itself that can be read.
    Lines,
    /// The name of the directory.
    Name,
    /// The constant content that Kafka writes.
    Constant,
}

/// A value that only one is left for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Between {
    /// The value.
    value: i64,
}

/// Something that no broker reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Unused {
    what: Idle,
}

/// A kind of item that no broker reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case")
)]
pub enum Idle {
    /// Zeros.
    Zeros,
    /// A directory with nothing in it.
    EmptyDirectory,
    /// A file that brokers delete, or make again, or do not start with.
    File,
}

/// Batches that a replica has, whose checksums are right.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Replica {
    /// The file that the first of them is in.
    path: String,
    /// The number of batches.
    batches: u64,
}

impl Replica {
    /// The batch in `range` of a file of a replica, if its checksum is right.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn of(
        log: &LogFile,
        range: Range<u64>,
        path: &Path,
    ) -> Result<Option<Self>, store::Error> {
        let mut buffer = Vec::new();
        let bytes = log.window(range, &mut buffer)?;
        Ok(is_batch(bytes).then(|| Self {
            path: path.to_string_lossy().into_owned(),
            batches: 1,
        }))
    }

    /// The proof of both.
    pub(super) fn and(self, other: &Self) -> Self {
        Self {
            batches: self.batches + other.batches,
            ..self
        }
    }
}

impl Checksum {
    /// The checksum of a batch as it is at `position`, if it is right.
    pub(super) fn of(batch: &[u8], position: u64) -> Option<Self> {
        is_batch(batch).then(|| Self {
            batch: position..position + batch.len() as u64,
            one_in: None,
        })
    }

    /// The checksum of what a step makes of the batch in `range`, if it is right. That many were
    /// tried of `one_in`.
    pub(super) fn of_result(result: &[u8], range: Range<u64>, one_in: u64) -> Option<Self> {
        is_batch(result).then_some(Self {
            batch: range,
            one_in: Some(one_in),
        })
    }
}

impl Checksum {
    /// The proof of two batches, where each has one.
    pub(super) fn and(self, other: &Self) -> Self {
        let (a, b) = (&self.batch, &other.batch);
        Self {
            batch: a.start.min(b.start)..a.end.max(b.end),
            one_in: self.one_in.into_iter().chain(other.one_in).min(),
        }
    }
}

impl Checksum {
    /// The range of the batch in the original file.
    pub(super) fn batch(&self) -> Range<u64> {
        self.batch.clone()
    }
}

impl EqualBytes {
    /// Returns the file and range of the same bytes.
    pub(super) fn place(&self) -> (&PlanPath, &Range<u64>) {
        (&self.file, &self.range)
    }

    /// The bytes of `here` in `there`, which is `file` of the plan, if they are the same.
    ///
    /// # Errors
    /// One of the files cannot be read.
    pub(super) fn of(
        (here, range): (&LogFile, Range<u64>),
        (there, other): (&LogFile, Range<u64>),
        file: PlanPath,
    ) -> Result<Option<Self>, store::Error> {
        let len = range.end.saturating_sub(range.start);
        if len != other.end.saturating_sub(other.start) {
            return Ok(None);
        }
        let (mut a, mut b) = (Vec::new(), Vec::new());
        let mut at = 0;
        while at < len {
            let end = len.min(at + WINDOW_BYTES);
            let one = here.window(range.start + at..range.start + end, &mut a)?;
            let other = there.window(other.start + at..other.start + end, &mut b)?;
            if one != other || one.is_empty() {
                return Ok(None);
            }
            at = end;
        }
        Ok(Some(Self { file, range: other }))
    }
}

impl Derived {
    /// A proof for what is computed from `origin`.
    pub(super) const fn from(origin: Origin) -> Self {
        Self { from: origin }
    }
}

impl Between {
    /// The value that both sides have.
    pub(super) fn agree(before: Option<i64>, after: Option<i64>) -> Option<Self> {
        let value = before.filter(|value| after == Some(*value))?;
        Some(Self { value })
    }

    /// The first offset of a batch of so many offsets that fills the gap between `last` and `next`
    /// and leaves nothing of it.
    pub(super) fn fill(last: i64, next: i64, offsets: i64) -> Option<Self> {
        let value = last.checked_add(1)?;
        (offsets > 0 && value.checked_add(offsets) == Some(next)).then_some(Self { value })
    }

    /// The value.
    pub(super) const fn value(self) -> i64 {
        self.value
    }
}

impl Unused {
    /// Returns true if it is because it is zeros.
    pub(super) fn is_zeros(self) -> bool {
        self.what == Idle::Zeros
    }

    /// That no broker reads it.
    pub(super) const fn of(what: Idle) -> Self {
        Self { what }
    }
}

impl Proof {
    /// Returns the odds: one wrong batch in this many; `None` if nothing was tried.
    #[must_use]
    pub fn one_in(&self) -> Option<u64> {
        match self {
            Self::Checksum(checksum) => checksum.one_in,
            _ => None,
        }
    }
}

impl From<Checksum> for Proof {
    fn from(proof: Checksum) -> Self {
        Self::Checksum(proof)
    }
}

impl From<EqualBytes> for Proof {
    fn from(proof: EqualBytes) -> Self {
        Self::EqualBytes(proof)
    }
}

impl From<Derived> for Proof {
    fn from(proof: Derived) -> Self {
        Self::Derived(proof)
    }
}

impl From<Between> for Proof {
    fn from(proof: Between) -> Self {
        Self::Neighbours(proof)
    }
}

impl From<Replica> for Proof {
    fn from(proof: Replica) -> Self {
        Self::Replica(proof)
    }
}

impl From<Unused> for Proof {
    fn from(proof: Unused) -> Self {
        Self::Unused(proof)
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checksum(_) => f.write_str("the checksum of the batch"),
            Self::EqualBytes(EqualBytes { file, range }) => {
                write!(f, "equal bytes in {file} at {}", range.start)
            }
            Self::Derived(Derived { from }) => f.write_str(match from {
                Origin::Log => "derived from the log",
                Origin::MetadataLog => "derived from the metadata log",
                Origin::OtherPartitions => "derived from other partitions of the topic",
                Origin::Lines => "derived from the lines of the file",
                Origin::Name => "derived from the name",
                Origin::Constant => "the same in every log dir",
            }),
            Self::Replica(Replica { path, batches: 1 }) => {
                write!(f, "the checksum of the batch in {path}")
            }
            Self::Replica(Replica { path, batches }) => {
                write!(
                    f,
                    "the checksums of {batches} batches of replicas, the first in {path}"
                )
            }
            Self::Neighbours(_) => f.write_str("the batches around it allow only one value"),
            Self::Unused(Unused { what }) => f.write_str(match what {
                Idle::Zeros => "only zeros",
                Idle::EmptyDirectory => "an empty directory",
                Idle::File => "no broker reads it",
            }),
        }
    }
}

/// Returns true if bytes are a batch, and nothing else, whose checksum is right.
pub(super) fn is_batch(bytes: &[u8]) -> bool {
    let Ok(frame) = Frame::parse(bytes, Position(0)) else {
        return false;
    };
    let batch = Batch::parse(frame).ok();
    frame.size_bytes() == bytes.len() && batch.is_some_and(|batch| batch.check_crc().is_ok())
}
