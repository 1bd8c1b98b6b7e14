//! The steps of a plan, and what they do.

use std::fmt;
use std::ops::Range;

use super::parts::{Content, Crc, FilePart, PlanPath, Recipe, State};
use super::safety::{Loss, Safety};
use crate::format::Placeholder;

/// The fields of a plan, before they are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Draft {
    /// The id of the shape of the document: `kseg.plan/2`.
    pub schema: String,
    /// The name and version of the program that made it.
    pub tool: String,
    /// The directory that it repairs.
    pub root: String,
    /// The scope of the plan.
    pub scope: Scope,
    /// The steps, numbered from 1.
    pub steps: Vec<Step>,
}

/// The scope of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case")
)]
pub enum Scope {
    /// A log dir.
    LogDir,
    /// The directory of a partition; what is around it is a log dir.
    Partition,
}

/// One change, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its number in the plan, from 1.
    pub id: u32,
    /// The codes of the findings that it repairs.
    pub codes: Vec<String>,
    /// The action.
    pub action: Action,
    /// Its safety.
    pub safety: Safety,
    /// Its loss.
    pub loss: Loss,
    /// The reason in a sentence or two, with the consequences beyond this disk.
    pub why: String,
    /// The fingerprints of everything that it changes or relies on.
    pub fingerprints: Vec<Fingerprint>,
}

/// The action of a step. Every action can be undone from the quarantine folder.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case", deny_unknown_fields)
)]
pub enum Action {
    /// Cuts a file off.
    Truncate {
        /// The file.
        file: PlanPath,
        /// Bytes that stay.
        to: u64,
    },
    /// Cuts ranges out of a file and keeps everything after them.
    Excise {
        /// The file.
        file: PlanPath,
        /// The ranges, in bytes.
        ranges: Vec<Range<u64>>,
    },
    /// Puts an empty batch in place of a range.
    Placeholder {
        /// The file.
        file: PlanPath,
        /// The range, in bytes; empty to put the batch between others.
        range: Range<u64>,
        /// The batch.
        batch: Placeholder,
    },
    /// Puts a few bytes in place of a range: a bit turned back, a field of a header restored.
    Patch {
        /// The file.
        file: PlanPath,
        /// The range, in bytes.
        range: Range<u64>,
        /// The new content.
        content: Content,
    },
    /// Assembles a file, which may exist already.
    Arrange {
        /// The file.
        file: PlanPath,
        /// The pieces of the new content, from start to end.
        pieces: Vec<FilePart>,
    },
    /// Gives a small file another content.
    Replace {
        /// The file.
        file: PlanPath,
        /// All of its content.
        content: Content,
    },
    /// Makes a small file that is not there.
    Create {
        /// The file.
        file: PlanPath,
        /// All of its content.
        content: Content,
    },
    /// Computes a derived file from the log as the other steps leave it.
    Rebuild {
        /// The file, there or not.
        file: PlanPath,
        /// The derivation.
        recipe: Recipe,
        /// Bytes that come out.
        len_bytes: u64,
        /// Their checksum.
        crc: Crc,
    },
    /// Takes a file, or a directory of which nothing is left, out of the log dir.
    Quarantine {
        /// The file.
        file: PlanPath,
    },
    /// Gives a file or directory another name. A file that has the name is replaced.
    Rename {
        /// The file or directory.
        file: PlanPath,
        /// Its name then.
        to: PlanPath,
    },
    /// Changes nothing: a person has to do what the step says.
    Describe {
        /// The file.
        file: PlanPath,
    },
}

impl Step {
    /// Returns the records that steps lose together.
    pub fn lost<'a>(steps: impl IntoIterator<Item = &'a Self>) -> u64 {
        let records = steps.into_iter().map(|step| step.loss.records);
        records.fold(0, u64::saturating_add)
    }
}

impl Action {
    /// Returns its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Truncate { .. } => "truncate",
            Self::Excise { .. } => "excise",
            Self::Placeholder { .. } => "placeholder",
            Self::Patch { .. } => "patch",
            Self::Arrange { .. } => "arrange",
            Self::Replace { .. } => "replace",
            Self::Create { .. } => "create",
            Self::Rebuild { .. } => "rebuild",
            Self::Quarantine { .. } => "quarantine",
            Self::Rename { .. } => "rename",
            Self::Describe { .. } => "describe",
        }
    }

    /// The file or directory that it is about.
    #[must_use]
    pub const fn file(&self) -> &PlanPath {
        match self {
            Self::Truncate { file, .. }
            | Self::Excise { file, .. }
            | Self::Placeholder { file, .. }
            | Self::Patch { file, .. }
            | Self::Arrange { file, .. }
            | Self::Replace { file, .. }
            | Self::Create { file, .. }
            | Self::Rebuild { file, .. }
            | Self::Quarantine { file }
            | Self::Rename { file, .. }
            | Self::Describe { file } => file,
        }
    }
}

/// The size of a content, in words.
struct Size<'a>(&'a Content);

impl fmt::Display for Size<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.bytes().len() {
            1 => f.write_str("1 byte"),
            bytes => write!(f, "{bytes} bytes"),
        }
    }
}

impl fmt::Display for Action {
    /// The action without its file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Truncate { to, .. } => write!(f, " to {to}"),
            Self::Excise { ranges, .. } => {
                for (nth, Range { start, end }) in ranges.iter().enumerate() {
                    write!(f, "{} {start}..{end}", if nth == 0 { "" } else { "," })?;
                }
                Ok(())
            }
            Self::Placeholder { range, batch, .. } => {
                let last = batch.base_offset.plus(batch.last_offset_delta);
                let Range { start, end } = range;
                write!(f, " {start}..{end} for {}..={last}", batch.base_offset)
            }
            Self::Patch { range, content, .. } => {
                let Range { start, end } = range;
                write!(f, " {start}..{end} with {}", Size(content))
            }
            Self::Arrange { pieces, .. } => {
                for (nth, piece) in pieces.iter().enumerate() {
                    write!(f, "{} {piece}", if nth == 0 { "" } else { "," })?;
                }
                Ok(())
            }
            Self::Replace { content, .. } | Self::Create { content, .. } => {
                write!(f, " with {}", Size(content))
            }
            Self::Rebuild { len_bytes, .. } => write!(f, " to {len_bytes} bytes"),
            Self::Rename { to, .. } => write!(f, " to {to}"),
            Self::Quarantine { .. } | Self::Describe { .. } => Ok(()),
        }
    }
}

/// The state of an item below the root when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Fingerprint {
    /// Its path.
    pub file: PlanPath,
    /// Its state when the plan was made.
    pub is: State,
}

impl Scope {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::LogDir => "log-dir",
            Self::Partition => "partition",
        }
    }

    /// Names in the longest path that a plan may have.
    pub(super) const fn depth(self) -> usize {
        match self {
            Self::LogDir => 2,
            Self::Partition => 1,
        }
    }
}
