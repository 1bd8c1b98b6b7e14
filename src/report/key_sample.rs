//! A value for each key, in bounded memory: for all keys, or for a fair sample if there are too
//! many.
//!
//! Which keys are in the sample depends on their hashes alone (adaptive sampling, after M. Wegman):
//! every time there are too many, half of them are removed, and each of the rest counts twice as
//! much. So a sum over the keys of the sample, times [`scale`](KeySample::scale), estimates the sum
//! over all keys.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher, Hasher};

/// The default number of keys of a sample: some 30 MB, and an error of a quarter of a percent.
pub const SAMPLE_KEYS: usize = 1 << 18;

/// A sample of keys, each with a `T`.
#[derive(Debug, Clone)]
pub struct KeySample<T> {
    keys: HashMap<u128, T, BuildHasherDefault<OfHash>>,
    /// The sample has the keys whose hashes end in this number of zeros.
    level: u32,
    most: usize,
}

impl<T: Default> KeySample<T> {
    /// A sample of at most this number of keys; [`usize::MAX`] for all.
    #[must_use]
    pub fn of_at_most(most: usize) -> Self {
        Self {
            keys: HashMap::default(),
            level: 0,
            most: most.max(2),
        }
    }

    /// Returns the value of a key; `None` if it is not in the sample.
    pub fn entry(&mut self, key: &[u8]) -> Option<&mut T> {
        self.entry_of_hash(hash(key))
    }

    /// The same by the [`hash`] of the key.
    pub fn entry_of_hash(&mut self, hash: u128) -> Option<&mut T> {
        while self.keys.len() >= self.most && self.is_in(hash) && !self.keys.contains_key(&hash) {
            self.level += 1;
            let level = self.level;
            self.keys.retain(|hash, _| hash.trailing_zeros() >= level);
        }
        self.is_in(hash).then(|| self.keys.entry(hash).or_default())
    }

    /// Adds another sample; `join` joins the values of the same key.
    #[expect(
        clippy::iter_over_hash_type,
        reason = "which keys stay does not depend on their order"
    )]
    pub fn merge(&mut self, other: Self, mut join: impl FnMut(&mut T, T)) {
        if other.level > self.level {
            self.level = other.level;
            let level = self.level;
            self.keys.retain(|hash, _| hash.trailing_zeros() >= level);
        }
        for (hash, theirs) in other.keys {
            if let Some(mine) = self.entry_of_hash(hash) {
                join(mine, theirs);
            }
        }
    }

    fn is_in(&self, hash: u128) -> bool {
        hash.trailing_zeros() >= self.level
    }

    /// Returns the values of the sample, in no order.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.keys.values()
    }

    /// The number of keys that each key of the sample represents.
    #[must_use]
    pub const fn scale(&self) -> u64 {
        1_u64 << if self.level < 63 { self.level } else { 63 }
    }

    /// Returns the number of keys.
    #[must_use]
    pub fn count(&self) -> u64 {
        (self.keys.len() as u64).saturating_mul(self.scale())
    }

    /// The standard error of [`count`](Self::count), as a share of it; `None` if it is exact.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "an error is no more precise than that"
    )]
    pub fn error(&self) -> Option<f64> {
        (self.level > 0).then(|| 1.2 / (self.most as f64).sqrt())
    }
}

/// The hash that identifies a key: two keys have the same hash about as often as the same MD5 sum,
/// by which Kafka's cleaner identifies them.
#[must_use]
pub fn hash(key: &[u8]) -> u128 {
    let half = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(seed);
        hasher.write(key);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

/// A hasher for values that are hashes already.
#[derive(Debug, Default, Clone, Copy)]
struct OfHash(u64);

impl Hasher for OfHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0 << 8 | u64::from(*byte);
        }
    }

    fn write_u128(&mut self, hash: u128) {
        self.0 = (hash >> 64) as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_keys_are_counted_and_many_estimated_within_the_error_said() {
        let mut sample = KeySample::<u64>::of_at_most(1 << 12);
        for round in 0..2 {
            for key in 0..4_000_u32 {
                *sample.entry(&key.to_be_bytes()).unwrap() += 1;
            }
            assert_eq!((sample.count(), sample.error()), (4_000, None));
            assert_eq!(sample.values().sum::<u64>(), 4_000 * (round + 1));
        }
        for key in 0..100_000_u32 {
            if let Some(count) = sample.entry(&key.to_be_bytes()) {
                *count += 1;
            }
        }
        let error = sample.error().unwrap();
        assert!(error < 0.02);
        let count = f64::from(u32::try_from(sample.count()).unwrap());
        assert!((count / 100_000.0 - 1.0).abs() < 4.0 * error, "{count}");
    }

    #[test]
    fn samples_of_parts_join_to_that_of_all() {
        let of = |keys: std::ops::Range<u32>| {
            let mut sample = KeySample::<u64>::of_at_most(256);
            for key in keys {
                if let Some(count) = sample.entry(&key.to_be_bytes()) {
                    *count += 1;
                }
            }
            sample
        };
        let mut joined = of(0..3_000);
        joined.merge(of(3_000..9_000), |mine, theirs| *mine += theirs);
        let all = of(0..9_000);
        assert_eq!((joined.count(), joined.level), (all.count(), all.level));
    }
}
