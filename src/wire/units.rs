//! Types of numbers, so that an offset is never used as a position.

use std::fmt;

/// Bytes before the body of every frame: an 8-byte offset and a 4-byte size
/// (`Records.LOG_OVERHEAD`).
pub const LOG_OVERHEAD: usize = 12;

/// The smallest valid size of a frame (`LegacyRecord.RECORD_OVERHEAD_V0`).
pub const MIN_FRAME_SIZE: i32 = 14;

/// A UUID as Kafka stores it: the most significant byte first.
pub type Uuid = [u8; 16];

/// The largest frame we look for when searching after damage, in bytes: no broker writes a batch
/// larger than `segment.bytes`, which is an `int`.
pub const MAX_FRAME_BYTES: u64 = i32::MAX as u64;

/// The largest distance of an offset from the base offset of its segment
/// (`LogSegment.canConvertToRelativeOffset`): indexes have it in 31 bits.
pub const MAX_RELATIVE_OFFSET: i64 = i32::MAX as i64;

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub struct $name(pub(crate) $inner);

        impl $name {
            /// The unit of a plain number.
            #[must_use]
            pub const fn new(number: $inner) -> Self {
                Self(number)
            }

            /// The plain number.
            #[must_use]
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

unit! {
    /// A place in the log: the number a broker gives to a record.
    Offset(i64)
}
unit! {
    /// A place in a file, in bytes from its start.
    Position(u64)
}
unit! {
    /// The distance of a record's offset from the base offset of its batch.
    OffsetDelta(i32)
}
unit! {
    /// Milliseconds since 1970-01-01 UTC; −1 means none.
    Timestamp(i64)
}
unit! {
    /// Identifies an idempotent or transactional producer; −1 means none.
    ProducerId(i64)
}
unit! {
    /// The term of a partition leader; −1 means unknown.
    LeaderEpoch(i32)
}

impl Offset {
    /// The offset plus `delta`, with the wrapping of Java's `long`.
    #[must_use]
    pub const fn plus(self, delta: OffsetDelta) -> Self {
        Self(self.0.wrapping_add(delta.0 as i64))
    }
}
