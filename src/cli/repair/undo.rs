//! `kseg repair undo`: the way back.

use std::path::PathBuf;

use anyhow::Result;
use kseg::repair::{RealDisk, undo};

use crate::cli::Context;
use crate::cli::exit::Outcome;

/// Undoes a repair in place, to the byte
///
/// Refused if the repaired files changed since. An unfinished copy of --into is removed; a finished one is a directory like
/// any other, and its source was never changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg repair undo /data/kafka
  kseg repair undo /data/kafka.kseg-9f3c01aa

Exit status:
  0  everything is what it was before
  2  there is nothing to undo, or it was refused or could not be done")]
pub(super) struct Undo {
    /// The quarantine folder, or the log dir or partition that was repaired
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

impl Undo {
    pub(super) fn run(self, context: &mut Context) -> Result<Outcome> {
        let undone = undo(&self.dir, &RealDisk)?;
        let (root, paths) = (undone.root.display(), undone.paths);
        let text =
            format!("{root}: {paths} paths are what they were\nNext: kseg repair plan {root}\n");
        context.say(text.as_bytes());
        Ok(Outcome::Clean)
    }
}
