//! What a broker would do to a log dir at its next start, worked out on paper.
//!
//! A broker's own recovery cuts the log at the first bad batch and deletes every later segment, without asking and
//! without a copy. The steps of its start-up are followed here in its own order, on a list of the files
//! (a directory on paper) that remembers what the steps before did:
//!
//! ```text
//! meta.properties · names of directories · checkpoints           root
//!   └─ partition: leader epochs                                  start
//!        ├─ leftovers, swap files                                leftovers, swap
//!        ├─ segments without a usable index: recovered           loader, segment
//!        ├─ unclean: segments behind the recovery point          loader, segment
//!        ├─ end of the log, by the last index entry              segment
//!        ├─ snapshots of producers                               producers
//!        └─ partition.metadata                                   identity
//! ```
//!
//! ```no_run
//! use kseg::predict::{Conditions, predict};
//! use kseg::store::Place;
//!
//! let places = [Place::at("/var/lib/kafka")?];
//! let verdict = predict(&places, |_| true, &Conditions::default())?;
//! println!("{} records would be lost", verdict.lost().records);
//! # Ok::<(), kseg::store::Error>(())
//! ```
//!
//! **Invariant:** nothing but reading; a segment is read once, and only if a broker would read it or something of it is
//! lost; what happens does not depend on when or how often it is asked. Absent on purpose: retention, compaction, and
//! what other replicas do afterwards.

mod conditions;
mod epochs;
mod identity;
mod index;
mod leftovers;
mod loader;
mod log;
mod loss;
mod metadata_log;
mod paper;
mod partition;
mod producers;
mod properties;
mod reason;
mod root;
mod segment;
mod snapshots;
mod start;
mod swap;
mod txn_index;
mod verdict;

pub use conditions::{Conditions, Kafka, Node, NotKnown};
pub use reason::Reason;
pub use verdict::{DirVerdict, Lost, Outcome, PartitionVerdict, Renaming, Truncation, Verdict};

use crate::store::{Error, Item, LogDir, Partition, Place};

/// What becomes of the log dirs and partitions given, and of those of their partitions that are `wanted`. A partition's log
/// dir is asked for its marker and checkpoints; files are left out.
///
/// # Errors
/// Something cannot be read.
///
/// # References
/// `LogManager.loadLogs`, `LogLoader.load`.
pub fn predict(
    places: &[Place],
    wanted: impl Fn(&Item) -> bool,
    conditions: &Conditions,
) -> Result<Verdict, Error> {
    let mut dirs = Vec::new();
    for place in places {
        match place {
            Place::LogDir(dir) => dirs.push(log_dir(dir, &wanted, conditions)?),
            Place::Partition(one) => dirs.push(partition(one, conditions)?),
            Place::File(_) => {}
        }
    }
    properties::compare(places, conditions, &mut dirs)?;
    Ok(Verdict {
        kafka: conditions.kafka,
        dirs,
    })
}

/// What becomes of a log dir, and of those of its partitions that are `wanted`.
///
/// # Errors
/// Something cannot be read.
pub fn log_dir(
    dir: &LogDir,
    wanted: impl Fn(&Item) -> bool,
    conditions: &Conditions,
) -> Result<DirVerdict, Error> {
    root::verdict(dir, &wanted, conditions)
}

/// What becomes of one partition, by the files of the log dir around it; without one, of the partition alone, after a
/// clean shutdown unless the conditions say otherwise.
///
/// # Errors
/// Something cannot be read.
pub fn partition(one: &Partition, conditions: &Conditions) -> Result<DirVerdict, Error> {
    let path = one.path().canonicalize().unwrap_or(one.path().into());
    let own = path.file_name().map(std::ffi::OsStr::to_owned);
    if let Some(parent) = path.parent()
        && let Ok(Place::LogDir(dir)) = Place::at(parent)
        && dir.items().iter().any(root::is_of_log_dir)
    {
        let mut verdict = log_dir(&dir, |item| Some(item.name()) == own.as_deref(), conditions)?;
        verdict.path = one.path().to_string_lossy().into_owned();
        return Ok(verdict);
    }
    let root = root::Root::unknown(conditions);
    let verdict = root::one(&root, one, conditions)?;
    Ok(DirVerdict {
        path: one.path().to_string_lossy().into_owned(),
        clean: root.clean,
        outcome: verdict.outcome,
        reasons: Vec::new(),
        partitions: vec![verdict],
    })
}
