//! What is told of a gap: which check, what is lost, what a broker does, how to step over it.

use std::ops::Range;

use super::batch::Info;
use super::catalog::{CheckId, Fix};
use super::coverage::Coverage;
use super::damage::{Claim, Kind, Part, is_torn};
use super::finding::{Finding, Findings};
use super::segment::Subject;
use crate::format::batch::HEADER_BYTES;
use crate::format::layout::frame as layout;

/// A preallocated file has a size that is a multiple of one of these: segment sizes are round, and what was lost is not.
const ROUND_BYTES: [u64; 2] = [1024, 1000];

/// A gap between good batches, or behind the last one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gap<'a> {
    pub(super) subject: &'a Subject,
    pub(super) len_bytes: u64,
    pub(super) last: Option<&'a Info>,
    pub(super) next: Option<&'a Info>,
}

impl Gap<'_> {
    /// A finding a part.
    pub(super) fn tell(&self, parts: &[Part], findings: &mut Findings, coverage: &mut Coverage) {
        let claims: Vec<Option<Claim>> = parts.iter().map(|part| self.claim(part)).collect();
        let claimed: i64 = claims
            .iter()
            .flatten()
            .filter_map(|claim| claim.records)
            .sum();
        for (part, claim) in parts.iter().zip(claims) {
            let check = self.check(part);
            let bytes = part.range.end - part.range.start;
            match check {
                CheckId::PreallocatedTail => coverage.padding_bytes += bytes,
                CheckId::TailInMotion => coverage.unknown_bytes += bytes,
                _ => coverage.damage_bytes += bytes,
            }
            let finding = Finding::new(check, &self.subject.path).at(part.range.start, bytes);
            let lost = || {
                self.last
                    .filter(|_| part.zeros.is_some())
                    .map(|last| last.last.saturating_add(1))
            };
            let finding = match claim.map(|claim| claim.base).or_else(lost) {
                Some(offset) => finding.offset(offset),
                None => finding,
            };
            let finding = explain(finding, part);
            let finding = self.surround(finding, claim, claimed);
            findings.add(self.consequences(finding, &part.range, claim));
        }
    }

    /// What the header of a part says, if it fits between the good batches.
    fn claim(&self, part: &Part) -> Option<Claim> {
        // Zeros in a header say nothing, and what they leave of it does not say how much they took.
        let header = part.range.start..part.range.start + HEADER_BYTES as u64;
        if part
            .zeros
            .as_ref()
            .is_some_and(|zeros| zeros.start < header.end && header.start < zeros.end)
        {
            return None;
        }
        let before = self.next.filter(|next| next.is_whole).map(|next| next.base);
        // Before the first batch its segment's name says what offsets can be.
        let base = self.subject.base_offset;
        let named = base.map(|base| base.0.saturating_sub(1));
        let after = self.last.map(|last| last.last).or(named);
        Claim::read(&part.head, after, before)
    }

    /// Whether nothing good follows.
    fn is_tail(&self) -> bool {
        self.next.is_none()
    }

    /// Whether the file may be a preallocated one.
    fn is_round(&self) -> bool {
        let mut sizes = ROUND_BYTES.iter();
        sizes.any(|size| self.len_bytes.is_multiple_of(*size))
    }

    fn check(&self, part: &Part) -> CheckId {
        let is_at_end = self.is_tail() && part.range.end >= self.len_bytes;
        let (is_last, is_live) = (self.subject.is_last, self.subject.is_live);
        match part.kind {
            _ if is_at_end && is_last && is_live => CheckId::TailInMotion,
            Kind::Crc { .. } => CheckId::CrcMismatch,
            Kind::Length { .. } => CheckId::FrameSize,
            Kind::Magic { .. } => CheckId::UnknownMagic,
            Kind::Zeros if is_at_end && is_last && self.is_round() => CheckId::PreallocatedTail,
            Kind::Zeros if is_at_end => CheckId::ZeroTail,
            Kind::Zeros => CheckId::ZeroPages,
            Kind::Rest if is_at_end => {
                let left = part.range.end - part.range.start;
                if is_torn(&part.head, left, self.last.map(|last| last.last)) {
                    CheckId::TruncatedTail
                } else {
                    CheckId::GarbageTail
                }
            }
            Kind::Rest if part.zeros.is_some() => CheckId::ZeroPages,
            Kind::Rest => CheckId::LostFrames,
        }
    }

    /// The good batches around it, and what is lost between them.
    fn surround(&self, finding: Finding, claim: Option<Claim>, claimed: i64) -> Finding {
        let mut finding = finding;
        if let Some(last) = self.last {
            finding = finding.with("last_offset_before", last.last);
        }
        if let Some(next) = self.next {
            finding = finding.with("next_offset_after", next.base);
        }
        let between = self.last.zip(self.next).map(|(last, next)| {
            let offsets = next.base.saturating_sub(last.last).saturating_sub(1);
            offsets.saturating_sub(claimed).max(0)
        });
        let is_lost = !matches!(
            finding.check,
            CheckId::PreallocatedTail | CheckId::TailInMotion
        );
        finding = match (claim.and_then(|claim| claim.records), between) {
            (Some(records), _) if is_lost => finding.with("records_lost", records),
            (None, Some(records)) if is_lost => finding.with("records_lost_at_most", records),
            _ => finding,
        };
        let around = self.last.zip(self.next);
        let around = around.map(|(last, next)| (last.max_timestamp, next.max_timestamp));
        match claim.and_then(|claim| claim.times).or(around) {
            Some((from, to)) => finding.with("from_ms", from).with("to_ms", to),
            None => finding,
        }
    }

    /// What a broker does, and how a consumer gets past it.
    fn consequences(&self, finding: Finding, range: &Range<u64>, claim: Option<Claim>) -> Finding {
        let behind = self.len_bytes.saturating_sub(range.end);
        let start = range.start;
        let broker = match finding.check {
            CheckId::TailInMotion => "it is writing here".to_owned(),
            CheckId::PreallocatedTail => {
                format!("after an unclean stop it cuts the file at {start}")
            }
            _ if behind == 0 && !self.subject.is_last => format!(
                "nobody can read this; after an unclean stop it cuts the file at {start} and deletes the segments behind this one"
            ),
            _ if behind == 0 => format!(
                "after an unclean stop it cuts the file at {start}; after a clean one it appends behind these bytes, where nobody can read"
            ),
            _ => format!(
                "a fetch that reaches this fails; after an unclean stop it cuts the file at {start} and loses the {behind} bytes behind this too"
            ),
        };
        let finding = finding.with("broker", broker);
        let behind_claim = claim.and_then(|claim| claim.last.checked_add(1));
        let Some(offset) = behind_claim
            .filter(|_| !self.is_tail())
            .or(self.next.map(|next| next.base))
        else {
            return finding;
        };
        let topic = self.subject.topic.as_deref().unwrap_or("TOPIC");
        let partition = self
            .subject
            .partition
            .map_or("PARTITION".into(), |number| number.to_string());
        finding.with(
            "step_over",
            format!(
                "kafka-consumer-groups.sh --bootstrap-server HOST:9092 --group GROUP --topic {topic}:{partition} --reset-offsets --to-offset {offset} --execute, or kcat -b HOST:9092 -t {topic} -p {partition} -o {offset}"
            ),
        )
    }
}

/// What kind of damage it looks like, with its numbers.
fn explain(finding: Finding, part: &Part) -> Finding {
    let title = finding.check.check().title();
    let zeros = part.zeros.clone();
    match part.kind {
        _ if finding.check == CheckId::TailInMotion => finding,
        Kind::Crc {
            stored,
            actual,
            flip,
        } => {
            let finding = finding
                .with("stored", super::Value::Crc(stored))
                .with("actual", super::Value::Crc(actual));
            match (flip, zeros) {
                (Some(flip), _) => finding
                    .says(format!(
                        "{title}: bit {} of byte {} is flipped ({})",
                        flip.bit, flip.position, flip.field
                    ))
                    .with("looks_like", "flipped bit")
                    .with("flipped_position", flip.position)
                    .with("flipped_bit", flip.bit)
                    .with("field", flip.field)
                    .fix(Fix::Safe),
                (None, Some(zeros)) => with_zeros(finding, title, &zeros),
                (None, None) => finding.with("looks_like", "overwritten bytes"),
            }
        }
        Kind::Length { stored, actual } => {
            let finding = finding
                .says(format!(
                    "the length says {stored}, but the batch has {actual} bytes"
                ))
                .with("looks_like", "flipped bits")
                .with("stored", stored)
                .with("actual", actual);
            finding.with_flipped_bit(stored ^ actual, part.range.start + layout::SIZE as u64)
        }
        Kind::Magic { stored, actual } => {
            let finding = finding
                .says(format!(
                    "magic {stored}, but the checksum of magic {actual} is right"
                ))
                .with("looks_like", "flipped bits")
                .with("stored", stored)
                .with("actual", actual);
            finding.with_flipped_bit(
                i32::from((stored ^ actual).cast_unsigned()),
                part.range.start + 13,
            )
        }
        Kind::Zeros => finding.with("looks_like", "zeroed pages"),
        Kind::Rest => match (finding.check, zeros) {
            (CheckId::TruncatedTail, Some(zeros)) => finding
                .says(format!(
                    "{title}; zeros from {} to {}",
                    zeros.start, zeros.end
                ))
                .with("looks_like", "torn tail"),
            (CheckId::TruncatedTail, None) => finding.with("looks_like", "torn tail"),
            (_, Some(zeros)) => with_zeros(finding, title, &zeros),
            (_, None) => finding.with("looks_like", "foreign bytes"),
        },
    }
}

fn with_zeros(finding: Finding, title: &str, zeros: &Range<u64>) -> Finding {
    finding
        .says(format!(
            "{title}; zeros from {} to {}",
            zeros.start, zeros.end
        ))
        .with("looks_like", "zeroed pages")
        .with("zeros_from", zeros.start)
        .with("zeros_to", zeros.end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::damage;
    use std::path::Path;

    /// The code and what is lost of a tail of these bytes behind offset 9.
    fn tail(bytes: &[u8], is_live: bool, is_last: bool) -> &'static str {
        let subject = Subject {
            is_last,
            is_live,
            ..Subject::at(Path::new("t-0/00000000000000000000.log"))
        };
        let last = Info {
            position: 0,
            size: 100,
            base: 9,
            last: 9,
            is_whole: true,
            count: 1,
            epoch: Some(0),
            max_timestamp: 0,
            magic: 2,
        };
        let end = 100 + bytes.len() as u64;
        let gap = Gap {
            subject: &subject,
            len_bytes: end,
            last: Some(&last),
            next: None,
        };
        let (mut findings, mut coverage) = (Findings::default(), Coverage::of_file(end));
        coverage.batch_bytes = 100;
        gap.tell(
            &damage::parts(bytes, 100..end),
            &mut findings,
            &mut coverage,
        );
        assert!(coverage.is_complete());
        let [finding] = findings.kept() else {
            panic!("one finding, not {findings:?}");
        };
        finding.check.code()
    }

    #[test]
    fn a_tail_is_torn_foreign_preallocated_or_in_motion() {
        let torn = [
            &10_i64.to_be_bytes()[..],
            &200_i32.to_be_bytes(),
            &[0, 0, 0, 0, 2, 9],
        ]
        .concat();
        let foreign = [0xee; 30];
        let zeros = [0; 1900];
        assert_eq!(tail(&torn, false, true), "S101");
        assert_eq!(tail(&torn[..5], false, true), "S102");
        assert_eq!(tail(&torn[..8], false, true), "S101");
        assert_eq!(tail(&foreign, false, true), "S103");
        assert_eq!(tail(&zeros, false, true), "S113");
        assert_eq!(tail(&zeros, false, false), "S102");
        assert_eq!(tail(&zeros[..77], false, true), "S102");
        for bytes in [&torn[..], &foreign, &zeros] {
            assert_eq!(tail(bytes, true, true), "S114");
        }
    }
}
