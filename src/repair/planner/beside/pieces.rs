//! The batches of a segment as the plan leaves it, read from the pieces that it will be combined
//! from.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use crate::format::batch::HEADER_BYTES;
use crate::format::frame::FrameHeader;
use crate::format::{Batch, RecordBatch};
use crate::repair::error::Error;
use crate::repair::planner::frames::batch_of;
use crate::repair::planner::steps::{LogPiece, NewSegment};
use crate::store::{LogFile, Stream};

/// Bytes read in one go: the least, where batches are so long that only their headers are read, and
/// the most.
const WINDOW_BYTES: Range<u64> = 512..1 << 20;

/// Batches from this size on are passed over.
const LONG_BYTES: u64 = 16 << 10;

/// Shows the batches of a segment as the plan leaves it. Of a batch of data in magic 2 nothing that
/// derives from it is in its records, so they are not read: `take` is reported how many bytes that
/// is.
pub(in crate::repair::planner) fn each_batch(
    segment: &NewSegment,
    mut take: impl FnMut(&Batch<'_>, u64),
) -> Result<(), Error> {
    let pieces = Pieces::open(segment)?;
    let (mut at, mut want) = (0, WINDOW_BYTES.end);
    let (mut buffer, mut window) = (Vec::new(), Vec::new());
    while at < pieces.len_bytes {
        let end = at.saturating_add(want).min(pieces.len_bytes);
        pieces.read(at..end, &mut buffer, &mut window)?;
        let left = pieces.len_bytes - at;
        let Some(shown) = each_in(&window, left, &mut take) else {
            return Ok(());
        };
        if shown.reached == 0 && end == pieces.len_bytes {
            return Ok(());
        }
        want = if shown.last >= LONG_BYTES {
            WINDOW_BYTES.start
        } else {
            want.saturating_mul(2)
        };
        // A batch that has to be read as a whole may be larger.
        let most = if shown.reached == 0 {
            u64::MAX
        } else {
            WINDOW_BYTES.end
        };
        want = want.min(most);
        at += shown.reached;
    }
    Ok(())
}

/// The pieces of a segment, open.
struct Pieces<'a> {
    row: &'a [LogPiece],
    /// The start of each piece.
    starts: Vec<u64>,
    len_bytes: u64,
    /// Each file once, however many pieces are of it.
    logs: BTreeMap<&'a Path, LogFile>,
}

impl<'a> Pieces<'a> {
    fn open(segment: &'a NewSegment) -> Result<Self, Error> {
        let mut pieces = Self {
            row: &segment.pieces,
            starts: Vec::with_capacity(segment.pieces.len()),
            len_bytes: 0,
            logs: BTreeMap::new(),
        };
        for piece in pieces.row {
            pieces.starts.push(pieces.len_bytes);
            pieces.len_bytes += piece.len_bytes();
            if let LogPiece::Kept { path, .. } = piece
                && !pieces.logs.contains_key(path.as_path())
            {
                let log = LogFile::Windowed(Stream::open(path)?);
                pieces.logs.insert(path, log);
            }
        }
        Ok(pieces)
    }

    /// Reads a range of the segment.
    fn read(
        &self,
        range: Range<u64>,
        buffer: &mut Vec<u8>,
        window: &mut Vec<u8>,
    ) -> Result<(), Error> {
        window.clear();
        let first = self.starts.partition_point(|start| *start <= range.start);
        let rest = self.row.iter().zip(&self.starts);
        for (piece, start) in rest.skip(first.saturating_sub(1)) {
            let part = range.start.max(*start)..range.end.min(start + piece.len_bytes());
            if *start >= range.end {
                break;
            }
            if part.start < part.end {
                let part = part.start - start..part.end - start;
                window.extend_from_slice(piece.window(&self.logs, part, buffer)?);
            }
        }
        Ok(())
    }
}

impl LogPiece {
    fn len_bytes(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Kept { range, .. } => range.end.saturating_sub(range.start),
        }
    }

    /// The bytes of a part of the piece.
    fn window<'a>(
        &'a self,
        logs: &'a BTreeMap<&Path, LogFile>,
        part: Range<u64>,
        buffer: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], Error> {
        let bytes = match self {
            Self::Kept { path, range } => match logs.get(path.as_path()) {
                Some(log) => {
                    log.window(range.start + part.start..range.start + part.end, buffer)?
                }
                None => &[],
            },
            Self::Bytes(bytes) => {
                let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
                bytes
                    .get(place(part.start)..place(part.end))
                    .unwrap_or_default()
            }
        };
        Ok(bytes)
    }
}

/// The readable part of a window.
struct ReadablePart {
    /// The end of the batches, which may be beyond it.
    reached: u64,
    /// The size of the last one.
    last: u64,
}

/// Shows the batches in `bytes`, of a segment that continues for `left` bytes. None where no batch
/// follows.
fn each_in(
    bytes: &[u8],
    left: u64,
    take: &mut impl FnMut(&Batch<'_>, u64),
) -> Option<ReadablePart> {
    let mut shown = ReadablePart {
        reached: 0,
        last: 0,
    };
    while let Some(rest) = usize::try_from(shown.reached)
        .ok()
        .and_then(|at| bytes.get(at..))
    {
        let Some(header) = FrameHeader::read(rest) else {
            break;
        };
        let size = header.frame_bytes().ok()?;
        if size as u64 > left - shown.reached {
            return None;
        }
        let data = RecordBatch::of_header(rest)
            .filter(|batch| header.magic() == 2 && size >= HEADER_BYTES && !batch.is_control());
        match data {
            Some(batch) => take(&Batch::V2(batch), (size - HEADER_BYTES) as u64),
            None => match rest.get(..size) {
                Some(bytes) => {
                    if let Some(batch) = batch_of(bytes) {
                        take(&batch, 0);
                    }
                }
                None => break,
            },
        }
        shown.last = size as u64;
        shown.reached += shown.last;
    }
    Some(shown)
}
