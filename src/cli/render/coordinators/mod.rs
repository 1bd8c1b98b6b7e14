//! Keys and payloads of internal topics as Kafka's `DumpLogSegments` prints them, for each release.
//!
//! | topic | release | text |
//! |---|---|---|
//! | consumer offsets | up to 3.7 | [`old_offsets`] |
//! | | 3.8 and later | [`json`] |
//! | transactions | up to 4.0 | [`old_transactions`] |
//! | | 4.1 and later | [`json`] |
//! | share state | 4.0 and later | [`json`] |
//! | cluster metadata | 2.8 and later | [`json`] |
//! | remote log metadata | 3.9 and later | [`remote`] |

mod json;
mod old;
mod old_offsets;
mod old_transactions;
mod remote;
mod scala;

use std::fmt;
use std::io::Write as _;

use kseg::decode::Decoder;
use kseg::wire::{Fault, FaultKind, Release};

/// Prints records of one internal topic in the style of one release.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Coordinators {
    decoder: Decoder,
    release: Release,
}

/// Which of the two texts were written; what was not is not printed at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The key has a text.
    pub(crate) key: bool,
    /// The payload has a text.
    pub(crate) payload: bool,
}

impl Shown {
    const NOTHING: Self = Self {
        key: false,
        payload: false,
    };
    const KEY: Self = Self {
        key: true,
        payload: false,
    };
    const PAYLOAD: Self = Self {
        key: false,
        payload: true,
    };
    const BOTH: Self = Self {
        key: true,
        payload: true,
    };
}

/// The original ended here: the exception it ended with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Crash(String);

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Crash {}

/// A record, and where its texts go.
struct Job<'buf, 'out> {
    release: Release,
    offset: i64,
    key: Option<&'buf [u8]>,
    value: Option<&'buf [u8]>,
    key_text: &'out mut Vec<u8>,
    payload_text: &'out mut Vec<u8>,
}

impl Coordinators {
    /// The texts of `decoder` in the style of `release`.
    pub(crate) fn new(decoder: Decoder, release: Release) -> Self {
        Self { decoder, release }
    }

    /// Appends the texts of a record's key and payload.
    ///
    /// # Errors
    /// The original ended with an exception here. Nothing was appended.
    pub(crate) fn write(
        &self,
        offset: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        key_text: &mut Vec<u8>,
        payload_text: &mut Vec<u8>,
    ) -> Result<Shown, Crash> {
        let release = self.release;
        let mut job = Job {
            release,
            offset,
            key,
            value,
            key_text,
            payload_text,
        };
        match self.decoder {
            Decoder::Offsets if release < Release::new(3, 8, 0) => old_offsets::write(&mut job),
            Decoder::Transactions if release < Release::new(4, 1, 0) => {
                old_transactions::write(&mut job)
            }
            // No option of the tool asks for a topic of MirrorMaker.
            Decoder::Offsets | Decoder::Transactions | Decoder::ShareState | Decoder::Mirror(_) => {
                json::keyed(&mut job, self.decoder)
            }
            Decoder::ClusterMetadata => Ok(json::metadata(&mut job)),
            Decoder::RemoteLogMetadata => Ok(remote::metadata(&mut job)),
        }
    }
}

/// Appends text.
fn put(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    // Writing to a vector does not fail.
    let _ = out.write_fmt(text);
}

/// The message of the exception that Kafka's readers throw for `fault` in `bytes`.
fn reason(fault: Fault, bytes: &[u8]) -> String {
    match fault.kind() {
        FaultKind::FieldLength { length, left } if length >= 0 => {
            format!("Error reading byte array of {length} byte(s): only {left} byte(s) available")
        }
        FaultKind::FieldLength { length, .. } => length.to_string(),
        FaultKind::NullField(field) => format!("non-nullable field {field} was serialized as null"),
        FaultKind::StringLength { field, length } => {
            format!("string field {field} had invalid length {length}")
        }
        FaultKind::ArrayLength { length, left } => format!(
            "Tried to allocate a collection of size {length}, but there are only {left} bytes remaining."
        ),
        FaultKind::TagVersion { tag, version } => {
            format!("Tag {tag} is not valid for version {version}")
        }
        FaultKind::StructVersion { name, version } => {
            format!("Can't read version {version} of {name}")
        }
        FaultKind::VarintTooLong { width } => format!(
            "Varint is too long, the most significant bit in the 5th byte is set, converted value: {:x}",
            varint_so_far(bytes.iter().skip(fault.at()).take(width))
        ),
        // A buffer that ends early: an exception without a message.
        _ => "null".to_owned(),
    }
}

/// What the bytes of an unsigned varint add up to, surplus bits dropped.
fn varint_so_far<'buf>(bytes: impl Iterator<Item = &'buf u8>) -> u32 {
    bytes.zip((0..).step_by(7)).fold(0, |sum, (&byte, shift)| {
        sum | u32::from(byte & 0x7f).unbounded_shl(shift)
    })
}
