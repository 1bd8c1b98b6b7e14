//! Objects for machines.

use kseg::decode::json::{write_base64, write_string};

use super::Push;
use super::rows::{Cell, Column};

/// Appends an object: its schema, the file it is from, its fields.
pub(crate) fn object<'a>(
    schema: &str,
    path: Option<&str>,
    fields: impl Iterator<Item = (&'a Column, &'a Cell)>,
    out: &mut Vec<u8>,
) {
    out.text("{\"schema\":\"").text(schema).text("\"");
    if let Some(path) = path {
        out.text(",\"file\":");
        write_string(path.as_bytes(), out);
    }
    for (column, value) in fields {
        field(column.name, value, out);
    }
    out.push(b'}');
}

/// Appends a field behind others.
pub(crate) fn field(name: &str, value: &Cell, out: &mut Vec<u8>) {
    out.text(",\"").text(name).text("\":");
    cell(value, out);
}

/// Appends a value.
pub(crate) fn cell(value: &Cell, out: &mut Vec<u8>) {
    match value {
        Cell::None => drop(out.text("null")),
        Cell::Int(number) | Cell::Time(number) => drop(out.int(*number)),
        Cell::Text(text) => write_string(text.as_bytes(), out),
        Cell::Bool(is) => drop(out.bool(*is)),
        Cell::Bytes(bytes) if std::str::from_utf8(bytes).is_ok() => write_string(bytes, out),
        Cell::Bytes(bytes) => {
            out.text("{\"base64\":\"");
            write_base64(bytes, out);
            out.text("\"}");
        }
        Cell::Json(json) => out.extend_from_slice(json),
        Cell::List(cells) => {
            out.push(b'[');
            for (index, value) in cells.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                cell(value, out);
            }
            out.push(b']');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_json() {
        let list = Cell::List(vec![
            Cell::None,
            Cell::Int(-1),
            Cell::Bytes(b"x\"".to_vec()),
            Cell::Bytes(vec![0xff]),
            Cell::Time(7),
            Cell::Bool(true),
        ]);
        let mut out = Vec::new();
        object(
            "kseg.test/1",
            Some("a\\b"),
            std::iter::once((&Column::hidden("list"), &list)),
            &mut out,
        );
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"schema":"kseg.test/1","file":"a\\b","list":[null,-1,"x\"",{"base64":"/w=="},7,true]}"#
        );
    }
}
