//! `.txnindex` against the abort markers of its `.log`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::producer_snapshot::KnownUpTo;
use crate::format::txn_index::ENTRY_BYTES;
use crate::format::{FileKind, TxnIndex};
use crate::scan::derive::CompletedTxn;
use crate::store::{Cap, Error, read_small};
use crate::verify::catalog::{CheckId, Severity};
use crate::verify::coverage::Coverage;
use crate::verify::evidence::{PartialEntry, TxnEntry, TxnEntryAgainst, UnindexedAbort};
use crate::verify::finding::{Finding, Findings};
use crate::wire::{Offset, ProducerId};

/// A transaction index and the markers of its segment.
#[derive(Debug)]
pub(in crate::verify) struct TxnCheck {
    /// The path of the index, which may not exist.
    path: Arc<Path>,
    entries: Vec<AbortedEntry>,
    /// Aborted transactions with known data, and the known part of the log.
    aborted: BTreeMap<Key, (CompletedTxn, KnownUpTo)>,
    /// Abort markers without known data: offsets and producers, and the known part of the log.
    bare: BTreeMap<Key, KnownUpTo>,
    coverage: Option<Coverage>,
}

/// The offsets of a segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct SegmentReach {
    pub(super) base: Offset,
    /// The last offset in its log.
    pub(super) last: Option<Offset>,
    /// The base offset of the segment after it.
    pub(super) next: Option<Offset>,
    /// True if nothing of it is missing.
    pub(super) is_whole: bool,
    /// The first offset of the log.
    pub(super) log_start: Offset,
}

/// The end of a transaction, and its producer.
type Key = (Offset, ProducerId);

#[derive(Debug, Clone, Copy)]
struct AbortedEntry {
    index: u64,
    producer_id: ProducerId,
    first: Offset,
    last: Offset,
    last_stable: Offset,
}

impl TxnCheck {
    /// Reads the index, if `exists`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(in crate::verify) fn open(
        path: &Arc<Path>,
        exists: bool,
        findings: &mut Findings,
    ) -> Result<Self, Error> {
        let mut check = Self::none(path);
        if exists {
            let bytes = read_small(path, Cap::of(FileKind::TransactionIndex))?;
            check.read(&bytes, findings);
        }
        Ok(check)
    }

    /// A check without an index.
    pub(super) fn none(path: &Arc<Path>) -> Self {
        Self {
            path: Arc::clone(path),
            entries: Vec::new(),
            aborted: BTreeMap::new(),
            bare: BTreeMap::new(),
            coverage: None,
        }
    }

    fn read(&mut self, bytes: &[u8], findings: &mut Findings) {
        let index = TxnIndex::new(bytes);
        let trailing = index.trailing().len() as u64;
        let whole = bytes.len() as u64 - trailing;
        if trailing > 0 {
            let finding = Finding::new(CheckId::TxnIndexSize, &self.path).at(whole, trailing);
            findings.add(finding.saw(PartialEntry {
                size_bytes: bytes.len() as u64,
                entry_bytes: ENTRY_BYTES as u64,
                trailing_bytes: trailing,
            }));
        }
        let mut last: Option<Offset> = None;
        for (nth, entry) in (0_u64..).zip(index.entries()) {
            let (first, end) = (entry.first_offset(), entry.last_offset());
            let read = AbortedEntry {
                index: nth,
                producer_id: entry.producer_id(),
                first,
                last: end,
                last_stable: entry.last_stable_offset(),
            };
            if entry.check().is_err() {
                let against = TxnEntryAgainst::Version(entry.version());
                findings.add(self.about(CheckId::TxnIndexSize, &read, against));
                continue;
            }
            if last.is_some_and(|last| end <= last) || first >= end || first.0 < 0 {
                let against = TxnEntryAgainst::Order(last.map(|last| last.0));
                let finding = self.about(CheckId::TxnIndexOrder, &read, against);
                findings.add(finding.offset(end.0));
            }
            last = Some(last.map_or(end, |last| last.max(end)));
            self.entries.push(read);
        }
        self.coverage = Some(Coverage {
            entry_bytes: whole,
            unknown_bytes: trailing,
            ..Coverage::of_file(bytes.len() as u64)
        });
    }

    fn about(&self, check: CheckId, entry: &AbortedEntry, against: TxnEntryAgainst) -> Finding {
        let at = entry.index.saturating_mul(ENTRY_BYTES as u64);
        Finding::new(check, &self.path)
            .at(at, ENTRY_BYTES as u64)
            .saw(TxnEntry {
                entry: entry.index,
                producer_id: entry.producer_id.0,
                first_offset: entry.first.0,
                last_offset: entry.last.0,
                against,
            })
    }

    /// The account of an index without its log.
    pub(in crate::verify) fn alone(self) -> Coverage {
        self.coverage.unwrap_or_default()
    }

    /// Takes a transaction that ends in the segment.
    pub(super) fn completed(&mut self, txn: CompletedTxn, known: KnownUpTo) {
        if txn.is_aborted {
            let key = (txn.last_offset, txn.producer_id);
            self.aborted.insert(key, (txn, known));
        }
    }

    /// Takes an abort marker whose transaction is not known from the log.
    pub(super) fn bare_marker(
        &mut self,
        offset: Offset,
        producer_id: ProducerId,
        known: KnownUpTo,
    ) {
        self.bare.insert((offset, producer_id), known);
    }

    /// Ends the check of a segment.
    pub(super) fn finish(self, reach: SegmentReach, findings: &mut Findings) -> Coverage {
        for entry in &self.entries {
            self.check_entry(*entry, reach, findings);
        }
        let keys = self
            .entries
            .iter()
            .map(|entry| (entry.last, entry.producer_id));
        let entries: BTreeSet<Key> = keys.collect();
        for (key, (txn, _)) in &self.aborted {
            if !entries.contains(key) {
                findings.add(
                    Finding::new(CheckId::TxnIndexLacking, &self.path)
                        .offset(txn.last_offset.0)
                        .saw(UnindexedAbort {
                            producer_id: txn.producer_id.0,
                            first_offset: txn.first_offset.0,
                            last_offset: txn.last_offset.0,
                        }),
                );
            }
        }
        self.coverage.unwrap_or_default()
    }

    fn check_entry(&self, entry: AbortedEntry, reach: SegmentReach, findings: &mut Findings) {
        let (producer_id, first, end) = (entry.producer_id, entry.first, entry.last);
        let mut add = |check, against, severity: Option<Severity>| {
            let finding = self.about(check, &entry, against).offset(end.0);
            findings.add(match severity {
                Some(severity) => finding.severity(severity),
                None => finding,
            });
        };
        let is_beyond = reach.last.is_none_or(|last| end > last);
        // Its marker may be lost; the entry is still right for readers.
        let is_before_next = reach.next.is_some_and(|next| end < next);
        if end < reach.base || reach.is_whole && is_beyond && !is_before_next {
            let last = reach.last.map(|last| (reach.base.0, last.0));
            return add(
                CheckId::TxnIndexOutside,
                TxnEntryAgainst::Segment(last),
                None,
            );
        }
        if is_beyond && is_before_next {
            return;
        }
        let Some((txn, known)) = self.aborted.get(&(end, producer_id)) else {
            let marker = self.bare.get(&(end, producer_id));
            let may_be_lost =
                marker.is_some_and(|known| !known.is_complete || known.is_lost(first));
            if reach.is_whole && !may_be_lost {
                add(CheckId::TxnIndexStray, TxnEntryAgainst::NoMarker, None);
            }
            return;
        };
        let check = CheckId::TxnIndexFirstOffset;
        // An earlier transaction of the producer may have ended in a gap, and this one have begun
        // after it.
        let is_complete = known.is_complete(txn.first_offset) && !known.is_lost(first);
        // If it begins before the log, the log has only the rest of it.
        if is_complete && txn.first_offset != first && reach.log_start <= first {
            let against = TxnEntryAgainst::FirstOffset(txn.first_offset.0);
            add(check, against, None);
        }
        let stable = entry.last_stable;
        if is_complete && stable != txn.last_stable_offset {
            // Of several markers appended at once, Kafka takes the state after all of them.
            let is_possible = stable > first && stable.0 <= end.0.saturating_add(1);
            let severity = if is_possible {
                Severity::Note
            } else {
                Severity::Warning
            };
            let against = TxnEntryAgainst::LastStable {
                stored: stable.0,
                actual: txn.last_stable_offset.0,
            };
            add(check, against, Some(severity));
        }
    }
}
