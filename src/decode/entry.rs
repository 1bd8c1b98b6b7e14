//! A record of an internal topic, decoded.

use super::framing::{Decoded, Unread};

/// A record of an internal topic.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Entry<'buf> {
    /// The key.
    pub key: EntryPart<'buf>,
    /// The value; null deletes.
    pub value: EntryPart<'buf>,
}

/// The key or the value of a record.
#[derive(Debug, Clone)]
pub enum EntryPart<'buf> {
    /// Null.
    Null,
    /// A message.
    Decoded(Decoded<'buf>),
    /// Bytes that could not be read.
    Unread {
        /// The reason.
        why: Unread,
        /// The bytes.
        bytes: &'buf [u8],
    },
}

impl<'buf> EntryPart<'buf> {
    pub(super) fn new(
        bytes: Option<&'buf [u8]>,
        decode: impl FnOnce(&'buf [u8]) -> Result<Decoded<'buf>, Unread>,
    ) -> Self {
        match bytes.map(|bytes| (bytes, decode(bytes))) {
            None => Self::Null,
            Some((_, Ok(decoded))) => Self::Decoded(decoded),
            Some((bytes, Err(why))) => Self::Unread { why, bytes },
        }
    }

    /// The message, if there is one.
    #[must_use]
    pub fn decoded(&self) -> Option<&Decoded<'buf>> {
        match self {
            Self::Decoded(decoded) => Some(decoded),
            _ => None,
        }
    }

    /// Returns true if it is null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The record type; a key of unknown type has one too.
    pub(super) fn id(&self) -> Option<i16> {
        match self {
            Self::Decoded(decoded) => Some(decoded.message.id()),
            Self::Unread {
                why: Unread::UnknownType(id) | Unread::Message { id, .. },
                ..
            } => Some(*id),
            _ => None,
        }
    }
}
