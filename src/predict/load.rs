//! Loading a log, step by step in a broker's order: `UnifiedLog.apply` and `LogLoader.load`.

use super::epochs::Epochs;
use super::identity;
use super::leftovers;
use super::loader::Loader;
use super::start::{Bounds, Given, Start};
use super::thrown::Thrown;

impl Start<'_> {
    /// Loads the log.
    pub(super) fn load(&mut self, given: Given) -> Result<Bounds, Thrown> {
        self.epochs = Epochs::read(&self.virtual_dir, self.conditions.kafka)?;
        let mut loader = Loader::new(self, given)?;
        let swaps = leftovers::clear(self)?;
        if self.conditions.kafka.renames_swaps() {
            leftovers::rename(self, &swaps)?;
            loader.open_all(self)?;
        } else {
            loader.open_all(self)?;
            loader.swap_in(self, &swaps)?;
        }
        let bounds = loader.finish(self)?;
        self.topic_id = identity::topic_id(self)?;
        Ok(bounds)
    }
}
