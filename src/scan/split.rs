//! A segment in ranges of about the same size, each of which begins with a batch, to be read in
//! several tasks.

use super::locate::last_entry_up_to;
use crate::format::batch::HEADER_BYTES;
use crate::format::{OffsetIndex, RecordBatch};
use crate::store::{Error, LogFile};
use crate::wire::Offset;

/// The start of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitPoint {
    /// The position of its first batch.
    pub position: u64,
    /// The base offset of that batch.
    pub offset: Offset,
}

/// Returns the positions at which `log` can be split, about every `step` bytes: batches with an
/// index entry. Without a valid index, and among messages of magic 0 and 1, whose headers do not
/// say their first offset, it is not split.
///
/// # Errors
/// The file cannot be read.
pub fn split(
    log: &LogFile,
    index: Option<OffsetIndex<'_>>,
    step: u64,
) -> Result<Vec<SplitPoint>, Error> {
    let (mut points, mut buffer) = (Vec::new(), Vec::new());
    let (mut last, mut wanted) = (0, step);
    while index.is_some() && wanted < log.len_bytes() {
        let position = last_entry_up_to(log, index, wanted)?;
        if position > last {
            let end = position.saturating_add(HEADER_BYTES as u64);
            let header = log.window(position..end, &mut buffer)?;
            let batch = RecordBatch::of_header(header);
            if let Some(batch) = batch.filter(|batch| batch.magic() == 2) {
                let offset = batch.base_offset();
                points.push(SplitPoint { position, offset });
                last = position;
            }
        }
        wanted = wanted.max(last).saturating_add(step);
    }
    Ok(points)
}
