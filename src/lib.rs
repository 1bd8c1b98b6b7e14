//! Kafka log segments, read offline.
#![cfg_attr(not(test), warn(missing_docs))]

pub mod format;
pub mod scan;
pub mod store;
pub mod wire;
