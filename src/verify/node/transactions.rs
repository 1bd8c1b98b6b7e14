//! Transactional ids as `__transaction_state` has them, for findings about open transactions.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::format::name::DirState;
use crate::format::{DirName, topic};
use crate::report::{Transactions, fold};
use crate::store::{Item, LogDir, Partition};
use crate::verify::evidence::{Evidence, OpenTransaction};
use crate::verify::options::Options;
use crate::verify::outcome::Outcome;

/// The last transaction of each transactional id.
#[derive(Debug, Default)]
pub(in crate::verify) struct TransactionalIds(Transactions);

impl TransactionalIds {
    /// Reads the partitions of `__transaction_state` in `dirs`. Unreadable partitions are findings
    /// of their own; here their ids are unknown.
    pub(in crate::verify) fn read(dirs: &BTreeSet<PathBuf>, options: &Options<'_>) -> Self {
        let mut all = Transactions::default();
        for dir in dirs.iter().filter_map(|path| LogDir::open(path).ok()) {
            let is_it = |item: &&Item| match item.dir_name() {
                Some(DirName::Partition { topic, state, .. }) => {
                    topic == topic::TRANSACTION_STATE && state == DirState::Current
                }
                _ => false,
            };
            let partitions = dir.partitions().filter(is_it);
            for partition in partitions.filter_map(|item| Partition::open(item.path()).ok()) {
                let mut ids = Transactions::default();
                if fold::read(&mut ids, &partition, options.limits, options.open).is_ok() {
                    all.join(ids);
                }
            }
        }
        Self(all)
    }

    /// Names the transactional id in findings about open transactions of `partition`.
    pub(in crate::verify) fn name(
        &self,
        outcome: &mut Outcome,
        partition: &Partition,
        now_ms: Option<i64>,
    ) {
        let (Some(topic), Some(number)) = (partition.topic(), partition.number()) else {
            return;
        };
        for finding in outcome.findings.kept_mut() {
            if let Evidence::OpenTransaction(open) = &mut finding.evidence {
                self.complete(open, topic, number, now_ms);
            }
        }
    }

    fn complete(&self, open: &mut OpenTransaction, topic: &str, number: i32, now_ms: Option<i64>) {
        let mut ids = self.0.ids.iter();
        let known = ids.find(|(_, state)| {
            let mut partitions = state.partitions.iter();
            state.producer_id.0 == open.producer_id
                && partitions.any(|(name, id)| name == topic && *id == number)
        });
        let Some((id, state)) = known else {
            return;
        };
        open.transactional_id = Some(id.clone());
        let start_ms = state.start.0;
        if start_ms >= 0 {
            open.start_ms = Some(start_ms);
            let lasted = now_ms.map_or(0, |now| now.saturating_sub(start_ms));
            open.open_ms = open.open_ms.max(lasted);
        }
    }
}
