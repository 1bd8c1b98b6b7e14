//! What a check saw, as numbers: the text of a finding and its JSON detail derive from it, and repair reads it.

mod impact;
mod log;

use std::fmt::{self, Display as _};

use super::catalog::Check;
use super::finding::Said;
pub use impact::{BrokerAction, Impact, Loss, Records, Resume};
pub use log::{
    Checksum, Disorder, EpochConflict, Field, FieldValue, FlippedBit, Number, SuspectedBit, Torn,
    Zeros,
};

/// What a check saw. Kinds are shared by checks; the check says what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "kind", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Evidence {
    /// Nothing beside what the check is about.
    Bare,
    /// A checksum that is not that of the bytes.
    Checksum(Checksum),
    /// A field that has another value than it must have.
    Field(FieldValue),
    /// Zeros where batches should be.
    Zeros(Zeros),
    /// A batch that is not all there.
    Torn(Torn),
    /// Bytes that nobody recognises.
    Foreign,
    /// Batches whose numbers don't fit those around them.
    Disorder(Disorder),
    /// A gap that a flipped bit would explain, where nothing proves it.
    SuspectedBit(SuspectedBit),
    /// A batch with another leader epoch than `leader-epoch-checkpoint` has for it.
    EpochConflict(EpochConflict),
    /// Words and numbers of checks that have no kind of their own yet.
    Said(Said),
}

impl Evidence {
    /// The single bit that, flipped back, makes right what is wrong.
    #[must_use]
    pub fn flipped_bit(&self) -> Option<FlippedBit> {
        match self {
            Self::Checksum(checksum) => checksum.flip,
            Self::Field(field) => field.flip,
            Self::Disorder(disorder) => disorder.flip,
            _ => None,
        }
    }

    /// Writes what is wrong in words, for a finding of `check`.
    pub(super) fn describe(&self, check: &Check, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = check.title();
        match self {
            Self::Bare | Self::Foreign => f.write_str(title),
            Self::Checksum(checksum) => write!(f, "{title}{checksum}"),
            Self::Field(field) => field.fmt(f),
            Self::Zeros(zeros) => write!(f, "{title}: {zeros}"),
            Self::Torn(torn) => match torn.zeros {
                Some(zeros) => write!(f, "{title}, with {zeros}"),
                None => f.write_str(title),
            },
            Self::Disorder(disorder) => write!(f, "{title}{disorder}"),
            Self::SuspectedBit(SuspectedBit { suspected, .. }) => {
                write!(f, "{title}, unless {suspected}")
            }
            Self::EpochConflict(conflict) => conflict.fmt(f),
            Self::Said(said) => match &said.message {
                Some(message) => f.write_str(message),
                None => f.write_str(title),
            },
        }
    }
}

macro_rules! from_kinds {
    ($($kind:ident),*) => { $(
        impl From<$kind> for Evidence {
            fn from(kind: $kind) -> Self {
                Self::$kind(kind)
            }
        }
    )* };
}

from_kinds!(Checksum, Zeros, Torn, Disorder, SuspectedBit, EpochConflict);

impl From<FieldValue> for Evidence {
    fn from(field: FieldValue) -> Self {
        Self::Field(field)
    }
}
