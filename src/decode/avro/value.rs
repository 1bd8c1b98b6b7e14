//! Values to JSON.

use super::cursor::{AvroCursor, Undecodable};
use super::parse::{AvroBytes, AvroNumber, AvroType, Schema};
use super::{decimal, time};
use crate::decode::float::{write_f32, write_f64};
use crate::decode::json::{write_base64, write_string};

/// The maximum nesting of values.
pub const MOST_DEPTH: usize = 128;

/// The maximum size of the JSON of a value: field names are written for each record, so a few bytes
/// can become many.
pub const MOST_BYTES: usize = 64 << 20;

/// The number of values that any input may have: records without fields and nulls take no bytes.
pub const FREE_VALUES: usize = 1 << 16;

/// The number of further values for each byte of the input.
pub const VALUES_A_BYTE: usize = 64;

impl Schema {
    /// Appends the value in `bytes` as JSON. The caller removes what was appended before an error.
    ///
    /// # Errors
    /// The bytes are not a value of this schema.
    pub fn write_json(&self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Undecodable> {
        let mut reader = AvroReader {
            nodes: &self.nodes,
            input: AvroCursor::new(bytes),
            most: out.len().saturating_add(MOST_BYTES),
            left: FREE_VALUES.saturating_add(bytes.len().saturating_mul(VALUES_A_BYTE)),
            out,
        };
        reader.value(self.root, MOST_DEPTH)?;
        reader.input.finish()
    }
}

struct AvroReader<'s, 'b, 'o> {
    nodes: &'s [AvroType],
    input: AvroCursor<'b>,
    out: &'o mut Vec<u8>,
    /// The limit of the output.
    most: usize,
    /// The number of values that may still follow.
    left: usize,
}

#[expect(clippy::little_endian_bytes, reason = "as Avro has them")]
impl AvroReader<'_, '_, '_> {
    fn value(&mut self, node: usize, depth: usize) -> Result<(), Undecodable> {
        let depth = depth.checked_sub(1).ok_or(Undecodable::Deep)?;
        self.left = self.left.checked_sub(1).ok_or(Undecodable::Large)?;
        if self.out.len() > self.most {
            return Err(Undecodable::Large);
        }
        let nodes = self.nodes;
        match nodes.get(node).unwrap_or(&AvroType::Unfinished) {
            AvroType::Null => self.text("null"),
            AvroType::Boolean => {
                let text = if self.input.boolean()? {
                    "true"
                } else {
                    "false"
                };
                self.text(text);
            }
            AvroType::Int(meaning) => {
                let number = self.input.int()?.into();
                self.number(number, *meaning);
            }
            AvroType::Long(meaning) => {
                let number = self.input.long()?;
                self.number(number, *meaning);
            }
            AvroType::Float => {
                let n = self.input.float()?;
                write_f32(n, self.out);
            }
            AvroType::Double => {
                let n = self.input.double()?;
                write_f64(n, self.out);
            }
            AvroType::Bytes(meaning) => {
                let bytes = self.input.bytes()?;
                self.blob(bytes, *meaning);
            }
            AvroType::Fixed(size, meaning) => {
                let bytes = self.input.take(*size)?;
                self.blob(bytes, *meaning);
            }
            AvroType::String => {
                let bytes = self.input.bytes()?;
                write_string(bytes, self.out);
            }
            AvroType::Enum(symbols) => {
                let symbol = self.input.choice(symbols)?;
                self.out.extend_from_slice(symbol);
            }
            AvroType::Union(branches) => {
                let branch = *self.input.choice(branches)?;
                self.value(branch, depth)?;
            }
            AvroType::Array(item) => self.blocks(*b"[]", |reader| reader.value(*item, depth))?,
            AvroType::Map(value) => self.blocks(*b"{}", |reader| {
                let name = reader.input.bytes()?;
                write_string(name, reader.out);
                reader.out.push(b':');
                reader.value(*value, depth)
            })?,
            AvroType::Record(fields) => {
                for (nth, field) in fields.iter().enumerate() {
                    self.out.push(if nth == 0 { b'{' } else { b',' });
                    self.out.extend_from_slice(&field.label);
                    self.value(field.at, depth)?;
                }
                self.text(if fields.is_empty() { "{}" } else { "}" });
            }
            AvroType::Unfinished => return Err(Undecodable::Branch),
        }
        Ok(())
    }

    /// Reads the blocks of an array or a map.
    fn blocks(
        &mut self,
        [open, close]: [u8; 2],
        mut item: impl FnMut(&mut Self) -> Result<(), Undecodable>,
    ) -> Result<(), Undecodable> {
        self.out.push(open);
        let mut is_first = true;
        loop {
            let count = self.input.block()?;
            for _ in 0..count {
                if !std::mem::take(&mut is_first) {
                    self.out.push(b',');
                }
                item(self)?;
            }
            if count == 0 {
                self.out.push(close);
                return Ok(());
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn int(&mut self, number: i64) {
        self.text(itoa::Buffer::new().format(number));
    }

    fn number(&mut self, number: i64, meaning: AvroNumber) {
        let written = match meaning {
            AvroNumber::Plain => false,
            AvroNumber::Date => time::write_date(number, self.out),
            AvroNumber::Time(unit) => time::write_time(number, unit, self.out),
            AvroNumber::Timestamp(unit) => time::write_timestamp(number, unit, "Z", self.out),
            AvroNumber::LocalTimestamp(unit) => time::write_timestamp(number, unit, "", self.out),
        };
        if !written {
            self.int(number);
        }
    }

    fn blob(&mut self, bytes: &[u8], meaning: AvroBytes) {
        match meaning {
            AvroBytes::Decimal { scale, .. } if decimal::write(bytes, scale, self.out) => {}
            AvroBytes::Uuid => {
                self.text("\"");
                write_uuid(bytes, self.out);
                self.text("\"");
            }
            AvroBytes::Duration => {
                let open = ["{\"months\":", ",\"days\":", ",\"millis\":"];
                for (label, part) in open.into_iter().zip(bytes.chunks(4)) {
                    self.text(label);
                    let number = u32::from_le_bytes(part.try_into().unwrap_or_default());
                    self.int(number.into());
                }
                self.text("}");
            }
            AvroBytes::Plain | AvroBytes::Decimal { .. } => {
                self.text("{\"base64\":\"");
                write_base64(bytes, self.out);
                self.text("\"}");
            }
        }
    }
}

/// Appends the text of a UUID.
pub fn write_uuid(bytes: &[u8], out: &mut Vec<u8>) {
    for (nth, byte) in bytes.iter().enumerate() {
        let dash = if matches!(nth, 4 | 6 | 8 | 10) {
            "-"
        } else {
            ""
        };
        out.extend_from_slice(format!("{dash}{byte:02x}").as_bytes());
    }
}
