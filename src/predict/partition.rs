//! The verdict on one partition.

use std::collections::{BTreeMap, BTreeSet};

use super::conditions::Conditions;
use super::fetch;
use super::leftovers;
use super::loss;
use super::lost::Lost;
use super::open::{OpenTransaction, TransactionEnd};
use super::reason::Reason;
use super::remains::Remains;
use super::segment::Segment;
use super::settings::TopicSettings;
use super::start::{Bounds, Given, Start};
use super::thrown::Thrown;
use super::verdict::{PartitionVerdict, Renaming, StartOutcome, Truncation};
use super::virtual_dir::{Content, Leaf, VirtualDir, is_log, log_base};
use crate::format::name::{self, LOG_SUFFIX};
use crate::store::{Error, Partition};

/// The name of a directory.
pub(super) fn dir_name(partition: &Partition) -> String {
    let path = partition.path();
    path.canonicalize().map_or_else(
        |_| name::file_name(path).into(),
        |path| name::file_name(&path).into(),
    )
}

/// Predicts the outcome of a partition.
pub(super) fn verdict(
    partition: &Partition,
    given: Given,
    settings: &TopicSettings<'_>,
    conditions: &Conditions,
) -> Result<(PartitionVerdict, Remains), Error> {
    let mut start = Start::new(partition.items(), settings, conditions);
    let loaded = start.load(given);
    if given.to_be_deleted {
        start.reasons.push(Reason::ToBeDeleted);
    }
    let mut concluded = conclude(&dir_name(partition), start, loaded, &mut |_, _| Ok(()))?;
    if given.to_be_deleted {
        // Its records were lost before.
        (concluded.0.lost, concluded.0.unread) = Default::default();
        concluded.0.served = None;
        concluded.0.open_transactions.clear();
    }
    Ok(concluded)
}

/// The transactions that are open.
fn open_transactions(start: &mut Start<'_>) -> Result<Vec<OpenTransaction>, Error> {
    let mut all = Vec::new();
    for (first_offset, producer_id) in start.ongoing.clone() {
        let first_timestamp_ms = match timestamp_at(start, first_offset) {
            Ok(found) => found,
            Err(Thrown::Ours(error)) => return Err(error),
            Err(_) => None,
        };
        all.push(OpenTransaction {
            producer_id,
            first_offset,
            first_timestamp_ms,
            transactional_id: None,
            end: TransactionEnd::Unknown,
        });
    }
    Ok(all)
}

/// The timestamp of the batch at an offset, if it is there.
fn timestamp_at(start: &mut Start<'_>, offset: i64) -> Result<Option<i64>, Thrown> {
    let names = start.virtual_dir.after().keys();
    let bases = names.filter_map(|name| log_base(name));
    let Some(base) = bases.filter(|base| *base <= offset).max() else {
        return Ok(None);
    };
    let mut segment = Segment::open(start, base)?;
    let mut log = segment.log(start)?;
    let Some(position) = segment.translate(start, &mut log, offset)? else {
        return Ok(None);
    };
    match log.entry(position, log.len_bytes())? {
        Some(entry) if !entry.is_legacy() => Ok(Some(log.header(entry)?.base_timestamp().0)),
        _ => Ok(None),
    }
}

/// A step after loading, which may change the outcome.
pub(super) type Then<'t> = dyn FnMut(&mut Start<'_>, &mut Bounds) -> Result<(), Thrown> + 't;

/// Builds the verdict from the simulated changes.
pub(super) fn conclude(
    dir: &str,
    mut start: Start<'_>,
    loaded: Result<Bounds, Thrown>,
    then: &mut Then<'_>,
) -> Result<(PartitionVerdict, Remains), Error> {
    let loaded = loaded.and_then(|mut bounds| then(&mut start, &mut bounds).map(|()| bounds));
    let (bounds, failed) = match loaded {
        Ok(bounds) => (Some(bounds), None),
        Err(Thrown::Ours(error)) => return Err(error),
        Err(Thrown::Io(reason)) => {
            start.reasons.push(reason);
            (None, Some(StartOutcome::Offline))
        }
        Err(thrown) => {
            if let Thrown::Fatal(reason) = thrown.escaped(dir) {
                start.reasons.push(reason);
            }
            (None, Some(StartOutcome::Refuses))
        }
    };
    let unread = loss::of_unread(&mut start, bounds)?;
    let mut lost = loss::of_gone(&mut start)?;
    lost.merge(unread);
    if let Some(bounds) = bounds {
        note_unread(&mut start, bounds);
    }
    let truncations = truncations(&mut start)?;
    let changes = Changes::of(&start.virtual_dir);
    let untouched = start.recovered.is_empty()
        && truncations.is_empty()
        && changes.is_nothing()
        && lost.is_nothing();
    let outcome = failed.unwrap_or(if untouched {
        StartOutcome::Loads
    } else {
        StartOutcome::Recovers
    });
    let remains = Remains::of(&start, bounds)?;
    let open_transactions = open_transactions(&mut start)?;
    let served = match bounds {
        Some(bounds) if start.conditions.reads_all => Some(fetch::served(&mut start, bounds)?),
        _ => None,
    };
    let verdict = PartitionVerdict {
        dir: dir.to_owned(),
        outcome,
        log_start: bounds.map(|bounds| bounds.start),
        log_end: bounds.map(|bounds| bounds.end),
        recovered: start.recovered.into_iter().collect(),
        truncations,
        deleted: changes.deleted,
        rebuilt: changes.rebuilt,
        renamed: changes.renamed,
        created: changes.created,
        lost,
        unread,
        missing_offsets: 0,
        reasons: start.reasons,
        replaced: None,
        served,
        open_transactions,
        later: Vec::new(),
        unknown: Vec::new(),
        assumed: BTreeSet::new(),
    };
    Ok((verdict, remains))
}

/// Notes that the reader stopped before the end of the last segment.
fn note_unread(start: &mut Start<'_>, bounds: Bounds) {
    if let Some((name, content)) = start.virtual_dir.last_log()
        && bounds.reached < content.len_bytes()
    {
        let (file, position) = (name.to_owned(), bounds.reached);
        start.reasons.push(Reason::EndsEarly { file, position });
    }
}

/// The truncated `.log`s.
fn truncations(start: &mut Start<'_>) -> Result<Vec<Truncation>, Error> {
    let mut cut = Vec::new();
    for (name, leaf) in start.virtual_dir.after() {
        let len = leaf.content.len_bytes();
        let before = match &leaf.content {
            Content::Disk { path, start: 0, .. } => {
                start.virtual_dir.before().get(name::file_name(path))
            }
            Content::Zeros(_) => start.virtual_dir.before().get(name),
            _ => None,
        };
        let is_shorter = before.is_some_and(|before| len < before.content.len_bytes());
        if name.ends_with(LOG_SUFFIX) && is_shorter {
            cut.push((name.clone(), len));
        }
    }
    let mut truncations = Vec::new();
    for (file, to) in cut {
        let base = name::base_offset(&file).map_or(0, |offset| offset.0);
        let next_offset = match start.ends.get(&file) {
            Some(&next) => next,
            None => match Segment::end_of(start, base) {
                Ok(next) => next,
                Err(Thrown::Ours(error)) => return Err(error),
                Err(_) => base,
            },
        };
        truncations.push(Truncation {
            file,
            to,
            next_offset,
        });
    }
    Ok(truncations)
}

/// Returns true if a file has the bytes that another file had before.
fn is_from(leaf: Option<&Leaf>, before: &str) -> bool {
    let path = leaf.and_then(|leaf| match &leaf.content {
        Content::Disk { path, .. } => Some(path),
        _ => None,
    });
    path.is_some_and(|path| name::file_name(path) == before)
}

/// The changes in a directory.
struct Changes {
    deleted: Vec<String>,
    rebuilt: Vec<String>,
    renamed: Vec<Renaming>,
    created: Vec<String>,
}

impl Changes {
    fn of(virtual_dir: &VirtualDir) -> Self {
        let (before, after) = (virtual_dir.before(), virtual_dir.after());
        let mut changes = Self {
            deleted: Vec::new(),
            rebuilt: Vec::new(),
            renamed: Vec::new(),
            created: Vec::new(),
        };
        for name in before.keys() {
            if after.contains_key(name) {
                continue;
            }
            match name.strip_suffix(leftovers::SWAP) {
                Some(to) if is_from(after.get(to), name) => changes.renamed.push(Renaming {
                    from: name.clone(),
                    to: to.to_owned(),
                }),
                _ => changes.deleted.push(name.clone()),
            }
        }
        for (name, leaf) in after {
            let is_new = !before.contains_key(name);
            match &leaf.content {
                Content::Rebuilt => changes.rebuilt.push(name.clone()),
                Content::Disk { path, .. } if is_new => {
                    let from = name::file_name(path);
                    if from.strip_suffix(leftovers::SWAP) != Some(name) {
                        changes.created.push(name.clone());
                    }
                }
                Content::Zeros(_) | Content::Producers(_) if is_new => {
                    changes.created.push(name.clone());
                }
                _ => {}
            }
        }
        changes
    }

    fn is_nothing(&self) -> bool {
        self.deleted.is_empty()
            && self.rebuilt.is_empty()
            && self.renamed.is_empty()
            && self.created.is_empty()
    }
}

/// Counts all records of a partition that is not served.
pub(super) fn give_up(opened: &Partition, verdict: &mut PartitionVerdict) -> Result<(), Error> {
    let mut rest = Lost::default();
    let deleted: BTreeSet<&str> = verdict.deleted.iter().map(String::as_str).collect();
    let cuts = verdict.truncations.iter();
    let cuts: BTreeMap<&str, u64> = cuts.map(|cut| (cut.file.as_str(), cut.to)).collect();
    for item in opened.items().iter().filter(|item| item.is_file()) {
        let name = item.name().to_string_lossy();
        if !deleted.contains(&*name) && is_log(&name) {
            let len = cuts.get(&*name).copied().unwrap_or(item.len_bytes());
            rest.bytes = rest.bytes.saturating_add(len);
            let log = super::virtual_dir::open(item.path())?;
            loss::add(
                &mut rest,
                &log,
                0..len,
                &mut crate::format::Scratch::default(),
                i64::MIN,
            )?;
        }
    }
    verdict.lost.merge(rest);
    verdict.unread = rest;
    Ok(())
}
