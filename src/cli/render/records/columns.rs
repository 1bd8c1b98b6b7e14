//! Records as rows of columns, for engines that read Arrow or Parquet.
//!
//! The columns are those of Spark's Kafka source (`includeHeaders`), with its names and types, so
//! that queries written for it work; `--columns all` appends kseg's own.

use std::ops::AddAssign;

use kseg::format::TimestampType;
use kseg::wire::text::push_utf8;

use super::content::{Payload, View};
use super::entry::{Facts, LocatedRecord};
use super::schemas::TypedValues;
use super::shown::Shown;
use crate::cli::render::Page;
use crate::cli::render::columns::{Array, ColumnType, Field, Width, ipc};

/// The maximum number of rows of a batch.
const BATCH_ROWS: usize = 16 << 10;

/// The size at which a batch ends: it fits into a rendered chunk without growing it, and a few of
/// them wait for each worker, so this bounds the memory.
const BATCH_BYTES: usize = 448 << 10;

/// The maximum number of rows of a row group, which one thread of an engine reads at a time.
const GROUP_ROWS: usize = 64 << 10;

/// The size at which a row group ends, because all of it is in memory until it is written.
const GROUP_BYTES: usize = 16 << 20;

/// The columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Columns {
    /// Those of Spark's Kafka source: key, value, topic, partition, offset, timestamp,
    /// timestampType, headers
    Spark,
    /// Also leaderEpoch, producerId, producerEpoch, sequence, transactional, control, batchOffset,
    /// position, codec, file
    All,
}

impl Columns {
    /// Their names and types.
    pub(crate) fn fields(self) -> Vec<Field> {
        let header = vec![
            Field::new("key", ColumnType::Utf8),
            Field::new("value", ColumnType::Binary),
        ];
        let header = Field::new("element", ColumnType::Struct(header));
        let mut fields = vec![
            Field::new("key", ColumnType::Binary),
            Field::new("value", ColumnType::Binary),
            Field::new("topic", ColumnType::Utf8),
            Field::new("partition", ColumnType::Int(Width::Four)),
            Field::new("offset", ColumnType::Int(Width::Eight)),
            Field::new("timestamp", ColumnType::INSTANT),
            Field::new("timestampType", ColumnType::Int(Width::Four)),
            Field::new("headers", ColumnType::List(Box::new(header))),
        ];
        if self == Self::All {
            fields.extend([
                Field::new("leaderEpoch", ColumnType::Int(Width::Four)),
                Field::new("producerId", ColumnType::Int(Width::Eight)),
                Field::new("producerEpoch", ColumnType::Int(Width::Two)),
                Field::new("sequence", ColumnType::Int(Width::Four)),
                Field::new("transactional", ColumnType::Bool),
                Field::new("control", ColumnType::Bool),
                Field::new("batchOffset", ColumnType::Int(Width::Eight)),
                Field::new("position", ColumnType::Int(Width::Eight)),
                Field::new("codec", ColumnType::Utf8),
                Field::new("file", ColumnType::Utf8),
            ]);
        }
        fields
    }
}

/// The values that columns could not represent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lossy {
    /// Timestamps beyond the microseconds of 64 bits: null.
    pub(crate) timestamps: u64,
    /// Names of headers that are not UTF-8: U+FFFD replaces the invalid bytes.
    pub(crate) header_keys: u64,
    /// Values that do not match the schema of their column: null.
    pub(crate) values: u64,
}

impl Lossy {
    /// Returns the notes about them, a line each.
    pub(crate) fn notes(self, path: &str) -> String {
        let timestamps = counted(self.timestamps, "timestamp");
        let header_keys = counted(self.header_keys, "header key");
        let values = counted(self.values, "value");
        let notes = [
            (
                self.values,
                format!("{values} not of the schema of --value-columns, written as null"),
            ),
            (
                self.timestamps,
                format!(
                    "{timestamps} out of the range of a column of microseconds, written as null"
                ),
            ),
            (
                self.header_keys,
                format!("{header_keys} not UTF-8, written with U+FFFD for invalid bytes"),
            ),
        ];
        notes
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .fold(String::new(), |said, (_, note)| {
                said + "kseg: " + path + ": " + &note + "\n"
            })
    }
}

fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

impl AddAssign for Lossy {
    fn add_assign(&mut self, more: Self) {
        self.timestamps += more.timestamps;
        self.header_keys += more.header_keys;
        self.values += more.values;
    }
}

/// Rows that are not yet written.
#[derive(Debug)]
pub(crate) struct Rows {
    fields: Vec<Field>,
    arrays: Vec<Array>,
    count: usize,
    /// Their approximate size in bytes.
    bytes: usize,
    lossy: Lossy,
}

impl Rows {
    /// No rows yet.
    pub(crate) fn new(fields: Vec<Field>) -> Self {
        Self {
            arrays: Array::of(&fields),
            fields,
            count: 0,
            bytes: 0,
            lossy: Lossy::default(),
        }
    }

    /// Their approximate size in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns true if they are enough for a batch of a stream.
    pub(crate) fn is_batch(&self) -> bool {
        self.count >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }

    /// Returns true if they are enough for a row group of a file.
    pub(crate) fn is_group(&self) -> bool {
        self.count >= GROUP_ROWS || self.bytes >= GROUP_BYTES
    }

    /// Takes the columns out, unless they are empty. Others must be put in before the next row.
    pub(crate) fn take(&mut self) -> Option<Vec<Array>> {
        (self.count > 0).then(|| {
            (self.count, self.bytes) = (0, 0);
            std::mem::take(&mut self.arrays)
        })
    }

    /// Puts in columns without rows, whose memory is used again, or new ones.
    pub(crate) fn put(&mut self, spare: Option<Vec<Array>>) {
        self.arrays = spare.unwrap_or_else(|| Array::of(&self.fields));
    }

    /// Appends them as a batch of a stream, if there are any, and removes them.
    pub(crate) fn write_batch(&mut self, out: &mut impl Page) {
        if self.count > 0 {
            ipc::batch(self.count, &self.arrays, out.page());
            out.turn();
            self.clear();
        }
    }

    /// Removes all rows.
    pub(crate) fn clear(&mut self) {
        self.arrays.iter_mut().for_each(Array::clear);
        (self.count, self.bytes) = (0, 0);
    }

    /// Returns the values that columns could not hold since the last call.
    pub(crate) fn take_lossy(&mut self) -> Lossy {
        std::mem::take(&mut self.lossy)
    }

    /// Appends a record, with its value by the schema of `typed`, if there is one.
    pub(super) fn push(
        &mut self,
        entry: &LocatedRecord<'_, '_>,
        view: &View<'_>,
        typed: Option<&TypedValues>,
        scratch: &mut Vec<u8>,
    ) {
        let (record, batch) = (entry.record, entry.batch);
        let Some(
            [
                key,
                value,
                topic,
                partition,
                offset,
                timestamp,
                kind,
                headers,
            ],
        ) = self.arrays.first_chunk_mut()
        else {
            return;
        };
        let mut bytes = 64;
        bytes += push_shown(key, &view.key(scratch));
        bytes += match typed {
            None => push_shown(value, &view.value(scratch)),
            Some(typed) => push_typed(value, view, typed, &mut self.lossy.values),
        };
        topic.push_bytes(entry.topic.map(str::as_bytes));
        partition.push_int(entry.partition);
        offset.push_int(Some(record.offset().get()));
        let millis = Some(record.timestamp().get()).filter(|millis| *millis != -1);
        let micros = millis.and_then(|millis| millis.checked_mul(1000));
        self.lossy.timestamps += u64::from(millis.is_some() && micros.is_none());
        timestamp.push_int(micros);
        kind.push_int(match batch.timestamp_type() {
            TimestampType::CreateTime => Some(0),
            TimestampType::LogAppendTime => Some(1),
            TimestampType::None => Some(-1),
        });
        let lossy = &mut self.lossy.header_keys;
        headers.push_structs(|structs| {
            for (header, shown) in view.headers_in_columns() {
                structs.push(|columns| {
                    let Some([name, value]) = columns.first_chunk_mut() else {
                        return;
                    };
                    name.push_with(|out| {
                        let before = out.len();
                        if simdutf8::basic::from_utf8(header).is_ok() {
                            out.extend_from_slice(header);
                        } else {
                            push_utf8(out, header);
                            *lossy += 1;
                        }
                        bytes += out.len() - before + 16;
                        true
                    });
                    bytes += push_shown(value, &shown);
                });
            }
        });
        self.own(entry);
        self.count += 1;
        self.bytes += bytes;
    }

    /// Appends to kseg's own columns, if they are requested.
    #[inline]
    fn own(&mut self, entry: &LocatedRecord<'_, '_>) {
        let own = self.arrays.get_mut(8..).unwrap_or_default();
        let Some(
            [
                leader_epoch,
                producer_id,
                producer_epoch,
                sequence,
                transactional,
                control,
                batch_offset,
                position,
                codec,
                file,
            ],
        ) = own.first_chunk_mut()
        else {
            return;
        };
        let facts = Facts::of(entry.batch);
        leader_epoch.push_int(facts.leader_epoch);
        producer_id.push_int(facts.producer_id);
        producer_epoch.push_int(facts.producer_epoch);
        sequence.push_int(Some(entry.record.sequence()).filter(|n| *n != -1));
        transactional.push_bool(facts.is_transactional);
        control.push_bool(entry.batch.is_control());
        batch_offset.push_int(facts.base_offset);
        position.push_int(i64::try_from(entry.batch.position().get()).ok());
        codec.push_bytes(facts.codec.map(str::as_bytes));
        file.push_bytes(entry.file.map(str::as_bytes));
    }
}

/// Appends a value by its schema; null, and counted, if it does not match. Returns its approximate
/// size in bytes.
fn push_typed(column: &mut Array, view: &View<'_>, typed: &TypedValues, others: &mut u64) -> usize {
    let pushed = match view.payload(typed) {
        Payload::Null => {
            column.push_null();
            return 8 * column.width();
        }
        Payload::Own(framed) => typed.push(framed, column),
        Payload::Other => {
            column.push_null();
            None
        }
    };
    *others += u64::from(pushed.is_none());
    pushed.unwrap_or_else(|| 8 * column.width())
}

/// Appends the visible form of some bytes. Returns its size in bytes.
#[inline]
fn push_shown(column: &mut Array, shown: &Shown<'_>) -> usize {
    let mut bytes = 0;
    column.push_with(|out| {
        let before = out.len();
        let is_there = shown.write_column(out);
        bytes = out.len() - before;
        is_there
    });
    bytes
}
