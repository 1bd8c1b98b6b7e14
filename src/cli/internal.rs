//! The internal topics of log dirs.

use std::ops::ControlFlow;
use std::path::Path;

use kseg::format::topic::CLUSTER_METADATA;
use kseg::report::reach::Reaches;
use kseg::report::{AsOf, DamagedPlace, Image, LogPart, MetadataImage, Until, fold};
use kseg::scan::in_order;
use kseg::store::{Error, Partition};

use super::Context;
use super::args::Reading;
use super::exit::{ExitStatus, Failures};
use super::writer::Writer;

/// The errors of reading several logs.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    /// Damaged places.
    pub(crate) damage: Vec<DamagedPlace>,
    /// The errors of files that could not be read.
    pub(crate) errors: Vec<anyhow::Error>,
}

impl Trouble {
    /// Adds other errors.
    pub(crate) fn add(
        &mut self,
        damage: Vec<DamagedPlace>,
        errors: impl IntoIterator<Item = Error>,
    ) {
        self.damage.extend(damage);
        self.fail(errors);
    }

    /// Adds another error.
    pub(crate) fn fail(&mut self, errors: impl IntoIterator<Item = Error>) {
        self.errors
            .extend(errors.into_iter().map(anyhow::Error::from));
    }

    /// Reports the errors next to the rows.
    pub(crate) fn report(self, writer: &mut Writer<'_>) {
        for place in self.damage {
            let path = place.path.display().to_string();
            writer.damage_of(&path, place.position, &place.what);
        }
        for error in self.errors {
            writer.fail(error);
        }
    }

    /// Reports the errors on standard error.
    ///
    /// # Errors
    /// The last error.
    pub(crate) fn say(self, context: &mut Context) -> anyhow::Result<ExitStatus> {
        context.say_damage(&self.damage);
        let mut failed = Failures::default();
        for error in self.errors {
            if let Some(earlier) = failed.add(error) {
                context.say(earlier.as_bytes());
            }
        }
        failed.result()?;
        Ok(ExitStatus::of(!self.damage.is_empty()))
    }
}

/// Reads the partitions of a topic, each by itself, and passes their images to `join`, by number.
pub(crate) fn images<I: Image + Default + Send>(
    copies: Vec<(i32, Partition)>,
    reading: Reading,
    trouble: &mut Trouble,
    join: &mut dyn FnMut(i32, I),
) {
    images_until(Until::End, copies, reading, trouble, join);
}

/// The same with the records up to an end.
pub(crate) fn images_until<I: Image + Default + Send>(
    until: Until,
    copies: Vec<(i32, Partition)>,
    reading: Reading,
    trouble: &mut Trouble,
    join: &mut dyn FnMut(i32, I),
) {
    let read = |(number, partition): (i32, Partition)| {
        let (image, damage, errors) = image(&partition, until, reading);
        (number, image, damage, errors)
    };
    in_order(reading.jobs(), copies, read, &mut |result| {
        let (number, image, damage, errors) = result;
        join(number, image);
        trouble.add(damage, errors);
        ControlFlow::Continue(())
    });
}

/// Returns the image of the metadata log, from the copy with the highest log end; `None` without a
/// metadata log.
pub(crate) fn metadata(
    reaches: &Reaches,
    reading: Reading,
    trouble: &mut Trouble,
) -> Option<MetadataImage> {
    let copies = match reaches.copies_of(CLUSTER_METADATA) {
        Ok(copies) => copies,
        Err(error) => {
            trouble.errors.push(error.into());
            return None;
        }
    };
    let (_, partition) = copies.into_iter().next()?;
    let (image, damage, errors) = image(&partition, Until::End, reading);
    trouble.add(damage, errors);
    Some(image)
}

fn image<I: Image + Default>(
    partition: &Partition,
    until: Until,
    reading: Reading,
) -> (I, Vec<DamagedPlace>, Vec<Error>) {
    let (mut image, mut damage) = (I::default(), Vec::new());
    let open = |path: &Path| reading.open(path);
    let parts = LogPart::of(partition);
    let mut as_of = AsOf {
        image: &mut image,
        until,
    };
    let errors = fold(&mut as_of, &parts, reading.limits(), open, &mut damage);
    (image, damage, errors)
}
