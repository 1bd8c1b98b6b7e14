//! The first hour after the start of a partition: the deletions of the broker's regular tasks.

use super::cluster::Cluster;
use super::compaction;
use super::conditions::Conditions;
use super::expiry;
use super::later::{Cause, Change, HOUR_MS, LaterEvent, Moment};
use super::remains::{self, Remains};
use super::retention::{self, Breach, Candidate, Rules};
use super::settings::{self, SettingOrigin, TopicSettings};
use super::verdict::PartitionVerdict;
use crate::format::Scratch;
use crate::format::name::DirState;
use crate::format::topic::{COMPACTED, CONSUMER_OFFSETS, TRANSACTION_STATE};
use crate::store::Error;

/// The minimum period between predicted checks: a broker may be configured to check every
/// millisecond.
const LEAST_PERIOD_MS: i64 = 1_000;

/// The facts about one partition.
pub(super) struct Hour<'a> {
    pub(super) topic: &'a str,
    pub(super) number: i32,
    pub(super) state: DirState,
    /// The offset up to which it was compacted, if it ever was.
    pub(super) cleaned: Option<i64>,
    pub(super) cluster: &'a Cluster,
    pub(super) conditions: &'a Conditions,
}

impl Hour<'_> {
    /// Adds the events of a loaded partition.
    pub(super) fn report(
        &self,
        remains: &Remains,
        verdict: &mut PartitionVerdict,
    ) -> Result<(), Error> {
        let Some(now_ms) = self.conditions.now_ms else {
            return Ok(());
        };
        let settings = TopicSettings {
            was_compacted: self.cleaned.is_some(),
            ..self.cluster.settings(self.topic, self.conditions)
        };
        match self.state {
            DirState::Delete => {
                verdict.later.push(Self::removal(remains, &settings)?);
            }
            DirState::Current | DirState::Future => {
                if settings.is_tiered() {
                    verdict.unknown.push(super::verdict::Unknown::Tiered);
                } else {
                    let policy = settings.policy();
                    let is_internal = COMPACTED.contains(&self.topic);
                    if policy.origin == SettingOrigin::Assumed && policy.value.1 && !is_internal {
                        verdict.unknown.push(super::verdict::Unknown::Policy);
                    }
                    // Only the cleaner deletes old segments of compacted logs.
                    let is_looked_after = !policy.value.1 || settings.has_cleaner();
                    if is_looked_after {
                        self.retention(remains, &settings, now_ms, verdict)?;
                    }
                }
                let expired = match self.topic {
                    CONSUMER_OFFSETS => expiry::offsets(remains, &settings, now_ms)?,
                    TRANSACTION_STATE => expiry::ids(remains, &settings, now_ms)?,
                    _ => Vec::new(),
                };
                for event in &expired {
                    verdict.rests_on(event.setting.name, event.setting.origin);
                }
                verdict.later.extend(expired);
                verdict
                    .later
                    .extend(expiry::producers(remains, &settings, now_ms));
                verdict.later.sort_by_key(|event| event.after_ms);
            }
            DirState::Stray => {}
        }
        Ok(())
    }

    /// The directory is removed with everything in it.
    pub(super) fn removal(
        remains: &Remains,
        settings: &TopicSettings<'_>,
    ) -> Result<LaterEvent, Error> {
        let broker = TopicSettings {
            configs: [None, settings.configs[1], settings.configs[2]],
            ..*settings
        };
        let delay = broker.number(settings::DELETE_DELAY_MS);
        let first = broker.number(settings::FIRST_CHECK_MS).value;
        let (mut records, mut bytes) = (0_u64, 0_u64);
        for segment in &remains.segments {
            records = records.saturating_add(remains::records(segment)?);
            bytes = bytes.saturating_add(segment.content.len_bytes());
        }
        Ok(LaterEvent {
            moment: Moment::DirectoryRemoval,
            after_ms: delay.value.max(first),
            change: Change::DirectoryRemoved { records, bytes },
            setting: delay.into(),
        })
    }

    fn retention(
        &self,
        remains: &Remains,
        settings: &TopicSettings<'_>,
        now_ms: i64,
        verdict: &mut PartitionVerdict,
    ) -> Result<(), Error> {
        let Some(bounds) = remains.bounds else {
            return Ok(());
        };
        let (deletes, compacts) = settings.policy().value;
        let time = settings.number(settings::RETENTION_MS);
        let size = settings.number(settings::RETENTION_BYTES);
        let (first, period) = if compacts {
            let every = settings.number(settings::CLEANER_BACKOFF_MS).value.max(0);
            (every, every)
        } else {
            let first = settings.number(settings::FIRST_CHECK_MS).value;
            (first.max(0), settings.number(settings::CHECK_MS).value)
        };
        let period = period.max(LEAST_PERIOD_MS);
        let mut rules = Rules {
            deletes,
            retention_ms: time.value,
            retention_bytes: size.value,
            log_start: bounds.start,
            log_end: bounds.end,
            high_watermark: bounds.end,
            time_first: !self.conditions.kafka.retains_by_size_first(),
            copied_to: None,
        };
        if deletes && time.value >= 0 {
            verdict.rests_on(time.name, time.origin);
        }
        let candidates: Vec<Candidate> = remains.segments.iter().map(Candidate::from).collect();
        let (mut gone, mut after_ms) = (0, first);
        while after_ms <= HOUR_MS {
            let rest = candidates.get(gone..).unwrap_or_default();
            let breaches = retention::deleted(rest, &rules, now_ms.saturating_add(after_ms));
            let moment = match after_ms {
                _ if compacts => Moment::Cleaner,
                at if at == first => Moment::FirstRetentionCheck,
                _ => Moment::RetentionCheck,
            };
            for breach in [Breach::LogStart, Breach::Size, Breach::Time] {
                let count = breaches.iter().filter(|&&other| other == breach).count();
                if count == 0 {
                    continue;
                }
                let setting = match breach {
                    Breach::Size => size,
                    Breach::LogStart | Breach::Time => time,
                };
                let change = change(remains, gone..gone.saturating_add(count), breach)?;
                gone = gone.saturating_add(count);
                verdict.later.push(LaterEvent {
                    moment,
                    after_ms,
                    change,
                    setting: setting.into(),
                });
            }
            if compacts && after_ms == first {
                let left = remains.segments.get(gone..).unwrap_or_default();
                self.clean(remains, left, settings, now_ms, after_ms, verdict)?;
            }
            rules.log_start = candidates
                .get(gone)
                .map_or(bounds.end, |next| next.base)
                .max(rules.log_start);
            let Some(next) = next_check(candidates.get(gone), &rules, now_ms) else {
                break;
            };
            after_ms = later_check(after_ms, next, period);
        }
        Ok(())
    }
}

impl Hour<'_> {
    /// Adds the records that the first pass of the cleaner removes from these segments.
    fn clean(
        &self,
        remains: &Remains,
        segments: &[remains::Remaining],
        settings: &TopicSettings<'_>,
        now_ms: i64,
        after_ms: i64,
        verdict: &mut PartitionVerdict,
    ) -> Result<(), Error> {
        let at = now_ms.saturating_add(after_ms);
        if let Some((change, setting)) = self.compaction(remains, segments, settings, at)? {
            verdict.rests_on(settings::DIRTY_RATIO, settings.dirty_ratio().origin);
            verdict.later.push(LaterEvent {
                moment: Moment::Cleaner,
                after_ms,
                change,
                setting,
            });
        }
        Ok(())
    }

    /// Returns the records that the first pass of the cleaner removes from these segments.
    fn compaction(
        &self,
        remains: &Remains,
        segments: &[remains::Remaining],
        settings: &TopicSettings<'_>,
        now_ms: i64,
    ) -> Result<Option<(Change, Cause)>, Error> {
        let Some(bounds) = remains.bounds else {
            return Ok(None);
        };
        let ratio = settings.dirty_ratio();
        let log_start = bounds.start;
        let cleaned = self
            .cleaned
            .filter(|at| (log_start..=bounds.end).contains(at));
        let rules = compaction::CompactionRules {
            first_dirty: cleaned.unwrap_or(log_start),
            last_stable: remains.last_stable.min(bounds.end),
            min_lag_ms: settings.number(settings::COMPACTION_LAG_MS).value,
            max_lag_ms: settings.number(settings::MOST_COMPACTION_LAG_MS).value,
            min_dirty_ratio: ratio.value,
        };
        let candidates: Vec<_> = segments
            .iter()
            .map(|segment| compaction::CompactionCandidate {
                base: segment.base,
                bytes: segment.content.len_bytes(),
                largest_timestamp_ms: segment.largest_timestamp_ms,
            })
            .collect();
        let Some(until) = compaction::until(&candidates, &rules, now_ms) else {
            return Ok(None);
        };
        let mut pass = compaction::Pass::new(until, now_ms);
        let mut scratch = Scratch::default();
        let mut failed = false;
        let mut following = segments
            .iter()
            .skip(1)
            .map(|next| next.base)
            .chain([i64::MAX]);
        for segment in segments.iter().filter(|segment| segment.base < until) {
            let end = following.next().unwrap_or(i64::MAX);
            if end > rules.first_dirty {
                remains::batches(segment, &mut |batch| {
                    let is_dirty = batch.last_offset().0 >= rules.first_dirty;
                    failed |= is_dirty && pass.remember(batch, &mut scratch).is_err();
                })?;
            }
        }
        for segment in segments.iter().filter(|segment| segment.base < until) {
            remains::batches(segment, &mut |batch| {
                failed |= pass.count(batch, &mut scratch).is_err();
            })?;
        }
        let dropped = pass.dropped();
        // A cleaner that cannot read a batch marks the partition as uncleanable.
        if failed || dropped.records() == 0 {
            return Ok(None);
        }
        let change = Change::Compacted {
            replaced: dropped.replaced,
            without_key: dropped.without_key,
            tombstones: dropped.tombstones,
            bytes: dropped.bytes,
        };
        Ok(Some((
            change,
            settings.number(settings::COMPACTION_LAG_MS).into(),
        )))
    }
}

/// The first check, every `period`, that comes after the one at `after_ms` and not before `next`.
fn later_check(after_ms: i64, next: i64, period: i64) -> i64 {
    let wait = next.saturating_sub(after_ms).max(1);
    let checks = wait.saturating_add(period - 1) / period;
    after_ms.saturating_add(checks.saturating_mul(period))
}

/// Returns the time from the start until the first remaining segment is too old.
fn next_check(first: Option<&Candidate>, rules: &Rules, now_ms: i64) -> Option<i64> {
    let first = first.filter(|_| rules.deletes && rules.retention_ms >= 0)?;
    let too_old = first
        .largest_timestamp_ms
        .saturating_add(rules.retention_ms)
        .saturating_add(1);
    Some(too_old.saturating_sub(now_ms))
}

/// Returns the change that deletes some segments.
fn change(
    remains: &Remains,
    range: std::ops::Range<usize>,
    breach: Breach,
) -> Result<Change, Error> {
    let gone = remains.segments.get(range.clone()).unwrap_or_default();
    let (mut records, mut bytes) = (0_u64, 0_u64);
    for segment in gone {
        records = records.saturating_add(remains::records(segment)?);
        bytes = bytes.saturating_add(segment.content.len_bytes());
    }
    let end = remains.bounds.map_or(0, |bounds| bounds.end);
    Ok(Change::SegmentsDeleted {
        breach,
        segments: gone.len() as u64,
        of_segments: remains.segments.len() as u64,
        records,
        bytes,
        log_start: remains
            .segments
            .get(range.end)
            .map_or(end, |next| next.base),
        largest_timestamp_ms: gone.last().map_or(-1, |last| last.largest_timestamp_ms),
    })
}

impl From<&remains::Remaining> for Candidate {
    fn from(segment: &remains::Remaining) -> Self {
        Self {
            base: segment.base,
            bytes: segment.content.len_bytes(),
            largest_timestamp_ms: segment.largest_timestamp_ms,
        }
    }
}
