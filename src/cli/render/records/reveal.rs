//! The visible part of bytes, and the notation of bytes of unknown type.

use sha2::{Digest, Sha256};

use super::shown::Shown;

/// The notation for bytes of unknown type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Bytes {
    /// As text if they are UTF-8, otherwise in base64
    Utf8,
    /// In hexadecimal
    Hex,
    /// In base64
    Base64,
    /// As text, with U+FFFD for bytes that are not UTF-8
    Utf8Lossy,
}

impl Bytes {
    /// Shows bytes of unknown type.
    #[inline]
    pub(super) fn show(self, bytes: &[u8]) -> Shown<'_> {
        match self {
            Self::Utf8 => match simdutf8::basic::from_utf8(bytes) {
                Ok(text) => Shown::Text(text),
                Err(_) => Shown::Binary(bytes),
            },
            Self::Hex => Shown::Hex(bytes),
            Self::Base64 => Shown::Base64(bytes),
            Self::Utf8Lossy => Shown::Lossy(bytes),
        }
    }
}

/// The part of keys or values that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Reveal {
    /// Everything
    Full,
    /// Only if it is null or not
    None,
    /// The number of bytes
    Size,
    /// The SHA-256 of the bytes
    Sha256,
}

impl Reveal {
    /// The text shown instead of the bytes, if they are hidden. A null is not hidden.
    pub(super) fn instead(self, bytes: &[u8]) -> Option<Shown<'static>> {
        match self {
            Self::Full => None,
            Self::None => Some(Shown::Hidden),
            Self::Size => Some(Shown::Size(bytes.len())),
            Self::Sha256 => Some(Shown::Sha256(Sha256::digest(bytes).into())),
        }
    }

    /// The size as a consumer reports it, −1 for null; `None` if it is hidden.
    pub(super) fn size(self, bytes: Option<&[u8]>) -> Option<i64> {
        match bytes {
            None => Some(-1),
            Some(_) if self == Self::None => None,
            Some(bytes) => Some(i64::try_from(bytes.len()).unwrap_or(i64::MAX)),
        }
    }
}
