//! Why a plan makes no sense, whatever is on the disk.

/// A plan that is refused for what it says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsound {
    /// A document of something else.
    #[error("{0:?} is no schema of a plan; kseg.plan/2 is")]
    Schema(String),
    /// A later version of plans.
    #[error("{0}: made by a newer kseg, whose plans this one cannot carry out")]
    Newer(String),
    /// A path that leads elsewhere, or to what a plan may not touch.
    #[error(
        "{0:?} is no path of a plan: it takes one or two names below the root, not of kseg's own files, not .lock"
    )]
    Path(String),
    /// A path that is too deep for the root.
    #[error("{0} lies deeper than a plan of one partition goes")]
    Depth(String),
    /// The root is no path that a journal can name.
    #[error("the root {0:?} is no absolute path without control characters")]
    Root(String),
    /// Text that does not show as what it is.
    #[error("{0:?} has control characters or marks that change the direction of text")]
    Text(String),
    /// Too many bytes in the document itself.
    #[error("{0} bytes of content are too many for a plan")]
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
    /// What the safety says is not what the action does.
    #[error("step {0}: a step that only describes is manual, and no other is")]
    Manual(u32),
    /// A proven step that gives something up.
    #[error("step {0}: it gives records or knowledge up, so it is not proven")]
    NotProven(u32),
    /// A grade without what speaks for it, or with what cannot.
    #[error("step {0}: nothing in it makes it {1}")]
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
    /// What is there is nothing that the action can be done to.
    #[error("step {step}: {action} of {file}, which is {is}")]
    Kind {
        /// The step.
        step: u32,
        /// The action.
        action: &'static str,
        /// The file.
        file: String,
        /// What it is.
        is: String,
    },
    /// A range runs backwards or beyond the end of its file, or two of a file overlap.
    #[error("{file}: the ranges at {at} overlap, run backwards or lie beyond the end")]
    Range {
        /// The file.
        file: String,
        /// Where.
        at: u64,
    },
    /// No file of a replica, or one that two steps take for different things.
    #[error("{0:?} is not the .log file of a replica, or has two fingerprints that differ")]
    Replica(String),
    /// Two steps decide about the same file.
    #[error("{0}: two steps say what it becomes")]
    Twice(String),
}
