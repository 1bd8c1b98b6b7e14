//! The entries of an index, read through a window: how many there are, and whether only zeros follow.

use std::path::Path;

use crate::store::{Error, LogFile, Stream};

/// The most entries that are compared; an index of Kafka's default size has a third of them.
pub(super) const MAX_ENTRIES: usize = 4 << 20;

/// What an index consists of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// Bytes of the file.
    pub(super) len_bytes: u64,
    /// Entries up to the last one that is not zero.
    pub(super) written: u64,
    /// Entries behind it, all of them zero.
    pub(super) zeros: u64,
    /// Bytes behind the last whole entry.
    pub(super) trailing: u64,
}

/// Hands the entries of the index at `path` to `each`, but for zeros at the end, and tells what the file consists of.
///
/// # Errors
/// The file cannot be read.
pub(super) fn read<const N: usize>(
    path: &Path,
    mut each: impl FnMut([u8; N]),
) -> Result<Shape, Error> {
    let file = LogFile::Windowed(Stream::open(path)?);
    let mut shape = Shape {
        len_bytes: file.len_bytes(),
        ..Shape::default()
    };
    let stride = file.stride_bytes() / N as u64 * N as u64;
    let (mut position, mut buffer) = (0, Vec::new());
    while position < shape.len_bytes {
        let bytes = file.window(position..position.saturating_add(stride), &mut buffer)?;
        if bytes.is_empty() {
            break;
        }
        position += bytes.len() as u64;
        let (entries, trailing) = bytes.as_chunks::<N>();
        shape.trailing = trailing.len() as u64;
        if is_zero(bytes) {
            shape.zeros += entries.len() as u64;
            continue;
        }
        for entry in entries {
            if is_zero(entry) {
                shape.zeros += 1;
                continue;
            }
            let between = std::mem::take(&mut shape.zeros);
            for _ in 0..between.min(MAX_ENTRIES as u64) {
                each([0; N]);
            }
            each(*entry);
            shape.written += between + 1;
        }
    }
    Ok(shape)
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0, |or, byte| or | byte) == 0
}
