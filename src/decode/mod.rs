//! What the records of Kafka's internal topics mean.
//!
//! ```text
//! key, value ─▶ framing ─▶ schema, by schemas.txt ─▶ Struct ─▶ json, or typed views
//! ```
//!
//! [`Decoder::decode`] reads a record whoever wrote it; [`framing`] reads it as one release would. The result is a
//! [`Struct`] of named values, which writes itself as the JSON that Kafka shows; the modules named after topics give
//! typed views of those records that others fold over.
//!
//! **Invariant:** any bytes give a result or an [`Unread`]: nothing here panics, and memory is bounded by the size of
//! the record. What cannot be read stays visible as bytes. Absent on purpose: files, batches, the texts of Kafka's
//! tools.
#![deny(clippy::arithmetic_side_effects, clippy::expect_used)]

pub mod cluster_metadata;
pub mod consumer_offsets;
pub mod control;
pub mod framing;
pub mod json;
mod notation;
pub mod remote_metadata;
pub mod schema;
pub mod share_state;
pub mod text;
pub mod transaction_state;
pub mod value;

pub use framing::{Decoded, Reading, Unread};
pub use schema::{Family, Message};
pub use value::{Struct, Value};

/// What decodes the records of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoder {
    /// `__consumer_offsets`: committed offsets and groups.
    Offsets,
    /// `__transaction_state`: the transaction coordinator.
    Transactions,
    /// `__cluster_metadata`: the log of the `KRaft` controller, and its snapshots.
    ClusterMetadata,
    /// `__remote_log_metadata`: segments in tiered storage.
    RemoteLogMetadata,
    /// `__share_group_state`: the share coordinator.
    ShareState,
}

impl Decoder {
    /// The decoder for a topic; ordinary topics have none.
    #[must_use]
    pub fn for_topic(name: &str) -> Option<Self> {
        match name {
            "__consumer_offsets" => Some(Self::Offsets),
            "__transaction_state" => Some(Self::Transactions),
            "__cluster_metadata" => Some(Self::ClusterMetadata),
            "__remote_log_metadata" => Some(Self::RemoteLogMetadata),
            "__share_group_state" => Some(Self::ShareState),
            _ => None,
        }
    }

    /// The messages of the topic.
    #[must_use]
    pub fn family(self) -> Family {
        match self {
            Self::Offsets => Family::ConsumerOffsets,
            Self::Transactions => Family::TransactionState,
            Self::ClusterMetadata => Family::ClusterMetadata,
            Self::RemoteLogMetadata => Family::RemoteLogMetadata,
            Self::ShareState => Family::ShareGroupState,
        }
    }

    /// Whether the topic's records have keys: otherwise the value says what it is.
    #[must_use]
    pub fn is_keyed(self) -> bool {
        matches!(self, Self::Offsets | Self::Transactions | Self::ShareState)
    }

    /// Decodes a record, whichever release wrote it.
    #[must_use]
    pub fn decode<'buf>(self, key: Option<&'buf [u8]>, value: Option<&'buf [u8]>) -> Entry<'buf> {
        let family = self.family();
        if !self.is_keyed() {
            return Entry {
                key: Part::new(key, |_| Err(Unread::NoMeaning)),
                value: Part::new(value, |bytes| framing::framed(family, Reading::Any, bytes)),
            };
        }
        let key = Part::new(key, |bytes| framing::keyed_key(family, Reading::Any, bytes));
        let value = Part::new(value, |bytes| {
            let id = key.id().ok_or(Unread::NoMeaning)?;
            let mut decoded = framing::keyed_value(family, Reading::Any, id, bytes)?;
            consumer_offsets::open_members(&mut decoded);
            Ok(decoded)
        });
        Entry { key, value }
    }
}

/// A record of an internal topic.
#[derive(Debug, Clone)]
pub struct Entry<'buf> {
    /// What it is about.
    pub key: Part<'buf>,
    /// What it says of it; null deletes.
    pub value: Part<'buf>,
}

/// The key or the value of a record.
#[derive(Debug, Clone)]
pub enum Part<'buf> {
    /// Null.
    Null,
    /// A message.
    Decoded(Decoded<'buf>),
    /// Bytes that could not be read.
    Unread {
        /// Why.
        why: Unread,
        /// The bytes.
        bytes: &'buf [u8],
    },
}

impl<'buf> Part<'buf> {
    fn new(
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

    /// Whether it is null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The record type. A key of unknown type has one too: then the note about its value says so.
    fn id(&self) -> Option<i16> {
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
