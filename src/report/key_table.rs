//! Keys numbered in the order of their first appearance, without an allocation for each.

use std::hash::{BuildHasher, RandomState};

/// Numbers keys. The numbers depend on the keys and their order alone.
#[derive(Debug, Clone, Default)]
pub struct KeyTable {
    /// The keys one after the other.
    bytes: Vec<u8>,
    /// By number: the hash of the key, and its end in `bytes`.
    keys: Vec<(u64, usize)>,
    /// One more than the number of the key whose hash leads here, or to a slot just before; 0 means
    /// free. At least half of the slots are free, and their number is a power of two.
    slots: Vec<u32>,
    /// Random, so that keys cannot be chosen to share one slot.
    state: RandomState,
}

impl KeyTable {
    /// The number of a key, which is a new one if the key is new.
    pub fn number(&mut self, key: &[u8]) -> usize {
        let hash = self.state.hash_one(key);
        if self.slots.len() < 2 * (self.keys.len() + 1) {
            self.grow();
        }
        let mut at = self.first_slot(hash);
        while let Some(number) = self.taken(at) {
            let is_same = self.keys.get(number).is_some_and(|known| known.0 == hash);
            if is_same && self.get(number) == Some(key) {
                return number;
            }
            at = self.next_slot(at);
        }
        let number = self.keys.len();
        self.bytes.extend_from_slice(key);
        self.keys.push((hash, self.bytes.len()));
        self.take(at, number);
        number
    }

    /// The key of a number.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<&[u8]> {
        let (_, end) = *self.keys.get(number)?;
        let before = number.checked_sub(1).and_then(|it| self.keys.get(it));
        let start = before.map_or(0, |(_, end)| *end);
        self.bytes.get(start..end)
    }

    /// Returns the number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Returns true if there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    fn grow(&mut self) {
        let slots = (self.slots.len() * 2).max(64);
        self.slots.clear();
        self.slots.resize(slots, 0);
        for number in 0..self.keys.len() {
            let hash = self.keys.get(number).map_or(0, |key| key.0);
            let mut at = self.first_slot(hash);
            while self.taken(at).is_some() {
                at = self.next_slot(at);
            }
            self.take(at, number);
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the lower bits of a hash are as good as any"
    )]
    fn first_slot(&self, hash: u64) -> usize {
        hash as usize & (self.slots.len() - 1)
    }

    fn next_slot(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }

    fn taken(&self, at: usize) -> Option<usize> {
        let number = self.slots.get(at)?.checked_sub(1)?;
        usize::try_from(number).ok()
    }

    fn take(&mut self, at: usize, number: usize) {
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = u32::try_from(number + 1).unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_keeps_its_number() {
        let mut table = KeyTable::default();
        assert!(table.is_empty());
        let key = |number: usize| format!("key-{}", number * 7919 % 10_007).into_bytes();
        for round in 0..2 {
            for number in 0..5_000 {
                assert_eq!(table.number(&key(number)), number, "round {round}");
            }
        }
        assert_eq!((table.number(b""), table.number(b"")), (5_000, 5_000));
        assert_eq!(table.len(), 5_001);
        assert_eq!(table.get(17), Some(&*key(17)));
        assert_eq!(table.get(5_001), None);
    }
}
