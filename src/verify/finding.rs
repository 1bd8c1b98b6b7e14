//! Findings: what a check found, and where.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::catalog::{CheckId, Depth, Fix, Severity};
use super::evidence::{Evidence, Impact, Loss, Records};
use crate::scan::Merge;

/// The number of findings of a check in a file that are kept; more are counted.
pub const KEPT: u64 = 10_000;

/// A result of a check: something wrong, or worth knowing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The check.
    pub check: CheckId,
    /// The severity: that of the check, unless this finding differs.
    pub severity: Severity,
    /// The file or directory, as it can be opened.
    pub path: Arc<Path>,
    /// The position in the file.
    pub position: Option<u64>,
    /// The number of bytes.
    pub length: Option<u64>,
    /// The offset concerned.
    pub offset: Option<i64>,
    /// The evidence.
    pub evidence: Evidence,
    /// The number of findings of this kind in the file; this is the first.
    pub count: u64,
    /// The loss, if records are lost.
    pub loss: Option<Box<Loss>>,
    /// The impact of damage in a `.log`.
    pub impact: Option<Box<Impact>>,
    /// The fix: that of the check, unless this finding differs.
    pub fix: Fix,
}

impl Finding {
    /// A finding about a whole file or directory, with nothing but its check.
    #[must_use]
    pub fn new(check: CheckId, path: &Arc<Path>) -> Self {
        let row = check.check();
        Self {
            check,
            severity: row.severity,
            path: Arc::clone(path),
            position: None,
            length: None,
            offset: None,
            evidence: Evidence::Bare,
            count: 1,
            loss: None,
            impact: None,
            fix: row.fix,
        }
    }

    /// The same, at a position in the file.
    #[must_use]
    pub fn at(mut self, position: u64, length: u64) -> Self {
        (self.position, self.length) = (Some(position), Some(length));
        self
    }

    /// The same, about an offset.
    #[must_use]
    pub fn offset(mut self, offset: i64) -> Self {
        self.offset = Some(offset);
        self
    }

    /// The same with evidence.
    #[must_use]
    pub fn saw(mut self, evidence: impl Into<Evidence>) -> Self {
        self.evidence = evidence.into();
        self
    }

    /// The same as the first of this number.
    #[must_use]
    pub fn counted(mut self, count: u64) -> Self {
        self.count = count;
        self
    }

    /// Returns the message with its numbers.
    #[must_use]
    pub fn message(&self) -> String {
        self.to_string()
    }

    /// The same with this severity, which the check's row has to allow.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        debug_assert!(
            self.check.check().may_be(severity),
            "the row of {} says nothing of {severity}",
            self.check
        );
        self.severity = severity;
        self
    }

    /// The same with this fix, which the check's row has to allow.
    #[must_use]
    pub fn fix(mut self, fix: Fix) -> Self {
        debug_assert!(
            self.check.check().may_need(fix),
            "the row of {} says nothing of {}",
            self.check,
            fix.name()
        );
        self.fix = fix;
        self
    }

    /// Returns the total loss of these findings. The loss of several findings in the same gap
    /// between valid batches is counted once; one unknown loss makes the sum unknown.
    pub fn lost<'a>(findings: impl IntoIterator<Item = &'a Self>) -> Records {
        let mut sum = Records::Exactly(0);
        let mut gaps = BTreeSet::new();
        for finding in findings {
            let Some(loss) = finding.loss.as_deref() else {
                return Records::Unknown;
            };
            let gap = (loss.last_offset_before, loss.next_offset_after);
            let is_counted = !loss.records.is_exact() && !gaps.insert((&finding.path, gap));
            sum = match (sum, loss.records) {
                (_, Records::Unknown) => return Records::Unknown,
                (sum, _) if is_counted => sum,
                (Records::Exactly(sum), Records::Exactly(records)) => {
                    Records::Exactly(sum.saturating_add(records))
                }
                (sum, records) => Records::AtMost(sum.at_most().saturating_add(records.at_most())),
            };
        }
        sum
    }

    /// The order of findings: by path, position, code, offset.
    fn order(&self, other: &Self) -> Ordering {
        let key = |finding: &Self| (finding.position, finding.check, finding.offset);
        self.path
            .cmp(&other.path)
            .then_with(|| key(self).cmp(&key(other)))
            .then_with(|| self.message().cmp(&other.message()))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.evidence.describe(self.check.check(), f)?;
        match self.count {
            0 | 1 => Ok(()),
            count => write!(f, " (the first of {count})"),
        }
    }
}

/// A collection of findings: the first ones of each check in each file are kept, the others are
/// counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    kept: Vec<Finding>,
    counts: BTreeMap<(Arc<Path>, CheckId), u64>,
}

impl Findings {
    /// Adds a finding.
    pub fn add(&mut self, finding: Finding) {
        let key = (Arc::clone(&finding.path), finding.check);
        let count = self.counts.entry(key).or_default();
        *count += 1;
        if *count <= KEPT {
            self.kept.push(finding);
        }
    }

    /// Returns true if a kept finding is about an open transaction.
    pub(super) fn has_open_transactions(&self) -> bool {
        let is_it = |finding: &Finding| matches!(finding.evidence, Evidence::OpenTransaction(_));
        self.kept.iter().any(is_it)
    }

    /// Gives access to the findings that are kept.
    pub(super) fn kept_mut(&mut self) -> &mut [Finding] {
        &mut self.kept
    }

    /// Returns true if nothing remains.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The same without findings of checks deeper than `depth`.
    #[must_use]
    pub fn at_depth(mut self, depth: Depth) -> Self {
        let runs = |check: CheckId| check.check().depth != Depth::Cross || depth >= Depth::Cross;
        self.kept.retain(|finding| runs(finding.check));
        self.counts.retain(|(_, check), _| runs(*check));
        self
    }

    /// The same without errors and warnings of checks that found nothing in the same file the first
    /// time.
    #[must_use]
    pub(super) fn seen_again(mut self, before: &Self) -> Self {
        let counts = &before.counts;
        let is_again = |path: &Arc<Path>, check| counts.contains_key(&(Arc::clone(path), check));
        let mut gone = Vec::new();
        self.kept.retain(|finding| {
            let stays =
                finding.severity < Severity::Warning || is_again(&finding.path, finding.check);
            if !stays {
                gone.push((Arc::clone(&finding.path), finding.check));
            }
            stays
        });
        for key in gone {
            self.counts.remove(&key);
        }
        self
    }

    /// The findings that are kept, in the order in which they were added.
    #[must_use]
    pub fn kept(&self) -> &[Finding] {
        &self.kept
    }

    /// The findings that are kept, in order, and the numbers of the others.
    #[must_use]
    pub fn into_sorted(self) -> (Vec<Finding>, Vec<More>) {
        let mut kept = self.kept;
        kept.sort_by(Finding::order);
        let more = self.counts.into_iter().filter(|(_, count)| *count > KEPT);
        let more = more.map(|((path, check), count)| More {
            path,
            check,
            count: count - KEPT,
        });
        (kept, more.collect())
    }
}

/// Findings that were counted but not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct More {
    /// The file.
    pub path: Arc<Path>,
    /// The check.
    pub check: CheckId,
    /// The number of them.
    pub count: u64,
}

impl Merge for Findings {
    fn merge(&mut self, next: Self) {
        let mut beyond = next.counts;
        for finding in next.kept {
            if let Some(count) = beyond.get_mut(&(Arc::clone(&finding.path), finding.check)) {
                *count -= 1;
            }
            self.add(finding);
        }
        for (key, count) in beyond {
            if count > 0 {
                *self.counts.entry(key).or_default() += count;
            }
        }
    }
}

#[cfg(feature = "serde")]
mod document {
    use serde::ser::{Serialize, SerializeStruct, Serializer};

    use super::{Evidence, Finding, Loss};

    impl Serialize for Finding {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let row = self.check.check();
            let mut fields = serializer.serialize_struct("Finding", 10)?;
            fields.serialize_field("code", row.code)?;
            fields.serialize_field("name", row.name)?;
            fields.serialize_field("severity", &self.severity)?;
            fields.serialize_field("path", &self.path.to_string_lossy())?;
            fields.serialize_field("position", &self.position)?;
            fields.serialize_field("length", &self.length)?;
            fields.serialize_field("offset", &self.offset)?;
            fields.serialize_field("message", &self.message())?;
            fields.serialize_field("detail", &self.detail())?;
            fields.serialize_field("fix", &self.fix)?;
            fields.end()
        }
    }

    /// The detail of a finding.
    #[derive(serde::Serialize)]
    struct Detail<'a> {
        #[serde(flatten)]
        evidence: &'a Evidence,
        #[serde(skip_serializing_if = "Option::is_none")]
        count: Option<u64>,
        #[serde(flatten)]
        loss: Option<&'a Loss>,
        #[serde(skip_serializing_if = "Option::is_none")]
        from_ms: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        to_ms: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        broker: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        step_over: Option<String>,
    }

    impl Finding {
        /// Returns the detail for JSON.
        #[must_use]
        pub fn detail(&self) -> impl Serialize + '_ {
            let loss = self.loss.as_deref();
            let times = loss.and_then(|loss| loss.times_ms);
            let impact = self.impact.as_ref();
            let resume = impact.and_then(|impact| impact.resume.as_ref());
            Detail {
                evidence: &self.evidence,
                count: Some(self.count).filter(|count| *count > 1),
                loss,
                from_ms: times.map(|(from, _)| from),
                to_ms: times.map(|(_, to)| to),
                broker: impact.map(|impact| impact.broker.to_string()),
                step_over: resume.map(ToString::to_string),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(check: CheckId, position: u64) -> Finding {
        Finding::new(check, &Arc::from(Path::new("t-0/a.log"))).at(position, 1)
    }

    #[test]
    fn findings_are_in_order_of_path_position_and_code_however_they_came() {
        let mut findings = Findings::default();
        for (check, position) in [
            (CheckId::OffsetOverlap, 7),
            (CheckId::CrcMismatch, 7),
            (CheckId::CrcMismatch, 3),
        ] {
            findings.add(finding(check, position));
        }
        let (kept, more) = findings.into_sorted();
        let row: Vec<_> = kept.iter().map(|f| (f.position, f.check.code())).collect();
        assert_eq!(
            row,
            [(Some(3), "B101"), (Some(7), "B101"), (Some(7), "B201")]
        );
        assert!(more.is_empty());
    }

    #[test]
    fn what_is_not_kept_is_counted_whether_merged_or_not() {
        let mut whole = Findings::default();
        let mut halves = [Findings::default(), Findings::default()];
        for position in 0..KEPT * 3 {
            whole.add(finding(CheckId::EmptyBatch, position));
            let half = usize::from(position >= KEPT + 5);
            halves[half].add(finding(CheckId::EmptyBatch, position));
        }
        let [mut first, second] = halves;
        first.merge(second);
        assert_eq!(first, whole);
        let (kept, more) = whole.into_sorted();
        assert_eq!(kept.len() as u64, KEPT);
        assert_eq!(more[0].count, 2 * KEPT);
    }
}
