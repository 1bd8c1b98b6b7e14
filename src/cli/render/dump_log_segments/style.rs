//! The output of Kafka's tool by release.

use kseg::wire::Release;

/// The newest release whose output is known, and the default.
pub(crate) const NEWEST: Release = Release::new(4, 3, 1);

/// The oldest release whose output is known.
pub(crate) const OLDEST: Release = Release::old(8, 0, 0);

/// The layout of lines in a release.
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
    /// The text before the base offset of a segment.
    pub(crate) heading: &'static str,
    /// True if `--print-data-log` implies `--deep-iteration`.
    pub(crate) data_implies_deep: bool,
    /// True if records show the producer's epoch (`Classic`).
    pub(crate) producer_epoch: bool,
    /// True if batches show their record count.
    pub(crate) count: bool,
    /// True if batches show if they are control batches.
    pub(crate) is_control: bool,
    /// True if batches show their delete horizon.
    pub(crate) delete_horizon: bool,
    /// The names of codecs.
    pub(crate) codecs: CodecNames,
    /// The newest magic that is known.
    pub(crate) newest_magic: i8,
    /// True if zstd is known.
    pub(crate) zstd: bool,
    /// True if messages show their timestamp (`Messages`).
    pub(crate) timestamps: bool,
    /// The handling of a compressed set inside a compressed set.
    pub(crate) nested: Nested,
    /// True if an impossible size ends the file, like zeros after it.
    pub(crate) ends_at_zeros: bool,
    /// True if files of other kinds are reported.
    pub(crate) tells_unknown_files: bool,
    /// True if a record without a value is marked.
    pub(crate) null_payload: bool,
    /// True if a record without a value hides its key.
    pub(crate) tombstones_hide_keys: bool,
    /// True if messages end in a brace without an opening one.
    pub(crate) stray_brace: bool,
    /// True if a record without a key is marked even if its metadata is left out.
    pub(crate) bar_without_key: bool,
    /// The style of reports of non-consecutive offsets.
    pub(crate) gaps: GapStyle,
}

/// The lines of a batch and its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// A line for each message; compressed sets are messages, or are opened with --deep-iteration
    /// (to 0.10.2).
    Messages,
    /// A line for each batch or for each record (0.11 to 2.1).
    Classic,
    /// Records below their batch (2.2 to 2.7).
    Indented,
    /// Records below their batch, each with the fields of the batch (2.8).
    Flooded,
    /// Records below their batch, field names in camel case (3.0 on).
    Current,
}

/// The names of codecs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodecNames {
    /// `GZIPCompressionCodec` (to 0.10.1).
    Class,
    /// `GZIP` (to 2.8).
    Upper,
    /// `gzip` (3.0 on).
    Lower,
}

/// The handling of a compressed set inside a compressed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nested {
    /// It is opened too (0.8).
    Opened,
    /// It is a message (to 0.10.1).
    Message,
    /// The tool stops (0.10.2 on).
    Breaks,
}

/// The style of reports of non-consecutive offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GapStyle {
    /// Newest first, from the second message on, with a heading misspelt (to 0.10.2).
    Misspelt,
    /// Newest first, from the second record on; the heading ends in a colon (to 2.2).
    Colon,
    /// Newest first, from the second record on (to 4.2).
    NewestFirst,
    /// By offset, each once, counting from offset 0 (4.3).
    Sorted,
}

impl Style {
    /// The style of `release`.
    pub(crate) fn of(release: Release) -> Self {
        let since = |major, minor, patch| release.since(Release::new(major, minor, patch));
        let old = |minor, patch, fix| release.since(Release::old(minor, patch, fix));
        Self {
            release,
            layout: match () {
                () if since(3, 0, 0) => Layout::Current,
                () if since(2, 8, 0) => Layout::Flooded,
                () if since(2, 2, 0) => Layout::Indented,
                () if old(11, 0, 0) => Layout::Classic,
                () => Layout::Messages,
            },
            heading: if since(3, 3, 0) {
                "Log starting offset: "
            } else {
                "Starting offset: "
            },
            data_implies_deep: since(1, 1, 0),
            producer_epoch: old(11, 0, 2),
            count: since(2, 0, 0),
            is_control: since(2, 0, 1),
            delete_horizon: since(3, 2, 0),
            codecs: match () {
                () if since(3, 0, 0) => CodecNames::Lower,
                () if old(10, 2, 0) => CodecNames::Upper,
                () => CodecNames::Class,
            },
            newest_magic: match () {
                () if old(11, 0, 0) => 2,
                () if old(10, 0, 0) => 1,
                () => 0,
            },
            zstd: since(2, 1, 0),
            timestamps: old(10, 1, 0),
            nested: match () {
                () if old(10, 2, 0) => Nested::Breaks,
                () if old(9, 0, 0) => Nested::Message,
                () => Nested::Opened,
            },
            ends_at_zeros: !old(10, 2, 0),
            tells_unknown_files: old(11, 0, 0),
            null_payload: !old(9, 0, 0),
            tombstones_hide_keys: old(9, 0, 0) && !since(2, 4, 0),
            stray_brace: since(3, 0, 0) && !since(4, 3, 0),
            bar_without_key: since(4, 3, 0),
            gaps: match () {
                () if since(4, 3, 0) => GapStyle::Sorted,
                () if since(2, 3, 0) => GapStyle::NewestFirst,
                () if old(11, 0, 0) => GapStyle::Colon,
                () => GapStyle::Misspelt,
            },
        }
    }
}
