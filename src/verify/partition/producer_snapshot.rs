//! `.snapshot` against the state of producers from the batches before its offset.
//!
//! State that a broker may drop is not a contradiction: idle producers, and records that retention
//! and compaction removed. So a snapshot is compared completely only if the log has no gap before
//! it.

use std::path::Path;
use std::sync::Arc;

use crate::format::FileKind;
use crate::format::ProducerSnapshot;
use crate::format::producer_snapshot::{ENTRY_BYTES, HEADER_BYTES, KNOWN_VERSION, ProducerEntry};
use crate::scan::derive::Producers;
use crate::store::{Cap, read_small};
use crate::store::{Error, Source};
use crate::verify::catalog::CheckId;
use crate::verify::coverage::Coverage;
use crate::verify::evidence::{Checksum, SnapshotAgainst, SnapshotProducer, SnapshotShape};
use crate::verify::finding::{Finding, Findings};
use crate::wire::Offset;

/// The part of a log that is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownUpTo {
    /// True if nothing of the log is missing since the state of producers was complete.
    pub(super) is_complete: bool,
    /// The first offset of the last gap.
    pub(super) hole_start: Offset,
    /// The first offset after it.
    pub(super) hole_end: Offset,
}

impl KnownUpTo {
    /// Returns true if the state of a producer whose last batch ends at this offset is complete:
    /// later batches may be lost in a gap.
    pub(super) fn is_complete(self, last: Offset) -> bool {
        self.is_complete && self.hole_end <= last
    }

    /// Returns true if an offset is in the last hole: what begins there was lost with it.
    pub(super) fn is_lost(self, offset: Offset) -> bool {
        (self.hole_start..self.hole_end).contains(&offset)
    }
}

/// A snapshot that was read.
#[derive(Debug)]
pub(in crate::verify) struct SnapshotFile {
    pub(super) path: Arc<Path>,
    /// The offset in its name.
    pub(super) offset: Offset,
    /// True if a broker would use it.
    pub(super) is_sound: bool,
}

impl SnapshotFile {
    /// Reads a snapshot and checks it by itself.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(in crate::verify) fn open(
        path: &Arc<Path>,
        offset: Offset,
        findings: &mut Findings,
    ) -> Result<(Self, Coverage), Error> {
        let bytes = read_small(path, Cap::of(FileKind::ProducerSnapshot))?;
        let before = findings.kept().len();
        check_bytes(path, &bytes, findings);
        let is_sound = findings.kept().len() == before;
        let len = bytes.len() as u64;
        let mut coverage = Coverage::of_file(len);
        if is_sound {
            coverage.small_bytes = len;
        } else {
            coverage.damage_bytes = len;
        }
        let file = Self {
            path: Arc::clone(path),
            offset,
            is_sound,
        };
        file.check_offsets(&bytes, findings);
        Ok((file, coverage))
    }

    /// The bytes of a snapshot that a broker would use: read again, because there may be many of
    /// them.
    pub(super) fn bytes(&self) -> Option<Source> {
        read_small(&self.path, Cap::of(FileKind::ProducerSnapshot))
            .ok()
            .filter(|_| self.is_sound)
    }

    /// Checks that its offsets are below its own.
    fn check_offsets(&self, bytes: &[u8], findings: &mut Findings) {
        if !self.is_sound {
            return;
        }
        for (nth, entry) in entries(bytes) {
            let ahead = [
                ("last offset", entry.last_offset),
                ("transaction", entry.txn_first_offset),
            ];
            for (what, offset) in ahead {
                if offset >= self.offset {
                    let against = SnapshotAgainst::SnapshotEnd {
                        field: what,
                        offset: offset.0,
                        end: self.offset.0,
                    };
                    findings.add(self.about(CheckId::SnapshotOffsets, nth, &entry, against));
                }
            }
        }
    }

    fn about(
        &self,
        check: CheckId,
        nth: u64,
        entry: &ProducerEntry,
        against: SnapshotAgainst,
    ) -> Finding {
        let at = HEADER_BYTES as u64 + nth * ENTRY_BYTES as u64;
        Finding::new(check, &self.path)
            .at(at, ENTRY_BYTES as u64)
            .saw(SnapshotProducer {
                producer_id: entry.producer_id.0,
                against,
            })
    }

    /// Compares it with the log up to its offset.
    pub(super) fn compare(&self, log: &Producers, known_up_to: KnownUpTo, findings: &mut Findings) {
        let Some(bytes) = self.bytes() else { return };
        let check = CheckId::SnapshotMismatch;
        for (nth, entry) in entries(&bytes) {
            let is_complete = known_up_to.is_complete(entry.last_offset);
            let Some(known) = log.get(entry.producer_id) else {
                if is_complete {
                    findings.add(self.about(check, nth, &entry, SnapshotAgainst::NotInLog));
                }
                continue;
            };
            if let Some((field, stored, actual)) = difference(&entry, known, is_complete) {
                let against = SnapshotAgainst::Log {
                    field,
                    stored,
                    actual,
                };
                findings.add(self.about(check, nth, &entry, against));
            }
        }
        self.compare_lacking(&bytes, log, findings);
    }

    /// Reports missing producers. An idle producer may expire, but not one with an open
    /// transaction, or one that was active after another that is in the snapshot.
    fn compare_lacking(&self, bytes: &[u8], log: &Producers, findings: &mut Findings) {
        let mut ids: Vec<_> = entries(bytes).map(|(_, entry)| entry.producer_id).collect();
        ids.sort_unstable();
        let is_idle = |entry: &ProducerEntry| entry.open_txn().is_none();
        let kept = entries(bytes).map(|(_, entry)| entry).filter(is_idle);
        let mut kept: Vec<_> = kept
            .map(|entry| (entry.last_offset, entry.timestamp))
            .collect();
        kept.sort_unstable();
        // The oldest timestamp of those up to an offset.
        let mut oldest = i64::MAX;
        for (_, timestamp) in &mut kept {
            oldest = oldest.min(timestamp.0);
            timestamp.0 = oldest;
        }
        for known in log.entries() {
            let before = kept.partition_point(|(last, _)| *last < known.last_offset);
            let oldest = before.checked_sub(1).and_then(|index| kept.get(index));
            let is_newer = oldest.is_some_and(|(_, oldest)| known.timestamp > *oldest);
            if ids.binary_search(&known.producer_id).is_err()
                && (known.open_txn().is_some() || is_newer)
            {
                let against = match known.open_txn() {
                    Some(since) => SnapshotAgainst::Open { since: since.0 },
                    None => SnapshotAgainst::Active,
                };
                let finding = Finding::new(CheckId::SnapshotMismatch, &self.path);
                findings.add(finding.saw(SnapshotProducer {
                    producer_id: known.producer_id.0,
                    against,
                }));
            }
        }
    }
}

/// The producers in a snapshot.
fn entries(bytes: &[u8]) -> impl Iterator<Item = (u64, ProducerEntry)> + '_ {
    let snapshot = ProducerSnapshot::parse(bytes).ok();
    let entries = snapshot.map(|snapshot| snapshot.entries());
    (0..).zip(entries.into_iter().flatten().map(ProducerEntry::from))
}

/// Returns the difference between a snapshot and the log.
fn difference(
    stored: &ProducerEntry,
    log: &ProducerEntry,
    is_complete: bool,
) -> Option<(&'static str, i64, i64)> {
    if !is_complete {
        // Only the remaining part of the log can be older than the snapshot. A producer with a new
        // epoch has no batches yet.
        let has_older = stored.last_offset < log.last_offset
            && stored.producer_epoch <= log.producer_epoch
            && stored.coordinator_epoch <= log.coordinator_epoch;
        return has_older.then_some(("last offset", stored.last_offset.0, log.last_offset.0));
    }
    // Up to 0.11 a marker changed the last offset too; up to 1.1 it did not change the timestamp.
    let has_marker = log.coordinator_epoch >= 0;
    let is_marker = has_marker && stored.last_offset > log.last_offset;
    let last_offset = if is_marker {
        log.last_offset.0
    } else {
        stored.last_offset.0
    };
    let delta = if is_marker {
        log.offset_delta.0
    } else {
        stored.offset_delta.0
    }
    .into();
    let timestamp = if has_marker {
        log.timestamp.0
    } else {
        stored.timestamp.0
    };
    [
        (
            "epoch",
            i64::from(stored.producer_epoch),
            i64::from(log.producer_epoch),
        ),
        (
            "last sequence",
            stored.last_sequence.into(),
            log.last_sequence.into(),
        ),
        ("last offset", last_offset, log.last_offset.0),
        ("offset delta", delta, log.offset_delta.0.into()),
        ("timestamp", timestamp, log.timestamp.0),
        (
            "coordinator epoch",
            stored.coordinator_epoch.into(),
            log.coordinator_epoch.into(),
        ),
        (
            "transaction",
            stored.txn_first_offset.0,
            log.txn_first_offset.0,
        ),
    ]
    .into_iter()
    .find(|(_, stored, actual)| stored != actual)
}

/// Checks the bytes of a snapshot like a broker, and more.
fn check_bytes(path: &Arc<Path>, bytes: &[u8], findings: &mut Findings) {
    let len = bytes.len() as u64;
    let Ok(snapshot) = ProducerSnapshot::parse(bytes) else {
        let finding = Finding::new(CheckId::SnapshotMalformed, path).at(0, len);
        findings.add(finding.saw(SnapshotShape::Header {
            size_bytes: len,
            header_bytes: HEADER_BYTES as u64,
        }));
        return;
    };
    if snapshot.version() != KNOWN_VERSION {
        let finding = Finding::new(CheckId::SnapshotVersion, path).at(0, 2);
        findings.add(finding.saw(SnapshotShape::Version {
            version: snapshot.version(),
            known: KNOWN_VERSION,
        }));
    }
    let declared = snapshot.declared_len();
    if usize::try_from(declared) != Ok(snapshot.len()) || !snapshot.trailing().is_empty() {
        let finding = Finding::new(CheckId::SnapshotMalformed, path);
        let finding = finding.at(6, len.saturating_sub(6));
        findings.add(finding.saw(SnapshotShape::Entries {
            declared: declared.into(),
            body_bytes: snapshot.body_bytes() as u64,
        }));
    } else if snapshot.check_crc().is_err() {
        let finding = Finding::new(CheckId::SnapshotCrc, path).at(2, 4);
        findings.add(finding.saw(Checksum {
            stored: snapshot.stored_crc(),
            actual: snapshot.actual_crc(),
            flip: None,
            field: None,
            zeros: None,
        }));
    }
}
