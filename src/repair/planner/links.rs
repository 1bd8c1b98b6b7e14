//! Symbolic links: a repair follows none, so a plan for what is beyond one could not be applied.

use crate::format::FileName;
use crate::repair::error::{Error, Refusal};
use crate::store::{Item, Partition, Place};

/// Refuses partitions, and files of Kafka in them, that are symbolic links.
///
/// # Errors
/// There is one, or a directory cannot be listed.
pub(super) fn check(place: &Place) -> Result<(), Error> {
    match place {
        Place::LogDir(dir) => {
            check_files(dir.items())?;
            for item in dir.partitions() {
                check_one(item)?;
                check_files(Partition::open(item.path())?.items())?;
            }
            Ok(())
        }
        Place::Partition(partition) => check_files(partition.items()),
        Place::File(_) => Ok(()),
    }
}

fn check_files(items: &[Item]) -> Result<(), Error> {
    let name = |item: &Item| item.name().to_str().and_then(FileName::parse).is_some();
    items
        .iter()
        .filter(|item| name(item))
        .try_for_each(check_one)
}

fn check_one(item: &Item) -> Result<(), Error> {
    if item.is_link() {
        return Err(Refusal::Link(item.path().to_owned()).into());
    }
    Ok(())
}
