//! `.txnindex` against the abort markers of its `.log`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::catalog::{CheckId, Severity};
use super::coverage::Coverage;
use super::finding::{Finding, Findings};
use crate::format::FileKind;
use crate::format::TxnIndex;
use crate::format::txn_index::ENTRY_BYTES;
use crate::scan::derive::CompletedTxn;
use crate::store::Error;
use crate::store::{Cap, read_small};
use crate::wire::{Offset, ProducerId};

/// A transaction index and the markers of its segment.
#[derive(Debug)]
pub(super) struct TxnCheck {
    /// Where the index is, or would be.
    path: Arc<Path>,
    entries: Vec<Entry>,
    /// Aborted transactions of which data is known, and whether all of it is.
    aborted: BTreeMap<Key, (CompletedTxn, bool)>,
    /// Abort markers of which no data is known: where and whose.
    bare: BTreeSet<Key>,
    coverage: Option<Coverage>,
}

/// Where a transaction ends, and whose it is.
type Key = (Offset, ProducerId);

#[derive(Debug, Clone, Copy)]
struct Entry {
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
    pub(super) fn open(
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

    /// There is no index.
    pub(super) fn none(path: &Arc<Path>) -> Self {
        Self {
            path: Arc::clone(path),
            entries: Vec::new(),
            aborted: BTreeMap::new(),
            bare: BTreeSet::new(),
            coverage: None,
        }
    }

    fn read(&mut self, bytes: &[u8], findings: &mut Findings) {
        let index = TxnIndex::new(bytes);
        let trailing = index.trailing().len() as u64;
        let whole = bytes.len() as u64 - trailing;
        if trailing > 0 {
            findings.add(
                Finding::new(CheckId::TxnIndexSize, &self.path)
                    .at(whole, trailing)
                    .says(format!(
                        "{} bytes are {} entries of {ENTRY_BYTES} bytes and {trailing} bytes more",
                        bytes.len(),
                        index.len()
                    )),
            );
        }
        let mut last: Option<Offset> = None;
        for (nth, entry) in (0_u64..).zip(index.entries()) {
            let at = nth * ENTRY_BYTES as u64;
            let finding = |check| {
                Finding::new(check, &self.path)
                    .at(at, ENTRY_BYTES as u64)
                    .with("entry", nth)
            };
            if entry.check().is_err() {
                let version = entry.version();
                findings.add(
                    finding(CheckId::TxnIndexSize)
                        .says(format!("entry {nth} is of version {version}"))
                        .with("version", version),
                );
                continue;
            }
            let (first, end) = (entry.first_offset(), entry.last_offset());
            if last.is_some_and(|last| end <= last) || first >= end || first.0 < 0 {
                findings.add(finding(CheckId::TxnIndexOrder).offset(end.0).says(format!(
                    "entry {nth} is of offsets {first} to {end}{}",
                    last.map_or_else(String::new, |last| format!(
                        ", behind one that ends at {last}"
                    ))
                )));
            }
            last = Some(last.map_or(end, |last| last.max(end)));
            self.entries.push(Entry {
                index: nth,
                producer_id: entry.producer_id(),
                first,
                last: end,
                last_stable: entry.last_stable_offset(),
            });
        }
        self.coverage = Some(Coverage {
            entry_bytes: whole,
            unknown_bytes: trailing,
            ..Coverage::of_file(bytes.len() as u64)
        });
    }

    /// The account of an index without its log.
    pub(super) fn alone(self) -> Coverage {
        self.coverage.unwrap_or_default()
    }

    /// Takes a transaction that ends in the segment. `is_complete`: nothing of it is missing in the log.
    pub(super) fn completed(&mut self, txn: CompletedTxn, is_complete: bool) {
        if txn.is_aborted {
            let key = (txn.last_offset, txn.producer_id);
            self.aborted.insert(key, (txn, is_complete));
        }
    }

    /// Takes an abort marker whose transaction is not known from the log.
    pub(super) fn bare_marker(&mut self, offset: Offset, producer_id: ProducerId) {
        self.bare.insert((offset, producer_id));
    }

    /// Ends the check of the segment of offsets `base` to `last`. `is_whole`: nothing of it is missing.
    pub(super) fn finish(
        self,
        base: Offset,
        last: Option<Offset>,
        is_whole: bool,
        findings: &mut Findings,
    ) -> Coverage {
        for entry in &self.entries {
            self.check_entry(*entry, base, last, is_whole, findings);
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
                        .says(format!(
                            "producer {} aborted offsets {} to {}, and no entry says so",
                            txn.producer_id, txn.first_offset, txn.last_offset
                        ))
                        .with("producer_id", txn.producer_id.0)
                        .with("first_offset", txn.first_offset.0),
                );
            }
        }
        self.coverage.unwrap_or_default()
    }

    fn check_entry(
        &self,
        entry: Entry,
        base: Offset,
        last: Option<Offset>,
        is_whole: bool,
        findings: &mut Findings,
    ) {
        let Entry {
            index,
            producer_id,
            first,
            last: end,
            ..
        } = entry;
        let finding = |check| {
            Finding::new(check, &self.path)
                .at(index * ENTRY_BYTES as u64, ENTRY_BYTES as u64)
                .offset(end.0)
                .with("entry", index)
                .with("producer_id", producer_id.0)
        };
        let is_behind = is_whole && last.is_none_or(|last| end > last);
        if end < base || is_behind {
            let range =
                last.map_or_else(|| "nothing".to_owned(), |last| format!("{base} to {last}"));
            findings.add(finding(CheckId::TxnIndexOutside).says(format!(
                "entry {index} ends at offset {end}; the segment has {range}"
            )));
            return;
        }
        let Some((txn, is_complete)) = self.aborted.get(&(end, producer_id)) else {
            let is_bare = self.bare.contains(&(end, producer_id));
            if is_whole && !is_bare {
                findings.add(finding(CheckId::TxnIndexStray).says(format!(
                    "entry {index}: producer {producer_id} has no abort marker at offset {end}"
                )));
            }
            return;
        };
        if *is_complete && txn.first_offset != first {
            findings.add(
                finding(CheckId::TxnIndexFirstOffset)
                    .says(format!(
                        "entry {index} begins at offset {first}, the transaction at {}",
                        txn.first_offset
                    ))
                    .with("stored", first.0)
                    .with("actual", txn.first_offset.0),
            );
        }
        let stable = entry.last_stable;
        if *is_complete && stable != txn.last_stable_offset {
            // Of several markers appended at once, Kafka takes the state behind all of them.
            let is_possible = stable > first && stable.0 <= end.0.saturating_add(1);
            let severity = if is_possible {
                Severity::Note
            } else {
                Severity::Warning
            };
            findings.add(
                finding(CheckId::TxnIndexFirstOffset)
                    .severity(severity)
                    .says(format!(
                        "entry {index} has {stable} for the last stable offset, which was {}",
                        txn.last_stable_offset
                    ))
                    .with("stored", stable.0)
                    .with("actual", txn.last_stable_offset.0),
            );
        }
    }
}
