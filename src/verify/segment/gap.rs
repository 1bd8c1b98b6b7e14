//! Findings about a gap: the check, the loss, the reaction of a broker, and the offset at which
//! consumers continue.

use std::ops::Range;
use std::sync::Arc;

use super::batch::Info;
use super::damage::{Claim, DamageKind, DamagePart, is_torn};
use crate::format::batch::HEADER_BYTES;
use crate::format::layout::frame as layout;
use crate::verify::catalog::{CheckId, Fix};
use crate::verify::coverage::Coverage;
use crate::verify::evidence::{
    BrokerAction, Checksum, Evidence, Field, FieldValue, FlippedBit, Impact, Loss, Records, Resume,
    Torn, Unreadable, Zeros,
};
use crate::verify::finding::{Finding, Findings};
use crate::verify::subject::Subject;
use crate::wire::units::MAX_RELATIVE_OFFSET;

/// A preallocated file has a size that is a multiple of one of these: segment sizes are round, and
/// sizes after a loss are not.
const ROUND_BYTES: [u64; 2] = [1024, 1000];

/// The positions of the length and the magic in a header.
const LENGTH: u64 = layout::SIZE as u64;
const MAGIC: u64 = 16;

/// A gap between valid batches, or after the last one.
#[derive(Debug, Clone, Copy)]
pub(super) struct GapBetween<'a> {
    pub(super) subject: &'a Subject,
    pub(super) len_bytes: u64,
    pub(super) last: Option<&'a Info>,
    pub(super) next: Option<&'a Info>,
}

impl GapBetween<'_> {
    /// Adds a finding for each part.
    pub(super) fn report(
        &self,
        parts: &[DamagePart],
        findings: &mut Findings,
        coverage: &mut Coverage,
    ) {
        let claims: Vec<Option<Claim>> = parts.iter().map(|part| self.claim(part)).collect();
        let claimed = parts
            .iter()
            .zip(&claims)
            .filter_map(|(part, claim)| claim.filter(|_| part.is_one_batch())?.records);
        // Headers of hostile files may contain anything.
        let claimed = claimed.fold(0, u64::saturating_add);
        for (part, claim) in parts.iter().zip(claims) {
            let check = self.check(part);
            let bytes = part.range.end.saturating_sub(part.range.start);
            let kind = match check {
                CheckId::PreallocatedTail => &mut coverage.padding_bytes,
                CheckId::TailInMotion => &mut coverage.unknown_bytes,
                _ => &mut coverage.damage_bytes,
            };
            let unreadable = part.unreadable.iter();
            let unreadable = unreadable.map(|bad| bad.range.end - bad.range.start).sum();
            *kind = kind.saturating_add(bytes.saturating_sub(unreadable));
            coverage.unreadable_bytes = coverage.unreadable_bytes.saturating_add(unreadable);
            let mut finding = Finding::new(check, &self.subject.path).at(part.range.start, bytes);
            let after_last = || {
                let last = self.last.filter(|_| part.zeros.is_some())?;
                Some(last.last.saturating_add(1))
            };
            finding.offset = claim.map(|claim| claim.base).or_else(after_last);
            let evidence = evidence(check, part);
            // A checksum proves the bytes that it covers; the bits before it are judged by the
            // batches around.
            if let (CheckId::CrcMismatch, Some(_)) = (check, evidence.flipped_bit()) {
                finding = finding.fix(Fix::Lossless);
            }
            finding.evidence = evidence;
            finding.loss = self.loss(check, part, claim, claimed).map(Box::new);
            finding.impact = Some(Box::new(self.impact(check, &part.range, claim)));
            findings.add(finding);
        }
    }

    /// Returns the header of a part, if it fits between the valid batches.
    fn claim(&self, part: &DamagePart) -> Option<Claim> {
        // Zeros in a header are no information, and the rest of it does not show how much they
        // replaced.
        let header = part.range.start..part.range.start + HEADER_BYTES as u64;
        if part
            .zeros
            .as_ref()
            .is_some_and(|zeros| zeros.start < header.end && header.start < zeros.end)
        {
            return None;
        }
        let before = self
            .following()
            .filter(|next| next.is_whole)
            .map(|next| next.base);
        // Before the first batch, the segment's name bounds the offsets.
        let base = self.subject.base_offset;
        let named = base.map(|base| base.0.saturating_sub(1));
        let after = self.last.map(|last| last.last).or(named);
        Claim::read(&part.head, after, before)
    }

    /// Returns the batch after the gap, if one segment can have its offset and that of the batch
    /// before the gap. No checksum covers a base offset, and an impossible one bounds nothing.
    fn following(&self) -> Option<&Info> {
        let most = MAX_RELATIVE_OFFSET;
        self.next.filter(|next| {
            let last = self.last.map(|last| last.last);
            last.is_none_or(|last| next.base.saturating_sub(last) <= most)
        })
    }

    /// Returns true if no valid batch follows.
    fn is_tail(&self) -> bool {
        self.next.is_none()
    }

    /// Returns true if the file may be preallocated.
    fn is_round(&self) -> bool {
        let mut sizes = ROUND_BYTES.iter();
        sizes.any(|size| self.len_bytes.is_multiple_of(*size))
    }

    fn check(&self, part: &DamagePart) -> CheckId {
        let is_at_end = self.is_tail() && part.range.end >= self.len_bytes;
        let (is_last, is_live) = (self.subject.is_last, self.subject.is_live);
        match part.kind {
            DamageKind::Unreadable { .. } => CheckId::UnreadableBytes,
            _ if is_at_end && is_last && is_live => CheckId::TailInMotion,
            DamageKind::Crc { .. } => CheckId::CrcMismatch,
            DamageKind::Length { .. } => CheckId::FrameSize,
            DamageKind::Magic { .. } => CheckId::UnknownMagic,
            DamageKind::Zeros if is_at_end && is_last && self.is_round() => {
                CheckId::PreallocatedTail
            }
            DamageKind::Zeros if is_at_end => CheckId::ZeroTail,
            DamageKind::Zeros => CheckId::ZeroPages,
            DamageKind::Rest if is_at_end => {
                let left = part.range.end - part.range.start;
                if is_torn(&part.head, left, self.last.map(|last| last.last)) {
                    CheckId::TruncatedTail
                } else {
                    CheckId::GarbageTail
                }
            }
            DamageKind::Rest if part.zeros.is_some() => CheckId::ZeroPages,
            DamageKind::Rest | DamageKind::Unsplit => CheckId::LostFrames,
        }
    }

    /// Returns the loss at a part. The offsets between the valid batches that no header of a part
    /// has are lost at the other parts together.
    fn loss(
        &self,
        check: CheckId,
        part: &DamagePart,
        claim: Option<Claim>,
        claimed: u64,
    ) -> Option<Loss> {
        if matches!(check, CheckId::PreallocatedTail | CheckId::TailInMotion) {
            return None;
        }
        let between = self.last.zip(self.following()).map(|(last, next)| {
            let from = last.last.saturating_add(1);
            (from, next.base.saturating_sub(1))
        });
        let missing = between.map(|(from, to)| {
            let offsets = i128::from(to) - i128::from(from) + 1;
            u64::try_from(offsets).unwrap_or(0).saturating_sub(claimed)
        });
        let is_torn = check == CheckId::TruncatedTail;
        let own = claim.filter(|_| part.is_one_batch() || is_torn);
        let (records, offsets) = match (own.and_then(|claim| claim.records), missing) {
            (Some(records), _) => {
                let offsets = own.map(|claim| (claim.base, claim.last));
                (Records::Exactly(records), offsets)
            }
            (None, Some(missing)) => (Records::AtMost(missing), between),
            (None, None) => (Records::Unknown, None),
        };
        let around = self.last.zip(self.following());
        let around = around.map(|(last, next)| (last.max_timestamp, next.max_timestamp));
        Some(Loss {
            last_offset_before: self.last.map(|last| last.last),
            next_offset_after: self.following().map(|next| next.base),
            offsets: offsets.filter(|(first, last)| first <= last),
            records,
            times_ms: claim.and_then(|claim| claim.times).or(around),
        })
    }

    /// Returns the reaction of a broker, and the way for a consumer to skip the damage.
    fn impact(&self, check: CheckId, range: &Range<u64>, claim: Option<Claim>) -> Impact {
        let bytes_after = self.len_bytes.saturating_sub(range.end);
        let at = range.start;
        let broker = match check {
            CheckId::TailInMotion => BrokerAction::Writes,
            CheckId::UnreadableBytes => BrokerAction::Fails,
            CheckId::PreallocatedTail => BrokerAction::Trims { at },
            _ if bytes_after == 0 && !self.subject.is_last => BrokerAction::TruncatesLog { at },
            _ if bytes_after == 0 => BrokerAction::TruncatesTail { at },
            _ => BrokerAction::TruncatesGood { at, bytes_after },
        };
        let after_claim = claim.and_then(|claim| claim.last.checked_add(1));
        let offset = after_claim
            .filter(|_| !self.is_tail())
            .or(self.following().map(|next| next.base));
        let resume = offset.map(|offset| Resume {
            topic: self.subject.topic.as_deref().map(Arc::from),
            partition: self.subject.partition,
            offset,
        });
        Impact { broker, resume }
    }
}

/// Returns the evidence of the damage.
fn evidence(check: CheckId, part: &DamagePart) -> Evidence {
    let zeros = part.zeros.clone().map(Zeros::from);
    match part.kind {
        _ if check == CheckId::TailInMotion => Evidence::Bare,
        DamageKind::Crc {
            stored,
            actual,
            flip,
        } => Evidence::Checksum(Checksum {
            stored,
            actual,
            flip: flip.map(|(flip, _)| flip),
            field: flip.map(|(_, field)| field),
            zeros: zeros.filter(|_| flip.is_none()),
        }),
        DamageKind::Length { stored, actual } => {
            let (stored, actual) = (i64::from(stored), i64::from(actual));
            let at = part.range.start.saturating_add(LENGTH);
            Evidence::Field(FieldValue {
                field: Field::BatchLength,
                stored,
                actual,
                flip: FlippedBit::between(stored, actual, at, 4),
            })
        }
        DamageKind::Magic { stored, actual } => {
            let (stored, actual) = (i64::from(stored), i64::from(actual));
            let at = part.range.start.saturating_add(MAGIC);
            Evidence::Field(FieldValue {
                field: Field::Magic,
                stored,
                actual,
                flip: FlippedBit::between(stored, actual, at, 1),
            })
        }
        DamageKind::Unreadable { .. } => Evidence::Unreadable(Unreadable::of(&part.unreadable)),
        DamageKind::Zeros => Evidence::Zeros(Zeros::from(part.range.clone())),
        DamageKind::Rest if check == CheckId::TruncatedTail => Evidence::Torn(Torn { zeros }),
        DamageKind::Rest | DamageKind::Unsplit => zeros.map_or(Evidence::Foreign, Evidence::Zeros),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::verify::segment::damage;

    /// The code and the loss of a tail of these bytes after offset 9.
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
            first: 9,
            count: 1,
            epoch: Some(0),
            max_timestamp: 0,
            magic: 2,
        };
        let end = 100 + bytes.len() as u64;
        let gap = GapBetween {
            subject: &subject,
            len_bytes: end,
            last: Some(&last),
            next: None,
        };
        let (mut findings, mut coverage) = (Findings::default(), Coverage::of_file(end));
        coverage.batch_bytes = 100;
        gap.report(
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
