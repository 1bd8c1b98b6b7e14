//! Records as text, JSON, CSV, or by a template.
//!
//! ```text
//! Rendering ─▶ RecordFormat ─▶ RecordRenderer ─▶ bytes
//! options      once a run      once a log        a record after the other
//! ```
//!
//! Keys, values and headers pass through one module, [`content`], which decides what is shown of
//! them and how; the formats only write the result. So hidden bytes reach none of them.

mod columns;
mod content;
mod csv;
mod embed;
mod entry;
mod format;
mod msgpack;
mod object;
mod options;
#[cfg(feature = "protobuf")]
mod protobuf;
#[cfg(not(feature = "protobuf"))]
#[path = "without_protobuf.rs"]
mod protobuf;
#[cfg(feature = "protobuf")]
mod protobuf_columns;
#[cfg(not(feature = "protobuf"))]
#[path = "without_protobuf_columns.rs"]
mod protobuf_columns;
mod reveal;
mod schemas;
mod serdes;
mod shown;
mod template;
mod text;

pub(crate) use columns::{Lossy, Rows};
pub(crate) use entry::LocatedRecord;
pub(crate) use format::{Form, RecordFormat, RecordRenderer};
pub(crate) use options::Rendering;
pub(crate) use protobuf::Messages;
pub(crate) use schemas::Schemas;
