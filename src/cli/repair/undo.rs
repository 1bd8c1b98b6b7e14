//! `kseg repair undo`: undoes a repair in place.

use std::path::PathBuf;

use anyhow::Result;
use kseg::repair::{RealDisk, undo};

use crate::cli::Context;
use crate::cli::exit::ExitStatus;

/// Undoes a repair in place, byte for byte
///
/// Refused if the repaired files changed since. An incomplete copy of --into is removed; a complete
/// one is an ordinary directory, and its source was never changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg repair undo /data/kafka
  kseg repair undo /data/kafka.kseg-9f3c01aa

Exit status:
  0  everything is as before the repair
  2  there is nothing to undo, or the undo was refused or failed")]
pub(super) struct Undo {
    /// The quarantine folder, or the log dir or partition that was repaired
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

impl Undo {
    pub(super) fn run(self, context: &mut Context) -> Result<ExitStatus> {
        let undone = undo(&self.dir, &RealDisk)?;
        let (root, paths) = (undone.root.display(), undone.paths);
        let text = format!("{root}: restored {paths} files\nNext: kseg repair plan {root}\n");
        context.say(text.as_bytes());
        Ok(ExitStatus::Clean)
    }
}
