//! The context of a segment, and the findings that it excuses.

use super::catalog::Severity;
use super::finding::Finding;
use crate::format::name::DirState;

/// The kind of shutdown of a log dir.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// Clean: the marker exists, and nothing is recovered at the next start.
    Clean,
    /// Unclean: killed, copied while it ran, or unknown. Segments that were not flushed are
    /// recovered at the next start.
    Unclean,
    /// The broker runs.
    Live,
}

/// The context of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) stop: Stop,
    /// The state of the partition.
    pub(super) state: DirState,
    /// True if no segment of the partition has a higher base offset.
    pub(super) is_last: bool,
    /// True if the partition is the metadata log.
    pub(super) is_metadata: bool,
}

impl Setting {
    /// An unknown context: the segment may be the last one of a broker that was killed.
    pub(super) const fn unknown() -> Self {
        Self {
            stop: Stop::Unclean,
            state: DirState::Current,
            is_last: true,
            is_metadata: false,
        }
    }

    /// Returns true if the indexes of the segment may end in preallocated space. A clean shutdown
    /// does not trim those of partitions that are stray or about to be deleted, nor, since 4.4,
    /// those of the metadata log, which every start recovers.
    pub(super) fn may_be_preallocated(self) -> bool {
        let is_closed = self.stop == Stop::Clean;
        let is_left_alone = matches!(self.state, DirState::Delete | DirState::Stray);
        self.is_last && (!is_closed || is_left_alone || self.is_metadata)
    }

    /// Returns true if the next start recovers the segment and rebuilds its indexes.
    pub(super) fn is_recovered(self) -> bool {
        self.is_last && self.stop != Stop::Clean
    }

    /// Lowers the severity of a contradiction in a derived file: a file that a broker rebuilds is a
    /// warning, and one that a running broker writes is a note.
    pub(super) fn soften(self, finding: Finding) -> Finding {
        let most = match (self.is_recovered(), self.stop) {
            (false, _) => Severity::Error,
            (true, Stop::Live) => Severity::Note,
            (true, _) => Severity::Warning,
        };
        let severity = finding.severity.min(most);
        finding.severity(severity)
    }
}
