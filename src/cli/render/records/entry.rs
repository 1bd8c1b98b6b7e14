//! A record to render, and the fields of its batch.

use kseg::format::{Batch, Record};

/// A record to render, and its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LocatedRecord<'a, 'b> {
    /// Its topic, if that is known.
    pub(crate) topic: Option<&'a str>,
    /// Its partition, if that is known.
    pub(crate) partition: Option<i32>,
    /// The file that contains it, if that is known.
    pub(crate) file: Option<&'a str>,
    /// The batch that contains it.
    pub(crate) batch: &'a Batch<'a>,
    /// The record.
    pub(crate) record: &'a Record<'b>,
    /// True if the checksum of the batch is right; `None` if it was not verified.
    pub(crate) is_sound: Option<bool>,
}

/// The fields of a batch that its records show; `None` if the format or the batch does not have
/// them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    pub(super) leader_epoch: Option<i32>,
    pub(super) base_offset: Option<i64>,
    pub(super) codec: Option<&'static str>,
    pub(super) producer_id: Option<i64>,
    pub(super) producer_epoch: Option<i16>,
    pub(super) is_transactional: bool,
    pub(super) magic: i8,
}

impl Facts {
    pub(super) fn of(batch: &Batch<'_>) -> Self {
        let codec = batch.codec().ok().map(kseg::format::Codec::name);
        let none = Self {
            leader_epoch: None,
            base_offset: None,
            codec,
            producer_id: None,
            producer_epoch: None,
            is_transactional: false,
            magic: -1,
        };
        match batch {
            Batch::V2(batch) => Self {
                leader_epoch: Some(batch.leader_epoch().get()).filter(|epoch| *epoch >= 0),
                base_offset: Some(batch.base_offset().get()),
                producer_id: Some(batch.producer_id().get()).filter(|id| *id != -1),
                producer_epoch: Some(batch.producer_epoch()).filter(|epoch| *epoch != -1),
                is_transactional: batch.is_transactional(),
                magic: batch.magic(),
                ..none
            },
            Batch::Legacy(message) => Self {
                // A compressed set has the offset of its last message only.
                base_offset: Some(message.offset().get()).filter(|_| codec == Some("none")),
                magic: message.magic(),
                ..none
            },
            _ => none,
        }
    }
}

/// The word for a verified checksum; `None` if it was not verified.
pub(super) const fn crc_name(is_sound: Option<bool>) -> Option<&'static str> {
    match is_sound {
        Some(true) => Some("ok"),
        Some(false) => Some("bad"),
        None => None,
    }
}
