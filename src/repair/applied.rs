//! What applying a plan needs and returns.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::disk::Duplicate;
use super::error::Error;
use super::folder;
use super::parts::{PlanPath, Recipe};

/// Computes files that derive from a log.
pub trait Derive {
    /// Writes the content of `file` to `out`. `locate` says where a path of the plan lies as it will be.
    ///
    /// # Errors
    /// It cannot be computed, or not be written.
    fn derive(
        &self,
        file: &PlanPath,
        recipe: &Recipe,
        locate: &dyn Fn(&str) -> PathBuf,
        out: &mut dyn Write,
    ) -> Result<(), Error>;

    /// Returns the partitions of a copy, which is whole but for its name, in which nothing is wrong, by their paths below it; of a partition's
    /// copy the path is empty. Only their files may be hard links: a broker truncates what is damaged where it is, and in the source with it.
    ///
    /// # Errors
    /// The copy cannot be read.
    fn sound(&self, _copy: &Path) -> Result<BTreeSet<PathBuf>, Error> {
        Ok(BTreeSet::new())
    }
}

/// The result of an applied plan.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Applied {
    /// There was nothing to do.
    Nothing,
    /// The directory is there.
    Into {
        /// The directory.
        dir: PathBuf,
        /// The number of files by origin.
        files: Counts,
    },
    /// The log dir is repaired.
    InPlace {
        /// The quarantine folder.
        quarantine: PathBuf,
        /// The number of changed paths.
        changed: usize,
    },
}

impl Applied {
    /// The folder with the originals of what was changed in place.
    #[must_use]
    pub fn originals(&self) -> Option<PathBuf> {
        match self {
            Self::InPlace { quarantine, .. } => Some(folder::originals(quarantine)),
            Self::Into { .. } | Self::Nothing => None,
        }
    }
}

/// Files of a new directory, by how they came there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Written by steps of the plan.
    pub written: u64,
    /// The same files as in the source under another name.
    pub linked: u64,
    /// Files of their own that share bytes until one is changed.
    pub cloned: u64,
    /// Copied.
    pub copied: u64,
}

impl Counts {
    pub(super) fn add(&mut self, how: Duplicate) {
        *match how {
            Duplicate::Linked => &mut self.linked,
            Duplicate::Cloned => &mut self.cloned,
            Duplicate::Copied => &mut self.copied,
        } += 1;
    }
}
