//! Avro: values as JSON, by the schema with which they were written.
//!
//! ```text
//! schema text ─▶ Schema (types) ─▶ value bytes ─▶ JSON
//!                               ╰▶ AvroCursor ─▶ whatever reads them otherwise
//! ```
//!
//! The reader is our own: it writes JSON directly from the bytes, keeps the order of the fields in
//! the schema, and is safe for any bytes, since depth, values and output are bounded
//! ([`MOST_DEPTH`], [`MOST_BYTES`]). There is no resolution to a reader's schema.
//!
//! | Avro | JSON |
//! |---|---|
//! | `null`, `boolean`, `int`, `long`, `string`, `enum` | as such |
//! | `float`, `double` | a number; as text where it is none: `"NaN"`, `"inf"` |
//! | `bytes`, `fixed` | `{"base64":"…"}` |
//! | `array`, `map`, `record` | an array, an object, an object |
//! | union | the value, without the name of its branch |
//! | `decimal` | text with all digits: `"12.50"` |
//! | `date`, `time-*`, `timestamp-*`, `local-timestamp-*` | text by ISO 8601; the number where the year is not in 0 to 9999 |
//! | `uuid` | text |
//! | `duration` | `{"months":1,"days":2,"millis":3}` |
//!
//! # References
//! The Avro 1.12 specification.

mod cursor;
mod decimal;
mod parse;
mod time;
mod value;

pub use cursor::{AvroCursor, Undecodable};
pub use decimal::write_digits as write_decimal;
pub use parse::{AvroBytes, AvroField, AvroNumber, AvroType, Schema};
pub use time::TimeUnit;
pub use value::{FREE_VALUES, MOST_BYTES, MOST_DEPTH, VALUES_A_BYTE, write_uuid};

/// The reason why a text is not a schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// The text is not JSON.
    #[error("the schema is not JSON")]
    NotJson,
    /// A type is missing or malformed.
    #[error("the schema has a type that is not one of Avro's: {0}")]
    Malformed(String),
    /// A type has an undefined name.
    #[error("the schema names {0}, which is not defined")]
    Undefined(String),
    /// Types are nested too deeply.
    #[error("the schema is nested too deep")]
    TooDeep,
}
