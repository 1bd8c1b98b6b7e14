//! A record that is being rendered, and the exception that may end it.

use std::fmt;
use std::io::Write as _;

use kseg::format::fault::SchemaFault;
use kseg::format::{Fault, FaultKind};
use kseg::wire::{NumberFault, Release};

/// The texts that were written; the others are not printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The key has a text.
    pub(crate) key: bool,
    /// The payload has a text.
    pub(crate) payload: bool,
}

impl Shown {
    pub(super) const NOTHING: Self = Self {
        key: false,
        payload: false,
    };
    pub(super) const KEY: Self = Self {
        key: true,
        payload: false,
    };
    pub(super) const PAYLOAD: Self = Self {
        key: false,
        payload: true,
    };
    pub(super) const BOTH: Self = Self {
        key: true,
        payload: true,
    };
}

/// The exception with which the original ended here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Crash(pub(super) String);

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Crash {}

/// A record, and the output of its texts.
pub(super) struct Job<'buf, 'out> {
    pub(super) release: Release,
    pub(super) offset: i64,
    pub(super) key: Option<&'buf [u8]>,
    pub(super) value: Option<&'buf [u8]>,
    pub(super) key_text: &'out mut Vec<u8>,
    pub(super) payload_text: &'out mut Vec<u8>,
}

/// Appends text.
pub(super) fn put(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    // Writing to a vector does not fail.
    let _ = out.write_fmt(text);
}

/// The message of the exception that Kafka's readers throw for `fault` in `bytes`.
pub(super) fn reason(fault: Fault, bytes: &[u8]) -> String {
    match fault.kind() {
        FaultKind::Schema(SchemaFault::FieldLength { length, left }) if length >= 0 => {
            format!("Error reading byte array of {length} byte(s): only {left} byte(s) available")
        }
        FaultKind::Schema(SchemaFault::FieldLength { length, .. }) => length.to_string(),
        FaultKind::Schema(SchemaFault::NullField(field)) => {
            format!("non-nullable field {field} was serialized as null")
        }
        FaultKind::Schema(SchemaFault::StringLength { field, length }) => {
            format!("string field {field} had invalid length {length}")
        }
        FaultKind::Schema(SchemaFault::ArrayLength { length, left }) => format!(
            "Tried to allocate a collection of size {length}, but there are only {left} bytes remaining."
        ),
        FaultKind::Schema(SchemaFault::TagVersion { tag, version }) => {
            format!("Tag {tag} is not valid for version {version}")
        }
        FaultKind::Schema(SchemaFault::StructVersion { name, version }) => {
            format!("Can't read version {version} of {name}")
        }
        FaultKind::Number(NumberFault::VarintTooLong { width }) => format!(
            "Varint is too long, the most significant bit in the 5th byte is set, converted value: {:x}",
            varint_so_far(bytes.iter().skip(fault.at()).take(width))
        ),
        // A buffer that ends early: an exception without a message.
        _ => "null".to_owned(),
    }
}

/// Returns the value of an incomplete unsigned varint, without surplus bits.
pub(super) fn varint_so_far<'buf>(bytes: impl Iterator<Item = &'buf u8>) -> u32 {
    bytes.zip((0..).step_by(7)).fold(0, |sum, (&byte, shift)| {
        sum | u32::from(byte & 0x7f).unbounded_shl(shift)
    })
}
