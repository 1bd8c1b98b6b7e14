//! The entries of an index, read through a window: their number, zeros at the end, and the findings
//! about them.

use std::path::Path;
use std::sync::Arc;

use crate::store::{Error, LogFile, Stream};
use crate::verify::catalog::CheckId;
use crate::verify::coverage::Coverage;
use crate::verify::evidence::{PartialEntry, Untrimmed};
use crate::verify::finding::{Finding, Findings};
use crate::verify::setting::Setting;
use crate::verify::tally::Tally;

/// The maximum number of entries that are compared; an index of Kafka's default size has a third of
/// them.
pub(super) const MAX_ENTRIES: usize = 4 << 20;

/// The shape of an index.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// Bytes of an entry.
    entry_bytes: u64,
    /// Bytes of the file.
    pub(super) len_bytes: u64,
    /// Entries up to the last one that is not zero.
    pub(super) written: u64,
    /// Entries after it, all of them zero.
    pub(super) zeros: u64,
    /// Bytes after the last whole entry.
    pub(super) trailing: u64,
}

/// Passes the entries of the index at `path` to `each`, except zeros at the end, and returns the
/// shape of the file.
///
/// # Errors
/// The file cannot be read.
pub(super) fn read<const N: usize>(
    path: &Path,
    mut each: impl FnMut([u8; N]),
) -> Result<Shape, Error> {
    let file = LogFile::Windowed(Stream::open(path)?);
    let mut shape = Shape {
        entry_bytes: N as u64,
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

impl Shape {
    /// Reports a wrong size and zeros at the end, and returns the account of the file.
    pub(super) fn report(
        self,
        path: &Arc<Path>,
        setting: Setting,
        [size, untrimmed]: [CheckId; 2],
        findings: &mut Findings,
    ) -> Coverage {
        let entry_bytes = self.entry_bytes;
        let whole = self.len_bytes - self.trailing;
        if self.trailing > 0 {
            let finding = Finding::new(size, path).at(whole, self.trailing);
            findings.add(finding.saw(PartialEntry {
                size_bytes: self.len_bytes,
                entry_bytes,
                trailing_bytes: self.trailing,
            }));
        }
        if self.zeros > 0 && !setting.may_be_preallocated() {
            let start = self.written * entry_bytes;
            let finding = Finding::new(untrimmed, path).at(start, whole - start);
            findings.add(finding.saw(Untrimmed {
                zero_entries: self.zeros,
                is_active: setting.is_last,
            }));
        }
        Coverage {
            entry_bytes: self.written * entry_bytes,
            padding_bytes: self.zeros * entry_bytes,
            unknown_bytes: self.trailing,
            ..Coverage::of_file(self.len_bytes)
        }
    }
}

/// Reports wrong entries of an index, with the severity that its setting allows.
pub(super) fn report(order: Tally, such: [Tally; 3], setting: Setting, findings: &mut Findings) {
    let mut found = Findings::default();
    order.report(&mut found);
    for tally in such {
        tally.report(&mut found);
    }
    for finding in found.into_sorted().0 {
        findings.add(setting.soften(finding));
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0, |or, byte| or | byte) == 0
}
