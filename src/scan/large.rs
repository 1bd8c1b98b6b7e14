//! Entries that are too large to be held before anything is known of them: a header of a few bytes
//! may claim 2 GiB.

use std::ops::Range;

use crate::format::Fault;
use crate::format::fault::BatchFault;
use crate::format::layout::{batch, message};
use crate::store::{Error, LogFile};
use crate::wire::crc::{Crc32, Crc32c};

/// A larger entry is held only if its checksum is right. Brokers take no batch above 1 MiB by
/// default (`message.max.bytes`).
pub(crate) const LARGE_BYTES: u64 = 64 << 20;

/// Bytes that are read at once.
const STRIDE_BYTES: u64 = 1 << 20;

/// Computes the checksum of the entry in `range` window by window. Returns what is wrong; `None` as
/// well if that shows only when all of it is held.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn fault_of_large(
    log: &LogFile,
    range: Range<u64>,
    buffer: &mut Vec<u8>,
) -> Result<Option<Fault>, Error> {
    let header = range.start..range.start.saturating_add(batch::BYTES as u64);
    let Some(header) = log
        .window(header, buffer)?
        .first_chunk::<{ batch::BYTES }>()
    else {
        return Ok(None);
    };
    let magic = i8::from_be_bytes([header[batch::MAGIC]]);
    let (field, covered) = match magic {
        ..0 => {
            let fault = Fault::new(BatchFault::UnknownMagic(magic), batch::MAGIC);
            return Ok(Some(fault));
        }
        0 | 1 => (message::CRC, message::MAGIC),
        2.. => (batch::CRC, batch::ATTRIBUTES),
    };
    let stored = u32::from_be_bytes(crate::wire::be(header, field));
    let covered = range.start.saturating_add(covered as u64)..range.end;
    let actual = if magic < 2 {
        let mut crc = Crc32::default();
        each_window(log, covered, buffer, |bytes| crc.update(bytes))?;
        crc.value()
    } else {
        let mut crc = Crc32c::default();
        each_window(log, covered, buffer, |bytes| crc.update(bytes))?;
        crc.value()
    };
    let is_wrong = stored != actual;
    Ok(is_wrong.then(|| Fault::new(BatchFault::Crc { stored, actual }, field)))
}

fn each_window(
    log: &LogFile,
    range: Range<u64>,
    buffer: &mut Vec<u8>,
    mut take: impl FnMut(&[u8]),
) -> Result<(), Error> {
    let mut position = range.start;
    while position < range.end {
        let end = range.end.min(position.saturating_add(STRIDE_BYTES));
        let bytes = log.window(position..end, buffer)?;
        if bytes.is_empty() {
            return Err(log.shorter());
        }
        take(bytes);
        let next = position.saturating_add(bytes.len() as u64);
        log.release(position..next);
        position = next;
    }
    Ok(())
}
