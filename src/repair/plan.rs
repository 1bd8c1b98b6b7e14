//! Plans: what is to be changed, in a form that a person can read before it is done.
//!
//! A plan is a document (`kseg.plan/2`). Equal inputs make an equal plan, byte for byte: it holds no times and no numbers of this run.
//! Every position in it is one in the file as it was found; steps on the same file are done together, so their order never matters.

use std::fmt;
use std::ops::Range;

#[cfg(feature = "serde")]
use super::document::StepDocument;
use super::parts::{Content, Crc, PlanPath, new_bytes, shown};
pub use super::parts::{Part, Recipe};
use super::safety::{Loss, Safety};
use super::unsound::Unsound;
use super::work::Work;
use crate::format::Placeholder;

/// What a plan calls itself.
pub const SCHEMA: &str = "kseg.plan/2";

/// The part of the schema before its version.
const SCHEMA_NAME: &str = "kseg.plan/";

/// An ordered list of steps that fit each other: nothing is written twice, no range is taken twice, and of everything touched
/// it is known what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "Draft", into = "Draft")
)]
#[must_use]
pub struct Plan(Draft);

/// The fields of a plan, before anybody looked whether they fit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Draft {
    /// [`SCHEMA`].
    pub schema: String,
    /// The name and version of the program that made it.
    pub tool: String,
    /// The directory that it repairs.
    pub root: String,
    /// What that directory is.
    pub scope: Scope,
    /// The steps, numbered from 1.
    pub steps: Vec<Step>,
}

/// What the root of a plan is.
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
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "StepDocument", into = "StepDocument")
)]
pub struct Step {
    /// Its number in the plan, from 1.
    pub id: u32,
    /// The codes of the findings behind it.
    pub codes: Vec<String>,
    /// What is done.
    pub action: Action,
    /// What is known of it.
    pub safety: Safety,
    /// What it gives up.
    pub loss: Loss,
    /// Why, in a sentence or two, with what follows from it beyond this disk.
    pub why: String,
    /// What everything that it touches or relies on is now.
    pub fingerprints: Vec<Fingerprint>,
}

/// What a step does. Every action can be undone from the quarantine folder.
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
    /// Cuts ranges out of a file and keeps everything behind them.
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
        /// What stands there then.
        content: Content,
    },
    /// Puts a file together anew, there or not.
    Arrange {
        /// The file.
        file: PlanPath,
        /// What it consists of then, from its start to its end.
        pieces: Vec<Part>,
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
        /// How.
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
        /// What it is about.
        file: PlanPath,
    },
}

impl Action {
    /// What it is called.
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

/// What something below the root was when the plan was made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
pub struct Fingerprint {
    /// Its path.
    pub file: PlanPath,
    /// What it was.
    pub is: State,
}

/// What is at a path. A checksum of 32 bits tells one accident from another; it is no proof against somebody who wants to deceive.
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
        /// How many files and directories are in it.
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

impl Plan {
    /// A plan for `root`, if the steps fit each other.
    ///
    /// # Errors
    /// They do not.
    pub fn new(root: &str, scope: Scope, mut steps: Vec<Step>) -> Result<Self, Unsound> {
        // Names of files may have any characters; what is written of them shows as what it is.
        for step in &mut steps {
            step.why = shown(&step.why);
        }
        Self::try_from(Draft {
            schema: SCHEMA.into(),
            tool: concat!("kseg ", env!("CARGO_PKG_VERSION")).into(),
            root: root.into(),
            scope,
            steps,
        })
    }

    /// Whether a document of `schema` is one that can be read here: what a newer version added must not be left undone.
    ///
    /// # Errors
    /// It is not.
    pub fn check_schema(schema: &str) -> Result<(), Unsound> {
        match schema.strip_prefix(SCHEMA_NAME) {
            _ if schema == SCHEMA => Ok(()),
            Some(version) if version.parse::<u32>().is_ok_and(|version| version > 2) => {
                Err(Unsound::Newer(schema.into()))
            }
            _ => Err(Unsound::Schema(schema.into())),
        }
    }

    /// The plan without these steps; the others are numbered anew.
    ///
    /// # Errors
    /// The others do not fit each other any more.
    pub fn without(&self, skipped: &[u32]) -> Result<Self, Unsound> {
        let mut draft = self.0.clone();
        draft.steps.retain(|step| !skipped.contains(&step.id));
        for (step, id) in draft.steps.iter_mut().zip(1..) {
            step.id = id;
        }
        Self::try_from(draft)
    }

    /// The program that made it.
    #[must_use]
    pub fn tool(&self) -> &str {
        &self.0.tool
    }

    /// The directory that it repairs.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.0.root
    }

    /// What that directory is.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.0.scope
    }

    /// The steps.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0.steps
    }

    /// Every fingerprint of the plan, in the order of the steps; some may be there more than once.
    pub fn fingerprints(&self) -> impl Iterator<Item = &Fingerprint> {
        self.steps().iter().flat_map(|step| &step.fingerprints)
    }

    /// A number that tells this plan from others.
    #[must_use]
    pub fn digest(&self) -> Crc {
        // What the plan does and to what; how it is worded does not matter.
        let mut lines = vec![format!("{SCHEMA} {} {}", self.scope().name(), self.root())];
        for step in self.steps() {
            let becomes = match &step.action {
                Action::Patch { content, .. }
                | Action::Replace { content, .. }
                | Action::Create { content, .. } => Crc::of(content.bytes()),
                Action::Placeholder { batch, .. } => Crc::of(&batch.encode()),
                Action::Rebuild { crc, .. } => *crc,
                Action::Arrange { pieces, .. } => Crc::of(new_bytes(pieces).as_slice()),
                _ => Crc(0),
            };
            let (file, action) = (step.action.file(), &step.action);
            let grade = step.safety.grade().name();
            lines.push(format!("{file} {action} {becomes} {grade}"));
            if let Action::Arrange { pieces, .. } = &step.action {
                lines.extend(pieces.iter().filter_map(|piece| match piece {
                    Part::Replica { path, was, .. } => Some(format!("{path} {was}")),
                    Part::Range { .. } | Part::Bytes(_) => None,
                }));
            }
            let own = step.fingerprints.iter();
            lines.extend(own.map(|own| format!("{} {}", own.file, own.is)));
        }
        Crc::of(lines.join("\n").as_bytes())
    }
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

impl TryFrom<Draft> for Plan {
    type Error = Unsound;

    fn try_from(draft: Draft) -> Result<Self, Unsound> {
        Self::check_schema(&draft.schema)?;
        Work::of(&draft)?;
        Ok(Self(draft))
    }
}

impl From<Plan> for Draft {
    fn from(plan: Plan) -> Self {
        plan.0
    }
}
