//! Columns of values, and the formats that hold them.
//!
//! ```text
//! Field   a column's name and type
//! Array   its values, in the layout of Arrow ─▶ ipc       an Arrow IPC stream
//!                                            ─▶ parquet   a Parquet file
//! ```

mod array;
mod flatbuffer;
pub(crate) mod ipc;
#[cfg(feature = "parquet")]
pub(crate) mod parquet;
#[cfg(not(feature = "parquet"))]
#[path = "without_parquet.rs"]
pub(crate) mod parquet;

pub(crate) use array::{Array, Data};

/// A column: its name and type. Every column is nullable, because Spark refuses children that are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its type.
    pub(crate) kind: Kind,
}

/// The type of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Bytes.
    Binary,
    /// UTF-8.
    Utf8,
    /// True or false.
    Bool,
    /// A signed integer of 2, 4 or 8 bytes.
    Int(Width),
    /// Microseconds since 1970, UTC.
    Timestamp,
    /// A row of one kind of values.
    List(Box<Field>),
    /// Several values side by side.
    Struct(Vec<Field>),
}

/// Bytes of an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    /// An `i16`.
    Two,
    /// An `i32`.
    Four,
    /// An `i64`.
    Eight,
}

impl Width {
    /// Returns its width in bytes.
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Four => 4,
            Self::Eight => 8,
        }
    }
}

impl Field {
    /// A column.
    pub(crate) const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind }
    }
}
