//! The state that results from the records of an internal topic.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use kseg::decode::Decoder;
use kseg::format::{FileKind, FileName, name};
use kseg::report::connect::Connect;
use kseg::report::{
    Groups, Image, LogPart, MetadataImage, RemoteSegments, ShareGroups, Transactions, fold,
};
use kseg::wire::Offset;

use super::file::FileRow;
use super::tables;
use crate::cli::args::Reading;
use crate::cli::internal::Trouble;
use crate::cli::render::table::counted;
use crate::cli::writer::Writer;

/// The cluster in the files of a metadata log; damaged places and errors are added to `trouble`.
pub(super) fn cluster(
    files: Vec<PathBuf>,
    reading: Reading,
    trouble: &mut Trouble,
) -> Result<MetadataImage> {
    let files = in_order(files, Decoder::ClusterMetadata)?;
    Ok(image(&files, reading, trouble))
}

/// Shows the state of a Connect cluster in files of any topic, since its topics have no fixed
/// names. Returns true if a record is of Connect.
pub(super) fn connect(
    writer: &mut Writer<'_>,
    files: Vec<PathBuf>,
    reading: Reading,
) -> Result<bool> {
    let files = in_order(files, Decoder::Offsets)?;
    let mut trouble = Trouble::default();
    let image: Connect = image(&files, reading, &mut trouble);
    if image.read == 0 {
        return Ok(false);
    }
    let heading: Vec<String> = files
        .iter()
        .map(|file| file.path.display().to_string())
        .collect();
    begin(writer, &heading, "Connect image", trouble, image.unread);
    tables::connect(writer, &image);
    writer.end_file();
    Ok(true)
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
    let mut trouble = Trouble::default();
    match decoder {
        Decoder::ClusterMetadata => {
            let image: MetadataImage = image(&files, reading, &mut trouble);
            begin(writer, &heading, "metadata image", trouble, image.unread);
            tables::metadata(writer, &image);
        }
        Decoder::Offsets => {
            let image = joined(&files, reading, &mut trouble, Groups::join);
            begin(writer, &heading, "groups image", trouble, image.unread);
            tables::groups(writer, &image);
        }
        Decoder::Transactions => {
            let image = joined(&files, reading, &mut trouble, Transactions::join);
            begin(
                writer,
                &heading,
                "transactions image",
                trouble,
                image.unread,
            );
            tables::transactions(writer, &image.ids);
        }
        Decoder::ShareState => {
            let image: ShareGroups = image(&files, reading, &mut trouble);
            begin(
                writer,
                &heading,
                "share groups image",
                trouble,
                image.unread,
            );
            tables::share_groups(writer, &image);
        }
        Decoder::RemoteLogMetadata => {
            let image: RemoteSegments = image(&files, reading, &mut trouble);
            begin(
                writer,
                &heading,
                "remote segments image",
                trouble,
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

fn begin(writer: &mut Writer<'_>, heading: &[String], kind: &str, trouble: Trouble, unread: u64) {
    let file = FileRow {
        kind: kind.to_owned(),
        ..FileRow::default()
    };
    writer.file(&heading.join(" "), &file);
    trouble.report(writer);
    if unread > 0 {
        let what = format!("{} could not be read or applied", counted(unread, "record"));
        writer.damage(0, &what);
    }
}

/// The newest snapshot first, then segments by folder and offset. Segments that a snapshot covers
/// are left out.
fn in_order(files: Vec<PathBuf>, decoder: Decoder) -> Result<Vec<LogPart>> {
    let (mut snapshots, mut segments) = (Vec::new(), Vec::new());
    for path in files {
        let name = name::file_name(&path).to_owned();
        let Some(parsed) = FileName::parse(&name) else {
            bail!("{}: not a log segment", path.display());
        };
        let offset = parsed.offset.unwrap_or(Offset::new(0));
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
        .map_or(Offset::new(i64::MIN), |(offset, ..)| *offset);
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

/// The image of all files. Each partition is read by itself, and the images are joined: a marker
/// ends a producer's transaction only in its own partition.
fn joined<I: Image + Default>(
    parts: &[LogPart],
    reading: Reading,
    trouble: &mut Trouble,
    join: impl Fn(&mut I, I),
) -> I {
    let mut all = I::default();
    for partition in parts.chunk_by(|a, b| a.path.parent() == b.path.parent()) {
        join(&mut all, image(partition, reading, trouble));
    }
    all
}

/// The image of files that are one log.
fn image<I: Image + Default>(parts: &[LogPart], reading: Reading, trouble: &mut Trouble) -> I {
    let mut image = I::default();
    let open = |path: &Path| reading.open(path);
    let errors = fold(
        &mut image,
        parts,
        reading.limits(),
        open,
        &mut trouble.damage,
    );
    trouble.fail(errors);
    image
}
