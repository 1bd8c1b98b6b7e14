//! How far a replica is a copy of this log.

use std::collections::BTreeMap;

use super::copy::{Copy, Single};

/// Looks where the leader epochs that the checkpoints have part.
pub(super) fn by_epochs(own: &Copy, replica: &mut Copy) {
    if own.epochs.is_empty() || replica.epochs.is_empty() {
        return;
    }
    // What was deleted at the start of either log is in only one of the files.
    let start = own
        .epochs
        .first()
        .map_or(0, |first| first.1)
        .max(replica.epochs.first().map_or(0, |first| first.1));
    let from = |epochs: &[(i32, i64)]| {
        let mut row: Vec<(i32, i64)> = epochs
            .iter()
            .map(|(epoch, at)| (*epoch, (*at).max(start)))
            .collect();
        // Of those that begin before, the last one is meant.
        while matches!(row.as_slice(), [_, second, ..] if second.1 <= start) {
            row.remove(0);
        }
        row
    };
    let (ours, theirs) = (from(&own.epochs), from(&replica.epochs));
    let longest = ours.len().max(theirs.len());
    for index in 0..longest {
        let at = match (ours.get(index), theirs.get(index)) {
            (Some(a), Some(b)) if a == b => continue,
            (Some(a), Some(b)) => a.1.min(b.1),
            // Who was leader later is known to one of them only: its log is longer, or the other's
            // checkpoint a write after.
            _ => return,
        };
        part(replica, at, "its leader epochs differ from there on");
        return;
    }
}

/// Looks where batches of the same offsets are others.
pub(super) fn by_batches(own: &[Single], theirs: &[Single], replica: &mut Copy) {
    let (mut ours, mut others) = (0, 0);
    while let (Some(a), Some(b)) = (own.get(ours), theirs.get(others)) {
        let is_same = a.first == b.first && a.has_content_of(b);
        let overlaps = a.first <= b.last && b.first <= a.last;
        if overlaps && !is_same && !is_moved(a, theirs) && !is_moved(b, own) {
            part(
                replica,
                a.first.min(b.first),
                "it has other batches at the same offsets",
            );
            return;
        }
        if a.last <= b.last {
            ours += 1;
        }
        if is_same || b.last < a.last {
            others += 1;
        }
    }
}

/// Returns true if the same batch is in `others` at other offsets: one of the two base offsets is
/// damaged.
fn is_moved(single: &Single, others: &[Single]) -> bool {
    others
        .iter()
        .any(|other| other.first != single.first && other.has_content_of(single))
}

/// Leaves out what replicas contradict though no checksum does: batches with another leader epoch
/// or another base offset.
pub(super) fn drop_contradicted(own: &mut Vec<Single>, theirs: &[Vec<Single>], start: i64) {
    let mut votes: BTreeMap<(i64, u32), Vec<i32>> = BTreeMap::new();
    let mut places: BTreeMap<u32, Vec<&Single>> = BTreeMap::new();
    for other in theirs.iter().flatten() {
        votes
            .entry((other.first, other.crc))
            .or_default()
            .push(other.epoch);
        places.entry(other.crc).or_default().push(other);
    }
    let row = own.clone();
    let (mut index, mut last) = (0_usize, start.saturating_sub(1));
    own.retain(|single| {
        let before = index.checked_sub(1).and_then(|before| row.get(before));
        let after = row.get(index + 1);
        index += 1;
        let around = || {
            let epoch = |single: Option<&Single>| single.map(|single| single.epoch);
            (epoch(before), epoch(after))
        };
        let votes = votes.get(&(single.first, single.crc));
        let is_right = votes.map_or_else(
            // A gap before it that it fills elsewhere.
            || {
                let next = last.saturating_add(1);
                let mut others = places.get(&single.crc).into_iter().flatten();
                let is_there =
                    |other: &&Single| other.first == next && other.has_content_of(single);
                single.first == next || !others.any(is_there)
            },
            |epochs| is_epoch_right(single.epoch, epochs, around()),
        );
        if is_right {
            last = single.last;
        }
        is_right
    });
}

/// Returns true if an epoch stands against those of the same batch in replicas, and those of its
/// neighbours.
fn is_epoch_right(epoch: i32, others: &[i32], (before, after): (Option<i32>, Option<i32>)) -> bool {
    let is_between = |epoch: i32| {
        before.is_none_or(|before| before <= epoch) && after.is_none_or(|after| epoch <= after)
    };
    let count = |wanted: i32| others.iter().filter(|other| **other == wanted).count();
    let ours = count(epoch) + 1;
    others.iter().filter(|other| **other != epoch).all(|other| {
        let theirs = count(*other);
        theirs < ours || theirs == ours && (is_between(epoch) || !is_between(*other))
    })
}

fn part(replica: &mut Copy, at: i64, why: &'static str) {
    if replica.parted.is_none_or(|(earlier, _)| at < earlier) {
        replica.parted = Some((at, why));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_stands_unless_more_replicas_or_its_neighbours_contradict_it() {
        assert!(is_epoch_right(5, &[5, 7], (Some(5), Some(5))));
        assert!(!is_epoch_right(7, &[5], (Some(5), Some(5))));
        assert!(is_epoch_right(5, &[7], (Some(5), Some(5))));
        assert!(!is_epoch_right(5, &[7, 7], (Some(5), Some(7))));
        assert!(is_epoch_right(5, &[7], (Some(5), Some(7))));
    }
}
