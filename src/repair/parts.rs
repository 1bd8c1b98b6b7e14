//! Small parts of plans: paths, contents, checksums.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use super::invalid_plan::InvalidPlan;
use crate::format::name::LOCK;
use crate::wire::crc::crc32c;

/// The prefix of the names of a repair's own files. Brokers ignore such files.
pub(super) const OWN: &str = "kseg-";

/// The most that a plan may hold of a file's content: a large batch, or the snapshot of half a
/// million producers.
pub(super) const CONTENT_BYTES: usize = 32 << 20;

/// The longest name that file systems allow.
const NAME_BYTES: usize = 255;

/// A path below the root of a plan: one or two names, joined with `/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "String", into = "String")
)]
pub struct PlanPath(String);

impl PlanPath {
    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The directory that it is in; empty for the root itself.
    #[must_use]
    pub fn dir(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(dir, _)| dir)
    }

    /// Its last name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// Returns the number of names in the path.
    pub(super) fn depth(&self) -> usize {
        self.0.split('/').count()
    }
}

/// Returns true if a character shows as what it is: it is no control character, and none that turns
/// the direction of what follows, by which one path or reason can look like another.
pub(super) fn is_shown(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !turns && !c.is_control()
}

/// Returns true if a plan can name a path.
pub(super) fn is_nameable(path: &Path) -> bool {
    path.to_str().is_some_and(|text| text.chars().all(is_shown))
}

/// Text in which every character shows as what it is.
pub(super) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_shown(c) {
            shown.push(c);
        } else {
            shown.extend(c.escape_unicode());
        }
    }
    shown
}

impl fmt::Display for PlanPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PlanPath {
    type Err = InvalidPlan;

    fn from_str(text: &str) -> Result<Self, InvalidPlan> {
        let is_name = |name: &str| {
            !matches!(name, "" | "." | "..")
                && name.len() <= NAME_BYTES
                && !name.starts_with(OWN)
                && name.chars().all(is_shown)
        };
        let is_lock = text.rsplit('/').next() == Some(LOCK);
        if text.split('/').all(is_name) && text.split('/').count() <= 2 && !is_lock {
            Ok(Self(text.into()))
        } else {
            Err(InvalidPlan::Path(text.escape_debug().take(300).collect()))
        }
    }
}

impl TryFrom<String> for PlanPath {
    type Error = InvalidPlan;

    fn try_from(text: String) -> Result<Self, InvalidPlan> {
        text.parse()
    }
}

impl From<PlanPath> for String {
    fn from(path: PlanPath) -> Self {
        path.0
    }
}

/// The content of a small file, or of a piece of one: in a document text where it is some, else
/// hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "Written", into = "Written")
)]
pub struct Content(Vec<u8>);

impl Content {
    /// A content of these bytes.
    ///
    /// # Errors
    /// They are too many for a plan.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, InvalidPlan> {
        let bytes = bytes.into();
        if bytes.len() > CONTENT_BYTES {
            return Err(InvalidPlan::Content(bytes.len()));
        }
        Ok(Self(bytes))
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A content in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case", deny_unknown_fields)
)]
enum Written {
    Text(String),
    Hex(String),
}

impl From<Content> for Written {
    fn from(content: Content) -> Self {
        let is_plain = |text: &str| text.chars().all(|c| is_shown(c) || c == '\n');
        match String::from_utf8(content.0) {
            Ok(text) if is_plain(&text) => Self::Text(text),
            Ok(text) => Self::Hex(hex(text.as_bytes())),
            Err(error) => Self::Hex(hex(error.as_bytes())),
        }
    }
}

impl TryFrom<Written> for Content {
    type Error = InvalidPlan;

    fn try_from(written: Written) -> Result<Self, InvalidPlan> {
        match written {
            Written::Text(text) if text.chars().all(|c| is_shown(c) || c == '\n') => {
                Self::new(text)
            }
            Written::Text(text) => Err(InvalidPlan::Text(text.chars().take(300).collect())),
            Written::Hex(digits) => Self::new(unhex(&digits).ok_or(InvalidPlan::Hex)?),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    let mut digits = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string does not fail.
        let _written = write!(digits, "{byte:02x}");
    }
    digits
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}

/// A CRC-32C; eight hexadecimal digits in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "String", into = "String")
)]
pub struct Crc(pub u32);

impl Crc {
    /// That of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(crc32c(bytes))
    }
}

impl fmt::Display for Crc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl FromStr for Crc {
    type Err = InvalidPlan;

    fn from_str(text: &str) -> Result<Self, InvalidPlan> {
        match unhex(text).as_deref() {
            Some(&[a, b, c, d]) => Ok(Self(u32::from_be_bytes([a, b, c, d]))),
            _ => Err(InvalidPlan::Hex),
        }
    }
}

impl TryFrom<String> for Crc {
    type Error = InvalidPlan;

    fn try_from(text: String) -> Result<Self, InvalidPlan> {
        text.parse()
    }
}

impl From<Crc> for String {
    fn from(crc: Crc) -> Self {
        crc.to_string()
    }
}

/// The item at a path. A checksum of 32 bits detects accidents; it does not protect against
/// forgery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case", deny_unknown_fields)
)]
pub enum State {
    /// Nothing.
    Absent,
    /// A file.
    File {
        /// Its length.
        len_bytes: u64,
        /// CRC-32C of its content.
        crc: Crc,
    },
    /// A directory.
    Directory {
        /// The number of files and directories in it.
        entries: u64,
        /// CRC-32C of their names in order, each followed by a byte of zero.
        crc: Crc,
    },
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("nothing"),
            Self::File { len_bytes, crc } => write!(f, "{len_bytes} bytes with CRC-32C {crc}"),
            Self::Directory { entries, crc } => {
                write!(f, "a directory of {entries} entries ({crc})")
            }
        }
    }
}

/// A piece of a file to be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case", deny_unknown_fields)
)]
pub enum FilePart {
    /// Bytes of a file as it was found.
    Range {
        /// The file.
        file: PlanPath,
        /// The range, in bytes.
        range: Range<u64>,
    },
    /// Bytes of a file of a replica as it was found.
    Replica {
        /// The file, an absolute path.
        path: String,
        /// Its state when the plan was made.
        was: State,
        /// The range, in bytes.
        range: Range<u64>,
    },
    /// New bytes.
    Bytes(Content),
}

impl fmt::Display for FilePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range { file, range } => {
                write!(f, "{}:{}..{}", file.name(), range.start, range.end)
            }
            Self::Replica { path, range, .. } => {
                write!(f, "{path}:{}..{}", range.start, range.end)
            }
            Self::Bytes(content) => write!(f, "{} bytes", content.bytes().len()),
        }
    }
}

/// The derivation of a file from the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case", deny_unknown_fields)
)]
pub enum Recipe {
    /// The offset index of the segment that its name says.
    OffsetIndex {
        /// `index.interval.bytes`.
        interval_bytes: u32,
    },
    /// The time index, in the same way.
    TimeIndex {
        /// `index.interval.bytes`.
        interval_bytes: u32,
    },
}

/// The new bytes among pieces.
pub(super) fn new_bytes(pieces: &[FilePart]) -> Vec<u8> {
    let bytes = |piece: &FilePart| match piece {
        FilePart::Range { .. } | FilePart::Replica { .. } => Vec::new(),
        FilePart::Bytes(content) => content.bytes().to_vec(),
    };
    pieces.iter().flat_map(bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_their_root() {
        for good in [
            "orders-3/00000000000000000042.log",
            "meta.properties",
            "a b-0/x y",
        ] {
            assert_eq!(good.parse::<PlanPath>().unwrap().as_str(), good);
        }
        let long = "x".repeat(256);
        for bad in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../x",
            "t-0/..",
            "t-0/../../x",
            "t-0//x",
            "t-0/",
            "./x",
            "t-0/x\n",
            "a/b/c",
            "t-0/kseg-1.new",
            ".lock",
            "t-0/x\0",
            &long,
        ] {
            assert!(bad.parse::<PlanPath>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn contents_are_text_or_digits() {
        for (bytes, written) in [
            (&b"0\n1\n"[..], Written::Text("0\n1\n".into())),
            (b"\0\xff", Written::Hex("00ff".into())),
            (b"a\tb", Written::Hex("610962".into())),
        ] {
            let content = Content::new(bytes).unwrap();
            assert_eq!(Written::from(content.clone()), written);
            assert_eq!(Content::try_from(written), Ok(content));
        }
        for bad in ["f", "0g", "+1", "0x"] {
            assert!(Content::try_from(Written::Hex(bad.into())).is_err());
        }
        assert!(Content::new(vec![0; CONTENT_BYTES + 1]).is_err());
        assert_eq!("9f3c01aa".parse(), Ok(Crc(0x9f3c_01aa)));
        assert!("9f3c01".parse::<Crc>().is_err());
    }
}
