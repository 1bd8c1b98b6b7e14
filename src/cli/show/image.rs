//! What the records of an internal topic amount to.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use kseg::decode::Decoder;
use kseg::format::{Batch, FileKind, FileName, Limits, Scratch, name};
use kseg::report::{Groups, Image, MetadataImage, ShareGroups, Transactions};
use kseg::scan::{Jobs, Output, Policy, Span, Visitor, parallel};
use kseg::store::LogFile;
use kseg::wire::Offset;

use super::file::FileRow;
use super::tables;
use crate::cli::args::Reading;
use crate::cli::writer::Writer;

/// Shows the image of the files, which are of one topic.
pub(super) fn show(
    writer: &mut Writer<'_>,
    files: Vec<PathBuf>,
    decoder: Decoder,
    reading: Reading,
) -> Result<()> {
    let files = in_order(files, decoder)?;
    let heading: Vec<String> = files
        .iter()
        .map(|file| file.path.display().to_string())
        .collect();
    let mut notes = Vec::new();
    match decoder {
        Decoder::ClusterMetadata => {
            let image: MetadataImage = fold(&files, reading, &mut notes)?;
            begin(writer, &heading, "metadata image", notes, image.unread);
            tables::metadata(writer, &image);
        }
        Decoder::Offsets => {
            let image: Groups = fold(&files, reading, &mut notes)?;
            begin(writer, &heading, "groups image", notes, image.unread);
            tables::groups(writer, &image);
        }
        Decoder::Transactions => {
            let image: Transactions = fold(&files, reading, &mut notes)?;
            begin(writer, &heading, "transactions image", notes, image.unread);
            tables::transactions(writer, &image);
        }
        Decoder::ShareState => {
            let image: ShareGroups = fold(&files, reading, &mut notes)?;
            begin(writer, &heading, "share groups image", notes, image.unread);
            tables::share_groups(writer, &image);
        }
        Decoder::RemoteLogMetadata => {
            bail!("--image: there is none of this topic yet; try --records")
        }
    }
    writer.end_file();
    Ok(())
}

/// A place of a file that is damaged.
struct Note {
    path: String,
    position: u64,
    what: String,
}

fn begin(writer: &mut Writer<'_>, heading: &[String], kind: &str, notes: Vec<Note>, unread: u64) {
    let file = FileRow {
        kind: kind.to_owned(),
        ..FileRow::default()
    };
    writer.file(&heading.join(" "), &file);
    for note in notes {
        writer.damage_of(&note.path, note.position, &note.what);
    }
    if unread > 0 {
        let what = format!("{unread} records that could not be read, or taken in");
        writer.damage(0, &what);
    }
}

/// A file of the log, and the offset from which on its records count.
struct Part {
    path: PathBuf,
    from: i64,
}

/// The newest snapshot first, then segments by folder and offset. Segments that a snapshot covers are left out as far
/// as it does.
fn in_order(files: Vec<PathBuf>, decoder: Decoder) -> Result<Vec<Part>> {
    let (mut snapshots, mut segments) = (Vec::new(), Vec::new());
    for path in files {
        let name = name::file_name(&path).to_owned();
        let Some(parsed) = FileName::parse(&name) else {
            bail!("{}: not a log segment", path.display());
        };
        let offset = parsed.offset.unwrap_or(Offset(0));
        match parsed.kind {
            FileKind::Log => segments.push((path.parent().map(Path::to_owned), offset, path)),
            FileKind::MetadataSnapshot | FileKind::BootstrapSnapshot
                if decoder == Decoder::ClusterMetadata =>
            {
                snapshots.push((offset, parsed.epoch, path));
            }
            _ => bail!("{}: --image needs log segments", path.display()),
        }
    }
    segments.sort();
    snapshots.sort();
    let newest = snapshots.pop();
    let from = newest.as_ref().map_or(i64::MIN, |(offset, ..)| offset.0);
    let mut parts: Vec<Part> = newest
        .into_iter()
        .map(|(_, _, path)| Part {
            path,
            from: i64::MIN,
        })
        .collect();
    parts.extend(segments.into_iter().map(|(_, _, path)| Part { path, from }));
    Ok(parts)
}

fn fold<I: Image + Default>(parts: &[Part], reading: Reading, notes: &mut Vec<Note>) -> Result<I> {
    let mut image = I::default();
    for part in parts {
        let log = reading.open(&part.path)?;
        fold_file(&mut image, &log, part, notes)
            .with_context(|| part.path.display().to_string())?;
    }
    Ok(image)
}

/// Takes one file into the image.
fn fold_file<I: Image>(
    image: &mut I,
    log: &LogFile,
    part: &Part,
    notes: &mut Vec<Note>,
) -> Result<()> {
    let plan = parallel::Plan {
        policy: Policy::Salvage,
        end: u64::MAX,
        jobs: Jobs::ONE,
        limits: Limits::default(),
    };
    let mut folding = Folding { image, part, notes };
    let mut nobody = |_| ControlFlow::Continue(());
    Ok(parallel::follow(log, 0, plan, &mut folding, &mut nobody)?)
}

/// Shows the batches of a file to an image. What a record does to it depends on those before: it has no visitors of pieces.
struct Folding<'a, I> {
    image: &'a mut I,
    part: &'a Part,
    notes: &'a mut Vec<Note>,
}

impl<I: Image> Visitor for Folding<'_, I> {
    fn span(
        &mut self,
        span: Span<'_>,
        scratch: &mut Scratch,
        _: &mut Output<'_>,
    ) -> ControlFlow<()> {
        let damage = match span {
            Span::Frame(frame) => {
                let position = frame.position().0;
                let taken = Batch::parse(frame).and_then(|batch| {
                    if batch.last_offset().0 < self.part.from {
                        return Ok(());
                    }
                    self.image.batch(&batch, scratch)
                });
                taken.err().map(|fault| (position, fault.to_string()))
            }
            Span::Zeros(range) => Some((range.start, "zeros".to_owned())),
            Span::Damage { range, fault } => Some((range.start, fault.to_string())),
        };
        self.notes.extend(damage.map(|(position, what)| Note {
            path: self.part.path.display().to_string(),
            position,
            what,
        }));
        ControlFlow::Continue(())
    }
}
