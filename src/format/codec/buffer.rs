//! The buffer for decompressed payloads, of bounded size.

use std::fmt;

use super::budget::{Budget, Permit, SMALL_BYTES};
use crate::format::fault::CodecFault;

/// Bytes decompressed so far, in memory that is kept from batch to batch.
pub(super) struct Buffer {
    pub(super) bytes: Vec<u8>,
    pub(super) filled: usize,
    pub(super) limit: usize,
    budget: Option<&'static Budget>,
    /// Waits for this thread's turn to hold a large batch.
    pub(super) turn: Option<Box<dyn Fn() + Send + Sync>>,
    pub(super) permit: Option<Permit>,
}

impl Buffer {
    pub(super) fn new(limit: usize, budget: Option<&'static Budget>) -> Self {
        Self {
            bytes: Vec::new(),
            filled: 0,
            limit,
            budget,
            turn: None,
            permit: None,
        }
    }

    pub(super) fn filled(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }

    /// Makes room for at least `least` more bytes; the buffer doubles when it grows.
    pub(super) fn spare(&mut self, least: usize) -> Result<&mut [u8], CodecFault> {
        let need = self.filled.saturating_add(least);
        if need > self.limit {
            return Err(CodecFault::Limit { limit: self.limit });
        }
        if need > self.bytes.len() {
            let doubled = self.bytes.len().saturating_mul(2);
            let size = need.max(doubled).min(self.limit);
            if let Some(budget) = self.budget.filter(|_| size > SMALL_BYTES)
                && self.permit.is_none()
            {
                if let Some(turn) = &self.turn {
                    turn();
                }
                self.permit = Some(budget.acquire());
            }
            self.bytes.resize(size, 0);
        }
        Ok(self.bytes.get_mut(self.filled..).unwrap_or_default())
    }

    /// Releases memory, and the permission to hold a large batch.
    #[cold]
    pub(super) fn settle(&mut self) {
        (self.bytes, self.filled) = (Vec::new(), 0);
        self.permit = None;
    }

    /// Counts `count` bytes that were written to the spare room.
    pub(super) fn advance(&mut self, count: usize) {
        self.filled = self.filled.saturating_add(count).min(self.bytes.len());
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), CodecFault> {
        let spare = self.spare(bytes.len())?;
        if let Some(room) = spare.get_mut(..bytes.len()) {
            room.copy_from_slice(bytes);
        }
        self.advance(bytes.len());
        Ok(())
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("filled", &self.filled)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// The first `N` bytes and the rest, or the stream ends early.
pub(super) fn chunk<const N: usize>(input: &[u8]) -> Result<(&[u8; N], &[u8]), CodecFault> {
    input.split_first_chunk().ok_or(CodecFault::Truncated)
}

/// The first `size` bytes and the rest, or the stream ends early.
pub(super) fn split(input: &[u8], size: usize) -> Result<(&[u8], &[u8]), CodecFault> {
    input.split_at_checked(size).ok_or(CodecFault::Truncated)
}
