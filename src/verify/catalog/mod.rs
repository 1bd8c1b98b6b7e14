//! Every check: its code, name, severity, depth, fix and manual.
//!
//! The rows are in one file for each letter, each a macro that passes its rows on to the next.
//! `declare` makes the enum, the slice and the manuals of all of them. A code is never renamed or
//! reused.

use std::fmt;

#[macro_use]
mod segment;
#[macro_use]
mod batch;
#[macro_use]
mod record;
#[macro_use]
mod offset_index;
#[macro_use]
mod time_index;
#[macro_use]
mod txn_index;
#[macro_use]
mod producer;
#[macro_use]
mod epochs;
#[macro_use]
mod checkpoint;
#[macro_use]
mod directory;
#[macro_use]
mod metadata;

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Note,
    /// A broker repairs it or works around it.
    Warning,
    /// Data is lost or wrong, or a broker will make it so.
    Error,
}

impl Severity {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The depth of a check. Each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Depth {
    /// Headers and names.
    Shape,
    /// Checksums: every byte is read.
    Sum,
    /// Files against each other.
    Cross,
    /// Batches decompressed, records decoded.
    Deep,
}

impl Depth {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shape => "shape",
            Self::Sum => "sum",
            Self::Cross => "cross",
            Self::Deep => "deep",
        }
    }
}

/// The fix of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Fix {
    /// A step that is proven or likely: derived data, empty space, or bytes that a checksum proves.
    Lossless,
    /// Loses bytes or knowledge, and needs consent.
    Lossy,
    /// Only described; kseg does not do it.
    Manual,
    /// No file is to be changed.
    None,
}

impl Fix {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lossless => "lossless",
            Self::Lossy => "lossy",
            Self::Manual => "manual",
            Self::None => "none",
        }
    }
}

/// A row of the catalogue.
#[derive(Debug)]
#[non_exhaustive]
pub struct Check {
    /// Its id.
    pub id: CheckId,
    /// Its family.
    pub family: Family,
    /// The letter of its family, and three digits.
    pub code: &'static str,
    /// Words between hyphens.
    pub name: &'static str,
    /// The default severity.
    pub severity: Severity,
    /// The minimum depth at which it runs.
    pub depth: Depth,
    /// The fix.
    pub fix: Fix,
    /// The exceptions to its severity.
    pub severities: &'static [Otherwise<Severity>],
    /// The exceptions to its fix.
    pub fixes: &'static [Otherwise<Fix>],
    doc: &'static str,
}

/// A property of some findings of a check that differs from its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Otherwise<T> {
    /// The value.
    pub is: T,
    /// The condition, in words that begin with "if" or "where".
    pub when: &'static str,
}

impl Check {
    /// Returns the title of its check.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.doc.lines().next().unwrap_or_default().trim()
    }

    /// Returns true if a finding of it may have this severity.
    #[must_use]
    pub fn may_be(&self, severity: Severity) -> bool {
        let mut others = self.severities.iter();
        severity == self.severity || others.any(|other| other.is == severity)
    }

    /// Returns true if a finding of it may have this fix.
    #[must_use]
    pub fn may_need(&self, fix: Fix) -> bool {
        let mut others = self.fixes.iter();
        fix == self.fix || others.any(|other| other.is == fix)
    }

    /// Returns the exceptions, one line each: `warning if …`, `lossless where …`.
    pub fn otherwise(&self) -> impl Iterator<Item = String> {
        let severities = self.severities.iter();
        let severities = severities.map(|other| format!("{} {}", other.is, other.when));
        let fixes = self.fixes.iter();
        let fixes = fixes.map(|other| format!("fix {} {}", other.is.name(), other.when));
        severities.chain(fixes)
    }

    /// The lines of its manual, in fixed sections.
    pub fn manual(&self) -> impl Iterator<Item = &'static str> {
        let lines = self.doc.lines().skip(1).map(str::trim);
        lines.skip_while(|line| line.is_empty())
    }
}

macro_rules! declare {
    ({ $(
        $(#[doc = $doc:literal])+
        $family:ident $code:ident $id:ident $name:literal $severity:ident $depth:ident $fix:ident
        $(severity $other_severity:ident $severity_when:literal)*
        $(fix $other_fix:ident $fix_when:literal)*;
    )* }) => {
        /// A check, by what it finds.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum CheckId {
            $( $(#[doc = $doc])+ $id, )*
        }

        /// Every check, by code within a letter.
        pub static CATALOG: &[Check] = &[ $(
            Check {
                id: CheckId::$id,
                family: Family::$family,
                code: stringify!($code),
                name: $name,
                severity: Severity::$severity,
                depth: Depth::$depth,
                fix: Fix::$fix,
                severities: &[ $( Otherwise {
                    is: Severity::$other_severity,
                    when: $severity_when,
                }, )* ],
                fixes: &[ $( Otherwise {
                    is: Fix::$other_fix,
                    when: $fix_when,
                }, )* ],
                doc: concat!($($doc, "\n"),+),
            },
        )* ];
    };
}

segment! {
    batch record offset_index time_index txn_index producer epochs checkpoint directory metadata declare
    {}
}

/// The family of a check. Its code begins with the letter of its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Family {
    /// S: the `.log` of a segment.
    Segment,
    /// B: batches.
    Batch,
    /// R: records.
    Record,
    /// O: offset indexes.
    OffsetIndex,
    /// T: time indexes.
    TimeIndex,
    /// A: transaction indexes.
    TxnIndex,
    /// P: producer snapshots.
    Producer,
    /// E: leader epoch checkpoints.
    Epochs,
    /// C: checkpoints of a log dir.
    Checkpoint,
    /// D: directories and their small files.
    Directory,
    /// M: the metadata log.
    Metadata,
}

impl Family {
    /// Every family, in the order of the catalogue.
    pub const ALL: [Self; 11] = [
        Self::Segment,
        Self::Batch,
        Self::Record,
        Self::OffsetIndex,
        Self::TimeIndex,
        Self::TxnIndex,
        Self::Producer,
        Self::Epochs,
        Self::Checkpoint,
        Self::Directory,
        Self::Metadata,
    ];

    /// The letter that the codes of its checks begin with.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Segment => 'S',
            Self::Batch => 'B',
            Self::Record => 'R',
            Self::OffsetIndex => 'O',
            Self::TimeIndex => 'T',
            Self::TxnIndex => 'A',
            Self::Producer => 'P',
            Self::Epochs => 'E',
            Self::Checkpoint => 'C',
            Self::Directory => 'D',
            Self::Metadata => 'M',
        }
    }

    /// The family of this letter, large or small.
    #[must_use]
    pub fn find(letter: char) -> Option<Self> {
        let letter = letter.to_ascii_uppercase();
        Self::ALL
            .into_iter()
            .find(|family| family.letter() == letter)
    }

    /// Returns true if its checks are about a `.log`: segments, batches and records.
    #[must_use]
    pub const fn is_of_log(self) -> bool {
        matches!(self, Self::Segment | Self::Batch | Self::Record)
    }
}

impl CheckId {
    /// Its row.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "the catalogue has a row for each")]
    pub fn check(self) -> &'static Check {
        &CATALOG[self as usize]
    }

    /// Its code: a letter and three digits.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.check().code
    }

    /// Its family.
    #[must_use]
    pub fn family(self) -> Family {
        self.check().family
    }

    /// The check of this code or name.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        let is_meant = |check: &&Check| check.code.eq_ignore_ascii_case(text) || check.name == text;
        CATALOG.iter().find(is_meant).map(|check| check.id)
    }
}

impl fmt::Display for CheckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_and_names_are_each_given_once_and_codes_ascend_within_a_letter() {
        let codes: BTreeSet<&str> = CATALOG.iter().map(|check| check.code).collect();
        let names: BTreeSet<&str> = CATALOG.iter().map(|check| check.name).collect();
        assert_eq!((codes.len(), names.len()), (CATALOG.len(), CATALOG.len()));
        for pair in CATALOG.windows(2) {
            let (a, b) = (pair[0].code, pair[1].code);
            let is_other = pair[0].family != pair[1].family;
            assert!(is_other || a < b, "{a} stands before {b}");
        }
        for check in CATALOG {
            assert_eq!(check.code.len(), 4, "{}", check.code);
            assert!(
                check.code.starts_with(check.family.letter()),
                "{}",
                check.code
            );
            assert!(check.code.bytes().skip(1).all(|b| b.is_ascii_digit()));
            assert_eq!(check.id.code(), check.code);
            assert_eq!(CheckId::find(check.name), Some(check.id));
            assert_eq!(CheckId::find(&check.code.to_lowercase()), Some(check.id));
        }
    }

    #[test]
    fn every_manual_has_the_five_sections_in_order() {
        const SECTIONS: [&str; 5] = [
            "**What**",
            "**Why it happens**",
            "**What Kafka does**",
            "**Repair**",
            "**References**",
        ];
        for check in CATALOG {
            let found: Vec<&str> = check
                .manual()
                .filter_map(|line| SECTIONS.into_iter().find(|&name| line.starts_with(name)))
                .collect();
            assert_eq!(found, SECTIONS, "{}", check.code);
            assert!(!check.title().is_empty() && !check.title().ends_with('.'));
            for line in check.otherwise() {
                let is_reported = line.contains(" if ") || line.contains(" where ");
                assert!(
                    is_reported && !line.ends_with('.'),
                    "{}: {line}",
                    check.code
                );
            }
            let is_other = |severity| severity != check.severity;
            assert!(check.severities.iter().all(|other| is_other(other.is)));
            assert!(check.fixes.iter().all(|other| other.is != check.fix));
        }
    }
}
