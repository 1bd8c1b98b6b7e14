//! Objects as comma-separated values.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The fields of an object in their order.
struct CsvFields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for CsvFields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Ordered;
        impl<'de> Visitor<'de> for Ordered {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "schema" {
                        map.next_value::<IgnoredAny>()?;
                    } else {
                        fields.push((name, map.next_value()?));
                    }
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Ordered).map(CsvFields)
    }
}

/// Appends an object as a line, after a line with the names of its fields for the first one. Lists
/// and objects stay JSON.
pub(crate) fn line(object: &[u8], is_first: bool, out: &mut Vec<u8>) {
    let Ok(CsvFields(fields)) = serde_json::from_slice(object) else {
        return;
    };
    if is_first {
        join(fields.iter().map(|(name, _)| name.clone()), out);
    }
    let texts = fields.iter().map(|(_, value)| match value.get() {
        "null" | "[]" => String::new(),
        json => serde_json::from_str::<String>(json)
            .map_or_else(|_| json.to_owned(), |text| super::plain(&text).into_owned()),
    });
    join(texts, out);
}

fn join(texts: impl Iterator<Item = String>, out: &mut Vec<u8>) {
    for (index, text) in texts.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        if text.contains([',', '"', '\n', '\r']) || text.starts_with(' ') || text.ends_with(' ') {
            let quoted = format!("\"{}\"", text.replace('"', "\"\""));
            out.extend_from_slice(quoted.as_bytes());
        } else {
            out.extend_from_slice(text.as_bytes());
        }
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_in_their_order_and_are_quoted_where_need_be() {
        let object = br#"{"schema":"kseg.x/1","b":"a \"b\", c","a":null,"list":[1,2],"none":[],"n":-7,"esc":"\u001b"}"#;
        let mut out = Vec::new();
        line(object, true, &mut out);
        line(object, false, &mut out);
        let row = "\"a \"\"b\"\", c\",,\"[1,2]\",,-7,\\u{1b}\n";
        let text = format!("b,a,list,none,n,esc\n{row}{row}");
        assert_eq!(String::from_utf8(out).unwrap(), text);
    }
}
