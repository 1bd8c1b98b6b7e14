//! Finding entries in an index, as `AbstractIndex` does.

use std::cmp::Ordering;

/// Bytes at the end of an index that a broker searches first: they are in memory, because new
/// entries are written there.
const WARM_BYTES: usize = 8192;

/// Returns the number of the largest entry that is not above the target; `order` compares an entry
/// with the target.
///
/// If the entries are not in order, it is the entry that Kafka finds, if it finds one.
pub(super) fn largest_at_most<const N: usize, F>(entries: &[[u8; N]], order: F) -> Option<usize>
where
    F: Fn(&[u8; N]) -> Ordering,
{
    let last = entries.len().checked_sub(1)?;
    let at = |index: usize| entries.get(index).map_or(Ordering::Greater, &order);
    let warm = last.saturating_sub(WARM_BYTES.checked_div(N).unwrap_or(0));
    if at(warm) == Ordering::Less {
        return Some(halve(warm, last, at));
    }
    if at(0) == Ordering::Greater {
        return None;
    }
    Some(halve(0, warm, at))
}

/// The same as in brokers up to 2.0, which searched all entries at once.
pub(super) fn largest_at_most_cold<const N: usize, F>(
    entries: &[[u8; N]],
    order: F,
) -> Option<usize>
where
    F: Fn(&[u8; N]) -> Ordering,
{
    let last = entries.len().checked_sub(1)?;
    let at = |index: usize| entries.get(index).map_or(Ordering::Greater, &order);
    (at(0) != Ordering::Greater).then(|| halve(0, last, at))
}

fn halve(mut low: usize, mut high: usize, at: impl Fn(usize) -> Ordering) -> usize {
    while low < high {
        let middle = low.midpoint(high.saturating_add(1));
        match at(middle) {
            Ordering::Greater => high = middle.saturating_sub(1),
            Ordering::Less => low = middle,
            Ordering::Equal => return middle,
        }
    }
    low
}

/// The number of entries before those that are zero to the end.
pub(super) fn leading_nonzero<const N: usize>(entries: &[[u8; N]]) -> usize {
    let zeros = entries.iter().rev().take_while(|entry| **entry == [0; N]);
    entries.len().saturating_sub(zeros.count())
}
