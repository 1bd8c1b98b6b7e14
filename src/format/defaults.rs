//! Kafka's default settings on which something on the disk depends.

/// `index.interval.bytes`: bytes of log between two entries of an index.
pub const INDEX_INTERVAL_BYTES: u32 = 4096;

/// `segment.index.bytes`: the most bytes of an index.
pub const SEGMENT_INDEX_BYTES: u32 = 10 << 20;

/// `transaction.max.timeout.ms`: the longest that a transaction may last.
pub const TRANSACTION_MAX_TIMEOUT_MS: i64 = 15 * 60 * 1000;

/// `message.timestamp.after.max.ms`: how far in the future a timestamp may be (from 4.0 on; no
/// limit before).
pub const MESSAGE_TIMESTAMP_AFTER_MAX_MS: i64 = 60 * 60 * 1000;
