//! Groups in the output of Kafka's tools, a file for each tool: its columns, widths and words.

pub(super) mod consumer;
pub(super) mod csv;
pub(super) mod share;
pub(super) mod streams;
mod table;
