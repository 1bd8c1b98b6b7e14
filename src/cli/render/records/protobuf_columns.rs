//! Messages of Protobuf as a typed column.
//!
//! | Protobuf | column |
//! |---|---|
//! | `bool`, `float`, `double`, `string`, `bytes`, signed integers | the same |
//! | `uint32`, `fixed32` | a 64-bit integer |
//! | `uint64`, `fixed64` | a decimal of 20 digits |
//! | enum | its symbol as text; the number if the schema does not have it |
//! | message, `repeated`, `map` | struct, list, map with its keys as text |
//!
//! Fields that are not in the message are null if Protobuf distinguishes that (`optional`, `oneof`,
//! messages), and have their defaults otherwise, as in JSON.

use std::collections::BTreeMap;

use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind as Type, MapKey, MessageDescriptor, ReflectMessage, Value,
};

use super::protobuf::{Messages, key_text};
use crate::cli::render::columns::avro::{MOST_COLUMNS, NoColumns, VALUE_BYTES};
use crate::cli::render::columns::{Array, ColumnType, Field, Width};

/// The maximum number of messages inside of each other.
const MOST_DEPTH: usize = 64;

/// The maximum number of values of a message, with those that are null: defaults are written for
/// each message, so a few bytes can become many.
const MOST_VALUES: usize = 8 << 20;

/// A column of the messages of a schema: those of its first type.
#[derive(Debug)]
pub(super) struct MessageColumn {
    messages: Messages,
    descriptor: MessageDescriptor,
    kind: ColumnType,
}

impl MessageColumn {
    /// The column of a schema.
    ///
    /// # Errors
    /// Its messages cannot be columns.
    pub(super) fn new(messages: Messages) -> Result<Self, NoColumns> {
        let descriptor = messages.at(&[]).ok_or(NoColumns::Empty)?;
        let kind = Builder::default().message(&descriptor)?;
        Ok(Self {
            messages,
            descriptor,
            kind,
        })
    }

    /// The type of the column.
    pub(super) fn kind(&self) -> &ColumnType {
        &self.kind
    }

    /// Appends a message; null, and `None`, if the bytes are not a message of the type. Returns about
    /// how many bytes it takes.
    pub(super) fn push(
        &self,
        indexes: &[usize],
        message: &[u8],
        array: &mut Array,
    ) -> Option<usize> {
        let rows = array.rows();
        let mut left = MOST_VALUES;
        let own = self.messages.decode(indexes, message);
        let own = own.filter(|own| own.descriptor() == self.descriptor);
        let pushed = own.and_then(|own| push_message(&own, array, &mut left));
        if pushed.is_none() {
            array.truncate(rows);
            array.push_null();
        }
        pushed.map(|()| message.len() + VALUE_BYTES * (MOST_VALUES - left))
    }
}

/// Makes the types of columns.
#[derive(Default)]
struct Builder {
    /// Messages that are being built.
    within: Vec<MessageDescriptor>,
    columns: usize,
}

impl Builder {
    fn message(&mut self, message: &MessageDescriptor) -> Result<ColumnType, NoColumns> {
        if self.within.contains(message) {
            return Err(NoColumns::Recursive);
        }
        if self.within.len() == MOST_DEPTH {
            return Err(NoColumns::Many);
        }
        self.within.push(message.clone());
        let fields = message.fields().map(|field| {
            let kind = self.field(&field)?;
            Ok(Field::new(field.name().to_owned(), kind))
        });
        let fields = fields.collect::<Result<Vec<Field>, NoColumns>>();
        self.within.pop();
        let fields = fields?;
        if fields.is_empty() {
            return Err(NoColumns::Empty);
        }
        Ok(ColumnType::Struct(fields))
    }

    fn field(&mut self, field: &FieldDescriptor) -> Result<ColumnType, NoColumns> {
        self.columns += 1;
        if self.columns > MOST_COLUMNS {
            return Err(NoColumns::Many);
        }
        let kind = field.kind();
        if let Some(entry) = kind.as_message().filter(|_| field.is_map()) {
            let value = self.value(&entry.map_entry_value_field().kind())?;
            return Ok(ColumnType::Map(Box::new(Field::new("value", value))));
        }
        let kind = self.value(&kind)?;
        Ok(if field.is_list() {
            ColumnType::List(Box::new(Field::new("element", kind)))
        } else {
            kind
        })
    }

    fn value(&mut self, kind: &Type) -> Result<ColumnType, NoColumns> {
        Ok(match kind {
            Type::Bool => ColumnType::Bool,
            Type::Int32 | Type::Sint32 | Type::Sfixed32 => ColumnType::Int(Width::Four),
            Type::Int64 | Type::Sint64 | Type::Sfixed64 | Type::Uint32 | Type::Fixed32 => {
                ColumnType::Int(Width::Eight)
            }
            Type::Uint64 | Type::Fixed64 => ColumnType::Decimal {
                precision: 20,
                scale: 0,
            },
            Type::Float => ColumnType::Float,
            Type::Double => ColumnType::Double,
            Type::String | Type::Enum(_) => ColumnType::Utf8,
            Type::Bytes => ColumnType::Binary,
            Type::Message(message) => self.message(message)?,
        })
    }
}

fn spend(left: &mut usize, values: usize) -> Option<()> {
    *left = left.checked_sub(values)?;
    Some(())
}

fn push_message(message: &DynamicMessage, array: &mut Array, left: &mut usize) -> Option<()> {
    let fields = message.descriptor();
    for (field, column) in fields.fields().zip(array.columns()) {
        if field.supports_presence() && !message.has_field(&field) {
            spend(left, column.width())?;
            column.push_null();
        } else {
            push_value(&message.get_field(&field), &field.kind(), column, left)?;
        }
    }
    array.end_struct();
    Some(())
}

#[expect(clippy::little_endian_bytes, reason = "as Arrow has them")]
fn push_value(value: &Value, kind: &Type, array: &mut Array, left: &mut usize) -> Option<()> {
    spend(left, 1)?;
    match value {
        Value::Bool(it) => array.push_bool(*it),
        Value::I32(it) => array.push_int(Some(*it)),
        Value::I64(it) => array.push_int(Some(*it)),
        Value::U32(it) => array.push_int(Some(*it)),
        Value::U64(it) => array.push_fixed(&i128::from(*it).to_le_bytes()),
        Value::F32(it) => array.push_fixed(&it.to_le_bytes()),
        Value::F64(it) => array.push_fixed(&it.to_le_bytes()),
        Value::String(text) => array.push_bytes(Some(text.as_bytes())),
        Value::Bytes(bytes) => array.push_bytes(Some(bytes)),
        Value::EnumNumber(number) => {
            let known = kind.as_enum().and_then(|it| it.get_value(*number));
            let symbol = known.map_or_else(|| number.to_string(), |it| it.name().to_owned());
            array.push_bytes(Some(symbol.as_bytes()));
        }
        Value::Message(message) => push_message(message, array, left)?,
        Value::List(items) => {
            let inner = array.items()?;
            for item in items {
                push_value(item, kind, inner, left)?;
            }
            array.end_list();
        }
        Value::Map(entries) => {
            let of_values = kind.as_message()?.map_entry_value_field().kind();
            let pairs = array.items()?;
            // A hash map has no stable order.
            let sorted: BTreeMap<&MapKey, &Value> = entries.iter().collect();
            for (key, value) in sorted {
                let [names, values] = pairs.columns() else {
                    return None;
                };
                names.push_bytes(Some(key_text(key).as_bytes()));
                push_value(value, &of_values, values, left)?;
                pairs.end_struct();
            }
            array.end_list();
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::render::columns::ipc;

    fn column(schema: &str) -> Result<MessageColumn, NoColumns> {
        let text = format!("syntax = \"proto3\"; {schema}");
        MessageColumn::new(Messages::compile(&text, &[]).unwrap())
    }

    #[test]
    fn messages_that_make_no_columns_are_refused() {
        for (schema, expected) in [
            ("message T { T t = 1; }", NoColumns::Recursive),
            (
                "message A { repeated B b = 1; } message B { map<string, A> a = 1; }",
                NoColumns::Recursive,
            ),
            ("message E {}", NoColumns::Empty),
            ("message M { E e = 1; } message E {}", NoColumns::Empty),
            ("enum E { X = 0; }", NoColumns::Empty),
        ] {
            assert_eq!(column(schema).unwrap_err(), expected, "{schema}");
        }
        let doubling =
            (0..20).map(|n| format!("message M{n} {{ M{0} a = 1; M{0} b = 2; }}", n + 1));
        let schema = doubling.collect::<Vec<String>>().concat() + "message M20 { int32 n = 1; }";
        assert_eq!(column(&schema).unwrap_err(), NoColumns::Many);
    }

    #[test]
    fn other_messages_and_bombs_are_null() {
        let field = |n| format!("optional int32 f{n} = {n};");
        let fields = (2..1000).map(field).collect::<Vec<String>>().concat();
        let wide = format!("message W {{ repeated I i = 1; }} message I {{ {fields} }}");
        let column = column(&wide).unwrap();
        let mut array = Array::new(column.kind());
        assert!(column.push(&[], &[0x0a, 0], &mut array).is_some());
        assert_eq!(column.push(&[1], &[], &mut array), None, "another type");
        assert_eq!(
            column.push(&[], &[0x0a, 9], &mut array),
            None,
            "it ends early"
        );
        assert_eq!(
            column.push(&[], &[0x0a, 0].repeat(100_000), &mut array),
            None
        );
        assert_eq!((array.rows(), array.nulls()), (4, 3));
        let mut batch = Vec::new();
        ipc::batch(4, &[array], &mut batch);
        assert!(batch.len() < 1 << 16, "{}", batch.len());
    }
}
