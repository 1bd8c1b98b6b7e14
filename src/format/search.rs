//! Finding entries in an index, as `AbstractIndex` does.

use std::cmp::Ordering;

/// Bytes at the end of an index that a broker looks through first: they are in memory, since new entries go there.
const WARM_BYTES: usize = 8192;

/// The place of the largest entry that is not above the target, `order` being the order of an entry and the target.
///
/// On entries in order this is what its name says. On others it is the entry that Kafka finds, or none where Kafka finds
/// none.
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

/// The same as a broker up to 2.0 did it, which halved all entries at once.
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
