//! The releases that can be simulated, and their differences.
//!
//! | release | source followed | confirmed with real brokers |
//! |---|---|---|
//! | 2.8 | the tag 2.8.2, with `ZooKeeper` | 2.8.2, recorded starts |
//! | 3.0 – 3.8 | the tags, by the differences to 3.9 | see the guide |
//! | 3.9 | the tag 3.9.0 | 3.9.1, recorded starts |
//! | 4.0 – 4.4 | trunk of October 2024, later changes by their pull requests | 4.3.1, recorded starts; see the guide |

use std::fmt;
use std::str::FromStr;

use crate::wire::Release;

/// A Kafka release that can be simulated, patch releases included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kafka {
    major: u8,
    minor: u8,
}

impl Default for Kafka {
    fn default() -> Self {
        Self::V4_3
    }
}

impl Kafka {
    /// 2.8, with `ZooKeeper`.
    pub const V2_8: Self = Self::new(2, 8);
    /// 3.0.
    pub const V3_0: Self = Self::new(3, 0);
    /// 3.9, the last release with `ZooKeeper`; it is simulated without.
    pub const V3_9: Self = Self::new(3, 9);
    /// 4.0.
    pub const V4_0: Self = Self::new(4, 0);
    /// 4.3.
    pub const V4_3: Self = Self::new(4, 3);
    /// 4.4.
    pub const V4_4: Self = Self::new(4, 4);

    /// All of them, oldest first.
    pub const ALL: [Self; 16] = [
        Self::V2_8,
        Self::V3_0,
        Self::new(3, 1),
        Self::new(3, 2),
        Self::new(3, 3),
        Self::new(3, 4),
        Self::new(3, 5),
        Self::new(3, 6),
        Self::new(3, 7),
        Self::new(3, 8),
        Self::V3_9,
        Self::V4_0,
        Self::new(4, 1),
        Self::new(4, 2),
        Self::V4_3,
        Self::V4_4,
    ];

    const fn new(major: u8, minor: u8) -> Self {
        Self { major, minor }
    }

    fn since(self, major: u8, minor: u8) -> bool {
        self >= Self::new(major, minor)
    }

    /// Returns true if the broker is treated as a node without `ZooKeeper`.
    #[must_use]
    pub fn is_kraft(self) -> bool {
        self.since(3, 0)
    }

    /// Returns true if log dirs have directory ids, and go offline without one (KIP-858).
    pub(super) fn has_directory_ids(self) -> bool {
        self.since(3, 7)
    }

    /// Returns true if a partition unknown to the cluster stays in a folder `-stray`; before, its
    /// folder was deleted.
    pub(super) fn keeps_strays(self) -> bool {
        self.since(3, 7)
    }

    /// Returns true if it accepts a folder `-stray`, as 3.6.2 does and 3.3.2 does not.
    pub(super) fn knows_strays(self) -> bool {
        self.since(3, 6)
    }

    /// Returns true if a node without `ZooKeeper` accepts a `meta.properties` of version 0, as
    /// 3.6.2 does and 3.3.2 does not.
    pub(super) fn takes_old_meta(self) -> bool {
        self.since(3, 6)
    }

    /// Returns true if the first retention check can be set to another time than 30 s after the
    /// start.
    pub(super) fn delays_first_check(self) -> bool {
        self.since(3, 7)
    }

    /// Returns true if `remote-log-index-cache` may be in a log dir.
    pub(super) fn has_index_cache(self) -> bool {
        self.since(3, 5)
    }

    /// Returns true if a corrupt file that is read while a partition is opened takes the log dir
    /// offline; before 3.3 the broker did not start.
    pub(super) fn spares_the_broker(self) -> bool {
        self.since(3, 3)
    }

    /// Returns true if an I/O error during recovery empties the segment, as `LogLoader` does since
    /// it is written in Java.
    pub(super) fn wipes_on_io_errors(self) -> bool {
        self.since(4, 0)
    }

    /// Returns true if offsets are searched by base offset first, which decompresses messages of
    /// magic 0 and 1.
    pub(super) fn seeks_by_base_offset(self) -> bool {
        self.since(4, 1)
    }

    /// Returns true if a transaction may begin outside the log; older brokers fail then.
    pub(super) fn forgives_lost_transactions(self) -> bool {
        self.since(3, 0)
    }

    /// Returns true if swap files are renamed unchanged; before 3.0 they were recovered first.
    pub(super) fn renames_swaps(self) -> bool {
        self.since(3, 0)
    }

    /// Returns true if an invalid number is another kind of error than a malformed line.
    pub(super) fn tells_numbers_apart(self) -> bool {
        self.since(3, 1)
    }

    /// Returns true if producers expire by a setting of their own (KIP-854).
    pub(super) fn forgets_producers_by_id(self) -> bool {
        self.since(3, 4)
    }

    /// Returns true if segments beyond the size limit are searched before old ones.
    #[must_use]
    pub fn retains_by_size_first(self) -> bool {
        self.since(3, 0)
    }

    /// The minimum of `segment.bytes` (KIP-1030).
    pub(super) fn least_segment_bytes(self) -> i64 {
        if self.since(4, 0) { 1 << 20 } else { 14 }
    }

    /// The levels of `metadata.version` that the release runs with; none with `ZooKeeper`.
    ///
    /// # References
    /// `MetadataVersion`: the numbers of its enum, and `LATEST_PRODUCTION`.
    #[must_use]
    pub fn metadata_versions(self) -> Option<(i16, i16)> {
        let newest = match (self.major, self.minor) {
            (3, 0) => 1,
            (3, 1) => 2,
            (3, 2) => 3,
            (3, 3) => 7,
            (3, 4) => 8,
            (3, 5) => 11,
            (3, 6) => 14,
            (3, 7) => 19,
            (3, 8) => 20,
            (3, 9) => 21,
            (4, 0) => 25,
            (4, 1) => 27,
            (4, 2) => 29,
            (4, 3) => 30,
            (4, 4) => 33,
            _ => return None,
        };
        // KIP-1124: 4.0 removed everything before 3.3-IV3.
        Some((if self.since(4, 0) { 7 } else { 1 }, newest))
    }

    /// The newest level of another feature that the release runs with; 0 if it does not know the
    /// feature.
    ///
    /// # References
    /// `Feature` (`Features` in 3.8 and 3.9).
    #[must_use]
    pub fn newest_level(self, feature: &str) -> i16 {
        match feature {
            "kraft.version" if self.since(3, 9) => 1,
            "transaction.version" if self.since(4, 0) => 2,
            "group.version" | "eligible.leader.replicas.version" if self.since(4, 0) => 1,
            "share.version" if self.since(4, 4) => 2,
            "share.version" if self.since(4, 1) => 1,
            "streams.version" if self.since(4, 2) => 1,
            _ => 0,
        }
    }
}

impl fmt::Display for Kafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Kafka {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Not a release that can be simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotKnown;

impl fmt::Display for NotKnown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected 2.8, 3.0 to 3.9 or 4.0 to 4.4")
    }
}

impl std::error::Error for NotKnown {}

impl FromStr for Kafka {
    type Err = NotKnown;

    /// Parses the name, or that of a patch release: `3.9.1`.
    fn from_str(text: &str) -> Result<Self, NotKnown> {
        let release: Release = text.parse().map_err(|_| NotKnown)?;
        let name = release.to_string();
        Self::ALL
            .into_iter()
            .find(|kafka| {
                name.strip_prefix(&kafka.to_string())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
            .ok_or(NotKnown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_stands_for_its_branch() {
        assert_eq!("4.3".parse(), Ok(Kafka::V4_3));
        assert_eq!("2.8.2".parse(), Ok(Kafka::V2_8));
        assert_eq!("4.4.0".parse(), Ok(Kafka::V4_4));
        for text in ["", "4", "4.30", "3.10", "2.7.2", "4.5", "x"] {
            assert_eq!(text.parse::<Kafka>(), Err(NotKnown), "{text}");
        }
    }

    #[test]
    fn levels_of_features_never_go_back() {
        let newest = |kafka: Kafka| kafka.metadata_versions().map(|(_, newest)| newest);
        assert!(Kafka::ALL.is_sorted_by_key(|&kafka| newest(kafka)));
        assert!(Kafka::ALL.is_sorted_by_key(|kafka| kafka.newest_level("share.version")));
    }
}
