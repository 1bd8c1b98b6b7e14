//! Magic 2: record batches.

use super::bytes::{crc32c, put_varint, put_varlong};
use super::{Codec, Expected, Frame, Header, field, size};

/// Attribute bits of a batch beside its codec.
pub(crate) const LOG_APPEND_TIME: i16 = 0x08;
pub(crate) const TRANSACTIONAL: i16 = 0x10;
pub(crate) const CONTROL: i16 = 0x20;
pub(crate) const DELETE_HORIZON: i16 = 0x40;

/// One record of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Rec {
    pub(crate) offset_delta: i32,
    pub(crate) timestamp_delta: i64,
    pub(crate) attributes: i8,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<Header>,
}

impl Rec {
    pub(crate) fn new(key: Option<&[u8]>, value: Option<&[u8]>) -> Self {
        Self {
            key: key.map(<[u8]>::to_vec),
            value: value.map(<[u8]>::to_vec),
            ..Self::default()
        }
    }

    pub(crate) fn offset_delta(mut self, delta: i32) -> Self {
        self.offset_delta = delta;
        self
    }

    pub(crate) fn timestamp_delta(mut self, delta: i64) -> Self {
        self.timestamp_delta = delta;
        self
    }

    pub(crate) fn header(mut self, key: &str, value: Option<&[u8]>) -> Self {
        self.headers
            .push((key.to_owned(), value.map(<[u8]>::to_vec)));
        self
    }

    /// Appends the record, every varint of at least `least` bytes.
    pub(crate) fn put(&self, out: &mut Vec<u8>, least: usize) {
        let mut body = self.attributes.to_be_bytes().to_vec();
        put_varlong(&mut body, self.timestamp_delta, least);
        put_varint(&mut body, self.offset_delta, least);
        put_field(&mut body, self.key.as_deref(), least);
        put_field(&mut body, self.value.as_deref(), least);
        put_varint(&mut body, size(self.headers.len()), least);
        for (key, value) in &self.headers {
            put_field(&mut body, Some(key.as_bytes()), least);
            put_field(&mut body, value.as_deref(), least);
        }
        put_varint(out, size(body.len()), least);
        out.extend(body);
    }
}

/// Bytes after their length; −1 stands for null.
fn put_field(out: &mut Vec<u8>, field: Option<&[u8]>, least: usize) {
    put_varint(out, field.map_or(-1, |bytes| size(bytes.len())), least);
    out.extend_from_slice(field.unwrap_or_default());
}

/// A record batch. What is `None` follows from the records; what is `Some` is written as given, right or wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BatchSpec {
    pub(crate) base_offset: i64,
    pub(crate) length: Option<i32>,
    pub(crate) leader_epoch: i32,
    pub(crate) magic: i8,
    pub(crate) crc: Option<u32>,
    /// All bits but those of the codec.
    pub(crate) attributes: i16,
    pub(crate) codec: Codec,
    pub(crate) last_offset_delta: Option<i32>,
    pub(crate) base_timestamp: i64,
    pub(crate) max_timestamp: Option<i64>,
    pub(crate) producer_id: i64,
    pub(crate) producer_epoch: i16,
    pub(crate) base_sequence: i32,
    pub(crate) count: Option<i32>,
    pub(crate) records: Vec<Rec>,
    /// Bytes behind the payload, inside the batch and not compressed.
    pub(crate) trailing: Vec<u8>,
    /// The fewest bytes of a varint; 1 is what every writer does.
    pub(crate) varint_bytes: usize,
}

impl Default for BatchSpec {
    fn default() -> Self {
        Self {
            base_offset: 0,
            length: None,
            leader_epoch: 0,
            magic: 2,
            crc: None,
            attributes: 0,
            codec: Codec::None,
            last_offset_delta: None,
            base_timestamp: 0,
            max_timestamp: None,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
            count: None,
            records: Vec::new(),
            trailing: Vec::new(),
            varint_bytes: 1,
        }
    }
}

impl BatchSpec {
    /// A batch of nobody in particular at `base_offset`.
    pub(crate) fn at(base_offset: i64) -> Self {
        Self {
            base_offset,
            ..Self::default()
        }
    }

    /// What the cleaner leaves of a batch: no records, but the offsets up to `last_offset_delta`.
    pub(crate) fn empty(base_offset: i64, last_offset_delta: i32, max_timestamp: i64) -> Self {
        Self {
            last_offset_delta: Some(last_offset_delta),
            base_timestamp: -1,
            max_timestamp: Some(max_timestamp),
            ..Self::at(base_offset)
        }
    }

    pub(crate) fn epoch(mut self, leader_epoch: i32) -> Self {
        self.leader_epoch = leader_epoch;
        self
    }

    pub(crate) fn attributes(mut self, bits: i16) -> Self {
        self.attributes = bits;
        self
    }

    pub(crate) fn codec(mut self, codec: Codec) -> Self {
        self.codec = codec;
        self
    }

    pub(crate) fn timestamp(mut self, base: i64) -> Self {
        self.base_timestamp = base;
        self
    }

    pub(crate) fn producer(mut self, id: i64, epoch: i16, base_sequence: i32) -> Self {
        self.producer_id = id;
        self.producer_epoch = epoch;
        self.base_sequence = base_sequence;
        self
    }

    /// The same with another last offset than that of the last record.
    pub(crate) fn ending_at(mut self, last_offset_delta: i32) -> Self {
        self.last_offset_delta = Some(last_offset_delta);
        self
    }

    /// Adds `record` as it is.
    pub(crate) fn record(mut self, record: Rec) -> Self {
        self.records.push(record);
        self
    }

    /// Adds `record` at the offset behind those before it.
    pub(crate) fn then(self, record: Rec) -> Self {
        let next = self.records.last().map_or(0, |last| last.offset_delta + 1);
        self.record(record.offset_delta(next))
    }

    /// The last offset the batch stands for.
    pub(crate) fn last_offset(&self) -> i64 {
        self.base_offset + i64::from(self.last_delta())
    }

    fn last_delta(&self) -> i32 {
        let largest = self.records.iter().map(|record| record.offset_delta).max();
        self.last_offset_delta.or(largest).unwrap_or(0)
    }

    /// The timestamp to show for all records, or the largest of their own.
    fn max_timestamp(&self) -> i64 {
        let times = self.records.iter().map(|record| self.create_time(record));
        self.max_timestamp
            .or(times.max())
            .unwrap_or(self.base_timestamp)
    }

    fn create_time(&self, record: &Rec) -> i64 {
        self.base_timestamp.wrapping_add(record.timestamp_delta)
    }
}

impl Frame for BatchSpec {
    fn bytes(&self) -> Vec<u8> {
        let mut records = Vec::new();
        for record in &self.records {
            record.put(&mut records, self.varint_bytes);
        }
        let mut payload = self.codec.pack(&records);
        payload.extend_from_slice(&self.trailing);

        let count = self.count.unwrap_or_else(|| size(self.records.len()));
        let mut covered = (self.attributes | i16::from(self.codec.id()))
            .to_be_bytes()
            .to_vec();
        covered.extend(self.last_delta().to_be_bytes());
        covered.extend(self.base_timestamp.to_be_bytes());
        covered.extend(self.max_timestamp().to_be_bytes());
        covered.extend(self.producer_id.to_be_bytes());
        covered.extend(self.producer_epoch.to_be_bytes());
        covered.extend(self.base_sequence.to_be_bytes());
        covered.extend(count.to_be_bytes());
        covered.extend(payload);

        let whole = field::ATTRIBUTES + covered.len();
        let length = self
            .length
            .unwrap_or_else(|| size(whole - field::LOG_OVERHEAD));
        let mut out = Vec::with_capacity(whole);
        out.extend(self.base_offset.to_be_bytes());
        out.extend(length.to_be_bytes());
        out.extend(self.leader_epoch.to_be_bytes());
        out.extend(self.magic.to_be_bytes());
        out.extend(self.crc.unwrap_or_else(|| crc32c(&covered)).to_be_bytes());
        out.extend(covered);
        out
    }

    fn expected(&self, position: usize) -> Vec<Expected> {
        let expect = |record: &Rec| Expected {
            position,
            offset: self
                .base_offset
                .wrapping_add(i64::from(record.offset_delta)),
            timestamp: if self.attributes & LOG_APPEND_TIME != 0 {
                self.max_timestamp()
            } else {
                self.create_time(record)
            },
            key: record.key.clone(),
            value: record.value.clone(),
            headers: record.headers.clone(),
        };
        self.records.iter().map(expect).collect()
    }
}
