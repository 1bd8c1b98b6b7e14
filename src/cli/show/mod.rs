//! `kseg show`: the contents of any file of a log dir.

mod batch;
mod enums;
mod file;
mod hex;
mod image;
mod index;
mod log;
mod records;
mod recreate;
mod small;
pub(crate) mod tables;

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use kseg::decode::Decoder;
use kseg::format::name::{self, FileState, file_name};
use kseg::format::topic::CLUSTER_METADATA;
use kseg::format::{FileKind, FileName};
use kseg::store::{Cap, Item, Partition, Place, read_small};
use kseg::wire::Offset;

use self::file::{Facts, FileRow};
use self::log::View;
use self::recreate::Form;
use self::small::Page;
use super::args::Reading;
use super::exit::ExitStatus;
use super::input::DistinctPlaces;
use super::internal::Trouble;
use super::range::OffsetRange;
use super::render::rows::Format;
use super::writer::Writer;
use super::{Context, schema, spool};

/// Shows the contents of any file of a log dir
///
/// Shows batches of a segment, entries of an index, producers of a snapshot, checkpoints,
/// properties and metadata, as a table or as JSON. The file's name decides its type. Damage is
/// shown in place, reported on standard error, and skipped.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg show orders-3/00000000000000000000.log
  kseg show --records __consumer_offsets-12/*.log
  kseg show --offset 4200..4300 --format json orders-3/*.index
  kseg show --image __cluster_metadata-0
  kseg show --hex --offset 4200 orders-3/00000000000000000000.log
  kseg show --hex --position 516658 orders-3/00000000000000000000.log
  kseg show --image --as commands /var/lib/kafka > recreate.sh
  kseg show --image --format ndjson __consumer_offsets-*/*.log
  kseg show --records --topic __consumer_offsets --limit 10 copy/*.log

Exit status:
  0  everything was read
  1  something is damaged, or not a Kafka file; it is shown and reported
  2  a file could not be read at all, or the arguments are invalid")]
#[expect(clippy::doc_markdown, reason = "the doc comments are the help text")]
pub(crate) struct Show {
    /// Files of a log dir; a directory means the files in it, and - a segment on standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Show the records of a segment instead of its batches; records of internal topics are decoded
    #[arg(long)]
    records: bool,

    /// Show the state that the records of all files result in: topics and brokers of
    /// __cluster_metadata (segments, snapshots), groups and offsets of __consumer_offsets,
    /// transactional ids of __transaction_state, share groups of __share_group_state, connectors,
    /// tasks and offsets of the three topics of Kafka Connect
    #[arg(long, conflicts_with_all = ["records", "offset"])]
    image: bool,

    /// Show the image of __cluster_metadata in this form: --as commands is a script that creates
    /// its topics, configurations, quotas and ACLs in another cluster at HOST:9092
    #[arg(
        long = "as",
        value_name = "FORM",
        value_enum,
        requires = "image",
        conflicts_with = "format"
    )]
    form: Option<Form>,

    /// Show the bytes of each field with its name and value; damage is marked with !
    #[arg(long, conflicts_with_all = ["records", "image"])]
    hex: bool,

    /// With --hex: show only the field at this byte position of the file
    #[arg(long, value_name = "P", requires = "hex", conflicts_with = "offset")]
    position: Option<u64>,

    /// Show only these offsets: 42, 42.., ..42, 42..50 or 42..=50
    #[arg(
        long,
        value_name = "A..B",
        allow_hyphen_values = true,
        default_value = ".."
    )]
    offset: OffsetRange,

    /// Show at most N rows of each file
    #[arg(long, value_name = "N")]
    limit: Option<u64>,

    /// Decode the files as those of this topic; in a log dir, show only the partitions of this
    /// topic
    #[arg(long, value_name = "NAME")]
    topic: Option<String>,

    #[command(flatten)]
    reading: Reading,
}

impl Show {
    /// Shows the files.
    pub(crate) fn run(self, context: &mut Context) -> Result<ExitStatus> {
        if self.offset.tail().is_some() {
            bail!(
                "--offset -N..: show reads from the start; kseg cat --offset -N.. counts from the \
                 end"
            );
        }
        if let Some(form) = self.form {
            return self.recreate(context, form);
        }
        let writer = Writer::new(context, self.format, schema::SHOW);
        let mut writer = writer.with_limit(self.limit);
        if self.image {
            let (files, lost) = self.logs()?;
            for error in lost {
                writer.fail(error);
            }
            // The topics of Connect have any name: they are recognized by their records.
            let is_named = files.iter().any(|path| self.decoder(path).is_some());
            if is_named || !image::connect(&mut writer, files.clone(), self.reading)? {
                let decoder = self.one_decoder(&files)?;
                image::show(&mut writer, files, decoder, self.reading)?;
            }
        } else {
            let mut distinct = DistinctPlaces::default();
            for given in &self.files {
                let files = self
                    .expand(given, &mut distinct, |_| true)
                    .unwrap_or_else(|error| {
                        writer.fail(error);
                        Vec::new()
                    });
                for path in files {
                    if let Err(error) = self.file(&mut writer, &path) {
                        writer.fail(error);
                    }
                    if !writer.is_heard() {
                        break;
                    }
                }
            }
        }
        Ok(if writer.finish()? {
            ExitStatus::Seen
        } else {
            ExitStatus::Clean
        })
    }

    /// A file given, or the wanted ones of a directory given.
    fn expand(
        &self,
        path: &Path,
        distinct: &mut DistinctPlaces,
        wanted: impl Fn(&FileName<'_>) -> bool,
    ) -> Result<Vec<PathBuf>> {
        if let Some(item) = spool::spooled(path)? {
            return Ok(vec![item.path().to_owned()]);
        }
        if !path.is_dir() && Item::at(path).is_ok() {
            return Ok(vec![path.to_owned()]);
        }
        let mut files = Vec::new();
        for place in distinct.at(path)? {
            self.inside(&place, &wanted, &mut files)?;
        }
        Ok(files)
    }

    /// The cluster in a form of Kafka's tools.
    fn recreate(&self, context: &mut Context, form: Form) -> Result<ExitStatus> {
        let (files, lost) = self.logs()?;
        if self.one_decoder(&files)? != Decoder::ClusterMetadata {
            bail!("--as is for the image of {CLUSTER_METADATA}");
        }
        let mut trouble = Trouble::default();
        let image = image::cluster(files, self.reading, &mut trouble)?;
        trouble.errors.extend(lost);
        context.print(&recreate::text(&image, form))?;
        match trouble.say(context)? {
            ExitStatus::Clean => Ok(ExitStatus::of(image.unread > 0)),
            outcome => Ok(outcome),
        }
    }

    /// The given files of records, and the errors of other paths.
    ///
    /// # Errors
    /// There are none.
    fn logs(&self) -> Result<(Vec<PathBuf>, Vec<anyhow::Error>)> {
        let is_wanted = |name: &FileName<'_>| {
            matches!(name.kind, FileKind::Log | FileKind::MetadataSnapshot)
                && name.state == FileState::Current
        };
        let (mut files, mut lost) = (Vec::new(), Vec::new());
        let mut distinct = DistinctPlaces::default();
        for path in &self.files {
            match self.expand(path, &mut distinct, is_wanted) {
                Ok(mut found) => files.append(&mut found),
                Err(error) => lost.push(error),
            }
        }
        if let Some(error) = lost.pop_if(|_| files.is_empty()) {
            return Err(error);
        }
        Ok((files, lost))
    }

    /// Appends the wanted files of a place; for a log dir those of the partitions of --topic, if it
    /// is given.
    fn inside(
        &self,
        place: &Place,
        wanted: &impl Fn(&FileName<'_>) -> bool,
        files: &mut Vec<PathBuf>,
    ) -> Result<()> {
        let before = files.len();
        let mut take = |items: &[Item]| {
            // A pipe, or a broken link, is an error of its own.
            let items = items.iter().filter(|item| !item.is_dir());
            let items = items.filter(|item| item.file_name().is_some_and(|name| wanted(&name)));
            files.extend(items.map(|item| item.path().to_owned()));
        };
        // Without --topic, the image of a log dir is that of its cluster.
        let of_cluster = self.image.then_some(CLUSTER_METADATA);
        match (place, self.topic.as_deref().or(of_cluster)) {
            (Place::File(item), _) => take(std::slice::from_ref(item)),
            (Place::Partition(partition), _) => take(partition.items()),
            (Place::LogDir(dir), None) => take(dir.items()),
            (Place::LogDir(dir), Some(topic)) => {
                for item in dir.partitions() {
                    let partition = Partition::open(item.path())?;
                    if partition.topic() == Some(topic) {
                        take(partition.items());
                    }
                }
            }
        }
        if files.len() == before {
            bail!(
                "{}: no such files in this directory",
                place.path().display()
            );
        }
        Ok(())
    }

    /// The topic that a file belongs to.
    fn topic(&self, path: &Path) -> Option<String> {
        if let Some(topic) = &self.topic {
            return Some(topic.clone());
        }
        let name = FileName::parse(file_name(path));
        if name.is_some_and(|name| {
            matches!(
                name.kind,
                FileKind::MetadataSnapshot | FileKind::BootstrapSnapshot
            )
        }) {
            return Some(CLUSTER_METADATA.into());
        }
        // `.` has a name too.
        let dir = match path.canonicalize() {
            Ok(path) => path.parent()?.to_owned(),
            // A compressed segment has the name of the decompressed one.
            Err(_) => path.parent()?.canonicalize().ok()?,
        };
        name::topic_partition(file_name(&dir)).map(|(topic, _)| topic.to_owned())
    }

    fn decoder(&self, path: &Path) -> Option<Decoder> {
        Decoder::for_topic(&self.topic(path)?)
    }

    fn one_decoder(&self, files: &[PathBuf]) -> Result<Decoder> {
        let mut all = None;
        for path in files {
            let Some(decoder) = self.decoder(path) else {
                bail!(
                    "{}: --image: not of an internal topic; say which with --topic",
                    path.display()
                );
            };
            if all.is_some_and(|all| all != decoder) {
                bail!("--image: the files are of several topics");
            }
            all = Some(decoder);
        }
        all.ok_or(anyhow!("no files"))
    }

    /// Shows the bytes of a file with their fields.
    fn bytes(
        &self,
        writer: &mut Writer<'_>,
        path: &Path,
        name: &FileName<'_>,
        kind: String,
    ) -> Result<()> {
        let file = FileRow {
            kind,
            size_bytes: Some(self.reading.open(path)?.len_bytes()),
            facts: Facts::of(path, name),
        };
        let wanted = hex::Wanted {
            offsets: self.offset,
            position: self.position,
        };
        writer.file(&path.display().to_string(), &file);
        hex::show(writer, path, name, self.reading, wanted)?;
        writer.end_file();
        Ok(())
    }

    fn file(&self, writer: &mut Writer<'_>, path: &Path) -> Result<()> {
        let shown = path.display().to_string();
        let Some(name) = FileName::parse(file_name(path)) else {
            let size = self.reading.open(path)?.len_bytes();
            let file = FileRow {
                kind: "unknown file".to_owned(),
                size_bytes: Some(size),
                ..FileRow::default()
            };
            writer.file(&shown, &file);
            writer.damage(0, "Kafka writes no file with this name");
            writer.end_file();
            return Ok(());
        };
        let kind = match (name.kind.description(), name.state) {
            (kind, FileState::Current) => kind.to_owned(),
            (kind, state) => format!("{kind} ({})", state.description()),
        };
        if self.hex {
            return self.bytes(writer, path, &name, kind);
        }
        match name.kind {
            FileKind::Log | FileKind::MetadataSnapshot | FileKind::BootstrapSnapshot => {
                let log = self.reading.open(path)?;
                let file = FileRow {
                    kind,
                    size_bytes: Some(log.len_bytes()),
                    facts: Facts::of(path, &name),
                };
                writer.file(&shown, &file);
                let snapshot = name.kind != FileKind::Log;
                let view = View {
                    records: self.records || snapshot,
                    decoder: self.decoder(path),
                    snapshot,
                    base: name
                        .offset
                        .filter(|_| !snapshot)
                        .map(kseg::wire::Offset::get),
                    range: self.offset,
                };
                log::show(writer, path, &log, self.reading, view)?;
            }
            _ => {
                let bytes = read_small(path, Cap::of(name.kind))?;
                let page = Page::of(name.kind, &bytes);
                let (facts, page) = match page {
                    Some((said, page)) => (said.with_name(path, &name), Some(page)),
                    None => (Facts::of(path, &name), None),
                };
                let file = FileRow {
                    kind,
                    size_bytes: Some(bytes.len() as u64),
                    facts,
                };
                writer.file(&shown, &file);
                if let Some(page) = page {
                    page.show(writer);
                } else {
                    let base = name.offset.unwrap_or(Offset::new(0));
                    index::show(writer, name.kind, &bytes, base, self.offset);
                }
            }
        }
        writer.end_file();
        Ok(())
    }
}
