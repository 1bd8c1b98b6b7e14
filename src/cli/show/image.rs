//! What the records of an internal topic amount to.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use kseg::decode::Decoder;
use kseg::format::{FileKind, FileName, name};
use kseg::report::{
    DamagedPlace, Groups, Image, LogPart, MetadataImage, RemoteSegments, ShareGroups, Transactions,
    fold,
};
use kseg::wire::Offset;

use super::file::FileRow;
use super::tables;
use crate::cli::args::Reading;
use crate::cli::writer::Writer;

/// The cluster that the files of a metadata log describe, and what of them is damaged.
pub(super) fn cluster(
    files: Vec<PathBuf>,
    reading: Reading,
) -> Result<(MetadataImage, Vec<DamagedPlace>)> {
    let mut damage = Vec::new();
    let files = in_order(files, Decoder::ClusterMetadata)?;
    let image = image(&files, reading, &mut damage)?;
    Ok((image, damage))
}

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
    let mut damage = Vec::new();
    match decoder {
        Decoder::ClusterMetadata => {
            let image: MetadataImage = image(&files, reading, &mut damage)?;
            begin(writer, &heading, "metadata image", damage, image.unread);
            tables::metadata(writer, &image);
        }
        Decoder::Offsets => {
            let image = joined(&files, reading, &mut damage, Groups::join)?;
            begin(writer, &heading, "groups image", damage, image.unread);
            tables::groups(writer, &image);
        }
        Decoder::Transactions => {
            let image = joined(&files, reading, &mut damage, Transactions::join)?;
            begin(writer, &heading, "transactions image", damage, image.unread);
            tables::transactions(writer, &image.ids);
        }
        Decoder::ShareState => {
            let image: ShareGroups = image(&files, reading, &mut damage)?;
            begin(writer, &heading, "share groups image", damage, image.unread);
            tables::share_groups(writer, &image);
        }
        Decoder::RemoteLogMetadata => {
            let image: RemoteSegments = image(&files, reading, &mut damage)?;
            begin(
                writer,
                &heading,
                "remote segments image",
                damage,
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

fn begin(
    writer: &mut Writer<'_>,
    heading: &[String],
    kind: &str,
    damage: Vec<DamagedPlace>,
    unread: u64,
) {
    let file = FileRow {
        kind: kind.to_owned(),
        ..FileRow::default()
    };
    writer.file(&heading.join(" "), &file);
    for place in damage {
        let path = place.path.display().to_string();
        writer.damage_of(&path, place.position, &place.what);
    }
    if unread > 0 {
        let what = format!("{unread} records that could not be read, or taken in");
        writer.damage(0, &what);
    }
}

/// The newest snapshot first, then segments by folder and offset. Segments that a snapshot covers are left out as far
/// as it does.
fn in_order(files: Vec<PathBuf>, decoder: Decoder) -> Result<Vec<LogPart>> {
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
    let from = newest
        .as_ref()
        .map_or(Offset(i64::MIN), |(offset, ..)| *offset);
    let mut parts: Vec<LogPart> = newest
        .into_iter()
        .map(|(_, _, path)| LogPart::all_of(path))
        .collect();
    parts.extend(
        segments
            .into_iter()
            .map(|(_, _, path)| LogPart { path, from }),
    );
    Ok(parts)
}

/// The image of all files. Partitions are joined, each read by itself: a marker ends a producer's transaction only in its own.
fn joined<I: Image + Default>(
    parts: &[LogPart],
    reading: Reading,
    damage: &mut Vec<DamagedPlace>,
    join: impl Fn(&mut I, I),
) -> Result<I> {
    let mut all = I::default();
    for partition in parts.chunk_by(|a, b| a.path.parent() == b.path.parent()) {
        join(&mut all, image(partition, reading, damage)?);
    }
    Ok(all)
}

/// The image of files that are one log.
fn image<I: Image + Default>(
    parts: &[LogPart],
    reading: Reading,
    damage: &mut Vec<DamagedPlace>,
) -> Result<I> {
    let mut image = I::default();
    let open = |path: &Path| reading.open(path);
    fold(&mut image, parts, reading.limits(), open, damage)?;
    Ok(image)
}
