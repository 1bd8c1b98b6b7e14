//! Records as text, JSON, CSV, or what a template asks for.
//!
//! ```text
//! Rendering ─▶ RecordFormat ─▶ RecordRenderer ─▶ bytes
//! options      once a run      once a log        a record after the other
//! ```
//!
//! Bytes of keys, values and headers come through one place, [`content`], which knows what may be shown of them and how;
//! the formats only decide how that is written. So nothing that is to be hidden is seen by any of them.

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
mod reveal;
mod schemas;
mod serdes;
mod shown;
mod template;
mod text;

pub(crate) use columns::{Lossy, Rows};
pub(crate) use entry::Entry;
pub(crate) use format::{Form, RecordFormat, RecordRenderer};
pub(crate) use options::Rendering;
pub(crate) use protobuf::Messages;
pub(crate) use schemas::Schemas;
