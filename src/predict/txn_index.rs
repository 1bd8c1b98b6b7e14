//! The check of a transaction index when its segment is opened: `TransactionIndex.sanityCheck`.

use super::thrown::Thrown;
use super::virtual_dir::{self, Content, VirtualDir};
use crate::format::TxnIndex;
use crate::store::ItemType;

/// Bytes of an entry.
const ENTRY_BYTES: u64 = 34;

/// Returns true if no transaction ends before `base`. If one does, the segment is recovered.
///
/// # Errors
/// An entry is of an unknown version.
pub(super) fn is_sane(virtual_dir: &VirtualDir, name: &str, base: i64) -> Result<bool, Thrown> {
    let content = match virtual_dir.get(name) {
        None => return Ok(true),
        Some(leaf) if leaf.kind == ItemType::File => &leaf.content,
        Some(leaf) if leaf.kind == ItemType::BrokenLink => return Ok(true),
        Some(_) => return Err(Thrown::io(name, "is not a file")),
    };
    let Content::Disk { path, len, .. } = content else {
        return Ok(true);
    };
    let file = virtual_dir::open(path)?;
    let (mut buffer, mut position) = (Vec::new(), 0);
    let stride = ENTRY_BYTES * 1024;
    while position < *len {
        let end = len.min(&position.saturating_add(stride)).to_owned();
        let bytes = file.window(position..end, &mut buffer)?;
        for entry in TxnIndex::new(bytes).entries() {
            if entry.version_byte() > 0 {
                return Err(Thrown::fatal(
                    name,
                    format_args!("an entry has version {}", entry.version_byte()),
                ));
            }
            if entry.last_offset().0 < base {
                return Ok(false);
            }
        }
        position = end;
    }
    Ok(true)
}
