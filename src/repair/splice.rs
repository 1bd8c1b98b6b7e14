//! Splices: a file combined from pieces of what it was and a few new bytes.
//!
//! All edits speak of positions in the file as it was, so they do not depend on each other's order.
//! What comes out is written from front to back through one buffer, however large the file.

use std::io::{self, Write};
use std::ops::Range;

use super::disk::Input;

/// Bytes held at a time.
pub(super) const BUFFER_BYTES: usize = 1 << 20;

/// New content for a range of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The range; empty to put something between others.
    pub range: Range<u64>,
    /// The new content.
    pub with: Vec<u8>,
}

/// A part of a file to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// New bytes.
    Bytes(Vec<u8>),
    /// A range of the file as it was.
    Kept(Range<u64>),
}

impl Piece {
    fn len_bytes(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Kept(range) => range.end.saturating_sub(range.start),
        }
    }
}

/// The pieces of a file to be, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splice {
    pieces: Vec<Piece>,
    len_bytes: u64,
}

impl Splice {
    /// Applies the edits to a file of `len_bytes`.
    ///
    /// # Errors
    /// Two ranges overlap, or one runs backwards or beyond the end: the position of it.
    pub fn new(len_bytes: u64, mut edits: Vec<Edit>) -> Result<Self, u64> {
        // A stable order: what is put in before a range is before it, in the order of the steps.
        edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
        let mut pieces = Vec::new();
        let mut done = 0;
        for edit in edits {
            let Range { start, end } = edit.range;
            if start < done || end < start || len_bytes < end {
                return Err(start);
            }
            pieces.push(Piece::Kept(done..start));
            pieces.push(Piece::Bytes(edit.with));
            done = end;
        }
        pieces.push(Piece::Kept(done..len_bytes));
        pieces.retain(|piece| piece.len_bytes() > 0);
        // Only the ranges of a forged plan add up to more than a file can have.
        let len_bytes = pieces
            .iter()
            .try_fold(0_u64, |sum, piece| sum.checked_add(piece.len_bytes()))
            .ok_or(len_bytes)?;
        Ok(Self { pieces, len_bytes })
    }

    /// Bytes that come out.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    /// The pieces.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Writes the file to be.
    ///
    /// # Errors
    /// Something cannot be read or written, or the file has become shorter.
    pub(super) fn write(&self, from: &dyn Input, out: &mut dyn Write) -> io::Result<()> {
        let mut buffer = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Bytes(bytes) => out.write_all(bytes)?,
                Piece::Kept(range) => pump(from, range.clone(), &mut buffer, |bytes| {
                    out.write_all(bytes)
                })?,
            }
        }
        Ok(())
    }
}

/// Reads a range piece by piece.
pub(super) fn pump(
    from: &dyn Input,
    range: Range<u64>,
    buffer: &mut Vec<u8>,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut at = range.start;
    while at < range.end {
        let want = usize::try_from(range.end - at)
            .unwrap_or(BUFFER_BYTES)
            .min(BUFFER_BYTES);
        buffer.resize(want, 0);
        let read = match from.read_at(buffer, at) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file has become shorter",
            ));
        }
        take(bytes)?;
        at += read as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(range: Range<u64>, with: Vec<u8>) -> Edit {
        Edit { range, with }
    }

    fn bytes(text: &[u8]) -> Vec<u8> {
        text.to_vec()
    }

    fn spliced(edits: Vec<Edit>) -> Result<String, u64> {
        let splice = Splice::new(10, edits)?;
        let mut out = Vec::new();
        splice.write(&&b"0123456789"[..], &mut out).unwrap();
        assert_eq!(out.len() as u64, splice.len_bytes());
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn edits_speak_of_the_file_as_it_was_in_any_order() {
        let cut = edit(8..10, bytes(b""));
        let patch = edit(1..2, bytes(b"x"));
        let put = edit(6..6, bytes(b"yz"));
        let expected = Ok("0x2345yz67".into());
        let edits = vec![cut, patch, put];
        assert_eq!(spliced(edits.clone()), expected);
        assert_eq!(spliced(edits.into_iter().rev().collect()), expected);
        assert_eq!(spliced(Vec::new()), Ok("0123456789".into()));
        let between = vec![edit(5..5, bytes(b"a")), edit(5..6, bytes(b"b"))];
        assert_eq!(spliced(between), Ok("01234ab6789".into()));
    }

    #[test]
    fn ranges_that_overlap_run_backwards_or_beyond_are_refused() {
        let nothing = || bytes(b"");
        for (edits, at) in [
            (vec![edit(1..3, nothing()), edit(2..4, nothing())], 2),
            (vec![edit(1..5, nothing()), edit(2..2, nothing())], 2),
            (vec![edit(8..11, nothing())], 8),
            #[expect(clippy::reversed_empty_ranges, reason = "what is to be refused")]
            (vec![edit(4..3, nothing())], 4),
            (vec![edit(u64::MAX..u64::MAX, nothing())], u64::MAX),
        ] {
            assert_eq!(spliced(edits.clone()), Err(at), "{edits:?}");
        }
    }
}
