//! Control records, which Kafka writes into a log for itself.
//!
//! The key:
//!
//! | offset | size | name | meaning |
//! |---|---|---|---|
//! | 0 | 2 | version | 0 |
//! | 2 | 2 | type | [`ControlType`] |
//!
//! The value of a transaction marker:
//!
//! | offset | size | name | meaning |
//! |---|---|---|---|
//! | 0 | 2 | version | 0 |
//! | 2 | 4 | coordinator epoch | term of the transaction coordinator |
//!
//! The values of `KRaft`'s records are messages of the schema language.
//!
//! Source: `ControlRecordType`, `EndTransactionMarker`.

use nom::Parser;
use nom::number::complete::{be_i16, be_i32};

use super::fault::{ControlRecordFault, Fault};

/// The type of a control record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ControlType {
    /// The producer's transaction is aborted.
    Abort,
    /// The producer's transaction is committed.
    Commit,
    /// A `KRaft` leader took office.
    LeaderChange,
    /// A `KRaft` snapshot begins.
    SnapshotHeader,
    /// A `KRaft` snapshot ends.
    SnapshotFooter,
    /// The version of the `KRaft` protocol in force.
    KraftVersion,
    /// The voters of the `KRaft` quorum.
    KraftVoters,
    /// A type that no release of Kafka has, by its number.
    Unknown(i16),
}

impl ControlType {
    /// Reads the key of a control record.
    ///
    /// # Errors
    /// The key is missing or too short, or its version is negative.
    pub fn parse(key: Option<&[u8]>) -> Result<Self, Fault> {
        let key = key.ok_or(Fault::new(ControlRecordFault::Key, 0))?;
        let (_, (version, id)) = words(key).map_err(|()| Fault::new(ControlRecordFault::Key, 0))?;
        if version < 0 {
            return Err(Fault::new(ControlRecordFault::Version(version), 0));
        }
        Ok(match id {
            0 => Self::Abort,
            1 => Self::Commit,
            2 => Self::LeaderChange,
            3 => Self::SnapshotHeader,
            4 => Self::SnapshotFooter,
            5 => Self::KraftVersion,
            6 => Self::KraftVoters,
            other => Self::Unknown(other),
        })
    }

    /// The number of the type.
    #[must_use]
    pub const fn id(self) -> i16 {
        match self {
            Self::Abort => 0,
            Self::Commit => 1,
            Self::LeaderChange => 2,
            Self::SnapshotHeader => 3,
            Self::SnapshotFooter => 4,
            Self::KraftVersion => 5,
            Self::KraftVoters => 6,
            Self::Unknown(id) => id,
        }
    }

    /// A name for people and machines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Abort => "abort",
            Self::Commit => "commit",
            Self::LeaderChange => "leader-change",
            Self::SnapshotHeader => "snapshot-header",
            Self::SnapshotFooter => "snapshot-footer",
            Self::KraftVersion => "kraft-version",
            Self::KraftVoters => "kraft-voters",
            Self::Unknown(_) => "unknown-control",
        }
    }
}

/// The minimum size of the value of a transaction marker.
pub const MARKER_BYTES: usize = 6;

/// The coordinator epoch in the value of a transaction marker.
///
/// # Errors
/// The value is missing or too short, or its version is negative.
pub fn coordinator_epoch(value: Option<&[u8]>) -> Result<i32, Fault> {
    let wrong = Fault::new(ControlRecordFault::Value, 0);
    let (version, epoch) = marker(value.ok_or(wrong)?).map_err(|()| wrong)?;
    if version < 0 {
        return Err(Fault::new(ControlRecordFault::Version(version), 0));
    }
    Ok(epoch)
}

fn words(key: &[u8]) -> Result<(&[u8], (i16, i16)), ()> {
    (be_i16::<_, nom::error::Error<&[u8]>>, be_i16)
        .parse(key)
        .map_err(|_| ())
}

fn marker(value: &[u8]) -> Result<(i16, i32), ()> {
    let parsed = (be_i16::<_, nom::error::Error<&[u8]>>, be_i32).parse(value);
    parsed.map(|(_, fields)| fields).map_err(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::FaultKind;

    #[test]
    fn keys_are_read_whatever_follows_them() {
        assert_eq!(
            ControlType::parse(Some(&[0, 0, 0, 1])),
            Ok(ControlType::Commit)
        );
        assert_eq!(
            ControlType::parse(Some(&[0, 5, 0, 0, 9])),
            Ok(ControlType::Abort)
        );
        assert_eq!(
            ControlType::parse(Some(&[0, 0, 0xff, 0xfe])),
            Ok(ControlType::Unknown(-2))
        );
        for key in [None, Some(&[0, 0, 0][..])] {
            assert_eq!(
                ControlType::parse(key).unwrap_err().kind(),
                FaultKind::Control(ControlRecordFault::Key)
            );
        }
        let negative = ControlType::parse(Some(&[0xff, 0xff, 0, 0])).unwrap_err();
        assert_eq!(
            negative.kind(),
            FaultKind::Control(ControlRecordFault::Version(-1))
        );
    }

    #[test]
    fn the_marker_needs_six_bytes() {
        assert_eq!(coordinator_epoch(Some(&[0, 0, 0, 0, 0, 3, 9])), Ok(3));
        assert!(coordinator_epoch(Some(&[0, 0, 0, 0, 0])).is_err());
        assert!(coordinator_epoch(None).is_err());
        assert!(coordinator_epoch(Some(&[0x80, 0, 0, 0, 0, 3])).is_err());
    }
}
