//! `kseg cat`: the records of logs, for people and for pipes.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::{Result, bail};
use kseg::scan::Output;

use super::args::{Reading, whole};
use super::exit::{ExitStatus, Failures};
use super::input::{Others, Selection, logs};
use super::output::{OutputFile, unwritten};
use super::pick::{LogFiles, LogReader, PickedCounts, Picking, Start, Take};
use super::progress::Progress;
use super::registry::SchemaSources;
use super::render::records::{Form, LocatedRecord, Lossy, RecordFormat, RecordRenderer, Rendering};
use super::render::{Pages, plain};
use super::{Context, latest};

/// The formats of records, the default first.
const FORMS: [Form; 5] = [Form::Text, Form::Ndjson, Form::Json, Form::Csv, Form::Arrow];

const FORMAT: &str = "Output format [default: text]. The columns of arrow are those of Spark's Kafka \
                      source: keys and values as bytes, or as JSON if --value-as, --key-as or the topic \
                      gives their type";

/// Shows the records that a consumer gets
///
/// Shows the records of a log dir or partition from the log start offset on, in offset order, each
/// offset once, without control records, one partition after another. A single file is shown from
/// its first record on, even if it is a leftover such as 00000000000000000042.log.deleted.
///
/// --offset and --since use the indexes if they are valid, otherwise batch headers; skipped batches
/// are not verified. Timestamps may be in any order, so --until reads to the end.
#[derive(Debug, clap::Args)]
#[command(mut_arg("format", |it| it.value_parser(Form::parser(&FORMS)).help(FORMAT)))]
#[command(after_help = "Examples:
  kseg cat orders-3
  kseg cat --topic 'orders*' --partition 0..4 /var/lib/kafka
  kseg cat --format ndjson --offset 184902..184910 orders-3 | jq .value
  kseg cat --format ndjson --json-values orders-3 | jq .value.id
  kseg cat --since 2h --key-regex '^user-' orders-3
  kseg cat --since 2026-11-21T14:00Z --until 2026-11-21T15:00Z orders-3
  kseg cat --value-regex 'error|failed' --header trace=17 orders-3
  kseg cat --offset -5.. orders-3
  kseg cat --key user-17 --tail 10 orders-3
  kseg cat --producer-id 4001 --epoch 7 --control orders-3
  kseg cat --committed --limit 100 orders-3
  kseg cat --latest --format ndjson accounts-3
  kseg cat --latest --tombstones --temp /var/tmp accounts-3
  kseg cat --template '%T %o %k=%s\\n' --null NULL orders-3
  kseg cat --key-as long --value-as msgpack --bytes hex orders-3
  kseg cat --keys sha256 --values size orders-3
  kseg cat --no-decode __consumer_offsets-12
  kseg cat --value-as avro --schemas backup/_schemas-0 orders-3
  kseg cat --value-as avro --schema 7=order.avsc orders-3
  kseg cat --decode=__consumer_offsets copy-of-offsets-12
  kseg cat --format arrow -o orders.arrows orders-3
  kseg cat --format arrow --columns all orders-3 | python3 read.py
  kseg cat --format arrow --value-columns 7 orders-3 | python3 read.py
  kseg cat --salvage --format csv -o orders.csv orders-3/*.log

Exit status:
  0  everything was read
  1  damage was found: reading stopped there (--salvage continues after it)
  2  a file could not be read or written, or the arguments are invalid")]
pub(crate) struct Cat {
    /// Log dirs, partitions, segments
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    others: Others,

    #[command(flatten)]
    picking: Picking,

    /// Stop after N records
    #[arg(
        long,
        value_name = "N",
        value_parser = whole(0..=u64::MAX),
        allow_hyphen_values = true,
        help_heading = "Which records"
    )]
    limit: Option<u64>,

    /// Only the last N records of each partition, or of each file given
    #[arg(
        long,
        value_name = "N",
        value_parser = whole(0..=u64::MAX),
        allow_hyphen_values = true,
        help_heading = "Which records"
    )]
    tail: Option<u64>,

    /// Only the latest record of each key in each partition, among those that the other options
    /// select; without records without a key, and without keys whose latest record is a tombstone
    #[arg(long, conflicts_with = "tail", help_heading = "Which records")]
    latest: bool,

    /// With --latest: show tombstones too
    #[arg(long, requires = "latest", help_heading = "Which records")]
    tombstones: bool,

    /// With --latest: the folder for temporary files, needed for more than 2.8 million keys
    /// [default: $TMPDIR or /tmp]
    #[arg(
        long,
        value_name = "DIR",
        requires = "latest",
        help_heading = "Reading"
    )]
    temp: Option<PathBuf>,

    #[command(flatten)]
    rendering: Rendering,

    /// Write to this file; it is replaced when the output is complete
    #[arg(short, long, value_name = "FILE", help_heading = "Rendering")]
    output: Option<PathBuf>,

    #[command(flatten)]
    schemas: SchemaSources,

    #[command(flatten)]
    reading: Reading,
}

impl Cat {
    /// Shows the records.
    pub(crate) fn run(self, context: &mut Context) -> Result<ExitStatus> {
        let format = self.rendering.format(&FORMS)?;
        if format.form() == Some(Form::Arrow) && self.output.is_none() && context.is_terminal() {
            bail!("--format arrow is not for terminals: redirect it, or write a file with -o");
        }
        // A possibly damaged record must not hide an earlier one with the same key.
        let shows_checksum = format.form().is_some_and(Form::shows_checksum) && !self.latest;
        let pick = self.picking.pick(shows_checksum)?;
        let format = format.with_schemas(self.schemas.load(&self.paths)?)?;
        let logs = logs(&self.paths, &self.selection, self.others)?;
        let (tracks, lost) = LogFiles::all(logs);
        let reader = LogReader {
            pick: &pick,
            reading: self.reading,
        };
        let file = self.output.as_deref().map(OutputFile::create).transpose()?;
        let mut sheet = Sheet::new(context, file, &format);
        sheet.begin();
        for error in lost {
            sheet.fail(error)?;
        }
        let mut left = self.limit.unwrap_or(u64::MAX);
        let mut is_damaged = false;
        for track in &tracks {
            if left == 0 || sheet.written.is_err() {
                break;
            }
            match self.track(reader, track, &mut left, &mut sheet) {
                Ok(tally) => {
                    is_damaged |= tally.is_damaged();
                    let path = plain(&track.path.to_string_lossy()).into_owned();
                    sheet.say(tally.lossy.notes(&path).as_bytes());
                    for error in tally.lost {
                        sheet.fail(error.into())?;
                    }
                }
                Err(error) => sheet.fail(error)?,
            }
        }
        sheet.end()?;
        Ok(if is_damaged {
            ExitStatus::Seen
        } else {
            ExitStatus::Clean
        })
    }

    /// Shows the records of a log, up to the limit.
    fn track(
        &self,
        reader: LogReader<'_>,
        track: &LogFiles,
        left: &mut u64,
        sheet: &mut Sheet<'_>,
    ) -> Result<PickedCounts> {
        let format = sheet.format;
        let renderer = || format.renderer(track.decoder());
        let sink = &mut |text: &[u8], notes: &[u8]| sheet.take(text, notes);
        let mut opened = reader.open(track, sink)?;
        let tail = self.tail.or(self.picking.tail());
        if self.latest {
            let dir = self.temp.clone().unwrap_or_else(std::env::temp_dir);
            let wanted = latest::Wanted {
                tombstones: self.tombstones,
                dir: &dir,
            };
            return latest::show(reader, &opened, wanted, left, renderer(), sink);
        }
        if self.limit.is_none() && tail.is_none() {
            return reader.read(&opened, || All(renderer()), sink);
        }
        let start = match tail {
            Some(count) => reader.last(&mut opened, count)?,
            None => Start::default(),
        };
        let several = Several {
            skip: start.skip,
            left,
            renderer: renderer(),
        };
        reader.follow(&opened, start, several, sink)
    }
}

/// Renders every record.
pub(crate) struct All<'a>(pub(crate) RecordRenderer<'a>);

impl Take for All<'_> {
    #[inline]
    fn take(&mut self, entry: LocatedRecord<'_, '_>, out: &mut Output<'_>) -> ControlFlow<()> {
        self.0.record(entry, &mut Pages(out));
        ControlFlow::Continue(())
    }

    fn finish(&mut self, out: &mut Output<'_>) -> Lossy {
        self.0.finish(&mut Pages(out))
    }
}

/// Renders some records.
struct Several<'a> {
    skip: u64,
    left: &'a mut u64,
    renderer: RecordRenderer<'a>,
}

impl Take for Several<'_> {
    fn take(&mut self, entry: LocatedRecord<'_, '_>, out: &mut Output<'_>) -> ControlFlow<()> {
        if let Some(skip) = self.skip.checked_sub(1) {
            self.skip = skip;
            return ControlFlow::Continue(());
        }
        self.renderer.record(entry, &mut Pages(out));
        *self.left = self.left.saturating_sub(1);
        if *self.left == 0 {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn finish(&mut self, out: &mut Output<'_>) -> Lossy {
        self.renderer.finish(&mut Pages(out))
    }
}

/// The output: standard output or a file.
struct Sheet<'a> {
    context: &'a mut Context,
    file: Option<(OutputFile, Progress)>,
    format: &'a RecordFormat,
    is_empty: bool,
    written: io::Result<()>,
    failed: Failures,
}

impl<'a> Sheet<'a> {
    fn new(context: &'a mut Context, file: Option<OutputFile>, format: &'a RecordFormat) -> Self {
        Self {
            file: file.map(|file| (file, Progress::new(context))),
            context,
            format,
            is_empty: true,
            written: Ok(()),
            failed: Failures::default(),
        }
    }

    fn begin(&mut self) {
        let mut header = Vec::new();
        self.format.header(&mut header);
        self.write(&header);
    }

    /// Continues after bytes that could not be read.
    ///
    /// # Errors
    /// The output is a file, which would be incomplete.
    fn fail(&mut self, error: anyhow::Error) -> Result<()> {
        if self.file.is_some() {
            return Err(error);
        }
        if let Some(earlier) = self.failed.add(error) {
            self.context.say(earlier.as_bytes());
        }
        Ok(())
    }

    /// Takes rendered records and notes.
    fn take(&mut self, text: &[u8], notes: &[u8]) -> ControlFlow<()> {
        if !text.is_empty() {
            let text = if self.is_empty {
                self.format.first(text)
            } else {
                text
            };
            self.is_empty = false;
            self.write(text);
        }
        self.say(notes);
        if self.written.is_err() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    /// Writes a message to standard error.
    fn say(&mut self, notes: &[u8]) {
        match &self.file {
            _ if notes.is_empty() => {}
            Some((_, progress)) => progress.beside(|| self.context.say(notes)),
            None => self.context.say(notes),
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.written.is_ok() && !bytes.is_empty() {
            self.written = match &mut self.file {
                Some((file, progress)) => {
                    progress.wrote(bytes.len());
                    file.write_all(bytes)
                }
                None => self.context.out.write_all(bytes),
            };
        }
    }

    /// Ends the document.
    ///
    /// # Errors
    /// It could not be written, or something could not be read; a closed pipe is not an error.
    fn end(mut self) -> Result<()> {
        let mut footer = Vec::new();
        self.format.footer(&mut footer);
        self.write(&footer);
        let file = self.file.map(|(file, progress)| {
            progress.end();
            file
        });
        match (self.written, file) {
            (Ok(()), Some(file)) => file.finish()?,
            (Err(error), Some(file)) => return Err(file.failed(&error)),
            (Err(error), None) if error.kind() != io::ErrorKind::BrokenPipe => {
                return Err(unwritten(&error));
            }
            (_, None) => {}
        }
        self.failed.result()
    }
}
