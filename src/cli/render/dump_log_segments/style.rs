//! What Kafka's tool printed in which release.

use kseg::wire::Release;

/// The newest release whose output is known, and the default.
pub(crate) const NEWEST: Release = Release::new(4, 3, 1);

/// The oldest release whose output is known.
pub(crate) const OLDEST: Release = Release::old(11, 0, 0);

/// How a release lays its lines out.
#[derive(Debug, Clone, Copy)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one a difference between releases"
)]
pub(crate) struct Style {
    /// The release.
    pub(crate) release: Release,
    /// The lines of a batch and its records.
    pub(crate) layout: Layout,
    /// What comes before the base offset of a segment.
    pub(crate) heading: &'static str,
    /// Whether asking for the data implies asking for the records.
    pub(crate) data_implies_deep: bool,
    /// Whether records say the producer's epoch (`Classic`).
    pub(crate) producer_epoch: bool,
    /// Whether batches say how many records they hold.
    pub(crate) count: bool,
    /// Whether batches say whether they are control batches.
    pub(crate) is_control: bool,
    /// Whether batches say their delete horizon.
    pub(crate) delete_horizon: bool,
    /// Whether the names of codecs are in upper case.
    pub(crate) upper_case_codecs: bool,
    /// Whether zstd is known.
    pub(crate) zstd: bool,
    /// Whether a record without a value hides its key.
    pub(crate) tombstones_hide_keys: bool,
    /// Whether messages end in a brace that nothing opened.
    pub(crate) stray_brace: bool,
    /// Whether a record without a key is still marked as one where its metadata is left out.
    pub(crate) bar_without_key: bool,
    /// How offsets that do not follow each other are told.
    pub(crate) gaps: GapStyle,
}

/// The lines of a batch and its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Either a line a batch or a line a record (0.11 to 2.1).
    Classic,
    /// Records below their batch (2.2 to 2.7).
    Indented,
    /// Records below their batch, whose fields each of them repeats (2.8).
    Flooded,
    /// Records below their batch, field names in camel case (3.0 on).
    Current,
}

/// How offsets that do not follow each other are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GapStyle {
    /// Newest first, from the second record on; the heading ends in a colon (to 2.2).
    OldestHeading,
    /// Newest first, from the second record on (to 4.2).
    NewestFirst,
    /// By offset, each once, counting from offset 0 (4.3).
    Sorted,
}

impl Style {
    /// The style of `release`.
    pub(crate) fn of(release: Release) -> Self {
        let since = |major, minor, patch| release.since(Release::new(major, minor, patch));
        Self {
            release,
            layout: match () {
                () if since(3, 0, 0) => Layout::Current,
                () if since(2, 8, 0) => Layout::Flooded,
                () if since(2, 2, 0) => Layout::Indented,
                () => Layout::Classic,
            },
            heading: if since(3, 3, 0) {
                "Log starting offset: "
            } else {
                "Starting offset: "
            },
            data_implies_deep: since(1, 1, 0),
            producer_epoch: release.since(Release::old(11, 0, 2)),
            count: since(2, 0, 0),
            is_control: since(2, 0, 1),
            delete_horizon: since(3, 2, 0),
            upper_case_codecs: !since(3, 0, 0),
            zstd: since(2, 1, 0),
            tombstones_hide_keys: !since(2, 4, 0),
            stray_brace: since(3, 0, 0) && !since(4, 3, 0),
            bar_without_key: since(4, 3, 0),
            gaps: match () {
                () if since(4, 3, 0) => GapStyle::Sorted,
                () if since(2, 3, 0) => GapStyle::NewestFirst,
                () => GapStyle::OldestHeading,
            },
        }
    }
}
