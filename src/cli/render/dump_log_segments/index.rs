//! The lines of index files, and how each release reads them.

use kseg::format::offset_index::OffsetEntry;
use kseg::format::time_index::TimeEntry;
use kseg::format::txn_index::AbortedTxn;
use kseg::wire::Release;

use crate::cli::render::Push;

/// The way in which a release reads index files.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one a difference between releases"
)]
pub(crate) struct IndexStyle {
    /// True if an empty `.index` is reported.
    pub(crate) tells_empty: bool,
    /// True if an offset index is compared with the first record instead of the last offset of the
    /// batch, and the zeros after its end are noticed only after that comparison.
    pub(crate) first_record: bool,
    /// True if an index that ends with the base offset is corrupt too.
    pub(crate) last_above_base: bool,
    /// True if a position beyond the end of the log is an empty log instead of an error.
    pub(crate) beyond_is_empty: bool,
    /// True if offsets are looked up by binary search in all entries at once.
    pub(crate) cold_lookup: bool,
    /// True if impossible sizes end the log instead of being an error.
    pub(crate) small_sizes_end: bool,
    /// True if compressed sets inside compressed sets can be read.
    pub(crate) nested: bool,
    /// The newest magic that is known.
    pub(crate) newest_magic: i8,
    /// True if the log is read to its end for each entry of a time index.
    pub(crate) reads_to_end: bool,
}

impl IndexStyle {
    /// The style of `release`.
    pub(crate) fn of(release: Release) -> Self {
        let since = |major, minor| release.since(Release::new(major, minor, 0));
        Self {
            tells_empty: since(2, 8),
            first_record: !since(2, 3),
            last_above_base: !since(2, 0),
            beyond_is_empty: !since(2, 1),
            cold_lookup: !since(2, 1),
            small_sizes_end: !release.since(Release::old(10, 2, 0)),
            nested: !release.since(Release::old(10, 2, 0)),
            newest_magic: match () {
                () if release.since(Release::old(11, 0, 0)) => i8::MAX,
                () if release.since(Release::old(10, 0, 0)) => 1,
                () => 0,
            },
            reads_to_end: since(4, 3),
        }
    }
}

/// The line of an entry of a `.index`.
pub(crate) fn push_offset(line: &mut Vec<u8>, entry: OffsetEntry) {
    line.text("offset: ")
        .int(entry.offset.get())
        .text(" position: ")
        .int(entry.position)
        .text("\n");
}

/// The line of an entry of a `.timeindex`.
pub(crate) fn push_time(line: &mut Vec<u8>, entry: TimeEntry) {
    line.text("timestamp: ")
        .int(entry.timestamp.get())
        .text(" offset: ")
        .int(entry.offset.get())
        .text("\n");
}

/// The line of an entry of a `.txnindex`.
pub(crate) fn push_txn(line: &mut Vec<u8>, txn: AbortedTxn<'_>) {
    line.text("version: ")
        .int(txn.version_byte())
        .text(" producerId: ")
        .int(txn.producer_id().get())
        .text(" firstOffset: ")
        .int(txn.first_offset().get())
        .text(" lastOffset: ")
        .int(txn.last_offset().get())
        .text(" lastStableOffset: ")
        .int(txn.last_stable_offset().get())
        .text("\n");
}
