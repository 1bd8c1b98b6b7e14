//! The values of control records that are messages: those of `KRaft`. Transaction markers are not among them.
//!
//! The version of such a message is its first field, and Kafka reads all of them as version 0.
//!
//! # References
//! `ControlRecordUtils`, KIP-595, KIP-630, KIP-853.

use super::schema::{Family, NEWEST};
use super::value::Struct;
use crate::wire::{Fault, FaultKind};

/// The version as which every control record is read.
const VERSION: i16 = 0;

/// Reads the value of a control record of type 2 (leader change), 3 (snapshot header), 4 (snapshot footer), 5
/// (`KRaft` version) or 6 (voters). Bytes behind the message are ignored.
///
/// # Errors
/// The type is another, or the bytes are no such message.
pub fn control(kind: i16, value: &[u8]) -> Result<Struct<'_>, Fault> {
    let message = Family::Control
        .value(kind)
        .ok_or(Fault::new(FaultKind::ControlValue, 0))?;
    message.read(VERSION, NEWEST, value).map(|(body, _)| body)
}

/// Appends the same as JSON.
///
/// # Errors
/// Those of [`control`].
pub fn control_json(kind: i16, value: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    control(kind, value).map(|body| body.write_json(out))
}
