//! The record parser and the codecs on one batch that stays in the cache: time, bytes, and allocations, of which there is none
//! a record.
//!
//! `cargo bench --bench decode`

#![expect(clippy::unwrap_used, reason = "the bytes are our own")]

use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher, black_box};
use kseg::format::{Batch, Frame, Scratch};
use kseg::wire::Position;

use forge::{BatchSpec, Codec, Frame as _, Rec};

#[path = "../tests/it/forge/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests use the rest of it")]
mod forge;

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

/// Records in the batch, of 103 bytes each.
const RECORDS: usize = 160;

fn main() {
    divan::main();
}

/// A batch of 16 KiB before compression.
fn batch_of(codec: Codec) -> Vec<u8> {
    let mut batch = BatchSpec::at(0).codec(codec);
    for index in 0..RECORDS {
        let value = format!(
            "{{\"sensor\":\"{index:06}\",\"celsius\":{:>9},\"ok\":true,\"note\":\"{index:>31}\"}}",
            index * 7
        );
        batch = batch.then(Rec::new(Some(b"sensor"), Some(value.as_bytes())));
    }
    batch.bytes()
}

/// Every record of a batch, unpacked if need be: allocations come with the first batch only.
#[divan::bench(args = ["none", "gzip", "snappy", "lz4", "zstd"])]
fn records(bencher: Bencher<'_, '_>, codec: &str) {
    let bytes = batch_of(match codec {
        "gzip" => Codec::GZIP,
        "snappy" => Codec::XERIAL,
        "lz4" => Codec::LZ4,
        "zstd" => Codec::ZSTD,
        _ => Codec::None,
    });
    let mut scratch = Scratch::default();
    bencher.counter(ItemsCount::new(RECORDS)).bench_local(|| {
        let batch = Batch::parse(Frame::parse(&bytes, Position::new(0)).unwrap()).unwrap();
        for record in batch.records(&mut scratch).unwrap() {
            let record = record.unwrap();
            black_box((
                record.offset(),
                record.timestamp(),
                record.key(),
                record.value(),
            ));
        }
    });
}

/// The checksum of a batch.
#[divan::bench]
fn crc(bencher: Bencher<'_, '_>) {
    let bytes = batch_of(Codec::None);
    bencher
        .counter(BytesCount::new(bytes.len()))
        .bench_local(|| {
            let batch = Batch::parse(Frame::parse(&bytes, Position::new(0)).unwrap()).unwrap();
            black_box(batch.check_crc())
        });
}
