//! The faults of messages.

use std::fmt;

/// A fault in a message that Kafka's message schemas describe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaFault {
    /// A field is null where it may not be.
    #[error("null in field {0}, which may not be null")]
    NullField(FieldName),
    /// A string is longer than the maximum.
    #[error("string {field} has the invalid length {length}")]
    StringLength {
        /// Which string.
        field: FieldName,
        /// The length in the bytes.
        length: i32,
    },
    /// The length of an array is more than the bytes left.
    #[error("array of {length} elements, but only {left} bytes are left")]
    ArrayLength {
        /// The number in the bytes.
        length: i32,
        /// Bytes left.
        left: usize,
    },
    /// The length of bytes or of a string is negative, or more than the bytes left.
    #[error("field of {length} bytes, but only {left} are left in the record")]
    FieldLength {
        /// The length in the bytes.
        length: i32,
        /// Bytes left.
        left: usize,
    },
    /// A tagged field does not exist in the version of its message.
    #[error("tagged field {tag}, unknown in version {version}")]
    TagVersion {
        /// The tag.
        tag: u32,
        /// The version of the message.
        version: i16,
    },
    /// A structure does not exist in the version of its message.
    #[error("{name} does not exist in version {version}")]
    StructVersion {
        /// The structure.
        name: &'static str,
        /// The version of the message.
        version: i16,
    },
}

/// A field of a message schema, or one element of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldName {
    /// The name in the schema.
    pub name: &'static str,
    /// An element of this array is meant.
    pub element: bool,
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        f.write_str(if self.element { " element" } else { "" })
    }
}
