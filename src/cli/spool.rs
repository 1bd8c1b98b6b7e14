//! Segments that cannot be read directly: on standard input, or compressed. They are copied into an
//! unnamed temporary file, because reading a segment needs random access.

use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Result;
use kseg::format::codec::pack::{Packing, unpack};
use kseg::format::name::LOG_SUFFIX;
use kseg::store::Item;
use rustix::fs::{MemfdFlags, Mode, OFlags};

use super::output::said;

/// The folder in the path of a segment on standard input. It does not exist, so there are no
/// indexes.
const STANDARD_INPUT: &str = "standard-input";

/// Files that were spooled in this run, by their names. Readers open files by name, on any thread.
static SPOOLED: Mutex<Vec<(PathBuf, File)>> = Mutex::new(Vec::new());

/// Returns the segment for `-` or the path of a compressed segment; `None` for another path.
///
/// # Errors
/// It cannot be read, decompressed, or stored.
pub(crate) fn spooled(path: &Path) -> Result<Option<Item>> {
    let (name, packing) = if path == Path::new("-") {
        (PathBuf::new(), Packing::None)
    } else {
        match compressed(path) {
            Some(compressed) => compressed,
            None => return Ok(None),
        }
    };
    let failed = |error: io::Error| said(path, &error);
    let mut file = unnamed().map_err(failed)?;
    let from: Box<dyn Read> = match packing {
        Packing::None => Box::new(io::stdin().lock()),
        _ => Box::new(File::open(path).map_err(failed)?),
    };
    let copied = unpack(packing, from).and_then(|mut from| io::copy(&mut from, &mut file));
    copied.map_err(failed)?;
    let name = if name.as_os_str().is_empty() {
        Path::new(STANDARD_INPUT).join(segment_name(&mut file).map_err(failed)?)
    } else {
        name
    };
    let item = Item::named(&name, &file.metadata().map_err(failed)?);
    if let Ok(mut spooled) = SPOOLED.lock() {
        spooled.push((name, file));
    }
    Ok(Some(item))
}

/// The name of the segment, by the offset of its first batch.
fn segment_name(file: &mut File) -> io::Result<String> {
    let mut first = [0; 8];
    file.rewind()?;
    let offset = match file.read_exact(&mut first) {
        Ok(()) => i64::from_be_bytes(first).max(0),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
        Err(error) => return Err(error),
    };
    Ok(format!("{offset:020}{LOG_SUFFIX}"))
}

/// Returns the path of a spooled file.
pub(crate) fn opened(path: &Path) -> Option<PathBuf> {
    let spooled = SPOOLED.lock().ok()?;
    let (_, file) = spooled.iter().find(|(name, _)| name == path)?;
    Some(format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()).into())
}

/// The name of a segment without the suffix of its compression, if it has one.
fn compressed(path: &Path) -> Option<(PathBuf, Packing)> {
    let text = path.to_str()?;
    let mut all = [Packing::Gzip, Packing::Zstd].into_iter();
    let (name, packing) =
        all.find_map(|packing| Some((text.strip_suffix(packing.suffix())?, packing)))?;
    let is_segment = name.ends_with(LOG_SUFFIX) && path.is_file();
    is_segment.then(|| (PathBuf::from(name), packing))
}

/// An unnamed file, which is removed with the process: in `TMPDIR`, or in memory if its file system
/// does not support it.
fn unnamed() -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let on_disk = rustix::fs::open(std::env::temp_dir(), flags, Mode::RUSR | Mode::WUSR);
    let made = on_disk.or_else(|_| rustix::fs::memfd_create("kseg", MemfdFlags::CLOEXEC))?;
    Ok(File::from(made))
}
