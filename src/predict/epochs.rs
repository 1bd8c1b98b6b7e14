//! Leader epochs during a start: `LeaderEpochFileCache`.

use super::reason::Reason;
use super::release::Kafka;
use super::thrown::Thrown;
use super::virtual_dir::{Content, VirtualDir};
use crate::format::fault::CheckpointFault;
use crate::format::{Fault, FaultKind, LeaderEpochs};
use crate::store::read_known;

/// The file.
pub(super) const FILE: &str = "leader-epoch-checkpoint";

/// The maximum size of a checkpoint.
pub(super) const LARGEST_BYTES: u64 = 64 << 20;

/// Leader epochs and their start offsets.
#[derive(Debug, Clone, Default)]
pub(super) struct Epochs(Vec<(i32, i64)>);

impl Epochs {
    /// Reads the file, if there is one.
    pub(super) fn read(virtual_dir: &VirtualDir, kafka: Kafka) -> Result<Self, Thrown> {
        let failed = |fault: Option<Fault>| {
            let file = FILE.to_owned();
            let reason = Reason::Checkpoint { file, fault };
            if kafka.spares_the_broker() {
                Thrown::Io(reason)
            } else {
                Thrown::Fatal(reason)
            }
        };
        let content = match virtual_dir.get(FILE) {
            None => return Ok(Self::default()),
            Some(leaf) if leaf.kind != crate::store::ItemType::File => return Err(failed(None)),
            Some(leaf) => &leaf.content,
        };
        let Content::Disk { path, len, .. } = content else {
            return Ok(Self::default());
        };
        if *len > LARGEST_BYTES {
            return Err(failed(None));
        }
        let lines = LeaderEpochs::parse(&read_known(path)?);
        match Failure::of(&lines.faults, kafka) {
            None => {}
            Some((Failure::Line, fault)) => return Err(failed(Some(fault))),
            Some((_, fault)) => {
                return Err(Thrown::Fatal(Reason::Checkpoint {
                    file: FILE.to_owned(),
                    fault: Some(fault),
                }));
            }
        }
        let mut epochs = Self::default();
        for entry in lines.entries {
            epochs.assign(entry.epoch.0, entry.start_offset.0);
        }
        Ok(epochs)
    }

    /// Removes the entries that are not below the new one. Both columns rise, so these are the last
    /// ones.
    fn assign(&mut self, epoch: i32, start: i64) {
        while self
            .0
            .pop_if(|&mut (e, s)| e >= epoch || s >= start)
            .is_some()
        {}
        self.0.push((epoch, start));
    }

    /// Adds a batch. Returns false if its epoch would begin below 0; the broker fails then.
    pub(super) fn append(&mut self, epoch: i32, offset: i64) -> bool {
        let is_new = epoch >= 0 && self.latest().is_none_or(|latest| epoch > latest);
        if is_new && offset >= 0 {
            self.assign(epoch, offset);
        }
        !is_new || offset >= 0
    }

    /// The last epoch.
    pub(super) fn latest(&self) -> Option<i32> {
        self.0.last().map(|&(epoch, _)| epoch)
    }

    /// Removes the epochs that begin at the log end or beyond.
    pub(super) fn truncate(&mut self, end: i64) {
        self.0.retain(|&(_, start)| start < end);
    }

    /// Removes everything.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// The kinds of failure to read a checkpoint that Kafka distinguishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// A malformed line: `IOException`.
    Line,
    /// An invalid number: `NumberFormatException`, since 3.1.
    Number,
    /// A negative number: `IllegalArgumentException`.
    Negative,
}

impl Failure {
    /// The failure for the faults of a checkpoint: a reader stops at the first one, but text is
    /// decoded before.
    pub(super) fn of(faults: &[Fault], kafka: Kafka) -> Option<(Self, Fault)> {
        let text = |fault: &Fault| match fault.kind() {
            FaultKind::Checkpoint(text) => Some(text),
            _ => None,
        };
        let encoding = faults
            .iter()
            .find(|fault| text(fault) == Some(CheckpointFault::Encoding));
        if let Some(fault) = encoding {
            return Some((Self::Line, *fault));
        }
        let of = |fault: &Fault| {
            let failure = match text(fault)? {
                CheckpointFault::Order(_) => return None,
                CheckpointFault::Negative(_) => Self::Negative,
                CheckpointFault::Number(_) if kafka.tells_numbers_apart() => Self::Number,
                _ => Self::Line,
            };
            Some((failure, *fault))
        };
        // The range of numbers is checked when all lines are read.
        let found = || faults.iter().filter_map(of);
        found()
            .find(|(failure, _)| *failure != Self::Negative)
            .or_else(|| found().next())
    }
}
