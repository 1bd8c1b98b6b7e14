//! Rendering of records on one batch that stays in the cache, beside the same loop with `serde_json` derive and a
//! `BufWriter`: time and bytes read, and allocations, of which we make none a record.
//!
//! `cargo bench --bench render`

#![expect(clippy::unwrap_used, reason = "the bytes are our own")]

use std::io::{BufWriter, Write as _, sink};

use clap::Parser as _;
use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher, black_box};
use kseg::format::{Batch, Frame, Scratch};
use kseg::wire::Position;
use serde::Serialize;

use cli::render::records::{Form, LocatedRecord, Rendering};
use forge::{BatchSpec, Frame as _, Rec};

#[path = "../src/cli"]
#[allow(
    dead_code,
    unused_imports,
    reason = "the command line uses the rest of it"
)]
mod cli {
    pub(crate) mod render;
    pub(crate) mod schema;
}

#[path = "../tests/it/forge/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests use the rest of it")]
mod forge;

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

/// Records in the batch, of 400 bytes each.
const RECORDS: usize = 40;

fn main() {
    divan::main();
}

/// Values are text without anything to escape, or lines of a log in JSON.
fn batch_of(is_json: bool) -> Vec<u8> {
    let mut batch = BatchSpec::at(184_902);
    for index in 0..RECORDS {
        let words = "the quick brown fox jumps over the lazy dog; ".repeat(9);
        let value = if is_json {
            format!(
                r#"{{"level":"info","trace":"{index:016x}","took_ms":{},"user":{{"id":{index},"name":"n{index}"}},"message":"said \"{}\" and went","tags":["a","b","c"]}}"#,
                index * 7,
                words.split_at(250).0
            )
        } else {
            words
        };
        batch = batch.then(Rec::new(Some(b"host-07"), Some(value.as_bytes())));
    }
    batch.bytes()
}

#[derive(clap::Parser)]
struct Args {
    #[command(flatten)]
    rendering: Rendering,
}

/// Records as each form writes them.
#[divan::bench(consts = [false, true], args = ["ndjson", "csv", "text", "--json-values"])]
fn kseg<const IS_JSON: bool>(bencher: Bencher<'_, '_>, form: &str) {
    let bytes = batch_of(IS_JSON);
    let format = match form {
        "--json-values" => vec!["bench", "--format", "ndjson", form],
        _ => vec!["bench", "--format", form],
    };
    let rendering = Args::parse_from(format).rendering;
    let format = rendering
        .format(&[Form::Text, Form::Ndjson, Form::Csv])
        .unwrap();
    let mut renderer = format.renderer(None);
    let (mut scratch, mut out) = (Scratch::default(), Vec::new());
    bencher
        .counter(BytesCount::new(bytes.len()))
        .counter(ItemsCount::new(RECORDS))
        .bench_local(|| {
            out.clear();
            let batch = Batch::parse(Frame::parse(&bytes, Position::new(0)).unwrap()).unwrap();
            for record in batch.records(&mut scratch).unwrap() {
                let entry = LocatedRecord {
                    topic: Some("orders"),
                    partition: Some(3),
                    batch: &batch,
                    record: &record.unwrap(),
                    file: None,
                    is_sound: Some(true),
                };
                renderer.record(entry, &mut out);
            }
            black_box(out.len())
        });
}

/// The same objects, derived.
#[derive(Serialize)]
struct Row<'a> {
    schema: &'static str,
    topic: &'a str,
    partition: i32,
    offset: i64,
    timestamp: i64,
    timestamp_type: &'static str,
    leader_epoch: Option<i32>,
    key: Option<Content<'a>>,
    value: Option<Content<'a>>,
    headers: Vec<Header<'a>>,
    serialized_key_size: i32,
    serialized_value_size: i32,
    position: u64,
    batch_base_offset: i64,
    codec: &'static str,
    producer_id: Option<i64>,
    producer_epoch: Option<i16>,
    sequence: Option<i32>,
    transactional: bool,
    control: bool,
    crc: &'static str,
    magic: i8,
}

#[derive(Serialize)]
struct Header<'a> {
    key: &'a str,
    value: Option<Content<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(&'a str),
    Binary { base64: String },
}

impl<'a> Content<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(_) => Self::Binary {
                base64: bytes.escape_ascii().to_string(),
            },
        }
    }
}

#[divan::bench(consts = [false, true])]
fn serde_json<const IS_JSON: bool>(bencher: Bencher<'_, '_>) {
    let bytes = batch_of(IS_JSON);
    let (mut scratch, mut out) = (Scratch::default(), BufWriter::new(sink()));
    bencher
        .counter(BytesCount::new(bytes.len()))
        .counter(ItemsCount::new(RECORDS))
        .bench_local(|| {
            let batch = Batch::parse(Frame::parse(&bytes, Position::new(0)).unwrap()).unwrap();
            let Batch::V2(v2) = batch else { return };
            for record in batch.records(&mut scratch).unwrap() {
                let record = record.unwrap();
                let row = Row {
                    schema: "kseg.record/1",
                    topic: "orders",
                    partition: 3,
                    offset: record.offset().get(),
                    timestamp: record.timestamp().get(),
                    timestamp_type: batch.timestamp_type().name(),
                    leader_epoch: Some(v2.leader_epoch().get()),
                    key: record.key().map(Content::of),
                    value: record.value().map(Content::of),
                    headers: record
                        .headers()
                        .map(|header| Header {
                            key: std::str::from_utf8(header.key).unwrap(),
                            value: header.value.map(Content::of),
                        })
                        .collect(),
                    serialized_key_size: record.key_size(),
                    serialized_value_size: record.value_size(),
                    position: batch.position().get(),
                    batch_base_offset: v2.base_offset().get(),
                    codec: v2.codec().unwrap().name(),
                    producer_id: Some(v2.producer_id().get()).filter(|id| *id >= 0),
                    producer_epoch: Some(v2.producer_epoch()).filter(|epoch| *epoch >= 0),
                    sequence: Some(record.sequence()).filter(|number| *number >= 0),
                    transactional: v2.is_transactional(),
                    control: v2.is_control(),
                    crc: "ok",
                    magic: v2.magic(),
                };
                serde_json::to_writer(&mut out, &row).unwrap();
                out.write_all(b"\n").unwrap();
            }
        });
}
