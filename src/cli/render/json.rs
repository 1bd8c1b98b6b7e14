//! Objects for machines.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::{Push, is_hidden};
use crate::cli::schema::Schema;

/// Writes JSON with hidden characters escaped: a name from a hostile disk stays the same name.
struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(is_hidden) {
            let (before, after) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            let mut letters = after.chars();
            if let Some(letter) = letters.next() {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = letters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_raw_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        // Hidden characters can be in strings only.
        self.write_string_fragment(writer, fragment)
    }
}

/// A value on several lines, to be edited by people.
///
/// # Errors
/// It cannot be serialized.
pub(crate) fn pretty(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let value = serde_json::to_string_pretty(value)?;
    let mut out = Vec::with_capacity(value.len());
    // Hidden characters can be in strings only, except line ends.
    for line in value.split_inclusive('\n') {
        let (text, end) = line
            .strip_suffix('\n')
            .map_or((line, ""), |text| (text, "\n"));
        let _infallible = Escaping.write_string_fragment(&mut out, text);
        out.extend_from_slice(end.as_bytes());
    }
    Ok(out)
}

/// Appends a value.
pub(crate) fn value(value: &impl Serialize, out: &mut Vec<u8>) {
    let mut serializer = Serializer::with_formatter(out, Escaping);
    // Rows are structs of plain values, and writing to memory does not fail.
    let _written = value.serialize(&mut serializer);
}

/// Appends an object: its schema, the file it is from, its fields.
pub(crate) fn object(schema: Schema, row: &impl Serialize, file: Option<&str>, out: &mut Vec<u8>) {
    open_object(schema, row, file, out);
    out.push(b'}');
}

/// Appends an object without its end, for more fields to follow.
pub(crate) fn open_object(
    schema: Schema,
    row: &impl Serialize,
    file: Option<&str>,
    out: &mut Vec<u8>,
) {
    out.text("{\"schema\":\"").text(schema.id).text("\"");
    if let Some(file) = file {
        out.text(",\"file\":");
        value(&file, out);
    }
    let start = out.len();
    value(row, out);
    // The fields of the row follow those before them.
    if let Some(brace) = out.get_mut(start) {
        *brace = b',';
    }
    out.pop();
}

#[cfg(test)]
mod tests {
    use super::super::rows::Content;
    use super::*;
    use crate::cli::schema;

    #[derive(Serialize)]
    struct Values {
        list: Vec<Option<i64>>,
        text: String,
        bytes: Content,
        json: Content,
    }

    #[test]
    fn values_are_json_and_what_is_hidden_is_escaped() {
        let row = Values {
            list: vec![None, Some(-1)],
            text: "x\"\u{1b}\u{9b}\u{202e}\u{7f}é".into(),
            bytes: Content::Bytes(vec![0xff]),
            json: Content::json(b"{\"a\":\"\xc2\x9b\"}".to_vec()),
        };
        let mut out = Vec::new();
        object(schema::ITEM, &row, Some("a\\b"), &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"schema":"kseg.item/1","file":"a\\b","list":[null,-1],"text":"x\"\u001b\u009b\u202e\u007fé","bytes":{"base64":"/w=="},"json":{"a":"\u009b"}}"#
        );
    }
}
