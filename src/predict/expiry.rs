//! Expiry in the first hour: committed offsets, transactional ids, and the state of producers.
//!
//! # References
//! `GroupMetadataManager.cleanupGroupMetadata`;
//! `TransactionStateManager.enableTransactionalIdExpiration`;
//! `ProducerStateManager.isProducerExpired`.

use std::collections::{BTreeMap, BTreeSet};

use super::later::{Change, HOUR_MS, LaterEvent, Moment};
use super::remains::{self, Remains};
use super::settings::{self, Setting, TopicSettings};
use crate::format::Scratch;
use crate::report::transactions::{Status, Transactions};
use crate::report::{Groups, Image};
use crate::store::Error;

/// Folds a topic's records into an image. Records that cannot be read change nothing.
fn fold<I: Image + Default>(remains: &Remains) -> Result<I, Error> {
    let (mut image, mut scratch) = (I::default(), Scratch::default());
    for segment in &remains.segments {
        remains::batches(segment, &mut |batch| {
            let _ = image.batch(batch, &mut scratch);
        })?;
    }
    Ok(image)
}

/// Returns the first check at or after a moment: checks come every `period` after the start.
fn check_after(wait_ms: i64, period_ms: i64) -> i64 {
    let period = period_ms.max(1);
    let checks = wait_ms.max(1).saturating_add(period - 1) / period;
    checks.saturating_mul(period)
}

/// The committed offsets that expire.
pub(super) fn offsets(
    remains: &Remains,
    settings: &TopicSettings<'_>,
    now_ms: i64,
) -> Result<Vec<LaterEvent>, Error> {
    let kept = settings.number(settings::OFFSETS_MINUTES);
    let period = settings.number(settings::OFFSETS_CHECK_MS).value;
    let groups: Groups = fold(remains)?;
    let pending: BTreeSet<_> = groups.pending.values().flat_map(BTreeMap::keys).collect();
    let mut by_check: BTreeMap<i64, (BTreeSet<&str>, u64)> = BTreeMap::new();
    for (key, commit) in &groups.offsets {
        if pending.contains(key) {
            continue;
        }
        let group = groups.groups.get(&key.0);
        let Some(at) = commit.expires_at(group, kept.value.saturating_mul(60_000)) else {
            continue;
        };
        let after = check_after(at.saturating_sub(now_ms), period);
        if after <= HOUR_MS {
            let (names, count) = by_check.entry(after).or_default();
            names.insert(&key.0);
            *count += 1;
        }
    }
    let events = by_check
        .into_iter()
        .map(|(after_ms, (groups, offsets))| LaterEvent {
            moment: Moment::OffsetsCheck,
            after_ms,
            change: Change::OffsetsExpired {
                groups: groups.len() as u64,
                offsets,
            },
            setting: kept.into(),
        });
    Ok(events.collect())
}

/// The transactional ids that expire.
pub(super) fn ids(
    remains: &Remains,
    settings: &TopicSettings<'_>,
    now_ms: i64,
) -> Result<Vec<LaterEvent>, Error> {
    let kept = settings.number(settings::TRANSACTIONAL_ID_MS);
    let period = settings.number(settings::TRANSACTIONAL_ID_CHECK_MS).value;
    let image: Transactions = fold(remains)?;
    let is_over = |status| {
        matches!(
            status,
            Some(Status::Empty | Status::CompleteCommit | Status::CompleteAbort)
        )
    };
    let over = image.ids.values().filter(|state| is_over(state.status));
    let at = over.map(|state| state.last_update.0.saturating_add(kept.value));
    let events = counts(at, period, now_ms)
        .into_iter()
        .map(|(after_ms, ids)| LaterEvent {
            moment: Moment::TransactionalIdsCheck,
            after_ms,
            change: Change::TransactionalIdsExpired { ids },
            setting: kept.into(),
        });
    Ok(events.collect())
}

/// The producers that expire: at the start those that have expired already, later those whose time
/// ends.
pub(super) fn producers(
    remains: &Remains,
    settings: &TopicSettings<'_>,
    now_ms: i64,
) -> Vec<LaterEvent> {
    let kept: Setting<i64> = settings.producer_id();
    let period = settings.number(settings::PRODUCER_ID_CHECK_MS).value;
    let ends = remains.idle_producers.iter();
    let ends: Vec<i64> = ends.map(|last| last.saturating_add(kept.value)).collect();
    let (over, later): (Vec<i64>, Vec<i64>) = ends.into_iter().partition(|end| *end <= now_ms);
    let event = |moment, after_ms, producers| LaterEvent {
        moment,
        after_ms,
        change: Change::ProducersExpired { producers },
        setting: kept.into(),
    };
    let mut events = Vec::new();
    if !over.is_empty() {
        events.push(event(Moment::Start, 0, over.len() as u64));
    }
    let later = counts(later.into_iter(), period, now_ms).into_iter();
    events.extend(later.map(|(after, count)| event(Moment::ProducersCheck, after, count)));
    events
}

/// Counts these times by the first check of the first hour after them.
fn counts(at: impl Iterator<Item = i64>, period: i64, now_ms: i64) -> BTreeMap<i64, u64> {
    let mut by_check = BTreeMap::new();
    for at in at {
        let after = check_after(at.saturating_sub(now_ms), period);
        if after <= HOUR_MS {
            *by_check.entry(after).or_default() += 1;
        }
    }
    by_check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_seen_by_the_first_check_at_or_after_it() {
        let of = |wait| check_after(wait, 600);
        assert_eq!((of(-5), of(0), of(600), of(601)), (600, 600, 600, 1200));
        assert_eq!(check_after(3, 0), 3);
        let seen = counts([10, 20, 700, 4_000_000].into_iter(), 600, 10);
        assert_eq!(seen, BTreeMap::from([(600, 2), (1200, 1)]));
    }
}
