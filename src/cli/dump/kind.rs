//! The kind of a file, by its name.

use kseg::format::name;
use kseg::wire::Release;

/// The kinds of files that are dumped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DumpedKind {
    /// `.log`
    Log,
    /// `.checkpoint`: a snapshot of `KRaft`, which has the format of a `.log`.
    Checkpoint,
    /// `.index`
    OffsetIndex,
    /// `.timeindex`
    TimeIndex,
    /// `.txnindex`
    TxnIndex,
    /// `.snapshot`
    Producers,
}

impl DumpedKind {
    /// Returns the kind of the file `name` for the release; `None` if it does not know it.
    pub(super) fn of(name: &str, release: Release) -> Option<Self> {
        let (kind, since) = match name::suffix(name)? {
            name::LOG_SUFFIX => (Self::Log, Release::old(8, 0, 0)),
            name::OFFSET_INDEX_SUFFIX => (Self::OffsetIndex, Release::old(8, 0, 0)),
            name::TIME_INDEX_SUFFIX => (Self::TimeIndex, Release::old(10, 1, 0)),
            name::TXN_INDEX_SUFFIX => (Self::TxnIndex, Release::old(11, 0, 0)),
            name::PRODUCER_SNAPSHOT_SUFFIX => (Self::Producers, Release::old(11, 0, 0)),
            name::CHECKPOINT_SUFFIX => (Self::Checkpoint, Release::new(3, 3, 0)),
            _ => return None,
        };
        release.since(since).then_some(kind)
    }
}
