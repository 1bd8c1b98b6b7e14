//! An Arrow IPC stream: a message with the schema, one for each batch of rows, an end.
//!
//! # References
//! Arrow's columnar format, "Serialization and Interprocess Communication"; `Schema.fbs` and
//! `Message.fbs`, metadata version 5.

use kseg::decode::avro::TimeUnit;

use super::flatbuffer::{Flat, Reference, Slot};
use super::{Array, ColumnType, Data, Field, Width};

/// The first bytes of each message.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// Metadata version 5.
const V5: Slot = Slot::Short(4);

/// Members of the union `MessageHeader`.
const SCHEMA: u8 = 1;
const RECORD_BATCH: u8 = 3;

/// Appends the schema, with `metadata`.
pub(crate) fn schema(fields: &[Field], metadata: &[(&str, &str)], out: &mut Vec<u8>) {
    let (mut flat, root) = Flat::new();
    let [_, _, header, _] = flat.table(
        root,
        [V5, Slot::Byte(SCHEMA), Slot::Reference, Slot::Long(0)],
    );
    let slots = [Slot::Short(0), Slot::Reference, Slot::Reference];
    let [_, columns, pairs] = flat.table(header, slots);
    self::fields(&mut flat, columns, fields);
    let places = flat.references(pairs, metadata.len());
    for (place, (name, value)) in places.into_iter().zip(metadata) {
        let [key, text] = flat.table(place, [Slot::Reference; 2]);
        flat.text(key, name);
        flat.text(text, value);
    }
    message(flat, out);
}

/// Appends a batch of rows.
pub(crate) fn batch(rows: usize, arrays: &[Array], out: &mut Vec<u8>) {
    let (mut nodes, mut buffers, mut end) = (Vec::new(), Vec::new(), 0);
    for array in arrays {
        measure(array, &mut nodes, &mut buffers, &mut end);
    }
    let (mut flat, root) = Flat::new();
    let slots = [
        V5,
        Slot::Byte(RECORD_BATCH),
        Slot::Reference,
        Slot::Long(long(end)),
    ];
    let [_, _, header, _] = flat.table(root, slots);
    let slots = [Slot::Long(long(rows)), Slot::Reference, Slot::Reference];
    let [_, nodes_at, buffers_at] = flat.table(header, slots);
    flat.pairs(nodes_at, &nodes);
    flat.pairs(buffers_at, &buffers);
    message(flat, out);
    out.reserve(end);
    for array in arrays {
        write(array, out);
    }
}

/// Appends the end of the stream.
pub(crate) fn end(out: &mut Vec<u8>) {
    out.extend_from_slice(&CONTINUATION);
    out.extend_from_slice(&[0; 4]);
}

#[expect(clippy::little_endian_bytes, reason = "so are lengths in a stream")]
fn message(flat: Flat, out: &mut Vec<u8>) {
    let bytes = flat.finish();
    let length = i32::try_from(bytes.len()).unwrap_or_default();
    out.extend_from_slice(&CONTINUATION);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&bytes);
}

fn fields(flat: &mut Flat, place: Reference, fields: &[Field]) {
    let places = flat.references(place, fields.len());
    for (place, field) in places.into_iter().zip(fields) {
        self::field(flat, place, field, true);
    }
}

fn field(flat: &mut Flat, place: Reference, field: &Field, is_nullable: bool) {
    let [name, _, _, kind, _, children] = flat.table(place, slots(&field.kind, is_nullable));
    flat.text(name, &field.name);
    type_table(flat, kind, &field.kind);
    match &field.kind {
        ColumnType::List(item) => fields(flat, children, std::slice::from_ref(&**item)),
        ColumnType::Map(value) => entries(flat, children, value),
        ColumnType::Struct(below) => fields(flat, children, below),
        _ => fields(flat, children, &[]),
    }
}

/// The slots of a `Field`: name, nullable, type, dictionary, children.
fn slots(kind: &ColumnType, is_nullable: bool) -> [Slot; 6] {
    [
        Slot::Reference,
        Slot::Byte(is_nullable.into()),
        Slot::Byte(type_of(kind)),
        Slot::Reference,
        Slot::Absent,
        Slot::Reference,
    ]
}

/// The pairs of a map, which are no nulls, and neither are their names.
fn entries(flat: &mut Flat, place: Reference, value: &Field) {
    for place in flat.references(place, 1) {
        let [name, _, _, kind, _, children] =
            flat.table(place, slots(&ColumnType::Struct(Vec::new()), false));
        flat.text(name, "entries");
        flat.table(kind, []);
        let places = flat.references(children, 2);
        let key = Field::new("key", ColumnType::Utf8);
        for (place, (field, is_nullable)) in places.into_iter().zip([(&key, false), (value, true)])
        {
            self::field(flat, place, field, is_nullable);
        }
    }
}

/// The member of the union `Type`.
const fn type_of(kind: &ColumnType) -> u8 {
    match kind {
        ColumnType::Int(_) => 2,
        ColumnType::Float | ColumnType::Double => 3,
        ColumnType::Binary => 4,
        ColumnType::Utf8 => 5,
        ColumnType::Bool => 6,
        ColumnType::Decimal { .. } => 7,
        ColumnType::Date => 8,
        ColumnType::Time(_) => 9,
        ColumnType::Timestamp { .. } => 10,
        ColumnType::List(_) => 12,
        ColumnType::Struct(_) => 13,
        ColumnType::Map(_) => 17,
    }
}

fn type_table(flat: &mut Flat, place: Reference, kind: &ColumnType) {
    match kind {
        ColumnType::Int(width) => {
            let bits = match width {
                Width::Two => 16,
                Width::Four => 32,
                Width::Eight => 64,
            };
            flat.table(place, [Slot::Int(bits), Slot::Byte(1)]);
        }
        ColumnType::Float => {
            flat.table(place, [Slot::Short(1)]);
        }
        ColumnType::Double => {
            flat.table(place, [Slot::Short(2)]);
        }
        ColumnType::Decimal { precision, scale } => {
            let slots = [*precision, *scale].map(|it| Slot::Int(it.into()));
            flat.table(place, slots);
        }
        ColumnType::Date => {
            // Days.
            flat.table(place, [Slot::Short(0)]);
        }
        ColumnType::Time(unit) => {
            let bits = if *unit == TimeUnit::Millis { 32 } else { 64 };
            flat.table(place, [unit_of(*unit), Slot::Int(bits)]);
        }
        ColumnType::Timestamp { unit, is_utc: true } => {
            let [_, zone] = flat.table(place, [unit_of(*unit), Slot::Reference]);
            flat.text(zone, "UTC");
        }
        ColumnType::Timestamp { unit, .. } => {
            flat.table(place, [unit_of(*unit)]);
        }
        ColumnType::Binary
        | ColumnType::Utf8
        | ColumnType::Bool
        | ColumnType::List(_)
        | ColumnType::Map(_)
        | ColumnType::Struct(_) => {
            flat.table(place, []);
        }
    }
}

fn unit_of(unit: TimeUnit) -> Slot {
    Slot::Short(match unit {
        TimeUnit::Millis => 1,
        TimeUnit::Micros => 2,
        TimeUnit::Nanos => 3,
    })
}

/// Notes the rows and nulls of a column and of those below it, and where their buffers will be.
fn measure(array: &Array, nodes: &mut Vec<[i64; 2]>, buffers: &mut Vec<[i64; 2]>, end: &mut usize) {
    nodes.push([long(array.rows()), long(array.nulls())]);
    let mut buffer = |bytes: usize| {
        buffers.push([long(*end), long(bytes)]);
        *end += bytes.next_multiple_of(8);
    };
    buffer(array.validity().len());
    match array.data() {
        Data::Bits(values) | Data::Fixed(values, _) => buffer(values.len()),
        Data::Bytes(ends, values) => {
            buffer(4 * (ends.len() + 1));
            buffer(values.len());
        }
        Data::List(ends, items) => {
            buffer(4 * (ends.len() + 1));
            measure(items, nodes, buffers, end);
        }
        Data::Struct(columns) => {
            for column in columns {
                measure(column, nodes, buffers, end);
            }
        }
    }
}

/// Appends the buffers of a column and of those below it, each padded to eight bytes.
fn write(array: &Array, out: &mut Vec<u8>) {
    padded(array.validity(), out);
    match array.data() {
        Data::Bits(values) | Data::Fixed(values, _) => padded(values, out),
        Data::Bytes(ends, values) => {
            offsets(ends, out);
            padded(values, out);
        }
        Data::List(ends, items) => {
            offsets(ends, out);
            write(items, out);
        }
        Data::Struct(columns) => columns.iter().for_each(|column| write(column, out)),
    }
}

fn padded(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(bytes);
    let padding = bytes.len().next_multiple_of(8) - bytes.len();
    out.extend_from_slice([0; 8].get(..padding).unwrap_or_default());
}

fn offsets(ends: &[i32], out: &mut Vec<u8>) {
    out.extend_from_slice(&[0; 4]);
    for end in ends {
        out.extend_from_slice(&end.to_le_bytes());
    }
    if ends.len().is_multiple_of(2) {
        out.extend_from_slice(&[0; 4]);
    }
}

fn long(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
