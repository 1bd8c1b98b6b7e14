//! What is wrong with some bytes: a position, and a kind by the structure that they are part of.

mod files;
mod log;
mod schema;

pub use self::files::{CheckpointFault, IndexFault, JsonFault, PropertiesFault, SnapshotFault};
pub use self::log::{
    BatchFault, CodecFault, ControlRecordFault, FrameFault, MessageFault, RecordFault, RecordsFault,
};
pub use self::schema::{FieldName, SchemaFault};
use crate::wire::text::errno_text;
use crate::wire::{self, NumberFault};

/// A fault and its position: `Copy`, and without text until it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct Fault {
    kind: FaultKind,
    at: usize,
}

impl Fault {
    /// A fault `at` bytes from the start of what was parsed.
    #[must_use]
    pub fn new(kind: impl Into<FaultKind>, at: usize) -> Self {
        let kind = kind.into();
        Self { kind, at }
    }

    /// Returns what is wrong.
    #[must_use]
    pub const fn kind(&self) -> FaultKind {
        self.kind
    }

    /// Returns the position, counted from the start of the slice that was parsed. For records of a
    /// compressed batch it is a position in the decompressed bytes.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.at
    }

    /// The same fault, seen from `by` bytes earlier.
    #[must_use]
    pub const fn shifted(self, by: usize) -> Self {
        Self {
            kind: self.kind,
            at: self.at.saturating_add(by),
        }
    }
}

/// The kinds of wrong bytes, by structure. Numbers are as stored; sizes are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
#[non_exhaustive]
pub enum FaultKind {
    /// A number.
    Number(#[from] NumberFault),
    /// Bytes that cannot be read from the disk.
    #[error("cannot be read: {}", errno_text(*errno))]
    Unreadable {
        /// The error number of the operating system; 5 (`EIO`) is a bad sector.
        errno: i32,
    },
    /// The header that entries of a `.log` share.
    Frame(#[from] FrameFault),
    /// A batch, or a message as a batch.
    Batch(#[from] BatchFault),
    /// A message of magic 0 or 1.
    Message(#[from] MessageFault),
    /// The records of a batch.
    Records(#[from] RecordsFault),
    /// A record.
    Record(#[from] RecordFault),
    /// A compressed payload.
    Codec(#[from] CodecFault),
    /// A control record.
    Control(#[from] ControlRecordFault),
    /// A message by its schema.
    Schema(#[from] SchemaFault),
    /// An index.
    Index(#[from] IndexFault),
    /// A producer snapshot.
    ProducerSnapshot(#[from] SnapshotFault),
    /// A checkpoint.
    Checkpoint(#[from] CheckpointFault),
    /// A file of properties.
    Properties(#[from] PropertiesFault),
    /// A file of JSON.
    Json(#[from] JsonFault),
}

/// The result of a parser: the rest of the input and a value, or a kind of fault.
pub(crate) type Parsed<'a, T> = wire::Parsed<'a, T, FaultKind>;

/// Converts nom's result into ours: the fault's position is counted from the start of `input`.
///
/// # Errors
/// The fault that stopped the parser.
pub(crate) fn finish<'a, T>(
    input: &'a [u8],
    parsed: Parsed<'a, T>,
) -> Result<(&'a [u8], T), Fault> {
    match parsed {
        Ok(done) => Ok(done),
        Err(nom::Err::Error(wrong) | nom::Err::Failure(wrong)) => Err(Fault::new(
            wrong.kind,
            input.len().saturating_sub(wrong.rest.len()),
        )),
        Err(nom::Err::Incomplete(_)) => Err(Fault::new(NumberFault::EndOfInput, input.len())),
    }
}
