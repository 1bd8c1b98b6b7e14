//! What the records of an internal topic amount to.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use kseg::decode::Decoder;
use kseg::format::{FileKind, FileName, name};
use kseg::report::{Groups, Image, MetadataImage, RemoteSegments, ShareGroups, Transactions, fold};
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
            let image: MetadataImage = image(&files, reading, &mut notes)?;
            begin(writer, &heading, "metadata image", notes, image.unread);
            tables::metadata(writer, &image);
        }
        Decoder::Offsets => {
            let image = joined(&files, reading, &mut notes, Groups::join)?;
            begin(writer, &heading, "groups image", notes, image.unread);
            tables::groups(writer, &image);
        }
        Decoder::Transactions => {
            let image: Transactions = image(&files, reading, &mut notes)?;
            begin(writer, &heading, "transactions image", notes, image.unread);
            tables::transactions(writer, &image);
        }
        Decoder::ShareState => {
            let image: ShareGroups = image(&files, reading, &mut notes)?;
            begin(writer, &heading, "share groups image", notes, image.unread);
            tables::share_groups(writer, &image);
        }
        Decoder::RemoteLogMetadata => {
            let image: RemoteSegments = image(&files, reading, &mut notes)?;
            begin(
                writer,
                &heading,
                "remote segments image",
                notes,
                image.unread,
            );
            tables::remote_segments(writer, &image);
        }
        Decoder::Mirror(_) => {
            bail!("--image: the topics of MirrorMaker have no image; try kseg cat")
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

/// The image of all files. Partitions are joined, each read by itself: a marker ends a producer's transaction only in its own.
fn joined<I: Image + Default>(
    parts: &[Part],
    reading: Reading,
    notes: &mut Vec<Note>,
    join: impl Fn(&mut I, I),
) -> Result<I> {
    let mut all = I::default();
    for partition in parts.chunk_by(|a, b| a.path.parent() == b.path.parent()) {
        join(&mut all, image(partition, reading, notes)?);
    }
    Ok(all)
}

/// The image of files that are one log.
fn image<I: Image + Default>(parts: &[Part], reading: Reading, notes: &mut Vec<Note>) -> Result<I> {
    let mut image = I::default();
    for part in parts {
        let log = reading.open(&part.path)?;
        let mut damaged = |position, what| {
            notes.push(Note {
                path: part.path.display().to_string(),
                position,
                what,
            });
        };
        let limits = reading.limits();
        fold(&mut image, &log, Offset(part.from), limits, &mut damaged)?;
    }
    Ok(image)
}
