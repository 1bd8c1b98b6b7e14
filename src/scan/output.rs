//! The output of visitors, in chunks.

use std::ops::{ControlFlow, Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// The output of a visitor: text for standard output and notes for standard error.
#[derive(Debug, Default)]
pub struct RenderedChunk {
    /// Data.
    pub text: ChunkText,
    /// Everything else.
    pub notes: Vec<u8>,
}

/// The number of rendered bytes that are passed on at once.
const CHUNK_BYTES: usize = 512 << 10;

/// Room for the last record of a chunk, in most cases.
const SLACK_BYTES: usize = 16 << 10;

impl RenderedChunk {
    /// An empty chunk that need not grow.
    fn roomy() -> Self {
        Self {
            text: ChunkText::roomy(),
            notes: Vec::new(),
        }
    }
}

/// Rendered data. Its memory is used again for a later chunk: new memory, which the system clears
/// and maps page by page, costs as much time as rendering into it.
#[derive(Debug, Default)]
pub struct ChunkText(Vec<u8>);

/// Memory of chunks that were written out.
static SPARE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// The number of spare chunks: as many as two threads use at once.
const SPARE_CHUNKS: usize = 16;

impl ChunkText {
    fn roomy() -> Self {
        let spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Self(spare.unwrap_or_else(|| Vec::with_capacity(CHUNK_BYTES + SLACK_BYTES)))
    }
}

impl Drop for ChunkText {
    fn drop(&mut self) {
        let capacity = self.0.capacity();
        if (CHUNK_BYTES..=2 * CHUNK_BYTES).contains(&capacity) {
            let mut spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner);
            if spare.len() < SPARE_CHUNKS {
                self.0.clear();
                spare.push(std::mem::take(&mut self.0));
            }
        }
    }
}

impl Deref for ChunkText {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for ChunkText {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

/// The output of visitors. It passes its bytes on in chunks, so that memory is bounded whatever the
/// size of a decompressed batch.
pub struct Output<'sink> {
    chunk: RenderedChunk,
    sink: &'sink mut dyn FnMut(RenderedChunk) -> ControlFlow<()>,
}

impl<'sink> Output<'sink> {
    pub(super) fn new(sink: &'sink mut dyn FnMut(RenderedChunk) -> ControlFlow<()>) -> Self {
        Self {
            chunk: RenderedChunk::roomy(),
            sink,
        }
    }

    /// The rendered data that is not yet passed on.
    pub fn text(&mut self) -> &mut Vec<u8> {
        &mut self.chunk.text
    }

    /// The notes.
    pub fn notes(&mut self) -> &mut Vec<u8> {
        &mut self.chunk.notes
    }

    /// Hands the bytes over if there are enough. Called now and then: after each record is often
    /// enough.
    ///
    /// `Break` means that the output is not wanted any more.
    #[inline]
    pub fn poll(&mut self) -> ControlFlow<()> {
        if self.chunk.text.len() + self.chunk.notes.len() < CHUNK_BYTES {
            return ControlFlow::Continue(());
        }
        self.flush()
    }

    pub(super) fn flush(&mut self) -> ControlFlow<()> {
        if self.chunk.text.is_empty() && self.chunk.notes.is_empty() {
            return ControlFlow::Continue(());
        }
        (self.sink)(std::mem::replace(&mut self.chunk, RenderedChunk::roomy()))
    }
}

impl std::fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output")
            .field("chunk", &self.chunk)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_handed_over_when_it_is_full_and_once() {
        let mut sizes = Vec::new();
        let mut sink = |chunk: RenderedChunk| {
            sizes.push(chunk.text.len() + chunk.notes.len());
            ControlFlow::Continue(())
        };
        let mut out = Output::new(&mut sink);
        out.text().resize(CHUNK_BYTES - 1, 0);
        assert!(out.poll().is_continue());
        out.notes().push(0);
        assert!(out.poll().is_continue());
        assert!(out.poll().is_continue());
        assert!(out.flush().is_continue());
        assert_eq!(sizes, [CHUNK_BYTES]);
    }
}
