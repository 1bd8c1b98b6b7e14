//! The header that entries of every magic share, and an entry of the size that it has.
//!
//! | offset | size | name | meaning |
//! |---|---|---|---|
//! | 0 | 8 | offset | magic 2: offset of the first slot; magic 0, 1: of the (last inner) message |
//! | 8 | 4 | size | bytes that follow this field |
//! | 12 | 4 | – | magic 2: leader epoch; magic 0, 1: CRC |
//! | 16 | 1 | magic | at the same place in every version |
//!
//! Source: `FileLogInputStream`, `Records.HEADER_SIZE_UP_TO_MAGIC`.

use super::fault::{Fault, FrameFault};
use super::layout::frame::{self as layout, MAGIC, OFFSET, SIZE};
use crate::wire::units::{LOG_OVERHEAD, MIN_FRAME_SIZE};
use crate::wire::{Offset, Position, be};

/// Bytes up to and including the magic.
pub const HEADER_BYTES: usize = layout::BYTES;

const _: () = assert!(SIZE + 4 == LOG_OVERHEAD);

/// The first 17 bytes of an entry.
#[derive(Debug, Clone, Copy)]
pub struct FrameHeader<'map>(&'map [u8; HEADER_BYTES]);

impl<'map> FrameHeader<'map> {
    /// The header at the start of `bytes`, if there are enough of them.
    #[must_use]
    pub fn read(bytes: &'map [u8]) -> Option<Self> {
        bytes.first_chunk().map(Self)
    }

    /// The offset field as stored.
    #[must_use]
    pub fn offset(&self) -> Offset {
        Offset(i64::from_be_bytes(be(self.0, OFFSET)))
    }

    /// The magic byte as stored.
    #[must_use]
    pub fn magic(&self) -> i8 {
        i8::from_be_bytes(be(self.0, MAGIC))
    }

    /// Bytes of the whole entry, these included.
    ///
    /// # Errors
    /// The size is below 14, the smallest that Kafka's reader accepts.
    pub fn frame_bytes(&self) -> Result<usize, Fault> {
        let size = i32::from_be_bytes(be(self.0, SIZE));
        match usize::try_from(size) {
            Ok(body) if size >= MIN_FRAME_SIZE => Ok(body.saturating_add(LOG_OVERHEAD)),
            _ => Err(Fault::new(FrameFault::Size { size }, SIZE)),
        }
    }
}

/// One entry of a `.log`: 12 bytes and as many as the size in them, whatever is inside.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'map> {
    position: Position,
    size: usize,
    /// The entry, and the bytes after it.
    window: &'map [u8],
}

impl<'map> Frame<'map> {
    /// Cuts the entry out of `bytes`, which begin at `position` of their file and may continue
    /// after it.
    ///
    /// # Errors
    /// The bytes left are too few for an entry, or too few for this one, or its size is impossible.
    pub fn parse(bytes: &'map [u8], position: Position) -> Result<Self, Fault> {
        let left = bytes.len() as u64;
        if bytes.len() <= HEADER_BYTES {
            return Err(Fault::new(FrameFault::Tail { left }, 0));
        }
        let size = FrameHeader::read(bytes)
            .ok_or(Fault::new(FrameFault::Tail { left }, 0))?
            .frame_bytes()?;
        if size > bytes.len() {
            let announced = size as u64;
            return Err(Fault::new(FrameFault::BeyondEnd { announced, left }, SIZE));
        }
        Ok(Self {
            position,
            size,
            window: bytes,
        })
    }

    /// Returns where the entry begins in its file.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Returns the position of its end.
    #[must_use]
    pub fn end(&self) -> Position {
        Position(self.position.0.saturating_add(self.size as u64))
    }

    /// Bytes of the entry, the 12 before its body included.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.size
    }

    /// The bytes of the entry.
    #[must_use]
    pub fn bytes(&self) -> &'map [u8] {
        self.window.get(..self.size).unwrap_or(self.window)
    }

    /// The entry and whatever follows it: Kafka reads a header's full length even where the entry
    /// is shorter.
    #[must_use]
    pub fn window(&self) -> &'map [u8] {
        self.window
    }

    /// The offset field as stored.
    #[must_use]
    pub fn offset(&self) -> Offset {
        Offset(i64::from_be_bytes(be(self.window, OFFSET)))
    }

    /// The magic byte as stored.
    #[must_use]
    pub fn magic(&self) -> i8 {
        i8::from_be_bytes(be(self.window, MAGIC))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::FaultKind;

    fn header(size: i32) -> Vec<u8> {
        [
            &7_i64.to_be_bytes()[..],
            &size.to_be_bytes(),
            &[0, 0, 0, 0, 2],
        ]
        .concat()
    }

    #[test]
    fn a_frame_ends_where_it_says() {
        let mut bytes = header(14);
        bytes.extend([0; 20]);
        let frame = Frame::parse(&bytes, Position(100)).unwrap();
        assert_eq!((frame.size_bytes(), frame.end()), (26, Position(126)));
        assert_eq!((frame.bytes().len(), frame.window().len()), (26, 37));
        assert_eq!((frame.offset(), frame.magic()), (Offset(7), 2));
    }

    #[test]
    fn seventeen_bytes_are_a_tail_and_eighteen_a_frame_that_goes_on() {
        let bytes = header(1000);
        let kind = |bytes: &[u8]| Frame::parse(bytes, Position(0)).unwrap_err().kind();
        assert_eq!(
            kind(&bytes),
            FaultKind::Frame(FrameFault::Tail { left: 17 })
        );
        let longer = [bytes, vec![0]].concat();
        assert_eq!(
            kind(&longer),
            FaultKind::Frame(FrameFault::BeyondEnd {
                announced: 1012,
                left: 18
            })
        );
    }

    #[test]
    fn sizes_below_fourteen_are_impossible() {
        for size in [13, 0, -1, i32::MIN] {
            let bytes = [header(size), vec![0; 40]].concat();
            let kind = Frame::parse(&bytes, Position(0)).unwrap_err().kind();
            assert_eq!(kind, FaultKind::Frame(FrameFault::Size { size }));
        }
    }
}
