//! Values of an Avro schema as a typed column.
//!
//! | Avro | column |
//! |---|---|
//! | `boolean`, `int`, `long`, `float`, `double`, `string`, `bytes` | the same |
//! | `fixed` | bytes |
//! | `enum`, `uuid` | text |
//! | `array`, `map`, `record` | list, map, struct |
//! | union with `null` | the other type; all columns are nullable |
//! | other unions | a struct of `member0`, `member1`, …, as Spark's Avro reader has them; all but one are null |
//! | `decimal` | a decimal; text where it has more than 38 digits |
//! | `date`, `time-*`, `timestamp-*`, `local-timestamp-*` | date, time, timestamp with and without a zone, in the unit of the schema |
//! | `duration` | a struct of `months`, `days`, `millis` |

use kseg::decode::avro::{
    AvroBytes, AvroCursor, AvroNumber, AvroType, FREE_VALUES, MOST_BYTES, Schema, Undecodable,
    VALUES_A_BYTE,
};
use kseg::wire::text::push_utf8;

use super::{Array, ColumnType, Field, Width};

/// About how many bytes of a column a value takes.
pub(crate) const VALUE_BYTES: usize = 8;

/// Columns that a schema may have: types named again and again would make any number of a few
/// bytes.
pub(crate) const MOST_COLUMNS: usize = 10_000;

/// Digits that 16 bytes hold.
const MOST_DIGITS: usize = 38;

/// The reason why a schema has no columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoColumns {
    /// A type is inside of itself.
    #[error("a type contains itself, which columns cannot")]
    Recursive,
    /// There are more than [`MOST_COLUMNS`].
    #[error("it has more than {MOST_COLUMNS} columns")]
    Many,
    /// A record has no fields.
    #[error("a record without fields makes no columns")]
    Empty,
}

/// A column of the values of a schema.
#[derive(Debug)]
pub(crate) struct ValueColumn {
    kind: ColumnType,
    plan: DatumPlan,
}

/// The steps that read a type.
#[derive(Debug)]
enum DatumPlan {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    Text,
    Fixed(usize),
    /// A decimal, of a fixed size or not.
    Decimal(Option<usize>),
    /// A decimal of any number of digits, as text.
    Digits(Option<usize>, usize),
    Uuid,
    Duration,
    Enum(Vec<String>),
    List(Box<DatumPlan>),
    Map(Box<DatumPlan>),
    Record(Vec<DatumPlan>),
    /// Of each branch the member that it is; none is null. One member alone is not in a struct.
    Union(Vec<Option<usize>>, Vec<DatumPlan>),
}

impl ValueColumn {
    /// The column of a schema.
    ///
    /// # Errors
    /// Its values cannot be columns.
    pub(crate) fn new(schema: &Schema) -> Result<Self, NoColumns> {
        let mut builder = Builder {
            schema,
            within: Vec::new(),
            columns: 0,
        };
        let (kind, plan) = builder.build(schema.root())?;
        Ok(Self { kind, plan })
    }

    /// The type of the column.
    pub(crate) fn kind(&self) -> &ColumnType {
        &self.kind
    }

    /// Appends a value; null, and `Err`, if the bytes do not match the schema. Returns about
    /// how many bytes it takes.
    pub(crate) fn push(&self, bytes: &[u8], array: &mut Array) -> Result<usize, Undecodable> {
        let rows = array.rows();
        let left = FREE_VALUES.saturating_add(bytes.len().saturating_mul(VALUES_A_BYTE));
        // A value takes about eight bytes of a column: one record takes no more than its JSON may.
        let left = left.min(MOST_BYTES / VALUE_BYTES);
        let mut reader = DatumReader {
            input: AvroCursor::new(bytes),
            left,
        };
        let read = reader.value(&self.plan, array);
        match read.and_then(|()| reader.input.finish()) {
            Ok(()) => Ok(bytes.len() + VALUE_BYTES * (left - reader.left)),
            Err(why) => {
                array.truncate(rows);
                array.push_null();
                Err(why)
            }
        }
    }
}

struct Builder<'s> {
    schema: &'s Schema,
    /// Types that are being built.
    within: Vec<usize>,
    columns: usize,
}

impl Builder<'_> {
    fn build(&mut self, at: usize) -> Result<(ColumnType, DatumPlan), NoColumns> {
        if self.within.contains(&at) {
            return Err(NoColumns::Recursive);
        }
        self.columns += 1;
        if self.columns > MOST_COLUMNS {
            return Err(NoColumns::Many);
        }
        self.within.push(at);
        let built = self.type_at(at);
        self.within.pop();
        built
    }

    fn type_at(&mut self, at: usize) -> Result<(ColumnType, DatumPlan), NoColumns> {
        let schema = self.schema;
        Ok(match schema.type_at(at) {
            AvroType::Boolean => (ColumnType::Bool, DatumPlan::Boolean),
            AvroType::Int(meaning) => (kind_of(*meaning, Width::Four), DatumPlan::Int),
            AvroType::Long(meaning) => (kind_of(*meaning, Width::Eight), DatumPlan::Long),
            AvroType::Float => (ColumnType::Float, DatumPlan::Float),
            AvroType::Double => (ColumnType::Double, DatumPlan::Double),
            AvroType::String => (ColumnType::Utf8, DatumPlan::Text),
            AvroType::Bytes(meaning) => bytes(*meaning, None),
            AvroType::Fixed(size, meaning) => bytes(*meaning, Some(*size)),
            AvroType::Enum(symbols) => {
                let symbols = symbols.iter().map(|it| unquoted(it)).collect();
                (ColumnType::Utf8, DatumPlan::Enum(symbols))
            }
            AvroType::Array(item) => {
                let (kind, plan) = self.build(*item)?;
                let item = Field::new("element", kind);
                (
                    ColumnType::List(Box::new(item)),
                    DatumPlan::List(Box::new(plan)),
                )
            }
            AvroType::Map(value) => {
                let (kind, plan) = self.build(*value)?;
                let value = Field::new("value", kind);
                (
                    ColumnType::Map(Box::new(value)),
                    DatumPlan::Map(Box::new(plan)),
                )
            }
            AvroType::Record(fields) if fields.is_empty() => return Err(NoColumns::Empty),
            AvroType::Record(fields) => {
                let (mut kinds, mut plans) = (Vec::new(), Vec::new());
                for field in fields {
                    let (kind, plan) = self.build(field.at)?;
                    kinds.push(Field::new(field.name.clone(), kind));
                    plans.push(plan);
                }
                (ColumnType::Struct(kinds), DatumPlan::Record(plans))
            }
            AvroType::Union(branches) => self.union(branches)?,
            // A column of nothing but nulls, of a type that every reader has.
            _ => (ColumnType::Bool, DatumPlan::Null),
        })
    }

    fn union(&mut self, branches: &[usize]) -> Result<(ColumnType, DatumPlan), NoColumns> {
        let (mut members, mut kinds, mut plans) = (Vec::new(), Vec::new(), Vec::new());
        for branch in branches {
            if *self.schema.type_at(*branch) == AvroType::Null {
                members.push(None);
                continue;
            }
            let (kind, plan) = self.build(*branch)?;
            members.push(Some(kinds.len()));
            kinds.push(Field::new(format!("member{}", kinds.len()), kind));
            plans.push(plan);
        }
        let kind = match kinds.len() {
            0 => ColumnType::Bool,
            1 => kinds.pop().map_or(ColumnType::Bool, |only| only.kind),
            _ => ColumnType::Struct(kinds),
        };
        Ok((kind, DatumPlan::Union(members, plans)))
    }
}

fn kind_of(meaning: AvroNumber, width: Width) -> ColumnType {
    match meaning {
        AvroNumber::Date => ColumnType::Date,
        AvroNumber::Time(unit) => ColumnType::Time(unit),
        AvroNumber::Timestamp(unit) => ColumnType::Timestamp { unit, is_utc: true },
        AvroNumber::LocalTimestamp(unit) => ColumnType::Timestamp {
            unit,
            is_utc: false,
        },
        _ => ColumnType::Int(width),
    }
}

fn bytes(meaning: AvroBytes, size: Option<usize>) -> (ColumnType, DatumPlan) {
    match meaning {
        AvroBytes::Decimal { precision, scale } if precision <= MOST_DIGITS => {
            let digits = |it: usize| u8::try_from(it).unwrap_or_default();
            let kind = ColumnType::Decimal {
                precision: digits(precision),
                scale: digits(scale),
            };
            (kind, DatumPlan::Decimal(size))
        }
        AvroBytes::Decimal { scale, .. } => (ColumnType::Utf8, DatumPlan::Digits(size, scale)),
        AvroBytes::Uuid => (ColumnType::Utf8, DatumPlan::Uuid),
        AvroBytes::Duration => {
            let names = ["months", "days", "millis"];
            let fields = names.map(|name| Field::new(name, ColumnType::Int(Width::Eight)));
            (ColumnType::Struct(fields.into()), DatumPlan::Duration)
        }
        _ => {
            let plan = size.map_or(DatumPlan::Bytes, DatumPlan::Fixed);
            (ColumnType::Binary, plan)
        }
    }
}

/// A symbol without the quotes that it has as JSON.
fn unquoted(json: &[u8]) -> String {
    serde_json::from_slice(json).unwrap_or_default()
}

struct DatumReader<'b> {
    input: AvroCursor<'b>,
    /// The number of values that may still follow, with those that are null inside of a null.
    left: usize,
}

#[expect(clippy::little_endian_bytes, reason = "as Avro and Arrow have them")]
impl DatumReader<'_> {
    fn spend(&mut self, values: usize) -> Result<(), Undecodable> {
        self.left = self.left.checked_sub(values).ok_or(Undecodable::Large)?;
        Ok(())
    }

    fn value(&mut self, plan: &DatumPlan, array: &mut Array) -> Result<(), Undecodable> {
        self.spend(1)?;
        match plan {
            DatumPlan::Null => array.push_null(),
            DatumPlan::Boolean => array.push_bool(self.input.boolean()?),
            DatumPlan::Int => array.push_int(Some(self.input.int()?)),
            DatumPlan::Long => array.push_int(Some(self.input.long()?)),
            DatumPlan::Float => array.push_fixed(&self.input.float()?.to_le_bytes()),
            DatumPlan::Double => array.push_fixed(&self.input.double()?.to_le_bytes()),
            DatumPlan::Bytes => array.push_bytes(Some(self.input.bytes()?)),
            DatumPlan::Fixed(size) => array.push_bytes(Some(self.input.take(*size)?)),
            DatumPlan::Text => text(self.input.bytes()?, array),
            DatumPlan::Decimal(size) => match decimal(self.sized(*size)?) {
                Some(number) => array.push_fixed(&number.to_le_bytes()),
                None => return Err(Undecodable::Number),
            },
            DatumPlan::Digits(size, scale) => {
                let number = self.sized(*size)?;
                let mut digits = Vec::new();
                if !kseg::decode::avro::write_decimal(number, *scale, &mut digits) {
                    return Err(Undecodable::Large);
                }
                array.push_bytes(Some(&digits));
            }
            DatumPlan::Uuid => {
                let mut digits = Vec::new();
                kseg::decode::avro::write_uuid(self.input.take(16)?, &mut digits);
                array.push_bytes(Some(&digits));
            }
            DatumPlan::Duration => {
                let parts = self.input.take(12)?.chunks(4);
                for (part, column) in parts.zip(array.columns()) {
                    let number = u32::from_le_bytes(part.try_into().unwrap_or_default());
                    column.push_int(Some(number));
                }
                array.end_struct();
            }
            DatumPlan::Enum(symbols) => {
                let symbol = self.input.choice(symbols)?;
                array.push_bytes(Some(symbol.as_bytes()));
            }
            DatumPlan::List(item) => self.list(array, |reader, items| reader.value(item, items))?,
            DatumPlan::Map(value) => self.list(array, |reader, pairs| {
                let name = reader.input.bytes()?;
                if let [names, values] = pairs.columns() {
                    text(name, names);
                    reader.value(value, values)?;
                }
                pairs.end_struct();
                Ok(())
            })?,
            DatumPlan::Record(fields) => {
                for (field, column) in fields.iter().zip(array.columns()) {
                    self.value(field, column)?;
                }
                array.end_struct();
            }
            DatumPlan::Union(branches, members) => self.union(branches, members, array)?,
        }
        Ok(())
    }

    fn sized(&mut self, size: Option<usize>) -> Result<&[u8], Undecodable> {
        match size {
            Some(size) => self.input.take(size),
            None => self.input.bytes(),
        }
    }

    fn list(
        &mut self,
        array: &mut Array,
        mut item: impl FnMut(&mut Self, &mut Array) -> Result<(), Undecodable>,
    ) -> Result<(), Undecodable> {
        if let Some(items) = array.items() {
            loop {
                let count = self.input.block()?;
                if count == 0 {
                    break;
                }
                for _ in 0..count {
                    item(self, items)?;
                }
            }
        }
        array.end_list();
        Ok(())
    }

    fn union(
        &mut self,
        branches: &[Option<usize>],
        members: &[DatumPlan],
        array: &mut Array,
    ) -> Result<(), Undecodable> {
        let branch = *self.input.choice(branches)?;
        match (branch, members) {
            (Some(_), [only]) => self.value(only, array),
            (Some(branch), _) => {
                self.spend(array.width())?;
                for (nth, column) in array.columns().iter_mut().enumerate() {
                    match members.get(nth) {
                        Some(member) if nth == branch => self.value(member, column)?,
                        _ => column.push_null(),
                    }
                }
                array.end_struct();
                Ok(())
            }
            (None, _) => {
                self.spend(array.width())?;
                array.push_null();
                Ok(())
            }
        }
    }
}

/// Appends text; U+FFFD replaces what is not UTF-8, as in JSON.
fn text(bytes: &[u8], array: &mut Array) {
    array.push_with(|out| {
        if simdutf8::basic::from_utf8(bytes).is_ok() {
            out.extend_from_slice(bytes);
        } else {
            push_utf8(out, bytes);
        }
        true
    });
}

/// The number that big-endian bytes are, if it has at most 16 of them that count.
fn decimal(bytes: &[u8]) -> Option<i128> {
    let sign = match bytes.first() {
        Some(first) if first & 0x80 != 0 => 0xff,
        _ => 0,
    };
    let (ahead, number) = bytes.split_at(bytes.len().saturating_sub(16));
    let mut whole = [sign; 16];
    let (_, own) = whole.split_at_mut(16 - number.len());
    own.copy_from_slice(number);
    let is_same = ahead.iter().all(|byte| *byte == sign) && (whole[0] ^ sign) & 0x80 == 0;
    is_same.then(|| i128::from_be_bytes(whole))
}
