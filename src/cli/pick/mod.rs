//! The records that a command shows: which, from which files, in which order.
//!
//! ```text
//! Picking ─▶ Pick            what is wanted, by options
//! Log     ─▶ LogFiles           the files of a partition in order, where its log starts
//!            Reader ─▶ Picker ─▶ the caller takes the records, one after the other
//! ```

mod given;
mod options;
mod picker;
mod reader;
mod track;

pub(crate) use options::{Pick, Picking};
pub(crate) use picker::{PickedCounts, Take, UnreadBytes};
pub(crate) use reader::{LogReader, Opened, Sink, Start};
pub(crate) use track::LogFiles;
