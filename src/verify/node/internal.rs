//! Internal topics in the log dirs, read as Kafka itself reads them.

use crate::report::Image;
use crate::report::fold::{LogPart, fold};
use crate::store::{Error, Partition};
use crate::verify::options::Options;

/// The state that results from the log of a partition. Damage in it is a finding of its own.
///
/// # Errors
/// A file cannot be read.
pub(super) fn read<I: Image + Default>(
    partition: &Partition,
    options: &Options<'_>,
) -> Result<I, Error> {
    let mut image = I::default();
    let parts = LogPart::of(partition);
    let unread = fold(
        &mut image,
        &parts,
        options.limits,
        options.open,
        &mut Vec::new(),
    );
    match unread.into_iter().next() {
        Some(error) => Err(error),
        None => Ok(image),
    }
}
