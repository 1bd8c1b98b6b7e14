//! Kafka log segments, read offline.
#![cfg_attr(not(test), warn(missing_docs))]

pub mod decode;
pub mod wire;
