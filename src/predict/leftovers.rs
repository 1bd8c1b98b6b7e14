//! Temporary files: those that a start deletes, and compactions that it completes.
//!
//! Since 3.0 swap files are renamed as they are; before, the `.log.swap` was recovered and swapped
//! in after everything else was loaded.

use super::reason::Reason;
use super::segment::Segment;
use super::start::Start;
use super::thrown::Thrown;
use super::virtual_dir::Content;
use crate::format::name::stem;
use crate::format::name::{
    LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX, base_offset,
};
use crate::wire::Offset;

const DELETED: &str = ".deleted";
const SNAPSHOT_DELETED: &str = ".checkpoint.deleted";
const CLEANED: &str = ".cleaned";
pub(super) const SWAP: &str = ".swap";

/// Indexes, whose suffixes begin at the last dot.
const INDEXES: [&str; 3] = [OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TXN_INDEX_SUFFIX];

/// Returns true if it is an index by its name.
pub(super) fn is_index(name: &str) -> bool {
    INDEXES.iter().any(|suffix| name.ends_with(suffix))
}

/// The offset in a name, without which a broker does not start.
pub(super) fn offset_of(name: &str) -> Result<i64, Thrown> {
    base_offset(name)
        .map(|offset| offset.0)
        .ok_or_else(|| Thrown::fatal(name, "the name does not begin with a number"))
}

/// Deletes files that were to be deleted or are incomplete (`removeTempFilesAndCollectSwapFiles`),
/// and returns the complete swap files.
pub(super) fn clear(start: &mut Start<'_>) -> Result<Vec<String>, Thrown> {
    let renames = start.conditions.kafka.renames_swaps();
    let (mut cleaned, mut swaps) = (Vec::new(), Vec::new());
    let mut least = i64::MAX;
    for name in start.virtual_dir.names() {
        if name.ends_with(DELETED) {
            if !(renames && name.ends_with(SNAPSHOT_DELETED)) {
                start.virtual_dir.delete(&name);
            }
        } else if name.ends_with(CLEANED) {
            least = least.min(offset_of(&name)?);
            cleaned.push(name);
        } else if let Some(base) = name.strip_suffix(SWAP) {
            if renames {
                swaps.push(name);
            } else if is_index(base) {
                delete_indexes(start, base, "")?;
            } else if base.ends_with(LOG_SUFFIX) {
                delete_indexes(start, base, "")?;
                swaps.push(name);
            }
        }
    }
    let mut whole = Vec::new();
    for name in swaps {
        if offset_of(&name)? < least {
            whole.push(name);
            continue;
        }
        if !renames {
            delete_indexes(start, &name, SWAP)?;
        }
        start.virtual_dir.delete(&name);
    }
    for name in cleaned {
        start.virtual_dir.delete(&name);
    }
    Ok(whole)
}

fn delete_indexes(start: &mut Start<'_>, name: &str, suffix: &str) -> Result<(), Thrown> {
    let stem = stem(Offset(offset_of(name)?));
    for index in INDEXES {
        start.virtual_dir.delete(&format!("{stem}{index}{suffix}"));
    }
    Ok(())
}

/// Since 3.0: deletes the segments that swap files replace, and gives these their names.
pub(super) fn rename(start: &mut Start<'_>, swaps: &[String]) -> Result<(), Thrown> {
    let (mut least, mut most) = (i64::MAX, i64::MIN);
    for name in swaps {
        let to = name.strip_suffix(SWAP).unwrap_or(name);
        if !to.ends_with(LOG_SUFFIX) {
            continue;
        }
        let base = offset_of(name)?;
        let mut segment = Segment::open_as(start, base, SWAP)?;
        least = least.min(base);
        most = most.max(segment.next_offset(start)?.0);
        start.reasons.push(Reason::Swap { file: name.clone() });
    }
    for name in start.virtual_dir.names() {
        let Some(offset) = base_offset(&name) else {
            continue;
        };
        if !name.ends_with(SWAP) && (least..most).contains(&offset.0) {
            start.virtual_dir.delete(&name);
            start.replaced.insert(name);
        }
    }
    for name in start.virtual_dir.names() {
        let Some(to) = name.strip_suffix(SWAP) else {
            continue;
        };
        if matches!(start.virtual_dir.file(to), Some(Content::Disk { .. })) {
            start.replaced.insert(to.to_owned());
        }
        start.virtual_dir.rename(&name, to);
    }
    Ok(())
}
