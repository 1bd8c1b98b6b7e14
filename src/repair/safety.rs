//! Grades: what is known of a step, in the same words in plans, tables, help and manuals.

use std::fmt;
use std::ops::Range;

use super::proof::Proof;
use crate::wire::Offset;

/// The chance above which a repair is likely, not proven: one in so many.
pub(super) const PROVEN_ONE_IN: u64 = 1_000_000;

/// The safety of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Safety {
    /// The result of the step is right, and nothing is lost: needs no consent.
    Proven(Proof),
    /// Everything that is known agrees, and nothing proves it.
    Likely(Odds),
    /// Nothing says which of the bytes are right: records that no checksum covers are set aside.
    Suspect,
    /// Gives up bytes or knowledge.
    Lossy,
    /// Described, never done.
    Manual,
}

/// The name of what is known of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case")
)]
pub enum Grade {
    /// [`Safety::Proven`].
    Proven,
    /// [`Safety::Likely`].
    Likely,
    /// [`Safety::Suspect`].
    Suspect,
    /// [`Safety::Lossy`].
    Lossy,
    /// [`Safety::Manual`].
    Manual,
}

/// The chance that a likely step is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case")
)]
#[non_exhaustive]
pub enum Odds {
    /// At most one in so many.
    OneIn(u64),
    /// It cannot be computed.
    Unknown,
}

impl fmt::Display for Odds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneIn(number) => write!(f, "wrong in 1 of {number} cases"),
            Self::Unknown => f.write_str("odds unknown"),
        }
    }
}

impl Grade {
    /// Every grade, from the one that needs no consent to the one that is left to people.
    pub const ALL: [Self; 5] = [
        Self::Proven,
        Self::Likely,
        Self::Suspect,
        Self::Lossy,
        Self::Manual,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Likely => "likely",
            Self::Suspect => "suspect",
            Self::Lossy => "lossy",
            Self::Manual => "manual",
        }
    }

    /// Returns true if a step of this grade is done only if it is confirmed.
    #[must_use]
    pub const fn needs_consent(self) -> bool {
        matches!(self, Self::Likely | Self::Suspect | Self::Lossy)
    }
}

impl Safety {
    /// Its grade.
    #[must_use]
    pub const fn grade(&self) -> Grade {
        match self {
            Self::Proven(_) => Grade::Proven,
            Self::Likely(_) => Grade::Likely,
            Self::Suspect => Grade::Suspect,
            Self::Lossy => Grade::Lossy,
            Self::Manual => Grade::Manual,
        }
    }

    /// Returns the safety of a proof by its odds: likely if the odds of an error are above one in a
    /// million.
    #[must_use]
    pub(super) fn by_odds(proof: Proof) -> Self {
        match proof.one_in() {
            Some(one_in) if one_in < PROVEN_ONE_IN => Self::Likely(Odds::OneIn(one_in)),
            _ => Self::Proven(proof),
        }
    }
}

/// The loss of a step; nothing by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
pub struct Loss {
    /// The byte range in the file of the action.
    pub bytes: Option<Range<u64>>,
    /// The offsets that are no longer served, the last included.
    pub offsets: Option<(Offset, Offset)>,
    /// Records that could be read before.
    pub records: u64,
    /// Lost knowledge.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Vec::is_empty"))]
    pub knowledge: Vec<Knowledge>,
}

/// Something that a log dir knows beside the bytes of its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case")
)]
#[non_exhaustive]
pub enum Knowledge {
    /// The log start offset: which records were deleted.
    LogStart,
    /// Which offset comes next: what is lost of it is given out twice.
    EndOffset,
    /// The start offsets of leader epochs.
    Epochs,
    /// The end of a transaction.
    TransactionEnd,
    /// The state of producers.
    Producers,
    /// The vote of a controller.
    Vote,
    /// A snapshot of the metadata.
    Snapshot,
}

impl Knowledge {
    /// Its name, with an article.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::LogStart => "the log start offset",
            Self::EndOffset => "the old log end offset",
            Self::Epochs => "start offsets of leader epochs",
            Self::TransactionEnd => "the end of a transaction",
            Self::Producers => "the state of producers",
            Self::Vote => "the vote of the node",
            Self::Snapshot => "a metadata snapshot",
        }
    }
}

impl Loss {
    /// The loss of something that was known.
    #[must_use]
    pub fn of(knowledge: Knowledge) -> Self {
        Self {
            knowledge: vec![knowledge],
            ..Self::default()
        }
    }

    /// Returns true if neither bytes, nor offsets, nor knowledge are lost.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.records == 0 && self.offsets.is_none() && self.knowledge.is_empty()
    }
}
