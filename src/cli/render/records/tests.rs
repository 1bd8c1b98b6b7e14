//! Every option against records that were forged.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser as _;
use kseg::decode::Decoder;
use kseg::format::{Batch, Frame as Raw, Scratch};
use kseg::scan::{Event, Policy, Walk};
use kseg::wire::Position;
use serde_json::{Value, json};

use super::{Entry, Form, RecordFormat, Rendering};
use crate::forge::control::{commit, marker};
use crate::forge::{self, BatchSpec, Codec, Frame, Message, Rec, Wrapper};

/// Stands in keys, values and headers that must not be seen.
const SECRET: &str = "s3cr3t";

#[derive(clap::Parser)]
struct Args {
    #[command(flatten)]
    rendering: Rendering,
}

fn options(args: &str) -> Result<RecordFormat, String> {
    let words = args.split_whitespace().map(|word| word.replace('~', " "));
    let args = Args::try_parse_from(std::iter::once("test".to_owned()).chain(words));
    let forms = [Form::Text, Form::Ndjson, Form::Json, Form::Csv];
    let rendering = args.map_err(|error| error.to_string())?.rendering;
    rendering
        .format(&forms)
        .map_err(|error| format!("{error:#}"))
}

/// The records of `bytes`, as `orders-3` of a broker.
fn rendered(args: &str, bytes: &[u8]) -> Vec<u8> {
    rendered_of(args, bytes, Some("orders"), Some(3))
}

fn rendered_of(args: &str, bytes: &[u8], topic: Option<&str>, partition: Option<i32>) -> Vec<u8> {
    let format = options(args).unwrap();
    let mut renderer = format.renderer(topic.and_then(Decoder::for_topic));
    let mut scratch = Scratch::default();
    let (mut text, mut out) = (Vec::new(), Vec::new());
    for event in Walk::new(bytes, Policy::Trust) {
        let Event::Batch(batch) = event else {
            panic!("{event:?}")
        };
        for record in batch.records(&mut scratch).unwrap() {
            let entry = Entry {
                topic,
                partition,
                batch: &batch,
                record: &record.unwrap(),
                file: None,
                is_sound: Some(true),
            };
            renderer.record(entry, &mut text);
        }
    }
    format.header(&mut out);
    out.extend_from_slice(format.first(&text));
    format.footer(&mut out);
    out
}

fn text(args: &str, bytes: &[u8]) -> String {
    String::from_utf8(rendered(args, bytes)).unwrap()
}

/// The only record of a segment as an object.
fn object(args: &str, bytes: &[u8]) -> Value {
    serde_json::from_slice(&rendered(&format!("--format ndjson {args}"), bytes)).unwrap()
}

fn segment(rec: Rec) -> Vec<u8> {
    BatchSpec::at(184_902).then(rec).bytes()
}

fn value(value: &[u8]) -> Vec<u8> {
    segment(Rec::new(Some(b"k"), Some(value)))
}

#[test]
fn an_object_begins_as_promised_and_tells_everything() {
    let mut batch = BatchSpec::at(184_902).then(
        Rec::new(None, Some(b"Hello"))
            .header("trace", Some(b"\xff"))
            .header("trace", None),
    );
    batch.base_timestamp = 1_795_247_247_405;
    let line = text("--format ndjson", &batch.bytes());
    assert_eq!(
        line,
        concat!(
            r#"{"schema":"kseg.record/1","topic":"orders","partition":3,"offset":184902,"timestamp":1795247247405,"#,
            r#""timestamp_type":"CreateTime","leader_epoch":0,"key":null,"value":"Hello","#,
            r#""headers":[{"key":"trace","value":{"base64":"/w=="}},{"key":"trace","value":null}],"#,
            r#""serialized_key_size":-1,"serialized_value_size":5,"position":0,"batch_base_offset":184902,"#,
            r#""codec":"none","producer_id":null,"producer_epoch":null,"sequence":null,"transactional":false,"#,
            r#""control":false,"crc":"ok","magic":2}"#,
            "\n"
        )
    );
}

#[test]
fn what_the_batch_knows_is_told_of_each_record_and_changes_with_the_batch() {
    let record = |delta| Rec::new(None, Some(b"v")).offset_delta(delta);
    let mut first = BatchSpec::at(10).record(record(0)).record(record(5));
    (first.producer_id, first.producer_epoch, first.base_sequence) = (7, 2, 40);
    first.leader_epoch = -1;
    first.attributes = forge::batch::TRANSACTIONAL | forge::batch::LOG_APPEND_TIME;
    first.max_timestamp = Some(99);
    let second = BatchSpec::at(20).codec(Codec::GZIP).record(record(0));
    let bytes = [first.bytes(), second.bytes()].concat();
    let lines = text("--format ndjson", &bytes);
    let rows: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let told = |row: &Value| {
        let names = [
            "offset",
            "timestamp",
            "timestamp_type",
            "leader_epoch",
            "position",
            "batch_base_offset",
            "codec",
            "producer_id",
            "producer_epoch",
            "sequence",
            "transactional",
        ];
        Value::from(names.map(|name| row[name].clone()).to_vec())
    };
    let second_at = first.bytes().len();
    assert_eq!(
        told(&rows[0]),
        json!([10, 99, "LogAppendTime", null, 0, 10, "none", 7, 2, 40, true])
    );
    assert_eq!(
        told(&rows[1]),
        json!([15, 99, "LogAppendTime", null, 0, 10, "none", 7, 2, 45, true])
    );
    assert_eq!(
        told(&rows[2]),
        json!([
            20,
            0,
            "CreateTime",
            0,
            second_at,
            20,
            "gzip",
            null,
            null,
            null,
            false
        ])
    );
}

#[test]
fn old_messages_have_what_their_format_has() {
    let plain = Message::v0(5, Some(b"k"), None).bytes();
    let row = object("", &plain);
    assert_eq!(row["timestamp"], -1);
    assert_eq!(row["timestamp_type"], "NoTimestampType");
    assert_eq!(row["leader_epoch"], Value::Null);
    assert_eq!(
        (&row["value"], &row["serialized_value_size"]),
        (&Value::Null, &json!(-1))
    );
    assert_eq!(
        (&row["magic"], &row["batch_base_offset"]),
        (&json!(0), &json!(5))
    );
    assert!(text("", &plain).starts_with("-\torders-3\t5\t\"k\"\tnull\n"));

    let inner = Message::v1(8, 1000, None, Some(b"v"));
    let wrapped = Wrapper::v1(Codec::GZIP, vec![inner]).bytes();
    let row = object("", &wrapped);
    assert_eq!((&row["magic"], &row["codec"]), (&json!(1), &json!("gzip")));
    assert_eq!(row["batch_base_offset"], Value::Null);
}

#[test]
fn what_is_unknown_is_null() {
    let line = rendered_of("--format ndjson", &value(b"v"), None, None);
    let row: Value = serde_json::from_slice(&line).unwrap();
    assert_eq!(
        (&row["topic"], &row["partition"]),
        (&Value::Null, &Value::Null)
    );
    let line = String::from_utf8(rendered_of("", &value(b"v"), None, None)).unwrap();
    assert_eq!(line, "1970-01-01T00:00:00.000Z\t?\t184902\t\"k\"\t\"v\"\n");
    let line = rendered_of("--template [%t]%p", &value(b"v"), None, None);
    assert_eq!(line, b"[]-1");

    let format = options("--format ndjson").unwrap();
    let bytes = value(b"v");
    let batch = Batch::parse(Raw::parse(&bytes, Position(0)).unwrap()).unwrap();
    let mut renderer = format.renderer(None);
    for (is_sound, expected) in [(None, Value::Null), (Some(false), json!("wrong"))] {
        let (mut out, mut scratch) = (Vec::new(), Scratch::default());
        let record = batch
            .records(&mut scratch)
            .unwrap()
            .next()
            .unwrap()
            .unwrap();
        let entry = Entry {
            topic: None,
            partition: None,
            batch: &batch,
            record: &record,
            file: None,
            is_sound,
        };
        renderer.record(entry, &mut out);
        let row: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(row["crc"], expected);
    }
}

#[test]
fn an_array_is_one_document_however_many_records_it_has() {
    for count in 0..4 {
        let mut bytes = Vec::new();
        for offset in 0..count {
            bytes.extend(BatchSpec::at(offset).then(Rec::new(None, None)).bytes());
        }
        let document: Value = serde_json::from_slice(&rendered("--format json", &bytes)).unwrap();
        let offsets: Vec<i64> = document
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["offset"].as_i64().unwrap())
            .collect();
        assert_eq!(offsets, (0..count).collect::<Vec<_>>());
    }
    assert_eq!(text("--format json", &[]), "[\n]\n");
}

#[test]
fn bytes_are_shown_as_asked_for() {
    let table: [(&str, &[u8], Value); 9] = [
        ("", b"\xc3\xa9\"", json!("é\"")),
        ("", b"", json!("")),
        ("", b"a\xff", json!({"base64": "Yf8="})),
        ("--bytes hex", b"a\xff", json!({"hex": "61ff"})),
        ("--bytes hex", b"", json!({"hex": ""})),
        ("--bytes base64", b"ab", json!({"base64": "YWI="})),
        ("--bytes utf8-lossy", b"a\xff", json!("a\u{fffd}")),
        ("--bytes utf8-lossy", b"a", json!("a")),
        ("--bytes utf8", b"a", json!("a")),
    ];
    for (args, bytes, expected) in table {
        let rec = Rec::new(Some(bytes), Some(bytes)).header("name", Some(bytes));
        let row = object(args, &segment(rec));
        assert_eq!(row["value"], expected, "{args}");
        assert_eq!(row["key"], expected, "{args}");
        assert_eq!(
            row["headers"],
            json!([{"key": "name", "value": expected}]),
            "{args}"
        );
    }
}

#[test]
fn values_that_are_json_are_embedded_and_others_are_not() {
    let row = object("--json-values", &value(b"{\"a\": [1.50,\n2]}"));
    assert_eq!(row["value"], json!({"a": [1.50, 2]}));
    assert_eq!(row["key"], "k");
    let line = text(
        "--format ndjson --json-values",
        &value(b"{\"a\": 1.50,\n\"a\": 2}"),
    );
    assert!(line.contains(r#""value":{"a":1.50,"a":2},"#), "{line}");
    assert_eq!(object("--json-values", &value(b"{a}"))["value"], "{a}");
    assert_eq!(
        object("--json-values", &value(b"\xff"))["value"],
        json!({"base64": "/w=="})
    );
    assert_eq!(object("", &value(b"[1]"))["value"], "[1]");
}

#[test]
fn keys_and_values_are_read_as_told() {
    let rec = || Rec::new(Some(b"\0\0\0\0\0\0\0\x07"), Some(b"\x82\xa1a\x01\xa1b\xc0"));
    let row = object("--key-as long --value-as msgpack", &segment(rec()));
    assert_eq!(
        (&row["key"], &row["value"]),
        (&json!(7), &json!({"a": 1, "b": null}))
    );
    let row = object("--key-as int --value-as json", &segment(rec()));
    assert_eq!(
        row["key"],
        json!({"base64": "AAAAAAAAAAc=", "error": "not an int: 4 bytes"})
    );
    assert_eq!(row["value"]["error"], "not JSON");
    let null = object("--value-as int", &segment(Rec::new(None, None)));
    assert_eq!(null["value"], Value::Null);
    assert_eq!(text("--template %k --key-as long", &segment(rec())), "7");
    assert!(text("--template %k --key-as int", &segment(rec())).contains("not an int"));
    let row = text("--format csv --key-as long --value-as int", &segment(rec()));
    assert!(row.contains(",7,json,gqFhAaFiwA==,base64-unread,"), "{row}");
}

#[test]
fn every_kind_of_content_is_a_word_on_the_command_line() {
    let table: [(&str, &[u8], Value); 15] = [
        ("bytes", b"\xff", json!({"base64": "/w=="})),
        ("utf8", b"1", json!("1")),
        ("string", b"1", json!("1")),
        ("json", b"{ }", json!({})),
        ("msgpack", b"\x90", json!([])),
        (
            "confluent",
            b"\0\0\0\0\x01\xff",
            json!({"schema_id": 1, "payload": {"hex": "ff"}}),
        ),
        (
            "uuid",
            b"0-0",
            json!({"base64": "MC0w", "error": "not a UUID"}),
        ),
        ("boolean", b"\x01", json!(true)),
        ("short", b"\x01\0", json!(256)),
        ("int", b"\0\0\0\x01", json!(1)),
        ("integer", b"\0\0\0\x01", json!(1)),
        ("long", b"\xff\xff\xff\xff\xff\xff\xff\xff", json!(-1)),
        ("float", b"\xbf\0\0\0", json!(-0.5)),
        ("double", b"\x3f\xf0\0\0\0\0\0\0", json!(1.0)),
        (
            "double",
            b"",
            json!({"base64": "", "error": "not a double: 8 bytes"}),
        ),
    ];
    for (kind, bytes, expected) in table {
        let how = if kind == "confluent" {
            "--bytes hex"
        } else {
            ""
        };
        let args = format!("{how} --value-as {kind} --key-as {kind}");
        let row = object(&args, &segment(Rec::new(Some(bytes), Some(bytes))));
        assert_eq!(
            (&row["key"], &row["value"]),
            (&expected, &expected),
            "{kind}"
        );
    }
}

#[test]
fn hidden_bytes_are_seen_nowhere() {
    let secret = || Some(SECRET.as_bytes());
    let bytes = segment(Rec::new(secret(), secret()).header("name", secret()));
    let forms = [
        "--format text",
        "--format ndjson",
        "--format json",
        "--format csv",
        "--template %k|%s|%h",
    ];
    let ways = ["", "--bytes hex", "--bytes base64", "--bytes utf8-lossy"];
    let mut encoded = [SECRET.as_bytes().to_vec(), Vec::new(), Vec::new()];
    super::shown::write_hex(SECRET.as_bytes(), &mut encoded[1]);
    kseg::decode::json::write_base64(SECRET.as_bytes(), &mut encoded[2]);
    let count = |text: &[u8]| -> usize {
        let of = |code: &Vec<u8>| text.windows(code.len()).filter(|part| part == code).count();
        encoded.iter().map(of).sum()
    };
    for form in forms {
        for way in ways {
            let shown = |more: &str| count(&rendered(&format!("{form} {way} {more}"), &bytes));
            assert_eq!(shown(""), 3, "{form} {way}");
            for how in ["none", "size", "sha256"] {
                assert_eq!(shown(&format!("--values {how}")), 1, "{form} {way}");
                assert_eq!(shown(&format!("--keys {how}")), 2, "{form} {way}");
                assert_eq!(shown(&format!("--values {how} --keys {how}")), 0);
            }
        }
    }
}

#[test]
fn what_is_hidden_is_told_from_null() {
    let sha = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    let table = [
        ("none", json!({"redacted": true}), Value::Null),
        ("size", json!({"size": 6}), json!(6)),
        ("sha256", json!({"sha256": sha}), json!(6)),
        ("full", json!("secret"), json!(6)),
    ];
    for (how, expected, size) in table {
        let rec = Rec::new(Some(b"secret"), Some(b"secret")).header("h", None);
        let row = object(&format!("--values {how} --keys {how}"), &segment(rec));
        assert_eq!((&row["key"], &row["value"]), (&expected, &expected));
        assert_eq!(
            (&row["serialized_key_size"], &row["serialized_value_size"]),
            (&size, &size)
        );
        assert_eq!(row["headers"], json!([{"key": "h", "value": null}]));
        let row = object(&format!("--values {how}"), &segment(Rec::new(None, None)));
        assert_eq!(
            (&row["value"], &row["serialized_value_size"]),
            (&Value::Null, &json!(-1))
        );
    }
}

#[test]
fn records_of_internal_topics_are_decoded_unless_told_otherwise() {
    let key = b"\0\x01\0\x02g1\0\x06orders\0\0\0\x07";
    let committed = b"\0\x03\0\0\0\0\0\0\0\x2a\0\0\0\x05\0\0\0\0\x01\x8b\xcf\xe5\x68\0";
    let bytes = segment(Rec::new(Some(key), Some(committed)));
    let row = |topic, args: &str| -> Value {
        let args = format!("--format ndjson {args}");
        serde_json::from_slice(&rendered_of(&args, &bytes, Some(topic), Some(0))).unwrap()
    };
    let says = json!({"group": "g1", "topic": "orders", "partition": 7});
    for (topic, args) in [
        ("__consumer_offsets", ""),
        ("__consumer_offsets", "--decode"),
        ("__consumer_offsets", "--no-decode --decode"),
        ("copy", "--decode=__consumer_offsets"),
    ] {
        let row = row(topic, args);
        assert_eq!((&row["key"], &row["value"]["offset"]), (&says, &json!(42)));
        assert_eq!(
            (&row["type"], &row["version"]),
            (&json!("OffsetCommit"), &json!(3))
        );
    }
    for (topic, args) in [
        ("__consumer_offsets", "--no-decode"),
        ("copy", ""),
        ("copy", "--decode"),
    ] {
        let row = row(topic, args);
        assert_eq!(row["key"].as_str().unwrap().as_bytes(), key);
        assert_eq!(row.get("type"), None);
    }
    let hidden = row("__consumer_offsets", "--keys none --values size");
    assert_eq!(
        (&hidden["key"], &hidden["value"]),
        (&json!({"redacted": true}), &json!({"size": 24}))
    );
    assert_eq!((hidden.get("type"), hidden.get("version")), (None, None));

    let told = row("__consumer_offsets", "--value-as bytes --bytes hex");
    assert_eq!(told["key"], says);
    assert!(told["value"]["hex"].as_str().unwrap().starts_with("0003"));

    let unread = segment(Rec::new(Some(b"\0\x63"), Some(b"\xff")));
    let line = rendered_of("--format ndjson", &unread, Some("__consumer_offsets"), None);
    let row: Value = serde_json::from_slice(&line).unwrap();
    assert_eq!(
        row["key"],
        json!({"base64": "AGM=", "error": "unknown record type 99"})
    );
}

#[test]
fn credentials_are_masked() {
    let scram = b"\x01\x0b\x00\x02u\x01\x07s3cr3t\x07s3cr3t\x07s3cr3t\x00\x00\x10\x00\x00";
    let bytes = segment(Rec::new(None, Some(scram)));
    for form in ["text", "ndjson", "csv"] {
        let args = format!("--format {form}");
        let out = rendered_of(&args, &bytes, Some("__cluster_metadata"), Some(0));
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("<redacted>") && !out.contains(SECRET), "{out}");
    }
}

#[test]
fn control_records_say_what_they_are() {
    let bytes = marker(9, (7, 1), commit(3)).bytes();
    let row = object("--value-as int", &bytes);
    assert_eq!(
        (&row["control"], &row["control_type"]),
        (&json!(true), &json!("commit"))
    );
    assert_eq!(row["key"], "\0\0\0\u{1}");
    assert_eq!(row["value"], "\0\0\0\0\0\u{3}");
    assert!(text("", &bytes).contains("\tcommit\t"));
    assert!(text("--format csv", &bytes).contains(",commit,"));
    assert_eq!(object("", &value(b"v")).get("control_type"), None);
}

#[test]
fn a_line_for_people_shows_nulls_and_does_nothing_to_a_terminal() {
    let line = |rec| text("", &segment(rec));
    let head = "1970-01-01T00:00:00.000Z\torders-3\t184902\t";
    assert_eq!(line(Rec::new(None, None)), format!("{head}null\tnull\n"));
    assert_eq!(
        line(Rec::new(Some(b"null"), Some(b""))),
        format!("{head}\"null\"\t\"\"\n")
    );
    let rec = Rec::new(Some(b"\x1b[31m\t"), Some("\u{9b}2J\u{202e}".as_bytes()))
        .header("a-b", Some(b"\r"))
        .header("a b", None)
        .header("a-b", Some(b"\xff"));
    assert_eq!(
        line(rec),
        format!(
            "{head}\"\\u001B[31m\\t\"\t\"\\u009b2J\\u202e\"\ta-b=\"\\r\" \"a b\"=null a-b={{\"base64\":\"/w==\"}}\n"
        )
    );
}

#[test]
fn templates_are_those_of_kcat() {
    let rec = || {
        Rec::new(Some(b"key"), Some(b"v\xff"))
            .header("a", Some(b"1"))
            .header("b", None)
            .header("a", Some(b""))
    };
    let table: [(&str, &[u8]); 14] = [
        (r"%t-%p@%o:%T\n", b"orders-3@184902:0\n"),
        (r"%k=%s;", b"key=v\xff;"),
        ("%K,%S", b"3,2"),
        ("%R", b"\0\0\0\x02"),
        ("%h", b"a=1,b=NULL,a="),
        (r"100%%\x21", b"100%!"),
        ("%s --bytes hex", b"76ff"),
        ("%s --bytes base64", b"dv8="),
        ("%s --bytes utf8-lossy", "v\u{fffd}".as_bytes()),
        ("%k|%s --keys size --values none", b"3|{\"redacted\":true}"),
        ("%K|%S --keys size --values sha256", b"3|2"),
        ("%h --values size", b"a=1,b=NULL,a=0"),
        ("%s --null NULL", b"v\xff"),
        ("", b""),
    ];
    for (args, expected) in table {
        let out = rendered(&format!("--template={args}"), &segment(rec()));
        assert_eq!(
            out.escape_ascii().to_string(),
            expected.escape_ascii().to_string(),
            "{args}"
        );
    }
    let nulls = segment(Rec::new(None, None));
    assert_eq!(text("--template [%k|%s|%K|%S|%h]", &nulls), "[||-1|-1|]");
    assert_eq!(rendered("--template %R", &nulls), b"\xff\xff\xff\xff");
    assert_eq!(
        text("--template [%k|%s] --null NULL", &nulls),
        "[NULL|NULL]"
    );
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let table = [
        ("--format xml", "--format"),
        ("--bytes hexa", "--bytes"),
        ("--values some", "--values"),
        ("--keys some", "--keys"),
        ("--value-as thrift", "--value-as"),
        ("--key-as thrift", "--key-as"),
        ("--template %q", "--template"),
        ("--template %s --format csv", "--template"),
        ("--null NULL", "--template"),
        ("--json-values --value-as int", "--value-as"),
        ("--value-as int --values none", "--value-as"),
        ("--json-values --values size", "--json-values"),
        ("--key-as int --keys sha256", "--key-as"),
        ("--template %S --values none", "--template"),
        ("--template %R --values none", "--template"),
        ("--template %K --keys none", "--template"),
        ("--decode=orders", "--decode"),
    ];
    for (args, named) in table {
        let error = options(args).unwrap_err();
        assert!(error.contains(named), "{args}: {error}");
    }
    let args = Args::parse_from(["test", "--format", "text"]);
    let error = args.rendering.format(&[Form::Ndjson, Form::Csv]);
    assert!(error.unwrap_err().to_string().contains("ndjson, csv"));
    let args = Args::parse_from(["test", "--template", "%s"]);
    assert!(args.rendering.format(&[Form::Ndjson]).is_err());
    let usual = Args::parse_from(["test"]).rendering;
    assert_eq!(usual.format(&[Form::Csv]).unwrap().form(), Some(Form::Csv));
}

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

#[test]
fn any_bytes_come_back_from_an_object() {
    let mut random = Random(3);
    for round in 0..3000 {
        let rec = random.rec();
        let line = rendered("--format ndjson", &segment(rec.clone()));
        assert_eq!(line.split(|byte| *byte == b'\n').count(), 2);
        let row: Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(meant(&row["key"]), rec.key, "round {round}");
        assert_eq!(meant(&row["value"]), rec.value, "round {round}");
        let headers: Vec<_> = row["headers"].as_array().unwrap().iter().collect();
        assert_eq!(headers.len(), rec.headers.len());
        for (shown, (name, value)) in headers.iter().zip(&rec.headers) {
            assert_eq!(shown["key"].as_str().unwrap(), name);
            assert_eq!(meant(&shown["value"]), *value);
        }
        let text = String::from_utf8(rendered("", &segment(rec))).unwrap();
        let acts = |c: char| c.is_control() && c != '\t' && c != '\n';
        assert!(!text.contains(acts), "{text:?}");
    }
}

#[test]
fn a_header_name_that_is_no_text_is_not_lost() {
    let mut bytes = segment(Rec::new(None, None).header("NAME", None));
    let at = bytes.windows(4).position(|part| part == b"NAME").unwrap();
    bytes[at] = 0xff;
    assert_eq!(
        object("", &bytes)["headers"][0]["key"],
        json!({"base64": "/0FNRQ=="})
    );
    assert_eq!(rendered("--template %h", &bytes), b"\xffAME=NULL");
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
    let mut random = Random(5);
    for _ in 0..2000 {
        let rec = random.rec();
        let rows = csv_rows(&text("--format csv", &segment(rec.clone())));
        let [names, cells] = &rows[..] else {
            panic!("{rows:?}")
        };
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
    let testdata = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata"));
    let mut compared = 0;
    for truth in below(testdata, "truth.ndjson") {
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
            let (topic, partition) = name.rsplit_once('-').unwrap();
            let Some(dir) = below(&case.join("files"), &name).into_iter().next() else {
                continue;
            };
            let logs = dir.read_dir().unwrap().map(|entry| entry.unwrap().path());
            let mut logs: Vec<_> = logs
                .filter(|path| path.extension().is_some_and(|end| end == "log"))
                .collect();
            logs.sort();
            for log in logs {
                let bytes = fs::read(log).unwrap();
                for row in objects(&bytes, topic, partition.parse().unwrap()) {
                    if row["control"] == true {
                        continue;
                    }
                    if let Some(wanted) = wanted.remove(&row["offset"].as_i64().unwrap()) {
                        let mut ours = consumed(&row);
                        // Old consumers do not tell it.
                        if wanted["leaderEpoch"].is_null() {
                            ours["leaderEpoch"] = Value::Null;
                        }
                        assert_eq!(ours, wanted, "{}", dir.display());
                        compared += 1;
                    }
                }
            }
        }
    }
    assert!(compared > 5000, "only {compared} records to compare");
}

/// What can be read of a segment, with all bytes in base64.
fn objects(bytes: &[u8], topic: &str, partition: i32) -> Vec<Value> {
    let format = options("--format ndjson --bytes base64 --no-decode").unwrap();
    let out = readable(&format, bytes, topic, partition);
    let lines = out.split_inclusive(|byte| *byte == b'\n');
    lines
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
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
        let rendered: Vec<_> = ways
            .iter()
            .map(|way| readable(&options(way).unwrap(), &bytes, "to\"pic", 1))
            .collect();
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

/// What can be rendered of a segment.
fn readable(format: &RecordFormat, bytes: &[u8], topic: &str, partition: i32) -> Vec<u8> {
    let mut renderer = format.renderer(None);
    let (mut scratch, mut out) = (Scratch::default(), Vec::new());
    for event in Walk::new(bytes, Policy::Trust) {
        let Event::Batch(batch) = event else { continue };
        for record in batch.records(&mut scratch).into_iter().flatten().flatten() {
            let entry = Entry {
                topic: Some(topic),
                partition: Some(partition),
                batch: &batch,
                record: &record,
                file: None,
                is_sound: None,
            };
            renderer.record(entry, &mut out);
        }
    }
    out
}
