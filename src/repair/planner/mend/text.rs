//! Logs that were copied as text: line feeds had become carriage returns and line feeds.

use std::ops::Range;

use crate::format::frame::FrameHeader;
use crate::repair::planner::mended::Change;
use crate::repair::planner::steps::Reason;
use crate::repair::planner::survey::BatchRun;
use crate::repair::proof::Checksum;
use crate::store::{Error, LogFile};
use crate::verify::CheckId;

/// Bytes looked at in one go.
const WINDOW_BYTES: u64 = 1 << 20;

/// The most carriage returns that a plan takes out of a gap.
const MOST_RETURNS: usize = 100_000;

/// Bytes of the largest batch that is put together again, because it is held.
const LARGEST_BATCH: u64 = 16 << 20;

const WHY: &str = "every line feed (LF) had become CR LF, as when a file is copied in text mode; \
                   without the CRs every checksum is right";

/// Batches that were copied as text, and what makes them batches again.
pub(super) struct Text {
    pub(super) run: BatchRun,
    pub(super) changes: Vec<Change>,
}

/// Returns the batches in `range` of a `.log`, the segment number `file`, if replacing each CR LF
/// by LF makes all of it batches.
///
/// # Errors
/// The file cannot be read.
pub(super) fn as_text(
    log: &LogFile,
    range: &Range<u64>,
    file: usize,
) -> Result<Option<Text>, Error> {
    let mut buffer = Vec::new();
    let mut undoing = Undoing::default();
    let mut at = range.start;
    while at < range.end {
        let end = at.saturating_add(WINDOW_BYTES).min(range.end);
        // The byte after tells whether a carriage return at the end goes.
        let window = log.window(at..range.end.min(end + 1), &mut buffer)?;
        let here = usize::try_from(end - at).unwrap_or(usize::MAX);
        let is_line_end = window.get(here) == Some(&b'\n');
        undoing.take(window.get(..here).unwrap_or(window), is_line_end, at);
        if !undoing.settle(file, range.end - end) {
            return Ok(None);
        }
        at = end;
    }
    let changes = undoing.returns.iter().map(|at| Change {
        range: *at..at + 1,
        bytes: Vec::new(),
        reason: Reason::proven_or_likely(&[CheckId::LostFrames], WHY, undoing.proof.clone()),
    });
    let is_text = undoing.bytes.is_empty() && !undoing.returns.is_empty();
    Ok(undoing.run.filter(|_| is_text).map(|run| Text {
        changes: changes.collect(),
        run: BatchRun {
            range: range.clone(),
            ..run
        },
    }))
}

/// A copy being undone.
#[derive(Default)]
struct Undoing {
    /// The positions of the carriage returns.
    returns: Vec<u64>,
    /// The bytes without them, from the first incomplete batch on.
    bytes: Vec<u8>,
    /// The batches before that.
    run: Option<BatchRun>,
    /// Their checksums.
    proof: Option<Checksum>,
}

impl Undoing {
    /// Takes in what is at `position`; `is_line_end`: a line feed follows.
    fn take(&mut self, window: &[u8], is_line_end: bool, position: u64) {
        let next = window.iter().skip(1).map(|byte| *byte == b'\n');
        for ((byte, ends), at) in window.iter().zip(next.chain([is_line_end])).zip(position..) {
            if *byte == b'\r' && ends {
                self.returns.push(at);
            } else {
                self.bytes.push(*byte);
            }
        }
    }

    /// Returns true if what was taken in can be batches, if `left` bytes follow.
    fn settle(&mut self, file: usize, left: u64) -> bool {
        let mut done = 0;
        loop {
            let rest = self.bytes.get(done..).unwrap_or_default();
            let Some(header) = FrameHeader::read(rest) else {
                break;
            };
            let Ok(size) = header.frame_bytes() else {
                return false;
            };
            let Some(bytes) = rest.get(..size) else {
                if size as u64 > left.saturating_add(rest.len() as u64).min(LARGEST_BATCH) {
                    return false;
                }
                break;
            };
            let proof = Checksum::of(bytes, done as u64);
            let run = BatchRun::of_header(bytes, file, done as u64);
            let (Some(proof), Some(run)) = (proof, run) else {
                return false;
            };
            self.proof = Some(match self.proof.take() {
                Some(before) => before.and(&proof),
                None => proof,
            });
            match &mut self.run {
                Some(all) => all.join(&run),
                none => *none = Some(run),
            }
            done += size;
        }
        self.bytes.drain(..done);
        self.returns.len() <= MOST_RETURNS
    }
}
