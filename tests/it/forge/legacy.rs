//! Magic 0 and 1: messages, and wrapper messages that hold others compressed.

use super::bytes::crc32;
use super::{Codec, Expected, Frame, size};

/// The attribute bit of magic 1 for a timestamp that the broker set.
const LOG_APPEND_TIME: i8 = 0x08;
/// What stands for no timestamp.
const NO_TIMESTAMP: i64 = -1;

/// A message of magic 0 or 1.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Message {
    pub(crate) magic: i8,
    pub(crate) offset: i64,
    /// Not stored in magic 0.
    pub(crate) timestamp: i64,
    pub(crate) attributes: i8,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    /// Written as given, right or wrong.
    pub(crate) crc: Option<u32>,
}

impl Message {
    pub(crate) fn v0(offset: i64, key: Option<&[u8]>, value: Option<&[u8]>) -> Self {
        Self {
            offset,
            key: key.map(<[u8]>::to_vec),
            value: value.map(<[u8]>::to_vec),
            ..Self::default()
        }
    }

    pub(crate) fn v1(
        offset: i64,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> Self {
        Self {
            magic: 1,
            timestamp,
            ..Self::v0(offset, key, value)
        }
    }

    /// The same with a timestamp of the broker's.
    pub(crate) fn log_append_time(mut self) -> Self {
        self.attributes |= LOG_APPEND_TIME;
        self
    }

    fn expect(&self, position: usize, append_time: Option<i64>) -> Expected {
        Expected {
            position,
            offset: self.offset,
            timestamp: match (self.magic, append_time) {
                (0, _) => NO_TIMESTAMP,
                (_, Some(time)) => time,
                (_, None) => self.timestamp,
            },
            key: self.key.clone(),
            value: self.value.clone(),
            headers: Vec::new(),
        }
    }
}

impl Frame for Message {
    fn bytes(&self) -> Vec<u8> {
        let mut covered = self.magic.to_be_bytes().to_vec();
        covered.extend(self.attributes.to_be_bytes());
        if self.magic > 0 {
            covered.extend(self.timestamp.to_be_bytes());
        }
        for field in [&self.key, &self.value] {
            let length = field.as_ref().map_or(-1, |bytes| size(bytes.len()));
            covered.extend(length.to_be_bytes());
            covered.extend_from_slice(field.as_deref().unwrap_or_default());
        }
        let mut out = self.offset.to_be_bytes().to_vec();
        out.extend(size(4 + covered.len()).to_be_bytes());
        out.extend(self.crc.unwrap_or_else(|| crc32(&covered)).to_be_bytes());
        out.extend(covered);
        out
    }

    fn expected(&self, position: usize) -> Vec<Expected> {
        vec![self.expect(position, None)]
    }
}

/// How the offsets of the messages inside a wrapper are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inner {
    /// As they are: magic 0, and a few producers of magic 1.
    Absolute,
    /// Counted from that of the first one: magic 1.
    Relative,
}

/// A message whose value is a compressed row of messages, given with their offsets in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrapper {
    pub(crate) magic: i8,
    pub(crate) codec: Codec,
    pub(crate) inner: Inner,
    /// `None` is the last message's.
    pub(crate) offset: Option<i64>,
    /// The broker's timestamp; without one the producer's hold, and the wrapper has the largest of them.
    pub(crate) append_time: Option<i64>,
    pub(crate) messages: Vec<Message>,
}

impl Wrapper {
    pub(crate) fn v0(codec: Codec, messages: Vec<Message>) -> Self {
        Self {
            magic: 0,
            codec,
            inner: Inner::Absolute,
            offset: None,
            append_time: None,
            messages,
        }
    }

    pub(crate) fn v1(codec: Codec, messages: Vec<Message>) -> Self {
        Self {
            magic: 1,
            inner: Inner::Relative,
            ..Self::v0(codec, messages)
        }
    }

    pub(crate) fn append_time(mut self, timestamp: i64) -> Self {
        self.append_time = Some(timestamp);
        self
    }

    pub(crate) fn inner(mut self, inner: Inner) -> Self {
        self.inner = inner;
        self
    }

    /// The message around the others.
    pub(crate) fn message(&self) -> Message {
        let first = match self.inner {
            Inner::Absolute => 0,
            Inner::Relative => self.messages.first().map_or(0, |first| first.offset),
        };
        let mut row = Vec::new();
        for message in &self.messages {
            let offset = message.offset - first;
            row.extend(
                Message {
                    offset,
                    ..message.clone()
                }
                .bytes(),
            );
        }
        let codec = self.codec.id().cast_signed();
        let timestamps = self.messages.iter().map(|message| message.timestamp);
        Message {
            magic: self.magic,
            offset: self
                .offset
                .or(self.messages.last().map(|last| last.offset))
                .unwrap_or(0),
            timestamp: self
                .append_time
                .or(timestamps.max())
                .unwrap_or(NO_TIMESTAMP),
            attributes: codec | self.append_time.map_or(0, |_| LOG_APPEND_TIME),
            key: None,
            value: Some(self.codec.pack(&row)),
            crc: None,
        }
    }
}

impl Frame for Wrapper {
    fn bytes(&self) -> Vec<u8> {
        self.message().bytes()
    }

    fn expected(&self, position: usize) -> Vec<Expected> {
        let expect = |message: &Message| message.expect(position, self.append_time);
        self.messages.iter().map(expect).collect()
    }
}
