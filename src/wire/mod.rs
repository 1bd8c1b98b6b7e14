//! Bytes to numbers: the primitives that every parser is built from.
//!
//! The parsers inside are [`nom`] combinators over slices; what leaves this crate is a value, or a
//! fault.
//!
//! **Invariant:** nothing here knows what a number means, allocates, or panics on any input. Absent
//! on purpose: files, layouts, text.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::expect_used))]

pub mod crc;
mod parser;
pub mod release;
pub mod text;
pub mod units;
pub mod varint;

pub use parser::NumberFault;
pub(crate) use parser::{Parsed, Wrong};
pub use release::Release;
pub use units::{LeaderEpoch, Offset, OffsetDelta, Position, ProducerId, Timestamp, Uuid};

/// Returns `N` bytes of `bytes` from `at` on, for `from_be_bytes`; zeros if they would be outside.
/// With a fixed-size header and a constant `at`, the compiler removes the check.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "the bounds check must see the constants"
)]
pub(crate) fn be<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes
        .get(at..)
        .and_then(|tail| tail.first_chunk())
        .copied()
        .unwrap_or([0; N])
}

/// Writes `value` into `bytes` from `at` on; returns `None` if it would be outside.
pub(crate) fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    if let Some(place) = bytes.get_mut(at..).and_then(|tail| tail.first_chunk_mut()) {
        *place = value;
    }
}
