//! The iteration order of Scala's mutable hash tables, in which earlier releases print.
//!
//! Up to 2.3 the order is that of Scala 2.12, since then that of 2.13, with which Kafka's default
//! downloads were built.

use kseg::wire::Release;

/// The first release built with Scala 2.13.
const NEW_TABLES: Release = Release::new(2, 4, 0);

/// The largest immutable set that keeps the order of insertion.
const SMALL_SET: usize = 4;

/// The hash of a string in Java.
pub(super) fn string_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0, |hash: i32, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    })
}

/// The hash of a partition in Kafka.
pub(super) fn partition_hash(topic: &str, partition: i32) -> i32 {
    31_i32
        .wrapping_add(partition)
        .wrapping_mul(31)
        .wrapping_add(string_hash(topic))
}

/// Sorts elements that were added one by one to a `mutable.HashMap`.
pub(super) fn sort_map<T>(elements: &mut Vec<T>, release: Release, hash: impl Fn(&T) -> i32) {
    if release >= NEW_TABLES {
        let mut size = 16;
        while elements.len() >= threshold(size) {
            size *= 2;
        }
        sort_chained(elements, size, hash);
    } else {
        let hashes: Vec<i32> = elements.iter().map(hash).collect();
        reorder(elements, map_order(&hashes));
    }
}

/// Sorts elements that were added to a `mutable.HashSet` as immutable sets, one after the other.
pub(super) fn sort_set<T>(
    sets: Vec<Vec<T>>,
    release: Release,
    hash: impl Fn(&T) -> i32 + Copy,
) -> Vec<T> {
    if release >= NEW_TABLES {
        let size = set_size(sets.iter().map(Vec::len));
        let mut elements: Vec<T> = sets.into_iter().flatten().collect();
        sort_chained(&mut elements, size, hash);
        return elements;
    }
    let mut elements = Vec::new();
    for mut set in sets {
        if set.len() > SMALL_SET {
            set.sort_by_key(|element| trie_path(hash(element)));
        }
        elements.append(&mut set);
    }
    let hashes: Vec<i32> = elements.iter().map(hash).collect();
    reorder(&mut elements, set_order(&hashes));
    elements
}

fn reorder<T>(elements: &mut Vec<T>, order: impl IntoIterator<Item = usize>) {
    let mut slots: Vec<Option<T>> = elements.drain(..).map(Some).collect();
    elements.extend(
        order
            .into_iter()
            .filter_map(|index| slots.get_mut(index).and_then(Option::take)),
    );
}

/// Returns the maximum number of elements in a table of Scala 2.13.
fn threshold(size: usize) -> usize {
    size / 4 * 3
}

/// Scala 2.13: buckets by the lower bits; in a bucket by hash.
fn sort_chained<T>(elements: &mut [T], size: usize, hash: impl Fn(&T) -> i32) {
    let mask = u32::try_from(size - 1).unwrap_or(u32::MAX);
    elements.sort_by_key(|element| {
        let hash = hash(element);
        let spread = hash ^ (hash.cast_unsigned() >> 16).cast_signed();
        (spread.cast_unsigned() & mask, spread)
    });
}

/// The size of a set of Scala 2.13. The elements of a large set are added without resizing the
/// table.
fn set_size(sets: impl Iterator<Item = usize>) -> usize {
    let mut size = 16;
    let mut count = 0;
    for added in sets {
        size = size.max(((added + 1) * 4 / 3).max(5).next_power_of_two());
        if added <= SMALL_SET {
            for _ in 0..added {
                count += 1;
                if count >= threshold(size) {
                    size *= 2;
                }
            }
        } else {
            count += added;
        }
    }
    size
}

/// Scala 2.12, map: chains that grow at their head, read from the last bucket to the first.
fn map_order(hashes: &[i32]) -> Vec<usize> {
    /// The bits of the first table's size; they are used for mixing even when the table has grown.
    const SEED: u32 = 4;
    let put = |chains: &mut [Vec<usize>], index: usize| {
        let hash = hashes.get(index).copied().unwrap_or_default();
        let bucket = bucket(hash, SEED, chains.len());
        // The head of a chain is its end here.
        if let Some(chain) = chains.get_mut(bucket) {
            chain.push(index);
        }
    };
    let mut chains = vec![Vec::new(); 1 << SEED];
    for index in 0..hashes.len() {
        put(&mut chains, index);
        if index >= threshold(chains.len()) {
            let mut grown = vec![Vec::new(); chains.len() * 2];
            for index in from_the_last(chains) {
                put(&mut grown, index);
            }
            chains = grown;
        }
    }
    from_the_last(chains).collect()
}

fn from_the_last(chains: Vec<Vec<usize>>) -> impl Iterator<Item = usize> {
    chains
        .into_iter()
        .rev()
        .flat_map(|chain| chain.into_iter().rev())
}

/// Scala 2.12, set: one flat table, 45 % full at most, where an element takes the next free slot.
fn set_order(hashes: &[i32]) -> Vec<usize> {
    let put = |slots: &mut [Option<usize>], index: usize| {
        let hash = hashes.get(index).copied().unwrap_or_default();
        let start = bucket(hash, slots.len().trailing_zeros(), slots.len());
        let (before, from) = slots.split_at_mut_checked(start).unwrap_or_default();
        if let Some(free) = from.iter_mut().chain(before).find(|slot| slot.is_none()) {
            *free = Some(index);
        }
    };
    let mut slots = vec![None; 32];
    for index in 0..hashes.len() {
        put(&mut slots, index);
        if index + 1 >= slots.len() * 45 / 100 {
            let mut grown = vec![None; slots.len() * 2];
            for index in slots.into_iter().flatten() {
                put(&mut grown, index);
            }
            slots = grown;
        }
    }
    slots.into_iter().flatten().collect()
}

/// Returns the bucket of a hash in a table of Scala 2.12: its upper bits, mixed and rotated.
fn bucket(hash: i32, seed: u32, size: usize) -> usize {
    const FACTOR: u32 = 0x9e37_75cd;
    let mixed = hash
        .cast_unsigned()
        .wrapping_mul(FACTOR)
        .swap_bytes()
        .wrapping_mul(FACTOR);
    let index = mixed.rotate_right(seed) >> (u32::BITS - size.trailing_zeros());
    usize::try_from(index).unwrap_or_default()
}

/// The way through an immutable set of Scala 2.12 to a hash: five bits a level, the lowest first.
fn trie_path(hash: i32) -> u64 {
    let hash = hash.cast_unsigned();
    let mut mixed = hash.wrapping_add(!(hash << 9));
    mixed ^= mixed >> 14;
    mixed = mixed.wrapping_add(mixed << 4);
    mixed ^= mixed >> 10;
    (0..u32::BITS)
        .step_by(5)
        .fold(0, |path, level| path << 5 | u64::from(mixed >> level & 31))
}
