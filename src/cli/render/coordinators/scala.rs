//! The order in which Scala's mutable hash tables give their elements back, which earlier releases print.
//!
//! Kafka was built with Scala 2.11 up to 0.10.0, with 2.12 up to 2.3 and with 2.13 since, as far as Kafka's own
//! distribution goes for the first two and for the default build since.

use kseg::wire::Release;

/// The first release built with Scala 2.13.
const NEW_TABLES: Release = Release::new(2, 4, 0);

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

/// Sorts the elements of a `mutable.HashMap` or a `mutable.HashSet`, given in the order of their insertion.
pub(super) fn sort<T>(
    elements: &mut Vec<T>,
    kind: Table,
    release: Release,
    hash: impl Fn(&T) -> i32,
) {
    if release >= NEW_TABLES {
        sort_chained(elements, hash);
        return;
    }
    let order = match kind {
        Table::Map => order_of_map(elements, hash),
        Table::Set => order_of_set(elements, hash),
    };
    let mut slots: Vec<Option<T>> = elements.drain(..).map(Some).collect();
    elements.extend(
        order
            .into_iter()
            .filter_map(|index| slots.get_mut(index).and_then(Option::take)),
    );
}

/// The two kinds of tables, which differ up to Scala 2.12.
#[derive(Debug, Clone, Copy)]
pub(super) enum Table {
    Map,
    Set,
}

/// Scala 2.13: buckets from 16 up, three quarters full at most; in a bucket by hash.
fn sort_chained<T>(elements: &mut [T], hash: impl Fn(&T) -> i32) {
    let mut buckets = 16_usize;
    while elements.len() >= buckets / 4 * 3 {
        buckets *= 2;
    }
    let mask = u32::try_from(buckets - 1).unwrap_or(u32::MAX);
    elements.sort_by_key(|element| {
        let hash = hash(element);
        let spread = hash ^ (hash.cast_unsigned() >> 16).cast_signed();
        (spread.cast_unsigned() & mask, spread)
    });
}

/// Scala 2.12, map: chains that grow at their head, read from the last bucket to the first.
fn order_of_map<T>(elements: &[T], hash: impl Fn(&T) -> i32) -> Vec<usize> {
    let mut chains: Vec<Vec<usize>> = vec![Vec::new(); 16];
    let hashes: Vec<i32> = elements.iter().map(hash).collect();
    for added in 0..hashes.len() {
        push(&mut chains, &hashes, added);
        if added + 1 > chains.len() / 4 * 3 {
            let old = std::mem::take(&mut chains);
            chains = vec![Vec::new(); old.len() * 2];
            for index in old
                .into_iter()
                .rev()
                .flat_map(|chain| chain.into_iter().rev())
            {
                push(&mut chains, &hashes, index);
            }
        }
    }
    chains
        .into_iter()
        .rev()
        .flat_map(|chain| chain.into_iter().rev())
        .collect()
}

/// Puts an element at the head of its chain, which is its end here.
fn push(chains: &mut [Vec<usize>], hashes: &[i32], index: usize) {
    let size = chains.len();
    let bucket = hashes.get(index).map_or(0, |&hash| bucket(hash, size));
    if let Some(chain) = chains.get_mut(bucket) {
        chain.push(index);
    }
}

/// Scala 2.12, set: one flat table, 45 % full at most, where an element takes the next free slot.
fn order_of_set<T>(elements: &[T], hash: impl Fn(&T) -> i32) -> Vec<usize> {
    let mut slots: Vec<Option<usize>> = vec![None; 32];
    let hashes: Vec<i32> = elements.iter().map(hash).collect();
    for added in 0..hashes.len() {
        place(&mut slots, &hashes, added);
        if added + 1 >= slots.len() * 450 / 1000 {
            let old = std::mem::take(&mut slots);
            slots = vec![None; old.len() * 2];
            for index in old.into_iter().flatten() {
                place(&mut slots, &hashes, index);
            }
        }
    }
    slots.into_iter().flatten().collect()
}

fn place(slots: &mut [Option<usize>], hashes: &[i32], index: usize) {
    let size = slots.len();
    let start = hashes.get(index).map_or(0, |&hash| bucket(hash, size));
    let free = (start..size)
        .chain(0..start)
        .find(|&at| slots.get(at) == Some(&None));
    if let Some(slot) = free.and_then(|at| slots.get_mut(at)) {
        *slot = Some(index);
    }
}

/// Where a hash belongs in a table of Scala 2.12: its upper bits, well mixed and rotated by the size.
fn bucket(hash: i32, size: usize) -> usize {
    const FACTOR: u32 = 0x9e37_75cd;
    let bits = size.trailing_zeros();
    let mixed = hash
        .cast_unsigned()
        .wrapping_mul(FACTOR)
        .swap_bytes()
        .wrapping_mul(FACTOR);
    let index = mixed.rotate_right(bits) >> (u32::BITS - bits);
    usize::try_from(index).unwrap_or(0)
}
