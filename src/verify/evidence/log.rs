//! Evidence in the bytes of a `.log`.

use std::fmt;
use std::ops::Range;

/// A flipped bit that explains a wrong value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct FlippedBit {
    /// The position of its byte in the file.
    #[cfg_attr(feature = "serde", serde(rename = "flipped_position"))]
    pub position: u64,
    /// The number of the bit in the byte, 0 the lowest.
    #[cfg_attr(feature = "serde", serde(rename = "flipped_bit"))]
    pub bit: u8,
}

impl FlippedBit {
    /// The bit `bit` of a big-endian number of `width` bytes that is at `position`; bit 0 is
    /// the lowest.
    pub(crate) fn of_number(position: u64, width: u8, bit: u8) -> Self {
        let from_end = width.saturating_sub(1).saturating_sub(bit / 8);
        Self {
            position: position.saturating_add(from_end.into()),
            bit: bit % 8,
        }
    }

    /// The bit in which two values of such a number differ, if it is the only one.
    pub(crate) fn between(stored: i64, actual: i64, position: u64, width: u8) -> Option<Self> {
        let difference = (stored ^ actual).cast_unsigned();
        // The sign of a narrow number fills the bits above it.
        let bits = u32::from(width) * 8;
        let difference = difference & (u64::MAX >> 64_u32.saturating_sub(bits));
        let bit = u8::try_from(difference.trailing_zeros()).ok()?;
        difference
            .is_power_of_two()
            .then(|| Self::of_number(position, width, bit))
    }
}

impl FlippedBit {
    /// Returns the value of the bit in a big-endian number of `width` bytes at `position`; 0
    /// outside it.
    pub(crate) fn value(self, position: u64, width: u8) -> u64 {
        let from_end = position
            .checked_add(width.into())
            .and_then(|end| end.checked_sub(self.position)?.checked_sub(1));
        let shift = from_end.and_then(|bytes| u32::try_from(bytes.checked_mul(8)?).ok());
        let shift = shift.and_then(|shift| shift.checked_add(self.bit.into()));
        shift
            .and_then(|shift| 1_u64.checked_shl(shift))
            .unwrap_or(0)
    }
}

impl fmt::Display for FlippedBit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bit {} of byte {} is flipped", self.bit, self.position)
    }
}

/// A field of a batch or message header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Field {
    /// The first offset.
    BaseOffset,
    /// The bytes that follow the length.
    BatchLength,
    /// The term of the leader.
    LeaderEpoch,
    /// The version of the format.
    Magic,
    /// The checksum.
    Crc,
    /// The codec and other attributes.
    Attributes,
    /// The last offset, relative to the first one.
    LastOffsetDelta,
    /// The base timestamp of the records.
    BaseTimestamp,
    /// The largest timestamp.
    MaxTimestamp,
    /// The producer.
    ProducerId,
    /// The epoch of the producer.
    ProducerEpoch,
    /// The sequence number of the first record.
    BaseSequence,
    /// The number of records.
    RecordsCount,
    /// No field of the header: the records.
    Records,
}

impl Field {
    /// Its name, in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BaseOffset => "base offset",
            Self::BatchLength => "batch length",
            Self::LeaderEpoch => "leader epoch",
            Self::Magic => "magic",
            Self::Crc => "crc",
            Self::Attributes => "attributes",
            Self::LastOffsetDelta => "last offset delta",
            Self::BaseTimestamp => "base timestamp",
            Self::MaxTimestamp => "max timestamp",
            Self::ProducerId => "producer id",
            Self::ProducerEpoch => "producer epoch",
            Self::BaseSequence => "base sequence",
            Self::RecordsCount => "records count",
            Self::Records => "records",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A range of zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Zeros {
    /// Its position in the file.
    #[cfg_attr(feature = "serde", serde(rename = "zeros_from"))]
    pub from: u64,
    /// Its end.
    #[cfg_attr(feature = "serde", serde(rename = "zeros_to"))]
    pub to: u64,
}

impl From<Range<u64>> for Zeros {
    fn from(range: Range<u64>) -> Self {
        Self {
            from: range.start,
            to: range.end,
        }
    }
}

impl fmt::Display for Zeros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.to.saturating_sub(self.from);
        match bytes {
            1 => f.write_str("1 byte")?,
            _ if bytes >= 1024 && bytes.is_multiple_of(1024) => write!(f, "{} KiB", bytes / 1024)?,
            _ => write!(f, "{bytes} bytes")?,
        }
        write!(f, " of zeros at {}", self.from)
    }
}

/// A wrong checksum, and its explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Checksum {
    /// The stored value.
    pub stored: u32,
    /// The checksum of the bytes.
    pub actual: u32,
    /// The bit that explains the difference, which proves the original bytes.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub flip: Option<FlippedBit>,
    /// The field that the bit is in.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub field: Option<Field>,
    /// A range of zeros that a writer did not write.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub zeros: Option<Zeros>,
}

impl fmt::Display for Checksum {
    /// Writes the explanation after the title of a check.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.flip, self.field, self.zeros) {
            (Some(flip), Some(field), _) => write!(f, ": {flip} ({field})"),
            (Some(flip), None, _) => write!(f, ": {flip}"),
            (None, _, Some(zeros)) => write!(f, ": {zeros}"),
            (None, _, None) => Ok(()),
        }
    }
}

/// A field with a wrong value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct FieldValue {
    /// The field.
    pub field: Field,
    /// The stored value.
    pub stored: i64,
    /// The right value.
    pub actual: i64,
    /// The bit in which the two differ, if it is the only one.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub flip: Option<FlippedBit>,
}

impl fmt::Display for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (field, stored, actual) = (self.field, self.stored, self.actual);
        match field {
            Field::Magic => {
                write!(
                    f,
                    "magic {stored}, but the checksum of magic {actual} is right"
                )
            }
            Field::BatchLength => {
                write!(f, "batch length {stored}, but the batch has {actual} bytes")
            }
            _ => write!(f, "{field} {stored}, expected {actual}"),
        }
    }
}

/// An incomplete batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Torn {
    /// A range of zeros in it.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub zeros: Option<Zeros>,
}

/// A number that ascends along a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Number {
    /// Offsets.
    Offset,
    /// Leader epochs.
    Epoch,
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Offset => "offset",
            Self::Epoch => "leader epoch",
        })
    }
}

/// Batches whose numbers don't fit those around them: without them the numbers are in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Disorder {
    /// The kind of number.
    pub number: Number,
    /// The number of batches.
    pub batches: u64,
    /// The number that the first of them has.
    pub stored: i64,
    /// The last number before them; for offsets `None` before the first batch.
    pub before: Option<i64>,
    /// The first number after them.
    pub after: Option<i64>,
    /// The flipped bit that explains it.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub flip: Option<FlippedBit>,
    /// The number without that bit.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub actual: Option<i64>,
}

impl fmt::Display for Disorder {
    /// Writes the explanation after the title of a check.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.flip, self.batches) {
            (Some(flip), _) => write!(f, ": {flip}"),
            (None, 1) => Ok(()),
            (None, batches) => write!(f, "; {batches} batches in a row"),
        }
    }
}

/// A gap in the offsets that a flipped bit would explain, without proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SuspectedBit {
    /// The last offset before the gap.
    pub last_offset_before: i64,
    /// The bit.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub suspected: FlippedBit,
}

/// Batches of one leader epoch, and what `leader-epoch-checkpoint` has for their offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct EpochConflict {
    /// Their first offset.
    pub first: i64,
    /// Their last offset.
    pub last: i64,
    /// The epoch in the checkpoint; `None` before its first line.
    pub stored: Option<i32>,
    /// The epoch in the batches.
    pub actual: i32,
}

impl fmt::Display for EpochConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            first,
            last,
            actual,
            ..
        } = self;
        write!(f, "offsets {first}-{last} have leader epoch {actual}, ")?;
        match self.stored {
            Some(stored) => write!(f, "and the checkpoint has {stored} for them"),
            None => f.write_str("and the checkpoint has no epoch for them"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bit_in_which_two_numbers_differ_is_told_by_its_byte() {
        let flip = |stored, actual, width| {
            FlippedBit::between(stored, actual, 100, width).map(|flip| (flip.position, flip.bit))
        };
        assert_eq!(flip(5, 4, 8), Some((107, 0)));
        assert_eq!(flip(1 << 40, 0, 8), Some((102, 0)));
        assert_eq!(flip(i64::from(i32::MIN), 0, 4), Some((100, 7)));
        assert_eq!(flip(i64::MIN, 0, 8), Some((100, 7)));
        assert_eq!(flip(-126, 2, 1), Some((100, 7)));
        assert_eq!(flip(7, 4, 8), None);
        assert_eq!(flip(4, 4, 8), None);
    }

    #[test]
    fn zeros_are_told_in_units() {
        let zeros = |from, to| Zeros { from, to }.to_string();
        assert_eq!(zeros(520_192, 524_288), "4 KiB of zeros at 520192");
        assert_eq!(zeros(7, 8), "1 byte of zeros at 7");
        assert_eq!(zeros(0, 1500), "1500 bytes of zeros at 0");
    }
}
