//! Values to JSON.

use super::parse::{Blob, Node, Number, Schema};
use super::{decimal, time};
use crate::decode::json::{write_base64, write_string};

/// Values inside of each other.
pub const MOST_DEPTH: usize = 128;

/// Bytes of JSON that a value may become: field names are written for each record, so a few bytes
/// can become many.
pub const MOST_BYTES: usize = 64 << 20;

/// Values that any input may hold: of records without fields and of nulls any number takes no
/// bytes.
const FREE_VALUES: usize = 1 << 16;

/// And so many more for each byte of the input.
const VALUES_A_BYTE: usize = 64;

/// The reason why bytes are not a value of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    /// The bytes end inside of the value.
    #[error("not a value of its schema: it ends early")]
    Short,
    /// Bytes follow the value.
    #[error("not a value of its schema: bytes follow it")]
    Long,
    /// A number does not fit its type.
    #[error("not a value of its schema: a number out of range")]
    Number,
    /// A branch of a union or a symbol that the schema does not have.
    #[error("not a value of its schema: a branch or symbol that the schema does not have")]
    Branch,
    /// Values inside of each other, more than [`MOST_DEPTH`].
    #[error("nested too deep")]
    Deep,
    /// More values than so few bytes hold in good faith, or more than [`MOST_BYTES`] of JSON.
    #[error("too large when decoded")]
    Large,
}

impl Schema {
    /// Appends the value that `bytes` are as JSON. What was appended before an error has to be
    /// taken off again.
    ///
    /// # Errors
    /// The bytes are not a value of this schema.
    pub fn write_json(&self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Undecodable> {
        let mut reader = Reader {
            nodes: &self.nodes,
            rest: bytes,
            most: out.len().saturating_add(MOST_BYTES),
            left: FREE_VALUES.saturating_add(bytes.len().saturating_mul(VALUES_A_BYTE)),
            out,
        };
        reader.value(self.root, MOST_DEPTH)?;
        if reader.rest.is_empty() {
            Ok(())
        } else {
            Err(Undecodable::Long)
        }
    }
}

struct Reader<'s, 'b, 'o> {
    nodes: &'s [Node],
    rest: &'b [u8],
    out: &'o mut Vec<u8>,
    /// The limit of the output.
    most: usize,
    /// The number of values that may still follow.
    left: usize,
}

#[expect(clippy::little_endian_bytes, reason = "as Avro has them")]
impl<'b> Reader<'_, 'b, '_> {
    fn value(&mut self, node: usize, depth: usize) -> Result<(), Undecodable> {
        let depth = depth.checked_sub(1).ok_or(Undecodable::Deep)?;
        self.left = self.left.checked_sub(1).ok_or(Undecodable::Large)?;
        if self.out.len() > self.most {
            return Err(Undecodable::Large);
        }
        let nodes = self.nodes;
        match nodes.get(node).unwrap_or(&Node::Unfinished) {
            Node::Null => self.text("null"),
            Node::Boolean => match self.take(1)? {
                [0] => self.text("false"),
                [1] => self.text("true"),
                _ => return Err(Undecodable::Number),
            },
            Node::Int(meaning) => {
                let number = self.long()?;
                i32::try_from(number).map_err(|_| Undecodable::Number)?;
                self.number(number, *meaning);
            }
            Node::Long(meaning) => {
                let number = self.long()?;
                self.number(number, *meaning);
            }
            Node::Float => {
                let bytes = self.take(4)?.try_into();
                let n = f32::from_le_bytes(bytes.map_err(|_| Undecodable::Short)?);
                self.float(&n, n.is_finite());
            }
            Node::Double => {
                let bytes = self.take(8)?.try_into();
                let n = f64::from_le_bytes(bytes.map_err(|_| Undecodable::Short)?);
                self.float(&n, n.is_finite());
            }
            Node::Bytes(meaning) => {
                let bytes = self.bytes()?;
                self.blob(bytes, *meaning);
            }
            Node::Fixed(size, meaning) => {
                let bytes = self.take(*size)?;
                self.blob(bytes, *meaning);
            }
            Node::String => {
                let bytes = self.bytes()?;
                write_string(bytes, self.out);
            }
            Node::Enum(symbols) => {
                let symbol = self.choice(symbols)?;
                self.out.extend_from_slice(symbol);
            }
            Node::Union(branches) => {
                let branch = *self.choice(branches)?;
                self.value(branch, depth)?;
            }
            Node::Array(item) => self.blocks(*b"[]", |reader| reader.value(*item, depth))?,
            Node::Map(value) => self.blocks(*b"{}", |reader| {
                let name = reader.bytes()?;
                write_string(name, reader.out);
                reader.out.push(b':');
                reader.value(*value, depth)
            })?,
            Node::Record(fields) => {
                for (nth, (label, field)) in fields.iter().enumerate() {
                    self.out.push(if nth == 0 { b'{' } else { b',' });
                    self.out.extend_from_slice(label);
                    self.value(*field, depth)?;
                }
                self.text(if fields.is_empty() { "{}" } else { "}" });
            }
            Node::Unfinished => return Err(Undecodable::Branch),
        }
        Ok(())
    }

    /// Reads the blocks of an array or a map: counts and items, up to a count of 0. A negative
    /// count is followed by the block's size, for those who skip it.
    fn blocks(
        &mut self,
        [open, close]: [u8; 2],
        mut item: impl FnMut(&mut Self) -> Result<(), Undecodable>,
    ) -> Result<(), Undecodable> {
        self.out.push(open);
        let mut is_first = true;
        loop {
            let count = self.long()?;
            if count < 0 {
                self.long()?;
            }
            for _ in 0..count.unsigned_abs() {
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

    fn choice<'n, T>(&mut self, of: &'n [T]) -> Result<&'n T, Undecodable> {
        let index = usize::try_from(self.long()?).ok();
        index
            .and_then(|index| of.get(index))
            .ok_or(Undecodable::Branch)
    }

    fn take(&mut self, size: usize) -> Result<&'b [u8], Undecodable> {
        let (taken, rest) = self.rest.split_at_checked(size).ok_or(Undecodable::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    fn bytes(&mut self) -> Result<&'b [u8], Undecodable> {
        let size = usize::try_from(self.long()?).map_err(|_| Undecodable::Number)?;
        self.take(size)
    }

    /// A zigzag number of seven bits a byte, the lowest first.
    #[inline]
    fn long(&mut self) -> Result<i64, Undecodable> {
        let (mut bits, mut shift) = (0_u64, 0_u32);
        loop {
            let [byte] = *self.take(1)? else {
                return Err(Undecodable::Short);
            };
            let low = u64::from(byte & 0x7f);
            if shift == 63 && low > 1 || shift > 63 {
                return Err(Undecodable::Number);
            }
            bits |= low << shift;
            if byte < 0x80 {
                return Ok((bits >> 1).cast_signed() ^ (bits & 1).cast_signed().wrapping_neg());
            }
            shift = shift.saturating_add(7);
        }
    }

    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn int(&mut self, number: i64) {
        self.text(itoa::Buffer::new().format(number));
    }

    fn float(&mut self, n: &impl std::fmt::Debug, is_finite: bool) {
        let text = format!("{n:?}");
        let quote = if is_finite { "" } else { "\"" };
        self.text(quote);
        self.text(&text);
        self.text(quote);
    }

    fn number(&mut self, number: i64, meaning: Number) {
        let written = match meaning {
            Number::Plain => false,
            Number::Date => time::write_date(number, self.out),
            Number::Time(unit) => time::write_time(number, unit, self.out),
            Number::Timestamp(unit) => time::write_timestamp(number, unit, "Z", self.out),
            Number::LocalTimestamp(unit) => time::write_timestamp(number, unit, "", self.out),
        };
        if !written {
            self.int(number);
        }
    }

    fn blob(&mut self, bytes: &[u8], meaning: Blob) {
        match meaning {
            Blob::Decimal(scale) if decimal::write(bytes, scale, self.out) => {}
            Blob::Uuid => {
                self.text("\"");
                for (nth, byte) in bytes.iter().enumerate() {
                    let dash = if matches!(nth, 4 | 6 | 8 | 10) {
                        "-"
                    } else {
                        ""
                    };
                    self.text(&format!("{dash}{byte:02x}"));
                }
                self.text("\"");
            }
            Blob::Duration => {
                let open = ["{\"months\":", ",\"days\":", ",\"millis\":"];
                for (label, part) in open.into_iter().zip(bytes.chunks(4)) {
                    self.text(label);
                    let number = u32::from_le_bytes(part.try_into().unwrap_or_default());
                    self.int(number.into());
                }
                self.text("}");
            }
            Blob::Plain | Blob::Decimal(_) => {
                self.text("{\"base64\":\"");
                write_base64(bytes, self.out);
                self.text("\"}");
            }
        }
    }
}
