//! Positions of the fields of Kafka's fixed headers and entries: every position inside one is
//! computed from these.
//!
//! The page of each structure has the same table with the meaning of the fields.
//!
//! ```
//! use kseg::format::layout::batch;
//!
//! assert_eq!((batch::MAGIC, batch::RECORDS_COUNT, batch::BYTES), (16, 57, 61));
//! ```

macro_rules! layout {
    ($(#[$doc:meta])* $module:ident { $($name:ident: $bytes:literal $text:literal;)* }) => {
        $(#[$doc])*
        pub mod $module {
            layout!(@offsets 0; $($name: $bytes $text;)*);

            /// The names of the fields and their widths in bytes, in order.
            pub const FIELDS: &[(&str, usize)] = &[$(($text, $bytes)),*];
        }
    };
    (@offsets $at:expr; $name:ident: $bytes:literal $text:literal; $($rest:tt)*) => {
        #[doc = concat!("The first byte of the ", $text, " (", $bytes, " in all).")]
        pub const $name: usize = $at;

        layout!(@offsets $name + $bytes; $($rest)*);
    };
    (@offsets $at:expr;) => {
        /// Bytes of all fields together.
        pub const BYTES: usize = $at;
    };
}

layout! {
    /// The header that entries of every magic share (`Records.HEADER_SIZE_UP_TO_MAGIC`).
    frame {
        OFFSET: 8 "offset";
        SIZE: 4 "size";
        VARIES: 4 "leader epoch or crc";
        MAGIC: 1 "magic";
    }
}

layout! {
    /// The header of a record batch, magic 2 (`DefaultRecordBatch`).
    batch {
        BASE_OFFSET: 8 "base offset";
        LENGTH: 4 "batch length";
        LEADER_EPOCH: 4 "leader epoch";
        MAGIC: 1 "magic";
        CRC: 4 "crc";
        ATTRIBUTES: 2 "attributes";
        LAST_OFFSET_DELTA: 4 "last offset delta";
        BASE_TIMESTAMP: 8 "base timestamp";
        MAX_TIMESTAMP: 8 "max timestamp";
        PRODUCER_ID: 8 "producer id";
        PRODUCER_EPOCH: 2 "producer epoch";
        BASE_SEQUENCE: 4 "base sequence";
        RECORDS_COUNT: 4 "records count";
    }
}

layout! {
    /// The header of a message, magic 0 (`LegacyRecord`); magic 1 has 8 bytes of timestamp after it.
    message {
        OFFSET: 8 "offset";
        SIZE: 4 "size";
        CRC: 4 "crc";
        MAGIC: 1 "magic";
        ATTRIBUTES: 1 "attributes";
    }
}

layout! {
    /// An entry of an `.index` (`OffsetIndex`).
    offset_index {
        RELATIVE_OFFSET: 4 "relative offset";
        POSITION: 4 "position";
    }
}

layout! {
    /// An entry of a `.timeindex` (`TimeIndex`).
    time_index {
        TIMESTAMP: 8 "timestamp";
        RELATIVE_OFFSET: 4 "relative offset";
    }
}

layout! {
    /// An entry of a `.txnindex` (`AbortedTxn`).
    txn_index {
        VERSION: 2 "version";
        PRODUCER_ID: 8 "producer id";
        FIRST_OFFSET: 8 "first offset";
        LAST_OFFSET: 8 "last offset";
        LAST_STABLE_OFFSET: 8 "last stable offset";
    }
}

layout! {
    /// The header of a producer snapshot (`ProducerSnapshot.json`).
    producer_snapshot {
        VERSION: 2 "version";
        CRC: 4 "crc";
        COUNT: 4 "entry count";
    }
}

layout! {
    /// An entry of a producer snapshot (`ProducerSnapshot.json`).
    producer_entry {
        PRODUCER_ID: 8 "producer id";
        PRODUCER_EPOCH: 2 "producer epoch";
        LAST_SEQUENCE: 4 "last sequence";
        LAST_OFFSET: 8 "last offset";
        OFFSET_DELTA: 4 "offset delta";
        TIMESTAMP: 8 "timestamp";
        COORDINATOR_EPOCH: 4 "coordinator epoch";
        TXN_FIRST_OFFSET: 8 "first offset of the transaction";
    }
}

layout! {
    /// The header of a remote log snapshot (`RemoteLogMetadataSnapshotFile`).
    remote_snapshot {
        VERSION: 2 "version";
        PARTITION: 4 "metadata partition";
        OFFSET: 8 "offset";
        ENTRIES: 4 "entries";
    }
}

const _: () = assert!(
    frame::BYTES == 17
        && batch::BYTES == 61
        && batch::MAGIC == frame::MAGIC
        && message::BYTES == 18
        && message::MAGIC == frame::MAGIC
        && offset_index::BYTES == 8
        && time_index::BYTES == 12
        && txn_index::BYTES == 34
        && producer_snapshot::BYTES == 10
        && producer_entry::BYTES == 46
        && remote_snapshot::BYTES == 18
);
