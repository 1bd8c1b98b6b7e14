//! The first hour after the start of a partition: what the broker's regular tasks delete.

use super::cluster::Cluster;
use super::conditions::Conditions;
use super::later::{Change, Event, Moment};
use super::remains::{self, Remains};
use super::retention::{self, Breach, Candidate, Rules};
use super::settings::{self, TopicSettings};
use super::verdict::PartitionVerdict;
use crate::format::name::DirState;
use crate::store::Error;

/// How far a prediction goes.
pub(super) const HOUR_MS: i64 = 3_600_000;

/// How often the cleaner looks for something to do (`log.cleaner.backoff.ms`).
const CLEANER_MS: i64 = 15_000;

/// No two checks are predicted that are closer: a broker may be told to check every millisecond.
const LEAST_PERIOD_MS: i64 = 1_000;

/// What is asked of one partition.
pub(super) struct Hour<'a> {
    pub(super) topic: &'a str,
    pub(super) number: i32,
    pub(super) state: DirState,
    pub(super) cluster: &'a Cluster,
    pub(super) conditions: &'a Conditions,
}

impl Hour<'_> {
    /// Adds what happens to a partition that was loaded.
    pub(super) fn tell(
        &self,
        remains: &Remains,
        verdict: &mut PartitionVerdict,
    ) -> Result<(), Error> {
        let Some(now_ms) = self.conditions.now_ms else {
            return Ok(());
        };
        let settings = self.cluster.settings(self.topic, self.conditions);
        match self.state {
            DirState::Delete => {
                verdict.later.push(Self::removal(remains, &settings)?);
            }
            DirState::Current | DirState::Future => {
                if settings.is_tiered() {
                    verdict.unknown.push(super::verdict::Unknown::Tiered);
                } else {
                    self.retention(remains, &settings, now_ms, verdict)?;
                }
            }
            DirState::Stray => {}
        }
        Ok(())
    }

    /// The directory is removed with everything in it.
    pub(super) fn removal(remains: &Remains, settings: &TopicSettings<'_>) -> Result<Event, Error> {
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
        Ok(Event {
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
            (CLEANER_MS, CLEANER_MS)
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
                verdict.later.push(Event {
                    moment,
                    after_ms,
                    change,
                    setting: setting.into(),
                });
            }
            rules.log_start = candidates
                .get(gone)
                .map_or(bounds.end, |next| next.base)
                .max(rules.log_start);
            let Some(next) = next_check(candidates.get(gone), &rules, now_ms) else {
                break;
            };
            let checks = next
                .saturating_sub(after_ms)
                .max(1)
                .saturating_add(period - 1)
                / period;
            after_ms = after_ms.saturating_add(checks.saturating_mul(period));
        }
        Ok(())
    }
}

/// How long after the start the first segment left is too old.
fn next_check(first: Option<&Candidate>, rules: &Rules, now_ms: i64) -> Option<i64> {
    let first = first.filter(|_| rules.deletes && rules.retention_ms >= 0)?;
    let too_old = first
        .largest_timestamp_ms
        .saturating_add(rules.retention_ms)
        .saturating_add(1);
    Some(too_old.saturating_sub(now_ms))
}

/// What is gone with some segments.
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
