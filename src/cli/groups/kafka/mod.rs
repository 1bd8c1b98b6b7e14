//! Groups as the tools of Kafka describe them, a file for each: its columns, widths and words.

pub(super) mod consumer;
pub(super) mod csv;
pub(super) mod share;
pub(super) mod streams;
mod table;
