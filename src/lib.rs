//! Kafka log segments, read offline: no broker, no JVM, nothing changed on the disk.
//!
//! The records of a partition from an offset on ([`records`]):
//!
//! ```
//! use kseg::scan::Filter;
//! use kseg::store::Partition;
//! use kseg::wire::Offset;
//!
//! # let dir = "testdata/kafka-4.3.1/txns-4.3.1/files/willow.ledger-0";
//! let partition = Partition::open(dir)?;
//! let reader = partition.records(Filter::from_offset(Offset::new(10)));
//! let summary = reader.for_each(|record| {
//!     let value = record.value().unwrap_or_default();
//!     println!("{} {}", record.offset(), String::from_utf8_lossy(value));
//! })?;
//! assert!(summary.records > 0 && summary.unread.is_empty());
//! # Ok::<(), kseg::store::Error>(())
//! ```
//!
//! What is wrong in a log dir ([`verify`]):
//!
//! ```
//! use kseg::{store::LogDir, verify};
//! use std::ops::ControlFlow;
//!
//! # let dir = "testdata/kafka-4.3.1/rp-nonnumeric/files";
//! let dirs = [LogDir::open(dir)?];
//! verify::log_dirs(&dirs, &verify::Options::default(), &mut |verified| {
//!     for finding in verified.outcome.findings.into_sorted().0 {
//!         println!("{}: {}", finding.check.code(), finding.path.display());
//!     }
//!     ControlFlow::Continue(())
//! });
//! # Ok::<(), kseg::store::Error>(())
//! ```
//!
//! The records by hand, over bytes that are in memory:
//!
//! ```no_run
//! use kseg::format::{Limits, Scratch};
//! use kseg::scan::{Event, Policy, Walk};
//! use kseg::store::Source;
//!
//! let log = Source::read("orders-3/00000000000000184467.log")?;
//! let mut scratch = Scratch::with_limits(Limits::default());
//! for event in Walk::new(&log, Policy::Verify) {
//!     let Event::Batch(batch) = event else { continue };
//!     for record in batch.records(&mut scratch)? {
//!         println!("{}", record?.offset());
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How data flows
//!
//! ```text
//!  store                 format                            scan
//! ┌────────────────┐   ┌────────────────────────────┐   ┌──────────────────┐
//! │ Segment        │   │ &'map [u8]                 │   │ Walk             │
//! │ └ LogFile      │   │   │ 17 bytes               │   │ policy           │
//! │   mapped, or   │   │   ▼                        │   │  ├ Event::Batch  │
//! │   read through ├──▶│ Frame<'map> ───────────────┼──▶│  └ Event::Gap    │
//! │   a window     │   │   │ 61 bytes               │   │                  │
//! └────────────────┘   │   ▼                        │   └────────┬─────────┘
//!                      │ Batch<'map>                │            │ pieces
//!                      │   │ stored: borrows 'map   │            ▼
//!                      │   │ packed: Scratch, 'buf  │   ┌──────────────────┐
//!                      │   ▼                        │   │ workers,         │
//!                      │ Records<'buf> ▶ Record ◀───┼───│ a Scratch each   │
//!                      └────────────────────────────┘   └────────┬─────────┘
//!                                                                ▼
//!                                  Visitor ▶ Output, merged in file order
//! ```
//!
//! 1. A segment is a row of **events that tile the file**: batches, and gaps between them. Nothing is skipped, nothing counted
//!    twice.
//! 2. Bytes become **views**, never copies, until a batch has to be decompressed.
//! 3. Bad data is a **fault** with a kind and a place. An error means that the work could not be done.
//! 4. The output is the **same at any thread count**.
//!
//! # Words
//!
//! | noun | is | is not |
//! |---|---|---|
//! | partition | the directory `topic-7` | |
//! | segment | a base offset and its sibling files | one file |
//! | frame | 12 bytes and as many as they announce, any magic | a batch |
//! | batch | a frame understood (magic 0, 1 or 2) | |
//! | record | one message inside a batch | |
//! | gap | the bytes between two batches: zeros, damage | offsets that are missing |
//! | offset | a place in the log (`i64`, Kafka's) | |
//! | position | a place in a file (`u64`, bytes) | an offset |
//! | fault | what is wrong with some bytes (`Copy`, no text) | an error |
//!
//! # Modules, in the order of the data
//!
//! [`wire`] bytes to numbers · [`mod@format`] what bytes mean · [`decode`] what records of internal topics mean · [`store`] paths to handles, read-only ·
//! [`scan`] files to events, events to visitors, batches to what brokers derive from them · [`records`] the records of partitions ·
//! [`verify`] events to findings ·
//! [`predict`] what a broker does at its next start · [`report`] what records amount to · [`repair`] plans, and carrying them
//! out · [`guide`] the long texts.

pub mod decode;
pub mod format;
pub mod guide;
pub mod predict;
pub mod records;
pub mod repair;
pub mod report;
pub mod scan;
pub mod store;
pub mod verify;
pub mod wire;
