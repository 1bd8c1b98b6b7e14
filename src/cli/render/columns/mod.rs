//! Columns of values, and the formats that hold them.
//!
//! ```text
//! Field   a column's name and type
//! Array   its values, in the layout of Arrow ─▶ ipc       an Arrow IPC stream
//!   ▲                                        ─▶ parquet   a Parquet file
//! avro    values by their schema
//! ```

mod array;
pub(crate) mod avro;
mod flatbuffer;
pub(crate) mod ipc;
#[cfg(feature = "parquet")]
pub(crate) mod parquet;
#[cfg(not(feature = "parquet"))]
#[path = "without_parquet.rs"]
pub(crate) mod parquet;
#[cfg(feature = "parquet")]
mod parquet_types;

use std::borrow::Cow;

pub(crate) use array::{Array, Data};
use kseg::decode::avro::TimeUnit;

/// A column: its name and type. Every column is nullable, because Spark refuses children that are
/// not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: Cow<'static, str>,
    /// Its type.
    pub(crate) kind: ColumnType,
}

/// The compression of the pages of a Parquet file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PageCodec {
    /// Zstandard, of level 1: level 3 takes longer and saves next to nothing.
    Zstd,
    /// Snappy: half as large again, in two thirds of the time.
    Snappy,
}

/// The type of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ColumnType {
    /// Bytes.
    Binary,
    /// UTF-8.
    Utf8,
    /// True or false.
    Bool,
    /// A signed integer of 2, 4 or 8 bytes.
    Int(Width),
    /// A number of 4 bytes with a binary point.
    Float,
    /// A number of 8 bytes with a binary point.
    Double,
    /// A number of at most 38 digits.
    Decimal {
        /// Its digits.
        precision: u8,
        /// Those after the point.
        scale: u8,
    },
    /// Days since 1970.
    Date,
    /// A time of day: milliseconds in 4 bytes, others in 8.
    Time(TimeUnit),
    /// A time since 1970.
    Timestamp {
        /// Of what it is a number.
        unit: TimeUnit,
        /// True if it is an instant; the time of an unknown zone otherwise.
        is_utc: bool,
    },
    /// A row of one kind of values.
    List(Box<Field>),
    /// Values by name.
    Map(Box<Field>),
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

impl ColumnType {
    /// Microseconds since 1970, UTC.
    pub(crate) const INSTANT: Self = Self::Timestamp {
        unit: TimeUnit::Micros,
        is_utc: true,
    };
}

impl Field {
    /// A column.
    pub(crate) fn new(name: impl Into<Cow<'static, str>>, kind: ColumnType) -> Self {
        let name = name.into();
        Self { name, kind }
    }
}
