//! Each option of `kseg cat` that says how records are shown, against records that were forged.

use std::process::Output;

use serde_json::{Value, json};

use crate::cases::text as utf8;
use crate::cat::cat;
use crate::forge::control::{commit, marker};
use crate::forge::damage::reseal;
use crate::forge::{self, BatchSpec, Codec, Frame, Message, Rec, Wrapper};
use crate::temp::Temp;

/// Shows the records of a segment in the folder `dir`.
pub(crate) fn show(args: &str, bytes: &[u8], dir: &str) -> Output {
    let temp = Temp::new();
    let path = temp.file(format!("{dir}/00000000000000000000.log"), bytes);
    let args: Vec<&str> = args.split_whitespace().collect();
    cat(&args, &[&path])
}

/// The records of an undamaged segment in the folder `dir`.
pub(crate) fn rendered_of(args: &str, bytes: &[u8], dir: &str) -> Vec<u8> {
    let output = show(args, bytes, dir);
    assert_eq!(output.status.code(), Some(0), "{}", utf8(&output.stderr));
    output.stdout
}

/// The records of `bytes`, as `orders-3` of a broker.
pub(crate) fn rendered(args: &str, bytes: &[u8]) -> Vec<u8> {
    rendered_of(args, bytes, "orders-3")
}

pub(crate) fn text(args: &str, bytes: &[u8]) -> String {
    String::from_utf8(rendered(args, bytes)).unwrap()
}

/// The only record of a segment as an object.
pub(crate) fn object(args: &str, bytes: &[u8]) -> Value {
    serde_json::from_slice(&rendered(&format!("--format ndjson {args}"), bytes)).unwrap()
}

pub(crate) fn segment(rec: Rec) -> Vec<u8> {
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
    let bytes = value(b"v");
    let line = rendered_of("--format ndjson", &bytes, "copies");
    let row: Value = serde_json::from_slice(&line).unwrap();
    assert_eq!(
        (&row["topic"], &row["partition"]),
        (&Value::Null, &Value::Null)
    );
    let line = String::from_utf8(rendered_of("", &bytes, "copies")).unwrap();
    assert_eq!(line, "1970-01-01T00:00:00.000Z\t?\t184902\t\"k\"\t\"v\"\n");
    assert_eq!(rendered_of("--template [%t]%p", &bytes, "copies"), b"[]-1");
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
fn records_of_internal_topics_are_decoded_unless_told_otherwise() {
    let key = b"\0\x01\0\x02g1\0\x06orders\0\0\0\x07";
    let committed = b"\0\x03\0\0\0\0\0\0\0\x2a\0\0\0\x05\0\0\0\0\x01\x8b\xcf\xe5\x68\0";
    let bytes = segment(Rec::new(Some(key), Some(committed)));
    let row = |topic: &str, args: &str| -> Value {
        let args = format!("--format ndjson {args}");
        serde_json::from_slice(&rendered_of(&args, &bytes, &format!("{topic}-0"))).unwrap()
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
    let line = rendered_of("--format ndjson", &unread, "__consumer_offsets-0");
    let row: Value = serde_json::from_slice(&line).unwrap();
    assert_eq!(
        row["key"],
        json!({"base64": "AGM=", "error": "unknown record type 99"})
    );
}

#[test]
fn control_records_say_what_they_are() {
    let bytes = marker(9, (7, 1), commit(3)).bytes();
    let row = object("--control --value-as int", &bytes);
    assert_eq!(
        (&row["control"], &row["control_type"]),
        (&json!(true), &json!("commit"))
    );
    assert_eq!(row["key"], "\0\0\0\u{1}");
    assert_eq!(row["value"], "\0\0\0\0\0\u{3}");
    assert!(text("--control", &bytes).contains("\tcommit\t"));
    assert!(text("--control --format csv", &bytes).contains(",commit,"));
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
        let output = show(args, &value(b"v"), "orders-3");
        let error = utf8(&output.stderr);
        assert!(error.contains(named), "{args}: {error}");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    }
}

#[test]
fn a_header_name_that_is_no_text_is_not_lost() {
    let mut bytes = segment(Rec::new(None, None).header("NAME", None));
    let at = bytes.windows(4).position(|part| part == b"NAME").unwrap();
    bytes[at] = 0xff;
    reseal(&mut bytes, 0);
    assert_eq!(
        object("", &bytes)["headers"][0]["key"],
        json!({"base64": "/0FNRQ=="})
    );
    assert_eq!(rendered("--template %h", &bytes), b"\xffAME=NULL");
}
