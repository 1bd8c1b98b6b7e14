//! What `kseg cat` is told to hide, and secrets of internal topics, show nowhere.

use serde_json::{Value, json};

use crate::forge::Rec;
use crate::hex::hex;
use crate::rendering::{object, rendered, rendered_of, segment};

/// Stands in keys, values and headers that must not be seen.
const SECRET: &str = "s3cr3t";

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
    let encoded =
        [SECRET, &hex(SECRET.as_bytes()), "czNjcjN0"].map(|code| code.as_bytes().to_vec());
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
fn credentials_are_masked() {
    let scram = b"\x01\x0b\x00\x02u\x01\x07s3cr3t\x07s3cr3t\x07s3cr3t\x00\x00\x10\x00\x00";
    let bytes = segment(Rec::new(None, Some(scram)));
    for form in ["text", "ndjson", "csv"] {
        let args = format!("--format {form}");
        let out = rendered_of(&args, &bytes, "__cluster_metadata-0");
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains("<redacted>") && !out.contains(SECRET), "{out}");
    }
}
