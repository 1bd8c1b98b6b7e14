//! Why a plan makes no sense, whatever is on the disk.

/// A plan that is refused for what it says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPlan {
    /// A document of something else.
    #[error("not a plan: expected schema kseg.plan/2, found {0:?}")]
    Schema(String),
    /// A later version of plans.
    #[error("{0}: made by a newer kseg; apply it with that version")]
    Newer(String),
    /// A path that leads elsewhere, or to what a plan may not touch.
    #[error(
        "invalid path {0:?} in a plan: expected one or two names below the root; kseg's own files \
         and .lock are not allowed"
    )]
    Path(String),
    /// A path that is too deep for the root.
    #[error("{0}: too deep for the plan of one partition")]
    Depth(String),
    /// The root is no path that a journal can name.
    #[error("invalid root {0:?}: expected an absolute path without control characters")]
    Root(String),
    /// Text that does not show as what it is.
    #[error("{0:?}: control characters and direction marks are not allowed")]
    Text(String),
    /// Too many bytes in the document itself.
    #[error("{0} bytes of content are more than a plan may have")]
    Content(usize),
    /// No hexadecimal digits.
    #[error("expected an even number of hexadecimal digits")]
    Hex,
    /// Steps are not numbered from 1.
    #[error("found step {found}, expected step {expected}")]
    Number {
        /// The number there.
        found: u32,
        /// The number that it ought to have.
        expected: u32,
    },
    /// The safety of a step that contradicts its action.
    #[error("step {0}: expected manual safety for a describe step, and only for that")]
    Manual(u32),
    /// A proven step that gives something up.
    #[error("step {0}: loses records or knowledge, so it cannot be proven")]
    NotProven(u32),
    /// A grade without evidence, or with evidence of another kind.
    #[error("step {0}: {1}, but without the evidence for it")]
    Grade(u32, &'static str),
    /// Nothing says what a file was.
    #[error("step {step}: no fingerprint of {file}")]
    NoFingerprint {
        /// The step.
        step: u32,
        /// The file.
        file: String,
    },
    /// Two steps take a file for different things.
    #[error("{0} has two fingerprints that differ")]
    TwoFingerprints(String),
    /// The action cannot be applied to the item.
    #[error("step {step}: cannot {action} {file}, which is {is}")]
    Kind {
        /// The step.
        step: u32,
        /// The action.
        action: &'static str,
        /// The file.
        file: String,
        /// The kind of the item.
        is: String,
    },
    /// A range runs backwards or beyond the end of its file, or two of a file overlap.
    #[error("{file}: the ranges at {at} overlap, are reversed, or are beyond the end")]
    Range {
        /// The file.
        file: String,
        /// The range.
        at: u64,
    },
    /// No file of a replica, or one that two steps take for different things.
    #[error("{0:?} is not the .log file of a replica, or has two fingerprints that differ")]
    Replica(String),
    /// Two steps decide about the same file.
    #[error("{0}: changed by two steps")]
    Twice(String),
}
