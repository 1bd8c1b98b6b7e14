//! A Parquet file: row groups, each encoded by itself, on any thread, and appended in order.
//!
//! # References
//! The Parquet format: nested columns as definition and repetition levels, after Dremel.

use std::io::Write;
use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::writer::{
    ColumnCloseResult, ColumnWriter, get_column_writer, get_typed_column_writer_mut,
};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType,
    Int32Type, Int64Type,
};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::{SerializedFileWriter, SerializedPageWriter, TrackedWrite};
use parquet::schema::types::{ColumnDescPtr, ColumnPath, Type};

use super::parquet_types::type_of;
use super::{Array, ColumnType, Data, Field, PageCodec};

/// Columns by whose smallest and largest value engines pass over row groups.
const PRUNED: [&str; 4] = ["topic", "partition", "offset", "timestamp"];

/// Numbers that mostly rise: their differences are small.
const RISING: [&str; 5] = ["offset", "timestamp", "batchOffset", "position", "sequence"];

/// So many slots are written together: what they are made into on the way stays in the cache.
const WRITTEN_SLOTS: usize = 1 << 10;

/// The room for an encoded row group, also one that does not compress. Memory that is not written costs
/// nothing; a buffer that grows is copied, and takes twice the memory meanwhile.
const ENCODED_BYTES: usize = 18 << 20;

/// A file in the making.
pub(crate) struct ColumnFile<W: Write + Send>(SerializedFileWriter<W>);

/// Encodes and compresses the row groups of a file.
pub(crate) struct GroupEncoder {
    kinds: Vec<ColumnType>,
    leaves: Vec<ColumnDescPtr>,
    properties: WriterPropertiesPtr,
}

/// An encoded row group: its columns one after the other, and the facts about each.
pub(crate) struct EncodedGroup(Bytes, Vec<ColumnCloseResult>);

impl<W: Write + Send> ColumnFile<W> {
    /// Begins a file. Returns it with the encoder of its row groups.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn new(out: W, fields: &[Field], codec: PageCodec) -> Result<(Self, GroupEncoder)> {
        let columns = fields.iter().map(|field| Ok(Arc::new(type_of(field)?)));
        let schema = Type::group_type_builder("kseg")
            .with_fields(columns.collect::<Result<_>>()?)
            .build()?;
        let file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties(codec)?))?;
        let encoder = GroupEncoder {
            kinds: fields.iter().map(|field| field.kind.clone()).collect(),
            leaves: file.schema_descr().columns().to_vec(),
            properties: Arc::clone(file.properties()),
        };
        Ok((Self(file), encoder))
    }

    /// Appends a row group.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn append(&mut self, EncodedGroup(bytes, columns): EncodedGroup) -> Result<()> {
        let mut group = self.0.next_row_group()?;
        for column in columns {
            group.append_column(&bytes, column)?;
        }
        group.close()?;
        Ok(())
    }

    /// Notes something about the file in its footer.
    pub(crate) fn note(&mut self, key: &str, value: String) {
        let pair = KeyValue::new(key.to_owned(), value);
        self.0.append_key_value_metadata(pair);
    }

    /// Writes the footer.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn finish(self) -> Result<()> {
        self.0.close()?;
        Ok(())
    }
}

impl GroupEncoder {
    /// Encodes the rows of columns as a row group, and removes them.
    ///
    /// # Errors
    /// They cannot be encoded.
    pub(crate) fn encode(&self, arrays: &mut [Array]) -> Result<EncodedGroup> {
        let mut out = TrackedWrite::new(Vec::with_capacity(ENCODED_BYTES));
        let mut leaves = self.leaves.iter();
        let mut closed = Vec::new();
        for (array, kind) in arrays.iter_mut().zip(&self.kinds) {
            let rows = (0..array.rows()).map(|row| Slot {
                row: Some(row),
                definition: 0,
                repetition: 0,
            });
            let slots: Vec<Slot> = rows.collect();
            write(array, (kind, true), slots, 0, &mut |write_leaf| {
                if let Some(leaf) = leaves.next() {
                    let pages = Box::new(SerializedPageWriter::new(&mut out));
                    let properties = Arc::clone(&self.properties);
                    let mut column = get_column_writer(Arc::clone(leaf), properties, pages);
                    write_leaf(&mut column)?;
                    closed.push(column.close()?);
                }
                Ok(())
            })?;
            array.clear();
        }
        Ok(EncodedGroup(out.into_inner()?.into(), closed))
    }
}

fn properties(codec: PageCodec) -> Result<WriterProperties> {
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("kseg version ", env!("CARGO_PKG_VERSION")).into())
        .set_compression(match codec {
            PageCodec::Zstd => Compression::ZSTD(ZstdLevel::try_new(1)?),
            PageCodec::Snappy => Compression::SNAPPY,
        })
        .set_statistics_enabled(EnabledStatistics::None)
        .set_max_row_group_row_count(None);
    for name in PRUNED {
        let path = ColumnPath::from(name);
        properties = properties.set_column_statistics_enabled(path, EnabledStatistics::Page);
    }
    // Values seldom repeat, and a dictionary would be thrown away after a megabyte of them.
    properties = properties.set_column_dictionary_enabled(ColumnPath::from("value"), false);
    for name in RISING {
        properties = properties
            .set_column_dictionary_enabled(ColumnPath::from(name), false)
            .set_column_encoding(ColumnPath::from(name), Encoding::DELTA_BINARY_PACKED);
    }
    Ok(properties.build())
}

/// A place of a column: a row of it, or where there is none.
#[derive(Debug, Clone, Copy)]
struct Slot {
    row: Option<usize>,
    definition: i16,
    repetition: i16,
}

/// Writes a column without columns below it.
type Leaf<'a> = &'a mut dyn FnMut(&mut ColumnWriter<'_>) -> Result<()>;

/// Writes the leaves of a column, whose rows `slots` are, inside of `depth` lists. What cannot be
/// null has no level for it.
fn write(
    array: &mut Array,
    (kind, is_nullable): (&ColumnType, bool),
    mut slots: Vec<Slot>,
    depth: i16,
    each: &mut dyn FnMut(Leaf<'_>) -> Result<()>,
) -> Result<()> {
    for slot in &mut slots {
        slot.row = slot.row.filter(|row| array.is_valid(*row));
        slot.definition += i16::from(slot.row.is_some() && is_nullable);
    }
    match (array.data_mut(), kind) {
        (Data::Struct(columns), ColumnType::Struct(fields)) => {
            for (column, field) in columns.iter_mut().zip(fields) {
                write(column, (&field.kind, true), slots.clone(), depth, each)?;
            }
            Ok(())
        }
        (Data::List(ends, items), ColumnType::List(item)) => {
            let slots = items_of(&slots, ends, depth + 1);
            write(items, (&item.kind, true), slots, depth + 1, each)
        }
        (Data::List(ends, pairs), ColumnType::Map(value)) => {
            // The pairs are the repeated group itself, so they have no level.
            let slots = items_of(&slots, ends, depth + 1);
            let kinds = [(&ColumnType::Utf8, false), (&value.kind, true)];
            for (column, kind) in pairs.columns().iter_mut().zip(kinds) {
                write(column, kind, slots.clone(), depth + 1, each)?;
            }
            Ok(())
        }
        (leaf, kind) => each(&mut |column| write_leaf(leaf, kind, &slots, column)),
    }
}

/// The items of the lists that `slots` are.
fn items_of(slots: &[Slot], ends: &[i32], depth: i16) -> Vec<Slot> {
    let mut items = Vec::with_capacity(slots.len());
    for slot in slots {
        let range = slot.row.map(|row| range_of(ends, row)).unwrap_or_default();
        if range.is_empty() {
            items.push(Slot { row: None, ..*slot });
        }
        for (nth, row) in range.enumerate() {
            items.push(Slot {
                row: Some(row),
                definition: slot.definition + 1,
                repetition: if nth == 0 { slot.repetition } else { depth },
            });
        }
    }
    items
}

/// Returns what a row takes up of what its column holds.
fn range_of(ends: &[i32], row: usize) -> std::ops::Range<usize> {
    let end_of = |row: Option<usize>| {
        let end = row.and_then(|row| ends.get(row)).copied();
        usize::try_from(end.unwrap_or_default()).unwrap_or_default()
    };
    end_of(row.checked_sub(1))..end_of(Some(row))
}

fn write_leaf(
    data: &mut Data,
    kind: &ColumnType,
    slots: &[Slot],
    column: &mut ColumnWriter<'_>,
) -> Result<()> {
    match data {
        Data::Bits(bits) => put::<BoolType>(column, slots, |row| {
            bits.get(row / 8).is_some_and(|it| it >> (row % 8) & 1 == 1)
        }),
        Data::Fixed(bytes, _) if *kind == ColumnType::Float => {
            put::<FloatType>(column, slots, |row| {
                let bits = u32::try_from(number(bytes, row, 4) & 0xffff_ffff);
                f32::from_bits(bits.unwrap_or_default())
            })
        }
        Data::Fixed(bytes, _) if *kind == ColumnType::Double => {
            put::<DoubleType>(column, slots, |row| {
                f64::from_bits(number(bytes, row, 8).cast_unsigned())
            })
        }
        Data::Fixed(bytes, 16) => {
            // Decimals, which Parquet has big-endian.
            bytes.chunks_mut(16).for_each(<[u8]>::reverse);
            let all = Bytes::from(std::mem::take(bytes));
            put::<FixedLenByteArrayType>(column, slots, |row| {
                ByteArray::from(all.slice(row * 16..(row + 1) * 16)).into()
            })?;
            *bytes = all.into();
            Ok(())
        }
        Data::Fixed(bytes, width @ (2 | 4)) => put::<Int32Type>(column, slots, |row| {
            i32::try_from(number(bytes, row, *width)).unwrap_or_default()
        }),
        Data::Fixed(bytes, width) => {
            put::<Int64Type>(column, slots, |row| number(bytes, row, *width))
        }
        Data::Bytes(ends, bytes) => {
            // Shared by all values instead of copied for each.
            let all = Bytes::from(std::mem::take(bytes));
            put::<ByteArrayType>(column, slots, |row| all.slice(range_of(ends, row)).into())?;
            *bytes = all.into();
            Ok(())
        }
        Data::List(..) | Data::Struct(_) => Ok(()),
    }
}

/// Writes what is in the slots of a column, some of them at a time.
fn put<T: DataType>(
    column: &mut ColumnWriter<'_>,
    mut slots: &[Slot],
    value: impl Fn(usize) -> T::T,
) -> Result<()> {
    let typed = get_typed_column_writer_mut::<T>(column);
    let (mut values, mut definitions, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
    while !slots.is_empty() {
        let (some, rest) = slots.split_at(end_of_rows(slots));
        values.clear();
        values.extend(some.iter().filter_map(|slot| slot.row).map(&value));
        definitions.clear();
        definitions.extend(some.iter().map(|slot| slot.definition));
        repetitions.clear();
        repetitions.extend(some.iter().map(|slot| slot.repetition));
        typed.write_batch(&values, Some(&definitions), Some(&repetitions))?;
        slots = rest;
    }
    Ok(())
}

/// Returns how many of the first slots are written together: whole rows, as the writer demands.
fn end_of_rows(slots: &[Slot]) -> usize {
    let mut after = slots.iter().enumerate().skip(WRITTEN_SLOTS);
    let next_row = after.find(|(_, slot)| slot.repetition == 0);
    next_row.map_or(slots.len(), |(nth, _)| nth)
}

/// A little-endian number of `width` bytes.
#[expect(clippy::little_endian_bytes, reason = "as columns hold them")]
fn number(bytes: &[u8], row: usize, width: usize) -> i64 {
    let own = bytes
        .get(row * width..(row + 1) * width)
        .unwrap_or_default();
    match *own {
        [a, b] => i16::from_le_bytes([a, b]).into(),
        [a, b, c, d] => i32::from_le_bytes([a, b, c, d]).into(),
        _ => i64::from_le_bytes(own.try_into().unwrap_or_default()),
    }
}
