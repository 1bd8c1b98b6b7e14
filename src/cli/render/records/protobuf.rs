//! Protobuf messages by their schema from a registry: the text of a `.proto` file, and of those
//! that it imports.
//!
//! Names are those of the schema, in the order of field numbers. Fields that are not in the message
//! have their defaults, as in Confluent's console consumer. Bytes are shown as everywhere else,
//! 64-bit integers as numbers. Fields that are not in the schema are left out.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use kseg::decode::float::{write_f32, write_f64};
use kseg::decode::json::{write_base64, write_text};
use prost_reflect::{
    DynamicMessage, FileDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage, Value,
};
use protox::Compiler;
use protox::file::{File, FileResolver, GoogleFileResolver};

use crate::cli::render::Push;

/// The name of the schema itself among the files that it imports.
const OWN: &str = "kseg/own.proto";

/// A message takes several times its size in memory, so longer ones are not read.
const MOST_BYTES: usize = 4 << 20;

/// The maximum size of a message as JSON: defaults are written for each message, so a few bytes can
/// become many.
const MOST_JSON: usize = 64 << 20;

/// The maximum depth of brackets in a schema, since the compiler is recursive.
const MOST_BRACKETS: usize = 64;

/// The messages of a schema.
#[derive(Debug)]
pub(crate) struct Messages(FileDescriptor);

impl Messages {
    /// Compiles a schema; `imports` are the names and texts of the schemas that it imports.
    ///
    /// # Errors
    /// It is not valid.
    pub(crate) fn compile(text: &str, imports: &[(&str, &str)]) -> Result<Self> {
        let mut texts: BTreeMap<String, String> = imports
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect();
        texts.insert(OWN.to_owned(), text.to_owned());
        if texts.values().any(|text| is_deep(text)) {
            bail!("brackets are nested too deep");
        }
        let mut compiler = Compiler::with_file_resolver(Texts(texts));
        compiler.include_imports(true).open_file(OWN)?;
        let file = compiler.descriptor_pool().get_file_by_name(OWN);
        file.map(Self).context("no messages")
    }

    /// Appends a message as JSON; `indexes` select the message type, the first if empty. Returns
    /// false if the bytes are not a message; the caller removes what was appended then.
    pub(super) fn write_json(&self, indexes: &[usize], message: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(message) = self.decode(indexes, message) else {
            return false;
        };
        let most = out.len().saturating_add(MOST_JSON);
        write_message(&message, most, out).is_some()
    }

    /// Decodes a message of the type that `indexes` select.
    pub(super) fn decode(&self, indexes: &[usize], message: &[u8]) -> Option<DynamicMessage> {
        let descriptor = self.at(indexes)?;
        let message = (message.len() <= MOST_BYTES).then_some(message)?;
        DynamicMessage::decode(descriptor, message).ok()
    }

    /// Returns the type that `indexes` select, or the first type without indexes.
    pub(super) fn at(&self, indexes: &[usize]) -> Option<MessageDescriptor> {
        let (first, inner) = indexes.split_first().unwrap_or((&0, &[]));
        let mut message = self.0.messages().nth(*first)?;
        for index in inner {
            let inner = message.child_messages().nth(*index)?;
            message = inner;
        }
        Some(message)
    }
}

/// Returns true if brackets are nested too deep.
fn is_deep(text: &str) -> bool {
    let mut depth = 0_usize;
    text.bytes().any(|byte| {
        match byte {
            b'{' | b'[' | b'(' | b'<' => depth += 1,
            b'}' | b']' | b')' | b'>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MOST_BRACKETS
    })
}

/// Texts by name, and the schemas that are part of Protobuf.
struct Texts(BTreeMap<String, String>);

impl FileResolver for Texts {
    fn open_file(&self, name: &str) -> std::result::Result<File, protox::Error> {
        match self.0.get(name) {
            Some(text) => File::from_source(name, text),
            None => GoogleFileResolver::new().open_file(name),
        }
    }
}

/// Appends a message; `None` if it is longer than `most`.
fn write_message(message: &DynamicMessage, most: usize, out: &mut Vec<u8>) -> Option<()> {
    out.push(b'{');
    let mut is_first = true;
    for field in message.descriptor().fields() {
        if field.supports_presence() && !message.has_field(&field) {
            continue;
        }
        if !std::mem::take(&mut is_first) {
            out.push(b',');
        }
        write_text(field.name(), out);
        out.push(b':');
        write_value(&message.get_field(&field), &field.kind(), most, out)?;
    }
    out.push(b'}');
    Some(())
}

fn write_value(value: &Value, kind: &Kind, most: usize, out: &mut Vec<u8>) -> Option<()> {
    match value {
        Value::Bool(it) => drop(out.bool(*it)),
        Value::I32(it) => drop(out.int(*it)),
        Value::I64(it) => drop(out.int(*it)),
        Value::U32(it) => drop(out.int(*it)),
        Value::U64(it) => drop(out.int(*it)),
        Value::F32(it) => write_f32(*it, out),
        Value::F64(it) => write_f64(*it, out),
        Value::String(text) => write_text(text, out),
        Value::Bytes(bytes) => {
            out.text("{\"base64\":\"");
            write_base64(bytes, out);
            out.text("\"}");
        }
        Value::EnumNumber(number) => {
            let known = kind.as_enum().and_then(|it| it.get_value(*number));
            match known {
                Some(symbol) => write_text(symbol.name(), out),
                None => drop(out.int(*number)),
            }
        }
        Value::Message(message) => write_message(message, most, out)?,
        Value::List(items) => {
            out.push(b'[');
            for (nth, item) in items.iter().enumerate() {
                if nth > 0 {
                    out.push(b',');
                }
                write_value(item, kind, most, out)?;
            }
            out.push(b']');
        }
        Value::Map(entries) => {
            let of_values = kind.as_message()?.map_entry_value_field().kind();
            // A hash map has no stable order.
            let sorted: BTreeMap<&MapKey, &Value> = entries.iter().collect();
            out.push(b'{');
            for (nth, (key, value)) in sorted.into_iter().enumerate() {
                if nth > 0 {
                    out.push(b',');
                }
                // It is a name in JSON.
                write_text(&key_text(key), out);
                out.push(b':');
                write_value(value, &of_values, most, out)?;
            }
            out.push(b'}');
        }
    }
    (out.len() <= most).then_some(())
}

/// The key of a map as text.
pub(super) fn key_text(key: &MapKey) -> String {
    match key {
        MapKey::Bool(it) => it.to_string(),
        MapKey::I32(it) => it.to_string(),
        MapKey::I64(it) => it.to_string(),
        MapKey::U32(it) => it.to_string(),
        MapKey::U64(it) => it.to_string(),
        MapKey::String(it) => it.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDER: &str = r#"
        syntax = "proto3";
        package shop;
        import "address.proto";
        import "google/protobuf/timestamp.proto";
        enum State { NEW = 0; PAID = 1; }
        message Order {
            message Item { string name = 1; uint32 count = 2; }
            int64 id = 1;
            string customer_name = 2;
            optional double weight = 3;
            repeated Item items = 4;
            map<string, sint32> stock = 5;
            State state = 6;
            bytes raw = 7;
            Address to = 8;
            repeated fixed32 packed = 9;
            google.protobuf.Timestamp at = 10;
            oneof paid { bool cash = 11; string card = 12; }
        }
        message Other { int32 n = 1; }
    "#;
    const ADDRESS: &str = "syntax = \"proto3\"; package shop; message Address { string city = 1; }";

    fn shown(messages: &Messages, indexes: &[usize], message: &[u8]) -> Option<String> {
        let mut out = Vec::new();
        let is_written = messages.write_json(indexes, message, &mut out);
        is_written.then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_message_has_the_names_of_its_schema() {
        let messages = Messages::compile(ORDER, &[("address.proto", ADDRESS)]).unwrap();
        // By the table of wire types in Protobuf's "Encoding".
        let mut order = vec![0x08, 0x96, 0x01, 0x12, 0x03];
        order.extend(b"Ada");
        order.extend([0x19, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f]);
        order.extend([0x22, 0x05, 0x0a, 0x03]);
        order.extend(b"pen");
        order.extend([0x22, 0x02, 0x10, 0x07]);
        order.extend([0x2a, 0x05, 0x0a, 0x01, b'b', 0x10, 0x03]);
        order.extend([0x2a, 0x05, 0x0a, 0x01, b'a', 0x10, 0x02]);
        order.extend([0x30, 0x01, 0x3a, 0x01, 0xff]);
        order.extend([0x42, 0x06, 0x0a, 0x04]);
        order.extend(b"Oslo");
        order.extend([0x4a, 0x08, 1, 0, 0, 0, 2, 0, 0, 0]);
        order.extend([0x52, 0x02, 0x08, 0x05, 0x62, 0x01, b'v']);
        let expected = concat!(
            r#"{"id":150,"customer_name":"Ada","weight":1.5,"#,
            r#""items":[{"name":"pen","count":0},{"name":"","count":7}],"stock":{"a":1,"b":-2},"#,
            r#""state":"PAID","raw":{"base64":"/w=="},"to":{"city":"Oslo"},"packed":[1,2],"#,
            r#""at":{"seconds":5,"nanos":0},"card":"v"}"#
        );
        assert_eq!(shown(&messages, &[0], &order).as_deref(), Some(expected));
        assert_eq!(shown(&messages, &[], &order).as_deref(), Some(expected));
        let empty = concat!(
            r#"{"id":0,"customer_name":"","items":[],"stock":{},"state":"NEW","#,
            r#""raw":{"base64":""},"packed":[]}"#
        );
        assert_eq!(shown(&messages, &[0], b"").as_deref(), Some(empty));
        // A symbol that the schema does not have.
        let unknown = shown(&messages, &[0], b"\x30\x07").unwrap();
        assert!(unknown.contains(r#""state":7,"#), "{unknown}");
        let inner = shown(&messages, &[0, 0], b"\x10\x07");
        assert_eq!(inner.as_deref(), Some(r#"{"name":"","count":7}"#));
        let other = shown(
            &messages,
            &[1],
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        );
        assert_eq!(other.as_deref(), Some(r#"{"n":-1}"#));
    }

    #[test]
    fn what_is_no_message_or_no_schema_is_refused() {
        let messages = Messages::compile(ORDER, &[("address.proto", ADDRESS)]).unwrap();
        for (indexes, message) in [
            (&[0][..], &b"\x12\x05ab"[..]),
            (&[0], b"\x08"),
            (&[0], b"\x08\x01\xff"),
            (&[0], b"\x0a\x01a"),
            (&[2], b""),
            (&[0, 9], b""),
        ] {
            assert_eq!(shown(&messages, indexes, message), None, "{message:?}");
        }
        assert!(
            Messages::compile(ORDER, &[]).is_err(),
            "an import is missing"
        );
        assert!(Messages::compile("syntax = \"proto3\"; message", &[]).is_err());
        let deep = "message M {".repeat(100_000);
        assert!(Messages::compile(&deep, &[]).is_err());
    }

    #[test]
    fn bombs_are_refused() {
        // A message inside of itself, deeper than a decoder follows.
        let tree = "syntax = \"proto3\"; message Tree { Tree t = 1; }";
        let messages = Messages::compile(tree, &[]).unwrap();
        let mut nested = Vec::new();
        for _ in 0..2_000 {
            let mut outer = vec![0x0a];
            let mut size = nested.len();
            while size > 0x7f {
                outer.push(u8::try_from(size & 0x7f | 0x80).unwrap());
                size >>= 7;
            }
            outer.push(u8::try_from(size).unwrap());
            outer.extend(nested);
            nested = outer;
        }
        assert_eq!(shown(&messages, &[0], &nested), None);
        // Many fields with long names: each message is written with all its defaults.
        let field = |n| format!("int32 {}{n} = {n};", "n".repeat(100));
        let fields = (1..=500).map(field).collect::<Vec<String>>().concat();
        let wide = format!(
            "syntax = \"proto3\"; message Wide {{ {fields} }} message W {{ repeated Wide w = 1; }}"
        );
        let messages = Messages::compile(&wide, &[]).unwrap();
        assert!(shown(&messages, &[1], &[0x0a, 0].repeat(10)).is_some());
        assert_eq!(shown(&messages, &[1], &[0x0a, 0].repeat(100_000)), None);
        let long = vec![0; MOST_BYTES + 1];
        assert_eq!(shown(&messages, &[1], &long), None);
    }
}
