//! Facts about a node that no single log dir shows: partitions whose directories are missing, log
//! dirs that were not given, and the open transactions of coordinators.

use std::collections::BTreeSet;

use super::Node;
use crate::format::name::DirState;
use crate::format::topic::TRANSACTION_STATE;
use crate::predict::open::Coordinators;
use crate::predict::verdict::{DirVerdict, MissingPartition};

impl Node<'_> {
    /// The partitions that the cluster assigns to the node and no log dir has, as far as the given
    /// log dirs show.
    pub(super) fn missing(&self) -> Vec<MissingPartition> {
        let is_whole = self.alone.is_empty()
            && self.dirs.iter().all(|dir| dir.only.is_none())
            && self.other_log_dirs().next().is_none();
        let (Some(image), Some(node)) = (&self.cluster.image, self.cluster.node_id) else {
            return Vec::new();
        };
        let items = self.dirs.iter().flat_map(|dir| dir.listed.partitions());
        let held: BTreeSet<(&str, i32)> = items
            .filter_map(|item| match item.partition_name() {
                Some((topic, partition, DirState::Current | DirState::Future)) => {
                    Some((topic, partition))
                }
                _ => None,
            })
            .collect();
        let mut missing = Vec::new();
        for topic in image.topics.values() {
            for (&number, partition) in &topic.partitions {
                if !partition.replicas.contains(&node)
                    || held.contains(&(topic.name.as_str(), number))
                {
                    continue;
                }
                let mut here = partition.replicas.iter().zip(&partition.directories);
                let is_given = here.any(|(replica, id)| *replica == node && self.is_given(id));
                if is_whole || is_given {
                    let key = (topic.name.clone(), number);
                    let marks = self.dirs.iter();
                    missing.push(MissingPartition {
                        high_watermark: marks
                            .filter_map(|dir| dir.root.high_watermarks.get(&key).copied())
                            .max(),
                        topic: key.0,
                        partition: number,
                        has_other_replicas: partition.replicas.len() > 1,
                    });
                }
            }
        }
        missing.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
        missing
    }

    /// Determines the end of open transactions.
    pub(super) fn transactions(&self, verdicts: &mut [DirVerdict], missing: &[MissingPartition]) {
        let mut all = verdicts.iter_mut().flat_map(|dir| &mut dir.partitions);
        if !all.any(|one| !one.open_transactions.is_empty()) {
            return;
        }
        let mut coordinators = Coordinators::none();
        let mut read = BTreeSet::new();
        for item in self.dirs.iter().flat_map(|dir| dir.listed.partitions()) {
            if let Some((TRANSACTION_STATE, partition, DirState::Current)) = item.partition_name() {
                coordinators.read(item.path());
                read.insert(partition);
            }
        }
        let topics = self
            .cluster
            .image
            .iter()
            .flat_map(|image| image.topics.values());
        let mut state = topics.filter(|topic| topic.name == TRANSACTION_STATE);
        let is_empty = |number: i32| {
            let mut missing = missing.iter();
            missing.any(|one| {
                one.topic == TRANSACTION_STATE && one.partition == number && !one.has_other_replicas
            })
        };
        coordinators.all &= state.next().is_some_and(|topic| {
            let mut numbers = topic.partitions.keys();
            numbers.all(|number| read.contains(number) || is_empty(*number))
        });
        for one in verdicts.iter_mut().flat_map(|dir| &mut dir.partitions) {
            let name = one.dir.clone();
            if let Some((topic, number)) = name.rsplit_once('-')
                && let Ok(number) = number.parse()
            {
                for open in &mut one.open_transactions {
                    coordinators.judge(open, (topic, number), self.conditions.now_ms);
                }
            }
        }
    }

    /// Returns true if a log dir of this id was given.
    fn is_given(&self, id: &[u8; 16]) -> bool {
        let mut metas = self.dirs.iter().filter_map(|dir| dir.root.meta.as_ref());
        metas.any(|meta| meta.directory_id.as_ref() == Some(id))
    }

    /// The log dirs of the node that the cluster knows, and that were not given.
    pub(super) fn other_log_dirs(&self) -> impl Iterator<Item = &[u8; 16]> {
        let node = self.cluster.node_id.zip(self.cluster.image.as_ref());
        let node = node.and_then(|(id, image)| image.brokers.get(&id));
        let registered = node
            .map(|node| node.log_dirs.as_slice())
            .unwrap_or_default();
        registered.iter().filter(|id| !self.is_given(id))
    }
}
