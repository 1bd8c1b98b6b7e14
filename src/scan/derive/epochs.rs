//! The leader epochs of batches.

use super::Violation;
use crate::format::{LeaderEpochs, RecordBatch, leader_epochs};
use crate::wire::{LeaderEpoch, Offset};

/// The leader epochs of a log with their start offsets: both ascend from entry to entry.
///
/// A file may contain more than the batches: epochs whose batches were all compacted away, and
/// start offsets of epochs whose first batches were. [`or_kept`](Self::or_kept) adds these.
///
/// Source: `LeaderEpochFileCache`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Epochs {
    entries: Vec<EpochStart>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct EpochStart {
    epoch: LeaderEpoch,
    start: Offset,
    /// The offset after the last batch of it.
    end: Offset,
}

impl Epochs {
    /// The epochs in a file, as a broker reads them: an entry removes those before it that it does
    /// not exceed.
    ///
    /// # Errors
    /// An entry is negative; the broker fails to start.
    pub fn load(file: &LeaderEpochs) -> Result<Self, Violation> {
        let mut epochs = Self::default();
        for entry in &file.entries {
            epochs.assign(entry.epoch, entry.start_offset)?;
        }
        Ok(epochs)
    }

    /// Epochs and their first offsets, in order.
    #[must_use]
    pub fn entries(
        &self,
    ) -> impl ExactSizeIterator<Item = (LeaderEpoch, Offset)> + DoubleEndedIterator + '_ {
        self.entries.iter().map(|entry| (entry.epoch, entry.start))
    }

    /// The newest epoch and its first offset.
    #[must_use]
    pub fn latest(&self) -> Option<(LeaderEpoch, Offset)> {
        self.entries().next_back()
    }

    /// The epoch that `offset` was written in.
    #[must_use]
    pub fn at(&self, offset: Offset) -> Option<LeaderEpoch> {
        let after = self.entries.partition_point(|entry| entry.start <= offset);
        let entry = self.entries.get(after.checked_sub(1)?)?;
        Some(entry.epoch)
    }

    /// The bytes of the file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        leader_epochs::encode(&self.entries().collect::<Vec<_>>())
    }

    /// Adds the next batch of the log. Older epochs after newer ones are ignored, as in Kafka.
    ///
    /// # Errors
    /// Its epoch would begin before offset 0.
    pub fn take(&mut self, batch: &RecordBatch<'_>) -> Result<(), Violation> {
        let epoch = batch.leader_epoch();
        let latest = self.latest().map(|(epoch, _)| epoch);
        if epoch.0 >= 0 && latest.is_none_or(|latest| epoch > latest) {
            self.assign(epoch, batch.base_offset())?;
        }
        if let Some(last) = self.entries.last_mut().filter(|last| last.epoch == epoch) {
            last.end = Offset(batch.last_offset().0.saturating_add(1));
        }
        Ok(())
    }

    /// Adds `epoch` with `start_offset`, unless it is the newest and began before. Entries that it
    /// does not exceed are removed.
    ///
    /// # Errors
    /// One of the two is negative.
    pub fn assign(&mut self, epoch: LeaderEpoch, start_offset: Offset) -> Result<(), Violation> {
        if epoch.0 < 0 || start_offset.0 < 0 {
            return Err(Violation::EpochStart {
                epoch,
                start_offset,
            });
        }
        if let Some((latest, start)) = self.latest()
            && latest == epoch
            && start <= start_offset
        {
            return Ok(());
        }
        let exceeded = |entry: &EpochStart| entry.epoch < epoch && entry.start < start_offset;
        let kept = self.entries.iter().rposition(exceeded);
        self.entries.truncate(kept.map_or(0, |index| index + 1));
        self.entries.push(EpochStart {
            epoch,
            start: start_offset,
            end: start_offset,
        });
        Ok(())
    }

    /// Truncates the log to `end`: epochs that begin there or later are removed.
    pub fn truncate_from_end(&mut self, end: Offset) {
        self.entries.retain(|entry| entry.start < end);
    }

    /// Raises the log start to `start`: of the epochs that began there or before, the newest stays
    /// and begins there.
    pub fn truncate_from_start(&mut self, start: Offset) {
        let after = self.entries.partition_point(|entry| entry.start <= start);
        if let Some(index) = after.checked_sub(1) {
            self.entries.drain(..index);
            if let Some(first) = self.entries.first_mut() {
                first.start = start;
            }
        }
    }

    /// These epochs, of all batches of a log, with everything else in `file` that no batch
    /// contradicts: epochs without batches, and earlier start offsets.
    #[must_use]
    pub fn or_kept(&self, file: &Self) -> Self {
        let mut merged = self.clone();
        for kept in file
            .entries
            .iter()
            .filter(|kept| self.allows(kept.epoch, kept.start))
        {
            let found = merged
                .entries
                .binary_search_by_key(&kept.epoch, |entry| entry.epoch);
            match found.map(|index| merged.entries.get_mut(index)) {
                Ok(entry) => entry.into_iter().for_each(|entry| entry.start = kept.start),
                Err(index) => merged.entries.insert(index, *kept),
            }
        }
        merged
    }

    /// Returns true if every added batch stays in its epoch if `epoch` begins at `start`.
    fn allows(&self, epoch: LeaderEpoch, start: Offset) -> bool {
        let index = self.entries.partition_point(|entry| entry.epoch < epoch);
        let before = index
            .checked_sub(1)
            .and_then(|index| self.entries.get(index));
        let fits = match self.entries.get(index) {
            Some(same) if same.epoch == epoch => start <= same.start,
            Some(after) => start < after.start,
            None => true,
        };
        fits && before.is_none_or(|before| before.end <= start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(entries: &[(i32, i64)]) -> Epochs {
        let mut epochs = Epochs::default();
        for &(epoch, start) in entries {
            epochs.assign(LeaderEpoch(epoch), Offset(start)).unwrap();
        }
        epochs
    }

    fn reported(epochs: &Epochs) -> Vec<(i32, i64)> {
        epochs
            .entries()
            .map(|(epoch, start)| (epoch.0, start.0))
            .collect()
    }

    #[test]
    fn a_new_entry_removes_what_it_does_not_exceed() {
        for (entries, expected) in [
            (&[(0, 0), (2, 10), (4, 10)][..], &[(0, 0), (4, 10)][..]),
            (&[(0, 0), (2, 10), (1, 20)], &[(0, 0), (1, 20)]),
            (&[(0, 5), (0, 9)], &[(0, 5)]),
            (&[(0, 5), (0, 3)], &[(0, 3)]),
            (&[(3, 5), (4, 9), (0, 0)], &[(0, 0)]),
        ] {
            assert_eq!(reported(&epochs(entries)), expected, "{entries:?}");
        }
        for (epoch, start) in [(-1, 0), (0, -1)] {
            let assigned = Epochs::default().assign(LeaderEpoch(epoch), Offset(start));
            assert!(matches!(assigned, Err(Violation::EpochStart { .. })));
        }
    }

    #[test]
    fn cutting_the_log_cuts_its_epochs() {
        let all = [(0, 0), (2, 10), (5, 20)];
        for (end, expected) in [(21, 3), (20, 2), (10, 1), (0, 0)] {
            let mut cut = epochs(&all);
            cut.truncate_from_end(Offset(end));
            assert_eq!(reported(&cut), all[..expected], "{end}");
        }
        for (start, expected) in [
            (0, &all[..]),
            (9, &[(0, 9), (2, 10), (5, 20)]),
            (10, &[(2, 10), (5, 20)]),
            (99, &[(5, 99)]),
        ] {
            let mut cut = epochs(&all);
            cut.truncate_from_start(Offset(start));
            assert_eq!(reported(&cut), expected, "{start}");
        }
        let mut later = epochs(&[(3, 7)]);
        later.truncate_from_start(Offset(6));
        assert_eq!(reported(&later), [(3, 7)]);
    }

    #[test]
    fn an_offset_is_of_the_epoch_that_began_last() {
        let all = epochs(&[(1, 5), (3, 9)]);
        let at = |offset| all.at(Offset(offset)).map(LeaderEpoch::get);
        assert_eq!(
            [at(4), at(5), at(8), at(9)],
            [None, Some(1), Some(1), Some(3)]
        );
    }

    #[test]
    fn a_file_adds_what_no_batch_contradicts() {
        let mut batches = epochs(&[(1, 10), (4, 50)]);
        batches.entries[0].end = Offset(30);
        batches.entries[1].end = Offset(60);
        for (file, expected) in [
            ("1 0\n4 30\n", &[(1, 0), (4, 30)][..]),
            (
                "0 3\n1 10\n2 30\n3 40\n4 50\n6 60\n",
                &[(0, 3), (1, 10), (2, 30), (3, 40), (4, 50), (6, 60)],
            ),
            ("2 29\n4 51\n6 59\n", &[(1, 10), (4, 50)]),
            ("0 10\n5 50\n", &[(1, 10), (4, 50)]),
            ("2 40\n4 30\n", &[(1, 10), (4, 30)]),
        ] {
            let text = format!("0\n{}\n{file}", file.lines().count());
            let file = Epochs::load(&LeaderEpochs::parse(text.as_bytes())).unwrap();
            assert_eq!(reported(&batches.or_kept(&file)), expected, "{text}");
        }
    }
}
