//! The batches of a segment as the plan leaves it, read from the pieces that it will be put together from.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::path::Path;

use super::steps::{LogPiece, NewSegment};
use crate::format::Batch;
use crate::repair::error::Error;
use crate::scan::{Policy, Span, Walk};
use crate::store::{LogFile, Stream};

/// Bytes of the log looked at in one go.
const WINDOW_BYTES: u64 = 1 << 20;

/// Shows the batches of a segment as the plan leaves it.
pub(super) fn each_batch(
    segment: &NewSegment,
    mut take: impl FnMut(&Batch<'_>),
) -> Result<(), Error> {
    let mut logs: BTreeMap<&Path, LogFile> = BTreeMap::new();
    for piece in &segment.pieces {
        if let LogPiece::Kept { path, .. } = piece
            && !logs.contains_key(path.as_path())
        {
            logs.insert(path, LogFile::Windowed(Stream::open(path)?));
        }
    }
    let len_bytes: u64 = segment.pieces.iter().map(LogPiece::len_bytes).sum();
    let (mut at, mut want) = (0, WINDOW_BYTES);
    let mut buffer = Vec::new();
    let mut window = Vec::new();
    while at < len_bytes {
        let end = at.saturating_add(want).min(len_bytes);
        window.clear();
        let mut start = 0;
        for piece in &segment.pieces {
            let behind = start + piece.len_bytes();
            let part = at.max(start)..end.min(behind);
            if part.start < part.end {
                let part = part.start - start..part.end - start;
                window.extend_from_slice(piece.window(&logs, part, &mut buffer)?);
            }
            start = behind;
        }
        let taken = each_in(&window, &mut take);
        if taken == 0 && end == len_bytes {
            break;
        }
        want = if taken == 0 {
            want.saturating_mul(2)
        } else {
            WINDOW_BYTES
        };
        at += taken;
    }
    Ok(())
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

/// Shows the batches in `bytes` and returns how far they reach.
fn each_in(bytes: &[u8], take: &mut impl FnMut(&Batch<'_>)) -> u64 {
    let mut reached = 0;
    let _flow = Walk::new(bytes, Policy::Trust).try_for_each(|span| {
        let Span::Frame(frame) = span else {
            return ControlFlow::Break(());
        };
        if let Ok(batch) = Batch::parse(frame) {
            take(&batch);
        }
        reached = frame.end().0;
        ControlFlow::Continue(())
    });
    reached
}
