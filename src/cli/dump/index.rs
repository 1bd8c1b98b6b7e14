//! Offset indexes, indexes of transactions, and snapshots of producers.

use std::path::Path;

use anyhow::Result;
use kseg::format::fault::IndexFault;
use kseg::format::offset_index::{ENTRY_BYTES, OffsetEntry};
use kseg::format::{Fault, FaultKind, OffsetIndex, ProducerSnapshot, TxnIndex};
use kseg::store::Error;

use super::beside::{At, PARCEL_BYTES, Pieces, base_offset, held};
use super::look::LogLookup;
use super::run::{DumpRun, absolute_form};
use crate::cli::render::dump_log_segments::index::{self, IndexStyle};
use crate::cli::render::dump_log_segments::mismatch::Mismatch;
use crate::cli::render::dump_log_segments::snapshot;

impl DumpRun<'_> {
    /// A `.index`.
    pub(super) fn offset_index(&mut self, path: &Path, given: &str) -> Result<()> {
        let style = IndexStyle::of(self.style.release);
        let limit = self.dump.max_message_size()?;
        let base = base_offset(path)?;
        let mut log = self.log_beside(path);
        let mut pieces = Pieces::open(path)?;
        if pieces.file.len_bytes() < ENTRY_BYTES as u64 && style.tells_empty {
            let _flow = self.write(format!("{given} is empty.\n").as_bytes(), &[]);
            return Ok(());
        }
        if self.dump.index_sanity_check {
            let ends = pieces.ends(ENTRY_BYTES)?;
            let check = sane_offsets(OffsetIndex::new(&ends, base), style);
            self.sanity(given, check);
            return Ok(());
        }
        let absolute = absolute_form(given);
        let mut text = Vec::new();
        let mut number = 0;
        loop {
            let piece = OffsetIndex::new(pieces.next()?, base);
            if piece.is_empty() {
                break;
            }
            for entry in piece.entries() {
                let at = At {
                    given,
                    absolute: &absolute,
                    base,
                    number,
                };
                if !style.first_record && at.is_unwritten(entry.offset) {
                    let _flow = self.write(&text, &[]);
                    return Ok(());
                }
                if let Some(log) = &mut log {
                    self.compare_offset(log, entry, at, (style, limit))?;
                }
                if style.first_record && at.is_unwritten(entry.offset) {
                    let _flow = self.write(&text, &[]);
                    return Ok(());
                }
                if !self.dump.verify_index_only {
                    index::push_offset(&mut text, entry);
                }
                if text.len() >= PARCEL_BYTES {
                    if self.write(&text, &[]).is_break() {
                        return Ok(());
                    }
                    text.clear();
                }
                number += 1;
            }
        }
        let _flow = self.write(&text, &[]);
        Ok(())
    }

    fn compare_offset(
        &mut self,
        log: &mut LogLookup,
        entry: OffsetEntry,
        at: At<'_>,
        (style, limit): (IndexStyle, u64),
    ) -> Result<()> {
        let found = if style.first_record {
            log.first_record(entry.position, limit)?
        } else {
            log.last_offset(entry.position, limit)?
        };
        match found {
            Ok(found) if found == entry.offset => {}
            Ok(found) => {
                let pair = (entry.offset.get(), found.get());
                self.mismatches.push(Mismatch::Offset, at.absolute, pair);
            }
            Err(why) => self.note(
                at.given,
                &format_args!(
                    "entry {}: offset {}, position {}: {why}",
                    at.number, entry.offset, entry.position
                ),
            ),
        }
        Ok(())
    }

    /// Writes the result of `--index-sanity-check`.
    pub(super) fn sanity(&mut self, given: &str, check: Result<(), Fault>) {
        match check {
            Ok(()) => {
                let _flow = self.write(format!("{given} passed sanity check.\n").as_bytes(), &[]);
            }
            Err(fault) => self.note(given, &format_args!("corrupt index: {fault}")),
        }
    }

    /// A `.txnindex`. One that does not exist is an empty one.
    pub(super) fn txn_index(&mut self, path: &Path, given: &str) -> Result<()> {
        base_offset(path)?;
        let mut pieces = match Pieces::open(path) {
            Ok(pieces) => pieces,
            Err(Error::Io { why, .. }) if why.kind() == std::io::ErrorKind::NotFound => {
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let mut number = 0_u64;
        loop {
            let piece = TxnIndex::new(pieces.next()?);
            if piece.is_empty() {
                return Ok(());
            }
            let mut text = Vec::new();
            for txn in piece.entries() {
                if txn.version_byte() > 0 {
                    let version = FaultKind::Index(IndexFault::EntryVersion(txn.version()));
                    self.note(given, &format_args!("entry {number}: {version}"));
                } else {
                    index::push_txn(&mut text, txn);
                }
                number += 1;
            }
            if self.write(&text, &[]).is_break() {
                return Ok(());
            }
        }
    }

    /// A `.snapshot`.
    pub(super) fn producers(&mut self, path: &Path) -> Result<()> {
        let source = held(path)?;
        let release = self.style.release;
        if let Some(why) = snapshot::disbelief(release, &source) {
            self.context.say(format!("{why}\n").as_bytes());
            return Ok(());
        }
        let mut text = Vec::new();
        for producer in ProducerSnapshot::parse(&source)?.entries() {
            snapshot::push_producer(&mut text, release, producer);
            if text.len() >= PARCEL_BYTES {
                if self.write(&text, &[]).is_break() {
                    return Ok(());
                }
                text.clear();
            }
        }
        let _flow = self.write(&text, &[]);
        Ok(())
    }
}

fn sane_offsets(index: OffsetIndex<'_>, style: IndexStyle) -> Result<(), Fault> {
    let (base, last) = (index.base_offset().get(), index.entries().next_back());
    match last {
        Some(last) if style.last_above_base && last.offset.get() == base => {
            let last = last.offset.get();
            Err(Fault::new(IndexFault::LastOffset { last, base }, 0))
        }
        _ => index.check(),
    }
}
