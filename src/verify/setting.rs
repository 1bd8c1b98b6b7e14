//! What surrounds a segment, and what it excuses.

use super::catalog::Severity;
use super::finding::Finding;
use crate::format::name::DirState;

/// The kind of shutdown of a log dir.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// In order: the marker is there, and nothing is recovered at the next start.
    Clean,
    /// Killed, or copied while it ran; or no one knows. What was not flushed is recovered at the
    /// next start.
    Unclean,
    /// It runs.
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
    /// Nothing is known: the segment may be the last one of a broker that was killed.
    pub(super) const fn unknown() -> Self {
        Self {
            stop: Stop::Unclean,
            state: DirState::Current,
            is_last: true,
            is_metadata: false,
        }
    }

    /// Returns true if the indexes of the segment may have room that was not written to yet. A
    /// clean stop does not trim those of partitions that are stray or about to be deleted, nor,
    /// since 4.4, those of the metadata log, which every start recovers.
    pub(super) fn may_be_preallocated(self) -> bool {
        let is_closed = self.stop == Stop::Clean;
        let is_left_alone = matches!(self.state, DirState::Delete | DirState::Stray);
        self.is_last && (!is_closed || is_left_alone || self.is_metadata)
    }

    /// Returns true if the next start reads the segment and writes its indexes again.
    pub(super) fn is_recovered(self) -> bool {
        self.is_last && self.stop != Stop::Clean
    }

    /// A contradiction in a derived file, as bad as it is here: what a broker rebuilds is no error,
    /// and what a running one is writing is none.
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
