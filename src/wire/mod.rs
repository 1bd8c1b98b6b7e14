//! Bytes to numbers: the primitives that every parser is built from.
//!
//! The parsers inside are [`nom`] combinators over slices; what leaves this crate is a value or a
//! [`Fault`].
//!
//! **Invariant:** nothing here knows what a number means, allocates, or panics on any input. Absent
//! on purpose: files, layouts, text.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects, clippy::expect_used))]

pub mod crc;
pub mod fault;
pub mod release;
pub mod text;
pub mod units;
pub mod varint;

pub use fault::{Fault, FaultKind, FieldName};
pub use release::Release;
pub use units::{LeaderEpoch, Offset, OffsetDelta, Position, ProducerId, Timestamp, Uuid};

/// The result of a parser: the rest of the input and a value, or a fault.
pub(crate) type Parsed<'a, T> = nom::IResult<&'a [u8], T, Wrong<'a>>;

/// The error inside a parser: the input at which it stopped, and why. Small, so that the success
/// path stays fast.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wrong<'a> {
    rest: &'a [u8],
    kind: FaultKind,
}

impl<'a> Wrong<'a> {
    /// Stops at `rest`.
    #[cold]
    pub(crate) fn at(rest: &'a [u8], kind: FaultKind) -> nom::Err<Self> {
        nom::Err::Error(Self { rest, kind })
    }
}

impl<'a> nom::error::ParseError<&'a [u8]> for Wrong<'a> {
    /// Every primitive of nom that we use fails for one reason only: it ran out of bytes.
    #[cold]
    fn from_error_kind(rest: &'a [u8], _: nom::error::ErrorKind) -> Self {
        Self {
            rest,
            kind: FaultKind::EndOfInput,
        }
    }

    fn append(_: &'a [u8], _: nom::error::ErrorKind, other: Self) -> Self {
        other
    }
}

/// Converts nom's result into ours: the fault's position is counted from the start of `input`.
///
/// # Errors
/// The fault that stopped the parser.
pub(crate) fn finish<'a, T>(
    input: &'a [u8],
    parsed: Parsed<'a, T>,
) -> Result<(&'a [u8], T), Fault> {
    match parsed {
        Ok(done) => Ok(done),
        Err(nom::Err::Error(wrong) | nom::Err::Failure(wrong)) => Err(Fault::new(
            wrong.kind,
            input.len().saturating_sub(wrong.rest.len()),
        )),
        Err(nom::Err::Incomplete(_)) => Err(Fault::new(FaultKind::EndOfInput, input.len())),
    }
}

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
