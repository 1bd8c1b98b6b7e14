//! Builds log segments, whole and broken, from the specification of the format and from nothing in `src/`: what reads
//! segments is tested against something that shares none of its mistakes.
//!
//! A segment is put together from frames — [`BatchSpec`], [`Message`], [`Wrapper`] — by [`Forged::with`], which also
//! notes what a reader must find; [`random_segment`] does so for a seed. [`damage`] breaks the bytes afterwards.
#![expect(clippy::little_endian_bytes, reason = "LZ4 is")]
#![allow(
    clippy::indexing_slicing,
    reason = "the bytes are our own; the lint minds it in the bench only"
)]

pub(crate) mod batch;
pub(crate) mod bytes;
pub(crate) mod codec;
pub(crate) mod control;
pub(crate) mod damage;
pub(crate) mod legacy;
pub(crate) mod partition;
pub(crate) mod random;

pub(crate) use batch::{BatchSpec, Rec};
pub(crate) use codec::{Codec, Lz4};
pub(crate) use legacy::{Inner, Message, Wrapper};
pub(crate) use random::random_segment;

/// Where the fields of a frame are, in bytes from its start.
pub(crate) mod field {
    pub(crate) const BASE_OFFSET: usize = 0;
    pub(crate) const LENGTH: usize = 8;
    pub(crate) const LOG_OVERHEAD: usize = 12;
    pub(crate) const LEADER_EPOCH: usize = 12;
    pub(crate) const MAGIC: usize = 16;
    pub(crate) const CRC: usize = 17;
    pub(crate) const ATTRIBUTES: usize = 21;
    pub(crate) const LAST_OFFSET_DELTA: usize = 23;
    pub(crate) const BASE_TIMESTAMP: usize = 27;
    pub(crate) const MAX_TIMESTAMP: usize = 35;
    pub(crate) const PRODUCER_ID: usize = 43;
    pub(crate) const PRODUCER_EPOCH: usize = 51;
    pub(crate) const BASE_SEQUENCE: usize = 53;
    pub(crate) const COUNT: usize = 57;
    pub(crate) const RECORDS: usize = 61;
    /// In magic 0 and 1.
    pub(crate) const LEGACY_CRC: usize = 12;
}

/// A record header: its key, and a value or null.
pub(crate) type Header = (String, Option<Vec<u8>>);

/// One entry of a segment.
pub(crate) trait Frame {
    /// As stored.
    fn bytes(&self) -> Vec<u8>;

    /// What a reader finds in it when it stands at `position`, control records included, unless a field was given a value
    /// that does not fit.
    fn expected(&self, position: usize) -> Vec<Expected>;
}

/// A record that a reader must find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expected {
    /// Where the frame that holds it begins.
    pub(crate) position: usize,
    pub(crate) offset: i64,
    /// As shown, which for a time set by the broker is that of the frame.
    pub(crate) timestamp: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<Header>,
}

/// A segment, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Forged {
    pub(crate) bytes: Vec<u8>,
    /// Where each frame begins, those without records included.
    pub(crate) frames: Vec<usize>,
    pub(crate) expected: Vec<Expected>,
}

impl Forged {
    /// The segment with one more frame.
    pub(crate) fn with(mut self, frame: &impl Frame) -> Self {
        let position = self.bytes.len();
        self.frames.push(position);
        self.expected.extend(frame.expected(position));
        self.bytes.extend(frame.bytes());
        self
    }
}

/// A size as the format stores it.
fn size(bytes: usize) -> i32 {
    i32::try_from(bytes).expect("Kafka's sizes are below 2 GiB")
}
