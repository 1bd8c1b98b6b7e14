//! Reading what is there, and writing files while their checksum is taken.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::disk::{Disk, DurableOutput, ItemKind, Likeness};
use super::error::{At, Error, Refusal};
use super::parts::{Crc, OWN};
use super::plan::State;
use super::splice::BUFFER_BYTES;
use super::work::listing;
use crate::format::name::LOCK;
use crate::store::Unreadable;
use crate::store::read::each_readable;
use crate::wire::crc::Crc32c;

/// Returns the state of `path`. A file is read from end to end, and bytes that the disk does not
/// give are left out of its checksum; of a directory the names count, kseg's own left out.
///
/// # Errors
/// It cannot be read, or is a link or a special file.
pub fn state_of(disk: &dyn Disk, path: &Path) -> Result<State, Error> {
    readable_state_of(disk, path).map(|(state, _)| state)
}

/// The same, and the first bytes of a file that cannot be read.
pub(super) fn readable_state_of(
    disk: &dyn Disk,
    path: &Path,
) -> Result<(State, Option<Unreadable>), Error> {
    let look = disk.look(path).at(path)?;
    let state = match look.kind {
        ItemKind::Absent => Ok(State::Absent),
        ItemKind::File => {
            let input = disk.open(path).at(path)?;
            let read = |room: &mut [u8], at| input.read_at(room, at);
            let mut crc = Crc32c::default();
            let all = 0..look.len_bytes;
            let unreadable = each_readable(&read, all, BUFFER_BYTES as u64, &mut |bytes| {
                crc.update(bytes);
                Ok(())
            })
            .at(path)?;
            let state = State::File {
                len_bytes: look.len_bytes,
                crc: Crc(crc.value()),
            };
            return Ok((state, unreadable));
        }
        ItemKind::Directory => {
            let names = disk.list(path).at(path)?;
            let mut names: Vec<String> = names
                .iter()
                .map(|name| name.to_string_lossy().into_owned())
                .collect();
            // The lock comes and goes with who holds it.
            names.retain(|name| !name.starts_with(OWN) && name != LOCK);
            Ok(listing(names.iter().map(String::as_str)))
        }
        ItemKind::Link | ItemKind::Special => Err(Refusal::Odd(path.to_owned()).into()),
    };
    state.map(|state| (state, None))
}

/// A new file, and what has gone into it.
pub(super) struct Summed<'a> {
    out: Box<dyn DurableOutput + 'a>,
    crc: Crc32c,
    len_bytes: u64,
}

impl Write for Summed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.crc.update(bytes.get(..written).unwrap_or_default());
        self.len_bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Makes a file with what `fill` writes, like its model, durable but for its name.
pub(super) fn write_file(
    disk: &dyn Disk,
    path: &Path,
    (model, how): (&Path, Likeness),
    fill: impl FnOnce(&mut dyn Write) -> Result<(), Error>,
) -> Result<State, Error> {
    let mut out = Summed {
        out: disk.create(path).at(path)?,
        crc: Crc32c::default(),
        len_bytes: 0,
    };
    // Derived files come entry by entry.
    let mut buffered = BufWriter::with_capacity(BUFFER_BYTES, &mut out);
    fill(&mut buffered)?;
    buffered.flush().at(path)?;
    drop(buffered);
    disk.dress(path, model, how).at(path)?;
    out.out.sync().at(path)?;
    Ok(State::File {
        len_bytes: out.len_bytes,
        crc: Crc(out.crc.value()),
    })
}

/// Removes a directory and everything in it.
pub(super) fn remove_tree(disk: &dyn Disk, path: &Path) -> Result<(), Error> {
    match disk.look(path).at(path)?.kind {
        ItemKind::Absent => Ok(()),
        ItemKind::Directory => {
            for name in disk.list(path).at(path)? {
                remove_tree(disk, &path.join(name))?;
            }
            disk.remove_dir(path).at(path)
        }
        _ => disk.remove(path).at(path),
    }
}
