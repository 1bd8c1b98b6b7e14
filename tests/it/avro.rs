//! Avro by its schema, and what is refused. Random schemas and values are compared with fastavro where there is Python
//! (`src/python/tests`).

use kseg::decode::avro::{Schema, SchemaError, Undecodable};

fn shown(schema: &str, bytes: &[u8]) -> Result<String, Undecodable> {
    let schema = Schema::parse(schema, &[]).expect("a schema");
    let mut out = Vec::new();
    schema.write_json(bytes, &mut out)?;
    Ok(String::from_utf8(out).expect("text"))
}

#[test]
fn values_are_shown_by_their_schema() {
    let record = r#"{"type":"record","name":"a.R","fields":[{"name":"x","type":"int"},{"name":"next","type":["null","R"]}]}"#;
    let table: [(&str, &[u8], &str); 20] = [
        ("null", b"", "null"),
        ("\"boolean\"", b"\x01", "true"),
        ("\"int\"", b"\xff\xff\xff\xff\x0f", "-2147483648"),
        (
            "\"long\"",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            "-9223372036854775808",
        ),
        ("\"float\"", b"\xcd\xcc\xcc\x3d", "0.1"),
        ("\"double\"", b"\0\0\0\0\0\0\xf0\x7f", "\"inf\""),
        ("\"bytes\"", b"\x02a", r#"{"base64":"YQ=="}"#),
        ("\"string\"", b"\x04a\"", r#""a\"""#),
        (
            r#"{"type":"enum","name":"E","symbols":["A","B"]}"#,
            b"\x02",
            "\"B\"",
        ),
        (
            r#"{"type":"fixed","name":"F","size":1}"#,
            b"a",
            r#"{"base64":"YQ=="}"#,
        ),
        (
            r#"{"type":"array","items":"int"}"#,
            b"\x03\x04\x02\x04\x02\x06\0",
            "[1,2,3]",
        ),
        (r#"{"type":"array","items":"int"}"#, b"\0", "[]"),
        (
            r#"{"type":"map","values":"int"}"#,
            b"\x02\x02a\x02\0",
            r#"{"a":1}"#,
        ),
        (r#"["null","int"]"#, b"\x02\x02", "1"),
        (
            record,
            b"\x02\x02\x04\0",
            r#"{"x":1,"next":{"x":2,"next":null}}"#,
        ),
        (r#"{"type":"record","name":"E","fields":[]}"#, b"", "{}"),
        (
            r#"{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}"#,
            b"\x04\x04\xe2",
            "\"12.50\"",
        ),
        (
            r#"{"type":"int","logicalType":"date"}"#,
            b"\x01",
            "\"1969-12-31\"",
        ),
        (
            r#"{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}"#,
            b"\x6b\xa7\xb8\x10\x9d\xad\x11\xd1\x80\xb4\0\xc0\x4f\xd4\x30\xc8",
            "\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\"",
        ),
        (
            r#"{"type":{"type":"int","logicalType":"unheard-of"}}"#,
            b"\x02",
            "1",
        ),
    ];
    for (schema, bytes, expected) in table {
        assert_eq!(shown(schema, bytes).as_deref(), Ok(expected), "{schema}");
    }
}

#[test]
fn what_is_no_value_of_a_schema_is_refused() {
    let nulls = r#"{"type":"array","items":"null"}"#;
    let selfish = r#"{"type":"record","name":"R","fields":[{"name":"r","type":"R"}]}"#;
    let many = [&b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"[..], b"\0"].concat();
    let table: [(&str, &[u8], Undecodable); 10] = [
        ("\"int\"", b"", Undecodable::Short),
        ("\"int\"", b"\x02\x02", Undecodable::Long),
        ("\"int\"", b"\x80\x80\x80\x80\x10", Undecodable::Number),
        ("\"long\"", &[0xff; 11], Undecodable::Number),
        ("\"boolean\"", b"\x02", Undecodable::Number),
        ("\"string\"", b"\x01", Undecodable::Number),
        ("\"string\"", b"\x04a", Undecodable::Short),
        (r#"["null"]"#, b"\x02", Undecodable::Branch),
        (nulls, &many, Undecodable::Large),
        (selfish, b"", Undecodable::Deep),
    ];
    for (schema, bytes, why) in table {
        assert_eq!(shown(schema, bytes), Err(why), "{schema}");
    }
}

#[test]
fn what_is_no_schema_is_refused() {
    let deep = format!(
        "{}\"int\"{}",
        r#"{"type":"array","items":"#.repeat(70),
        "}".repeat(70)
    );
    for (text, why) in [
        ("{", SchemaError::NotJson),
        ("\"a.B\"", SchemaError::Undefined("a.B".into())),
        (&deep, SchemaError::TooDeep),
    ] {
        assert_eq!(Schema::parse(text, &[]).err(), Some(why));
    }
    for text in [
        "1",
        "{}",
        r#"{"type":"array"}"#,
        r#"{"type":"enum","name":"E"}"#,
        r#"{"type":"fixed","name":"F","size":-1}"#,
        r#"{"type":"record","fields":[]}"#,
    ] {
        let error = Schema::parse(text, &[]).err();
        assert!(matches!(error, Some(SchemaError::Malformed(_))), "{text}");
    }
}

#[test]
fn types_of_other_schemas_can_be_named() {
    let address =
        r#"{"type":"record","name":"a.Address","fields":[{"name":"city","type":"string"}]}"#;
    let schema = Schema::parse(r#"{"type":"array","items":"a.Address"}"#, &[address]).unwrap();
    let mut out = Vec::new();
    schema.write_json(b"\x02\x02X\0", &mut out).unwrap();
    assert_eq!(out, br#"[{"city":"X"}]"#);
}
