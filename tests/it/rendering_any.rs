//! Any bytes as records: what is shown of them is whole, and gives the bytes back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cases::TESTDATA;
use crate::cat;
use crate::forge::{self, BatchSpec, Frame, Rec};
use crate::rendering::{object, show, text};

/// Pseudo-random bytes of the kinds that are awkward.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        let alphabets: [&[&[u8]]; 4] = [
            &[b"a", b"b", b" "],
            &[
                b"\"", b"\\", b",", b"\r", b"\n", b"{", b"\0", b"\x1f", b"\x7f",
            ],
            &[
                "é".as_bytes(),
                "\u{1f600}".as_bytes(),
                b"x",
                "\u{2028}".as_bytes(),
            ],
            &[b"\xff", b"\xc3", b"\xed\xa0\x80", b"a"],
        ];
        let (kind, most) = (self.below(6), [1, 9, 40, 200][self.below(4)]);
        if kind == 0 {
            return None;
        }
        let mut bytes = Vec::new();
        for _ in 0..self.below(most) {
            let alphabet = alphabets[if kind == 5 { self.below(4) } else { kind - 1 }];
            bytes.extend_from_slice(alphabet[self.below(alphabet.len())]);
        }
        Some(bytes)
    }

    fn rec(&mut self) -> Rec {
        let (key, value) = (self.bytes(), self.bytes());
        let mut rec = Rec::new(key.as_deref(), value.as_deref());
        for _ in 0..self.below(4) {
            let name = self.bytes().unwrap_or_default();
            let value = self.bytes();
            rec = rec.header(&String::from_utf8_lossy(&name), value.as_deref());
        }
        rec
    }
}

/// The bytes that a JSON value stands for.
fn meant(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone().into_bytes()),
        other => Some(base64(other["base64"].as_str().unwrap())),
    }
}

fn base64(text: &str) -> Vec<u8> {
    let sextet = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for c in text.bytes().filter(|c| *c != b'=') {
        bits = bits << 6 | u32::from(sextet(c));
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    bytes
}

/// So many records, each in a batch of its own, and the segment of them.
fn records(seed: u64, count: u16) -> (Vec<Rec>, Vec<u8>) {
    let mut random = Random(seed);
    let records: Vec<Rec> = (0..count).map(|_| random.rec()).collect();
    let batches = (0..).zip(&records);
    let batches = batches.map(|(offset, rec)| BatchSpec::at(offset).then(rec.clone()).bytes());
    let bytes = batches.collect::<Vec<_>>().concat();
    (records, bytes)
}

#[test]
fn any_bytes_come_back_from_an_object() {
    let (records, bytes) = records(3, 3000);
    let out = text("--format ndjson", &bytes);
    assert_eq!(out.lines().count(), records.len());
    for (line, rec) in out.lines().zip(&records) {
        let row: Value = serde_json::from_str(line).unwrap();
        assert_eq!(meant(&row["key"]), rec.key, "{line}");
        assert_eq!(meant(&row["value"]), rec.value, "{line}");
        let headers: Vec<_> = row["headers"].as_array().unwrap().iter().collect();
        assert_eq!(headers.len(), rec.headers.len());
        for (shown, (name, value)) in headers.iter().zip(&rec.headers) {
            assert_eq!(shown["key"].as_str().unwrap(), name);
            assert_eq!(meant(&shown["value"]), *value);
        }
    }
    let acts = |c: char| c.is_control() && c != '\t' && c != '\n';
    assert!(!text("", &bytes).contains(acts));
}

/// The rows of a CSV file; whether a cell was quoted is lost.
fn csv_rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut chars, mut is_quoted) = (text.chars().peekable(), false);
    while let Some(c) = chars.next() {
        match c {
            '"' if is_quoted && chars.peek() == Some(&'"') => cell.extend(chars.next()),
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !is_quoted => {
                assert_eq!(chars.next(), Some('\n'));
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            '\n' if !is_quoted => panic!("a line that ends in the middle"),
            c => cell.push(c),
        }
    }
    assert!(row.is_empty() && cell.is_empty() && !is_quoted);
    rows
}

#[test]
fn any_bytes_come_back_from_csv() {
    let (records, bytes) = records(5, 2000);
    let rows = csv_rows(&text("--format csv", &bytes));
    let (names, rows) = rows.split_first().unwrap();
    assert_eq!(rows.len(), records.len());
    for (cells, rec) in rows.iter().zip(&records) {
        assert_eq!(names.len(), cells.len());
        let cell = |name: &str| &cells[names.iter().position(|n| n == name).unwrap()];
        for (name, bytes) in [("key", &rec.key), ("value", &rec.value)] {
            let read = match cell(&format!("{name}_encoding")).as_str() {
                "null" => None,
                "utf8" => Some(cell(name).clone().into_bytes()),
                "base64" => Some(base64(cell(name))),
                other => panic!("{other}"),
            };
            assert_eq!(read, *bytes);
        }
        let headers: Value = serde_json::from_str(cell("headers")).unwrap();
        assert_eq!(headers.as_array().unwrap().len(), rec.headers.len());
    }
}

#[test]
fn columns_have_the_values_of_objects() {
    let mut batch = BatchSpec::at(7).then(Rec::new(Some(b"k"), Some(b"")));
    (batch.producer_id, batch.producer_epoch, batch.base_sequence) = (1, 2, 3);
    let bytes = batch.bytes();
    let rows = csv_rows(&text("--format csv", &bytes));
    let row = object("", &bytes);
    for (name, cell) in rows[0].iter().zip(&rows[1]) {
        match row.get(name) {
            Some(Value::String(text)) => assert_eq!(cell, text, "{name}"),
            Some(Value::Null) => assert_eq!(cell, "", "{name}"),
            Some(value) => assert_eq!(*cell, value.to_string(), "{name}"),
            None => assert!(
                ["control_type", "type", "version"].contains(&name.as_str())
                    || name.ends_with("_encoding"),
                "{name}"
            ),
        }
    }
    assert!(text("--format csv", &bytes).contains(",k,utf8,\"\",utf8,[],"));
}

/// The folders below `dir` that hold something called `name`, and that itself.
fn below(dir: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in dir.read_dir().into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.ends_with(name) {
            found.push(path.clone());
        }
        if path.is_dir() {
            found.extend(below(&path, name));
        }
    }
    found.sort();
    found
}

/// What a consumer's record has, under the names of ours.
fn consumed(row: &Value) -> Value {
    let headers = row["headers"].as_array().unwrap().iter();
    let headers: Vec<_> = headers
        .map(|header| {
            // A consumer gets text, whatever is lost by it.
            let name = meant(&header["key"]).unwrap();
            json!([kseg::wire::text::text(&name), header["value"]["base64"]])
        })
        .collect();
    json!({
        "topic": row["topic"],
        "partition": row["partition"],
        "offset": row["offset"],
        "timestamp": row["timestamp"],
        "timestampType": row["timestamp_type"],
        "leaderEpoch": row["leader_epoch"],
        "key": row["key"]["base64"],
        "value": row["value"]["base64"],
        "headers": headers,
    })
}

#[test]
fn objects_say_what_a_real_consumer_said() {
    let mut compared = 0;
    for truth in below(Path::new(TESTDATA), "truth.ndjson") {
        let case = truth.parent().unwrap();
        let mut wanted: BTreeMap<String, BTreeMap<i64, Value>> = BTreeMap::new();
        for line in fs::read_to_string(&truth).unwrap().lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            if let Some(offset) = row["offset"].as_i64() {
                let name = format!("{}-{}", row["topic"].as_str().unwrap(), row["partition"]);
                wanted.entry(name).or_default().insert(offset, row);
            }
        }
        for (name, mut wanted) in wanted {
            let Some(dir) = below(&case.join("files"), &name).into_iter().next() else {
                continue;
            };
            for row in cat::objects(&["--bytes", "base64"], &dir).0 {
                if let Some(wanted) = wanted.remove(&row["offset"].as_i64().unwrap()) {
                    let mut ours = consumed(&row);
                    // Old consumers do not report it.
                    if wanted["leaderEpoch"].is_null() {
                        ours["leaderEpoch"] = Value::Null;
                    }
                    assert_eq!(ours, wanted, "{}", dir.display());
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 5000, "only {compared} records to compare");
}

#[test]
fn forged_and_broken_segments_give_whole_lines_in_every_way() {
    let ways = [
        "--format ndjson",
        "--format ndjson --value-as msgpack --key-as confluent",
        "--format ndjson --json-values --bytes utf8-lossy",
        "--format ndjson --decode=__consumer_offsets",
        "--format ndjson --decode=__cluster_metadata --keys size",
        "--format csv --decode=__transaction_state",
        "--format text --decode=__share_group_state",
        "--template %k%h%s%R",
    ];
    let mut records = 0;
    for seed in 0..10_u16 {
        let mut bytes = forge::random_segment(seed.into()).bytes;
        if seed % 2 == 1 {
            let mut rng = forge::random::Rng::new(seed.into());
            let size = u16::try_from(bytes.len()).unwrap_or(u16::MAX).max(1);
            for _ in 0..8 {
                forge::damage::flip(&mut bytes, usize::from(rng.below(size)));
            }
        }
        let shown = |way: &&str| show(&format!("--salvage {way}"), &bytes, "to\"pic-1").stdout;
        let rendered: Vec<_> = ways.iter().map(shown).collect();
        for text in &rendered[..5] {
            for line in text.split_inclusive(|byte| *byte == b'\n') {
                let row: Value = serde_json::from_slice(line).unwrap();
                assert_eq!(row["schema"], "kseg.record/1");
                records += 1;
            }
        }
        let rows = csv_rows(std::str::from_utf8(&rendered[5]).unwrap());
        assert!(rows.iter().all(|row| row.len() == 26));
        assert!(std::str::from_utf8(&rendered[6]).is_ok());
    }
    assert!(records > 300, "only {records}");
}
