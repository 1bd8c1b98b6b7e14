//! `leader-epoch-checkpoint`: the first offset of each leader epoch of a partition.
//!
//! The lines are those of a [checkpoint](super::checkpoint); an entry is a leader epoch and the
//! first offset of it. Both grow from line to line: the broker drops earlier entries that a later
//! one does not exceed.
//!
//! Source: `LeaderEpochCheckpointFile`, `LeaderEpochFileCache`.

use super::checkpoint::{Lines, read, words};
use super::fault::{CheckpointFault, Fault};
use crate::wire::{LeaderEpoch, Offset, Position};

/// The leader epochs of a partition.
pub type LeaderEpochs = Lines<EpochEntry>;

/// A leader's term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct EpochEntry {
    /// The position of the line.
    pub position: Position,
    /// The term.
    pub epoch: LeaderEpoch,
    /// The first offset of it.
    pub start_offset: Offset,
}

/// The bytes of a file with these epochs and first offsets, in order.
#[must_use]
pub fn encode(entries: &[(LeaderEpoch, Offset)]) -> Vec<u8> {
    let head = format!("0\n{}\n", entries.len());
    let line = |(epoch, start): &(LeaderEpoch, Offset)| format!("{epoch} {start}\n").into_bytes();
    let mut bytes = head.into_bytes();
    bytes.extend(entries.iter().flat_map(line));
    bytes
}

impl LeaderEpochs {
    /// Reads the file. A line that cannot be read is a fault, and reading continues after it.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let mut faults = Vec::new();
        let mut last: Option<EpochEntry> = None;
        let mut lines = read(bytes, |position, line| {
            let [epoch, start] = words(line)?;
            let entry = EpochEntry {
                position,
                epoch: LeaderEpoch(epoch.int("epoch")?),
                start_offset: Offset(start.long("start offset")?),
            };
            let at = usize::try_from(position.0).unwrap_or(usize::MAX);
            if entry.epoch.0 < 0 {
                faults.push(Fault::new(CheckpointFault::Negative("epoch"), at));
            }
            if entry.start_offset.0 < 0 {
                faults.push(Fault::new(CheckpointFault::Negative("start offset"), at));
            }
            if let Some(last) = last {
                if entry.epoch <= last.epoch {
                    faults.push(Fault::new(CheckpointFault::Order("epoch"), at));
                }
                if entry.start_offset <= last.start_offset {
                    faults.push(Fault::new(CheckpointFault::Order("start offset"), at));
                }
            }
            last = Some(entry);
            Ok(entry)
        });
        lines.faults.append(&mut faults);
        lines.faults.sort_by_key(Fault::at);
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_an_epoch_and_where_it_began() {
        let epochs = LeaderEpochs::parse(b"0\n2\n0 0\n3 184467\n");
        assert_eq!(epochs.faults, []);
        let entries: Vec<_> = epochs
            .entries
            .iter()
            .map(|entry| (entry.position.0, entry.epoch.0, entry.start_offset.0))
            .collect();
        assert_eq!(entries, [(4, 0, 0), (8, 3, 184_467)]);
    }

    #[test]
    fn a_file_is_written_as_brokers_do() {
        let entries = [(0, 0), (3, 184_467)].map(|(e, o)| (LeaderEpoch(e), Offset(o)));
        assert_eq!(encode(&entries), b"0\n2\n0 0\n3 184467\n");
        assert_eq!(encode(&[]), b"0\n0\n");
    }

    #[test]
    fn entries_that_do_not_grow_are_faults_but_stay() {
        let table: [(&[u8], CheckpointFault, usize); 3] = [
            (b"0\n2\n5 0\n3 9\n", CheckpointFault::Order("epoch"), 8),
            (
                b"0\n2\n5 7\n6 7\n",
                CheckpointFault::Order("start offset"),
                8,
            ),
            (
                b"0\n2\n5 7\n6 x\n",
                CheckpointFault::Number("start offset"),
                10,
            ),
        ];
        for (bytes, kind, at) in table {
            let epochs = LeaderEpochs::parse(bytes);
            assert_eq!(epochs.faults, [Fault::new(kind, at)]);
        }
        let negative = LeaderEpochs::parse(b"0\n1\n-1 0\n");
        assert_eq!(
            negative.faults,
            [Fault::new(CheckpointFault::Negative("epoch"), 4)]
        );
    }
}
