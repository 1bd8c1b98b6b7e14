//! `kseg export`: writes the records of partitions into files, with a manifest.

mod columns;
mod file;
mod manifest;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use kseg::format::codec::pack::Packing;
use kseg::format::name::{LOG_SUFFIX, file_name};
use kseg::scan::{Jobs, in_order};
use kseg::store::{Error, Item};
use sha2::{Digest, Sha256};

use self::file::{PackedFile, sums_of};
use self::manifest::{Damage, ExportedFile, Files, Manifest};
use super::Context;
use super::args::Reading;
use super::cat::All;
use super::exit::{ExitStatus, Failures};
use super::input::{Others, Selection, logs};
use super::output::{self, OutputFile};
use super::pick::{LogFiles, LogReader, PickedCounts, Picking, Start};
use super::progress::Progress;
use super::registry::SchemaSources;
use super::render::columns::PageCodec;
use super::render::columns::parquet::ColumnFile;
use super::render::records::{Form, RecordFormat, Rendering};
use super::render::table::counted;
use super::typed::Typed;

/// The formats of files, the default first.
const FORMS: [Form; 3] = [Form::Ndjson, Form::Csv, Form::Parquet];

const FORMAT: &str = "Output format [default: ndjson]. The columns of parquet are those of Spark's \
                      Kafka source: keys and values as bytes, or as JSON if --value-as, --key-as \
                      or the topic gives their type";

/// Writes the records of partitions into files
///
/// One file per partition, and kseg.manifest.json with offsets, counts, timestamps, damage and
/// checksums. The records are those that kseg cat shows; internal topics are exported only if
/// --topic or the path names them. A file gets its name when it is complete; --resume continues an
/// interrupted export.
#[derive(Debug, clap::Args)]
#[command(
    mut_arg("template", |it| it.hide(true)),
    mut_arg("null", |it| it.hide(true)),
    mut_arg("format", |it| it.value_parser(Form::parser(&FORMS)).help(FORMAT))
)]
#[command(after_help = "Examples:
  kseg export -o out orders-0 orders-1
  kseg export --topic 'orders*' --compress zstd -o out /var/lib/kafka
  kseg export --topic 'orders*' --compress zstd -o out --resume /var/lib/kafka
  kseg export --topic orders --partition 0..4 -o out /var/lib/kafka
  kseg export --format parquet -o out /var/lib/kafka
  kseg export --format parquet --columns all -o out orders-3
  kseg export --format parquet --value-columns 7 -o out orders-3
  kseg export --format parquet --compress snappy -o out orders-3
  kseg export --format csv --compress gzip --since 24h -o out /var/lib/kafka
  kseg export --salvage --committed --raw -o out orders-3

Options that select and format records, as in cat:
  kseg export --offset 184902.. --until 2026-11-21T15:00Z -o out orders-3
  kseg export --key user-17 --header trace=17 -o out orders-3
  kseg export --key-regex '^user-' --value-regex 'error|failed' -o out orders-3
  kseg export --producer-id 4001 --epoch 7 --control -o out orders-3
  kseg export --json-values --key-as long -o out orders-3
  kseg export --value-as msgpack --bytes hex -o out orders-3
  kseg export --keys sha256 --values size -o out orders-3
  kseg export --value-as avro --schemas backup/_schemas-0 -o out orders-3
  kseg export --value-as avro --schema 7=order.avsc -o out orders-3
  kseg export --no-decode -o out __consumer_offsets-12
  kseg export --decode=__consumer_offsets -o out copy-of-offsets-12

Exit status:
  0  everything was read
  1  damage was found: the manifest says where
  2  a file could not be read or written, or the arguments are invalid")]
pub(crate) struct Export {
    /// Log dirs, partitions, segments
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,

    /// Folder for the files; created if it does not exist
    #[arg(short, long, value_name = "DIR", required = true)]
    output: PathBuf,

    /// Compress the files [default: not compressed], or the pages of a Parquet file [default: zstd]
    #[arg(long, value_enum)]
    compress: Option<Compression>,

    /// Continue an interrupted export in this folder; complete files that would be the same are
    /// kept
    #[arg(long)]
    resume: bool,

    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    others: Others,

    #[command(flatten)]
    picking: Typed<Picking>,

    #[command(flatten)]
    rendering: Typed<Rendering>,

    #[command(flatten)]
    schemas: Typed<SchemaSources>,

    #[command(flatten)]
    reading: Reading,
}

/// The compression of files.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Compression {
    /// Zstandard
    Zstd,
    /// gzip; not for Parquet
    Gzip,
    /// Snappy, for Parquet only: faster than zstd, and larger
    Snappy,
}

/// A complete file, and its notes.
struct Exported {
    file: ExportedFile,
    notes: Vec<u8>,
    /// Files that could not be read.
    lost: Vec<Error>,
}

/// The options of all files.
struct Job<'a> {
    dir: &'a Path,
    reader: LogReader<'a>,
    format: &'a RecordFormat,
    form: Form,
    packing: Packing,
    pages: PageCodec,
    /// The words of the options that determine the contents.
    options: String,
    /// The manifest of the earlier export that this one continues.
    before: &'a Files,
    progress: &'a Progress,
}

impl Export {
    /// Writes the files.
    pub(crate) fn run(self, context: &mut Context) -> Result<ExitStatus> {
        if self.picking.tail().is_some() {
            bail!("--offset -N..: not supported by export; use kseg cat --offset -N..");
        }
        let format = self.rendering.format(&FORMS)?;
        let format = format.with_schemas(self.schemas.load(&self.paths)?)?;
        let form = format.form().unwrap_or(Form::Ndjson);
        let pick = self.picking.pick(form.shows_checksum())?;
        let (packing, pages) = packing(form, self.compress)?;
        let logs = logs(&self.paths, &self.selection, self.others.own_only())?;
        if logs.internal > 0 {
            let left_out = counted(logs.internal as u64, "partition");
            let note = format!(
                "kseg: {left_out} of internal topics not exported: --topic '__*' names them\n"
            );
            context.say(note.as_bytes());
        }
        let (tracks, lost) = LogFiles::all(logs);
        let names = names(&tracks, form, packing)?;
        let before = Manifest::read(&self.output)?;
        if before.is_some() && !self.resume {
            bail!(
                "{}: already contains an export; use --resume or another folder",
                self.output.display()
            );
        }
        let before = before.unwrap_or_default();
        output::make_dir(&self.output)?;
        let progress = Progress::new(context);
        let (outer, inner) = self.reading.jobs().share(tracks.len());
        let job = Job {
            dir: &self.output,
            reader: LogReader {
                pick: &pick,
                reading: self.reading.with_jobs(inner),
            },
            format: &format,
            form,
            packing,
            pages,
            options: self.words()?,
            before: &before,
            progress: &progress,
        };
        let mut manifest = Manifest::after(&before, &names);
        let items = tracks.iter().zip(names).collect();
        let result = job.run(outer, items, lost, &mut manifest, context);
        progress.end();
        // Complete files are kept, whatever happened later.
        if result.is_ok() || !manifest.is_empty() {
            let saved = manifest.save(&self.output);
            result.and(saved)?;
        } else {
            result?;
        }
        context.say(manifest.summary(&self.output).as_bytes());
        Ok(if manifest.is_undamaged() {
            ExitStatus::Clean
        } else {
            ExitStatus::Seen
        })
    }

    /// The words of the options that determine the contents.
    fn words(&self) -> Result<String> {
        let words = [
            self.picking.words(),
            self.rendering.words(),
            self.schemas.words(),
        ];
        let words = serde_json::to_string(&words)?;
        // The name of a file shows its compression, but not that of its pages.
        Ok(match self.compress {
            Some(Compression::Snappy) => words + " snappy",
            _ => words,
        })
    }
}

impl Job<'_> {
    /// Writes the files of all readable logs.
    ///
    /// # Errors
    /// Something could not be read, after which the other files are still written, or could not be
    /// written.
    fn run(
        &self,
        jobs: Jobs,
        items: Vec<(&LogFiles, String)>,
        lost: Vec<anyhow::Error>,
        manifest: &mut Manifest,
        context: &mut Context,
    ) -> Result<()> {
        let mut failed = Failures::default();
        let mut fail = |error: anyhow::Error, context: &mut Context| {
            if let Some(earlier) = failed.add(error) {
                self.progress.beside(|| context.say(earlier.as_bytes()));
            }
        };
        for error in lost {
            fail(error, context);
        }
        let count = items.len();
        let work = |(track, name): (&LogFiles, String)| self.export(track, name);
        in_order(jobs, items, work, &mut |exported| {
            let written = exported.and_then(|Exported { file, notes, lost }| {
                self.progress.beside(|| context.say(&notes));
                for error in lost {
                    fail(error.into(), context);
                }
                manifest.add(file);
                self.progress
                    .is_at(format!("{} of {count} files", manifest.len()));
                manifest.save_now_and_then(self.dir)
            });
            let Err(error) = written else {
                return ControlFlow::Continue(());
            };
            let is_lost = error.is::<Error>();
            fail(error, context);
            if is_lost {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        failed.result()
    }

    /// Writes the file of a log, unless it exists.
    fn export(&self, track: &LogFiles, name: String) -> Result<Exported> {
        let path = self.dir.join(&name);
        let request = self.request(track);
        let mut notes = Vec::new();
        if let Some(file) = self.kept(&path, &name, &request) {
            OutputFile::sweep(&path);
            return Ok(Exported {
                file,
                notes,
                lost: Vec::new(),
            });
        }
        let mut file = PackedFile::create(&path, self.packing)?;
        let mut tally = match self.format.fields() {
            Some(fields) => {
                let begun = ColumnFile::new(&mut file, &fields, self.pages);
                let written = begun.and_then(|begun| {
                    let source = (self.reader, self.format, track);
                    columns::write(source, begun, self.progress, &mut notes)
                });
                written.map_err(|error| unwritten(&path, error))?
            }
            None => self.text(track, &mut file, &path, &mut notes)?,
        };
        let sums = file.finish(&path)?;
        let lost = std::mem::take(&mut tally.lost);
        let (first_offset, last_offset) = tally.offsets.unzip();
        let (first_timestamp, last_timestamp) = tally.times.unzip();
        let file = ExportedFile {
            file: name,
            topic: track.topic.clone(),
            partition: track.partition,
            source: track.path.display().to_string(),
            format: self.form.name().to_owned(),
            compression: self.packing.name().to_owned(),
            records: tally.records,
            first_offset,
            last_offset,
            first_timestamp,
            last_timestamp,
            size_bytes: sums.size_bytes,
            crc32c: sums.crc32c,
            sha256: sums.sha256,
            complete: lost.is_empty() && !tally.is_damaged(),
            more_damage: tally.more_gaps,
            duplicates: tally.duplicates,
            damage: damage(tally),
            request,
        };
        Ok(Exported { file, notes, lost })
    }

    /// Writes the records of a log as text.
    fn text(
        &self,
        track: &LogFiles,
        file: &mut PackedFile,
        path: &Path,
        notes: &mut Vec<u8>,
    ) -> Result<PickedCounts> {
        let mut written = Ok(());
        let mut text = Vec::new();
        self.format.header(&mut text);
        let sink = &mut |text: &[u8], said: &[u8]| {
            notes.extend_from_slice(said);
            self.progress.wrote(text.len());
            written = file.write_all(text);
            if written.is_ok() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        };
        let mut tally = PickedCounts::default();
        if sink(&text, &[]).is_continue() {
            let opened = self.reader.open(track, sink)?;
            let all = || All(self.format.renderer(track.decoder()));
            tally = if self.reader.reading.jobs().threads().get() == 1 {
                self.reader.follow(&opened, Start::default(), all(), sink)?
            } else {
                self.reader.read(&opened, all, sink)?
            };
        }
        written.map_err(|error| output::said(path, &error))?;
        text.clear();
        self.format.footer(&mut text);
        let ended = file.write_all(&text);
        ended.map_err(|error| output::said(path, &error))?;
        Ok(tally)
    }

    /// The file, if an earlier export has written it and it is unchanged.
    fn kept(&self, path: &Path, name: &str, request: &str) -> Option<ExportedFile> {
        let file = self.before.get(name)?;
        if file.request != request {
            return None;
        }
        let sums = sums_of(path).ok()?;
        (sums.sha256 == file.sha256).then(|| file.clone())
    }

    /// Returns a fingerprint of the request and of the source.
    fn request(&self, track: &LogFiles) -> String {
        let mut asked = self.options.clone();
        for path in track.paths() {
            let size = Item::at(path).map_or(0, |item| item.len_bytes());
            let _infallible = write!(asked, "\n{} {size}", path.display());
        }
        let mut hex = String::new();
        for byte in Sha256::digest(asked).iter().take(16) {
            let _infallible = write!(hex, "{byte:02x}");
        }
        hex
    }
}

/// Returns the error for a file that cannot be written; that of an unreadable log is unchanged.
fn unwritten(path: &Path, error: anyhow::Error) -> anyhow::Error {
    if error.is::<Error>() {
        return error;
    }
    error.context(format!("{}: not written", path.display()))
}

fn damage(tally: PickedCounts) -> Vec<Damage> {
    let gaps = tally.gaps.into_iter();
    gaps.map(|gap| Damage {
        file: gap.path,
        start: gap.range.start,
        end: gap.range.end,
        what: gap.what,
    })
    .collect()
}

/// Returns the compression of files of a form, and of their pages.
///
/// # Errors
/// The form does not support the compression.
fn packing(form: Form, compress: Option<Compression>) -> Result<(Packing, PageCodec)> {
    let packing = match (form, compress) {
        (Form::Parquet, Some(Compression::Gzip)) => {
            bail!("--compress gzip: pages of a Parquet file are compressed with zstd or snappy")
        }
        (Form::Parquet, _) | (_, None) => Packing::None,
        (_, Some(Compression::Zstd)) => Packing::Zstd,
        (_, Some(Compression::Gzip)) => Packing::Gzip,
        (_, Some(Compression::Snappy)) => {
            bail!("--compress snappy: only --format parquet has pages for it; use zstd or gzip")
        }
    };
    let pages = match compress {
        Some(Compression::Snappy) => PageCodec::Snappy,
        _ => PageCodec::Zstd,
    };
    Ok((packing, pages))
}

/// The names of the files, one for each log.
///
/// # Errors
/// Two logs would be written into the same file.
fn names(tracks: &[LogFiles], form: Form, packing: Packing) -> Result<Vec<String>> {
    let mut taken: BTreeMap<String, &LogFiles> = BTreeMap::new();
    let mut names = Vec::new();
    for track in tracks {
        let mut name = match (&track.topic, track.partition) {
            (Some(topic), Some(partition)) => format!("{topic}-{partition}"),
            _ => String::new(),
        };
        if !track.is_partition || name.is_empty() {
            let own = file_name(&track.path);
            let own = own.strip_suffix(LOG_SUFFIX).unwrap_or(own);
            let dot = if name.is_empty() { "" } else { "." };
            name = format!("{name}{dot}{own}");
        }
        name = format!("{name}.{}{}", form.name(), packing.suffix());
        if let Some(other) = taken.insert(name.clone(), track) {
            bail!(
                "{} and {}: both would be written to {name}; export them into folders of their own",
                other.path.display(),
                track.path.display()
            );
        }
        names.push(name);
    }
    Ok(names)
}
