//! What the parsers have in common: results of [`nom`] with errors of our own.

/// The fault of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NumberFault {
    /// It runs past the end of what holds it.
    #[error("a field ends after the end of the data")]
    EndOfInput,
    /// A variable-length integer has more bytes than its type allows.
    #[error("a varint is longer than {width} bytes")]
    VarintTooLong {
        /// The most bytes it may have.
        width: usize,
    },
}

/// The result of a parser: the rest of the input and a value, or why there is none.
pub(crate) type Parsed<'a, T, K> = nom::IResult<&'a [u8], T, Wrong<'a, K>>;

/// The error inside a parser: the input at which it stopped, and why. Small, so that the success
/// path stays fast.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wrong<'a, K> {
    pub(crate) rest: &'a [u8],
    pub(crate) kind: K,
}

impl<'a, K> Wrong<'a, K> {
    /// Stops at `rest`.
    #[cold]
    pub(crate) fn at(rest: &'a [u8], kind: impl Into<K>) -> nom::Err<Self> {
        let kind = kind.into();
        nom::Err::Error(Self { rest, kind })
    }
}

impl<'a, K: From<NumberFault>> nom::error::ParseError<&'a [u8]> for Wrong<'a, K> {
    /// Every primitive of nom that we use fails for one reason only: it ran out of bytes.
    #[cold]
    fn from_error_kind(rest: &'a [u8], _: nom::error::ErrorKind) -> Self {
        let kind = NumberFault::EndOfInput.into();
        Self { rest, kind }
    }

    fn append(_: &'a [u8], _: nom::error::ErrorKind, other: Self) -> Self {
        other
    }
}
