//! `kseg fingerprint`: a digest of the records of a partition, whatever their batches.

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::Result;
use kseg::records::UnreadPlace;
use kseg::records::compare::each_part;
use kseg::scan::{Filter, in_order};
use kseg::store::{Error, Partition};
use kseg::wire::Offset;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::Context;
use super::args::Reading;
use super::exit::ExitStatus;
use super::input::{Others, Selection, logs, only_partitions};
use super::range::OffsetRange;
use super::render::rows::{Cell, Column, Format, Row, text};
use super::schema::{self, Schema};
use super::writer::Writer;

/// Prints a digest of the records of each partition that does not depend on batches and codecs
///
/// Two copies with the same records have the same digest, even with other batches, codecs or leader
/// epochs: for CI, and to compare copies on different machines. It is the SHA-256 of offset,
/// timestamp, key, value and headers of every record in log order, with control records. To compare
/// copies that begin or end at other offsets, give both the same --offset.
///
/// Not on a disk: which copy is right if their digests differ; kseg diff shows where they differ.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg fingerprint /var/lib/kafka/orders-3
  kseg fingerprint --offset 1000..2000 orders-3
  kseg fingerprint --ignore offset,timestamp mirrored/orders-3
  kseg fingerprint --topic orders --partition 0..4 --format csv data

Exit status:
  0  everything was read
  1  something is damaged: the digest covers only the records before it
  2  something could not be read, or the arguments are invalid")]
pub(crate) struct Fingerprint {
    /// Log dirs or partitions, a folder of log dirs, or a server.properties
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,

    /// Only these offsets: 42, 42.., ..42, 42..50 or 42..=50
    #[arg(
        long,
        value_name = "A..B",
        allow_hyphen_values = true,
        default_value = "..",
        hide_default_value = true
    )]
    offset: OffsetRange,

    /// Fields to ignore: offset, timestamp; repeatable
    #[arg(long, value_enum, value_delimiter = ',')]
    ignore: Vec<RecordPart>,

    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    reading: Reading,
}

/// A part of a record that may be ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum RecordPart {
    Offset,
    Timestamp,
}

#[derive(Debug, Serialize)]
struct FingerprintRow {
    path: String,
    topic: Option<String>,
    partition: Option<i32>,
    records: u64,
    first_offset: Option<i64>,
    last_offset: Option<i64>,
    /// SHA-256, in hexadecimal.
    digest: String,
    /// True if everything could be read; if not, the digest is of the records before the damage.
    is_whole: bool,
}

impl Row for FingerprintRow {
    const SCHEMA: Schema = schema::FINGERPRINT_PARTITION;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Topic", |row: &Self| text(row.topic.as_deref())).wraps(12),
        Column::right("Partition", |row: &Self| (&row.partition).into()),
        Column::right("Records", |row: &Self| Cell::Count(row.records)),
        Column::right("First offset", |row: &Self| (&row.first_offset).into()).gives_way(2),
        Column::right("Last offset", |row: &Self| (&row.last_offset).into()).gives_way(1),
        Column::left("SHA-256", |row: &Self| {
            if row.is_whole {
                (&row.digest).into()
            } else {
                Cell::Text(format!("{} (up to the damage)", row.digest).into())
            }
        }),
    ];
}

impl Fingerprint {
    /// Prints the digests.
    pub(crate) fn run(self, context: &mut Context) -> Result<ExitStatus> {
        if self.offset.tail().is_some() {
            anyhow::bail!("--offset -N..: not supported here; give offsets that both copies have");
        }
        let found = logs(&self.paths, &self.selection, Others::default())?;
        let mut errors = found.lost;
        let partitions = only_partitions(found.found)?;
        let mut writer = Writer::new(context, self.format, schema::FINGERPRINT);
        let read = |partition| self.partition(&partition);
        in_order(self.reading.jobs(), partitions, read, &mut |result| {
            match result {
                Ok((row, unread)) => {
                    writer.row(&row);
                    for place in unread {
                        let what = place.fault.map_or("zeros".to_owned(), |it| it.to_string());
                        let path = place.path.display().to_string();
                        writer.damage_of(&path, place.range.start, &what);
                    }
                }
                Err(error) => errors.push(error.into()),
            }
            ControlFlow::Continue(())
        });
        for error in errors {
            writer.fail(error);
        }
        Ok(ExitStatus::of(writer.finish()?))
    }

    fn partition(
        &self,
        partition: &Partition,
    ) -> Result<(FingerprintRow, Vec<UnreadPlace>), Error> {
        let filter = Filter {
            first_offset: Offset::new(self.offset.first()),
            last_offset: Offset::new(self.offset.last()),
            ..Filter::default()
        };
        let (mut digest, mut first, mut last) = (Sha256::new(), None, None);
        let ignores = |part| self.ignore.contains(&part);
        let (no_offset, no_time) = (ignores(RecordPart::Offset), ignores(RecordPart::Timestamp));
        let mut bytes = Vec::new();
        let reader = partition.records(filter).with_control_records();
        let reader = reader.limits(self.reading.limits());
        let summary = reader.try_for_each_in_batch(|batch, record| {
            let offset = record.offset().get();
            first.get_or_insert(offset);
            last = Some(offset);
            bytes.clear();
            if !no_offset {
                bytes.extend(offset.to_be_bytes());
            }
            let mut nth = 0;
            each_part(batch.is_control(), record, |part| {
                nth += 1;
                // The second part is the timestamp.
                if no_time && nth == 2 {
                    return;
                }
                let length = part.map_or(-1, |part| i64::try_from(part.len()).unwrap_or(i64::MAX));
                bytes.extend(length.to_be_bytes());
                bytes.extend(part.unwrap_or_default());
            });
            digest.update((bytes.len() as u64).to_be_bytes());
            digest.update(&bytes);
            ControlFlow::Continue(())
        })?;
        let mut hex = String::new();
        for byte in digest.finalize() {
            let _ = write!(hex, "{byte:02x}");
        }
        let row = FingerprintRow {
            path: partition.path().display().to_string(),
            topic: partition.topic().map(str::to_owned),
            partition: partition.number(),
            records: summary.records,
            first_offset: first,
            last_offset: last,
            digest: hex,
            is_whole: summary.unread.is_empty(),
        };
        Ok((row, summary.unread))
    }
}
