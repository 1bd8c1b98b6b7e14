//! `__share_group_state`: the progress of share groups in each partition.
//!
//! # References
//! `ShareCoordinatorRecordSerde`; KIP-932.

use std::borrow::Cow;

use super::{Entry, SchemaFamily};
use crate::wire::Uuid;

/// The partition of a share group that a record is about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SharePartition<'buf> {
    /// The group.
    pub group: Cow<'buf, str>,
    /// The id of the topic.
    pub topic_id: Uuid,
    /// The partition.
    pub partition: i32,
}

impl<'buf> SharePartition<'buf> {
    /// Returns the partition that a record is about; `None` if the record is of another kind or
    /// cannot be read.
    #[must_use]
    pub fn of(entry: &Entry<'buf>) -> Option<Self> {
        let key = entry.key.decoded()?;
        if key.message.family() != SchemaFamily::ShareGroupState {
            return None;
        }
        Some(Self {
            group: key.body.text("groupId")?,
            topic_id: *key.body.uuid("topicId")?,
            partition: key.body.number("partition")?,
        })
    }
}

/// Returns the delivery state of a batch of records in a share group.
#[must_use]
pub fn delivery_state(id: i64) -> Option<&'static str> {
    Some(match id {
        0 => "Available",
        2 => "Acknowledged",
        4 => "Archived",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Decoder, hex};

    #[test]
    fn a_record_says_which_partition_it_is_about() {
        let key = hex("0001 0002 7367 523e709ff16a4d78ab1004af559458d7 00000003");
        let entry = Decoder::ShareState.decode(Some(&key), None);
        let partition = SharePartition::of(&entry).unwrap();
        assert_eq!((&*partition.group, partition.partition), ("sg", 3));
        assert_eq!(
            SharePartition::of(&Decoder::Offsets.decode(Some(&key), None)),
            None
        );
        assert_eq!(delivery_state(2), Some("Acknowledged"));
        assert_eq!(delivery_state(1), None);
    }
}
