//! Sizes as a histogram: exact up to 32 bytes, and within 3 percent above.

/// The number of buckets for each doubling.
const STEPS: u64 = 32;

/// A histogram of sizes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sizes {
    counts: Vec<u64>,
    count: u64,
    sum: u64,
    least: u64,
    most: u64,
}

impl Sizes {
    /// Counts a size.
    #[inline]
    pub fn add(&mut self, size: u64) {
        let bucket = bucket(size);
        if self.counts.len() <= bucket {
            self.counts.resize(bucket + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.least = if self.count == 0 {
            size
        } else {
            self.least.min(size)
        };
        self.most = self.most.max(size);
        self.count += 1;
        self.sum = self.sum.saturating_add(size);
    }

    /// Adds other sizes.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine += theirs;
        }
        let is_first = self.count == 0;
        self.least = if is_first {
            other.least
        } else {
            self.least.min(other.least)
        };
        self.most = self.most.max(other.most);
        self.count += other.count;
        self.sum = self.sum.saturating_add(other.sum);
    }

    /// The smallest.
    #[must_use]
    pub const fn min(&self) -> u64 {
        self.least
    }

    /// The largest.
    #[must_use]
    pub const fn max(&self) -> u64 {
        self.most
    }

    /// The mean, rounded down.
    #[must_use]
    pub fn mean(&self) -> u64 {
        self.sum.checked_div(self.count).unwrap_or(0)
    }

    /// A percentile: the largest size of its bucket.
    #[must_use]
    pub fn percentile(&self, percent: u64) -> u64 {
        let rank = u128::from(self.count) * u128::from(percent);
        let rank = u64::try_from(rank.div_ceil(100)).unwrap_or(u64::MAX).max(1);
        let mut seen = 0_u64;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return largest(bucket).clamp(self.least, self.most);
            }
        }
        self.most
    }
}

fn bucket(size: u64) -> usize {
    if size < 2 * STEPS {
        return usize::try_from(size).unwrap_or(0);
    }
    let doublings = u64::from(size.ilog2()) - u64::from(STEPS.ilog2());
    usize::try_from(doublings * STEPS + (size >> doublings)).unwrap_or(usize::MAX)
}

/// The largest size of a bucket.
fn largest(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * STEPS {
        return bucket;
    }
    let doublings = bucket / STEPS - 1;
    let within = bucket - doublings * STEPS;
    ((within + 1) << doublings) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_three_percent() {
        let mut sizes = Sizes::default();
        for size in 1..=10_000 {
            sizes.add(size);
        }
        assert_eq!((sizes.min(), sizes.max(), sizes.mean()), (1, 10_000, 5_000));
        for percent in [1, 50, 95, 99, 100] {
            let (found, exact) = (sizes.percentile(percent), percent * 100);
            assert!(
                found >= exact && found - exact <= exact * 3 / 100 + 1,
                "{percent}: {found}"
            );
        }
        let mut joined = Sizes::default();
        joined.merge(&sizes);
        assert_eq!(joined, sizes);
        assert_eq!(Sizes::default().percentile(50), 0);
    }

    #[test]
    fn every_size_is_in_the_bucket_whose_largest_is_no_smaller() {
        for size in (0..300).chain([1 << 20, (1 << 40) + 17, u64::MAX >> 1]) {
            let bucket = bucket(size);
            assert!(largest(bucket) >= size, "{size}");
            assert!(bucket == 0 || largest(bucket - 1) < size, "{size}");
        }
    }
}
