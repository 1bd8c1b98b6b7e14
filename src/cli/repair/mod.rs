//! `kseg repair`: plans shown, applied and undone.

mod apply;
mod compared;
pub(crate) mod document;
pub(crate) mod look;
mod lost_found;
mod plan;
pub(crate) mod show;
mod undo;

use anyhow::Result;

use super::Context;
use super::exit::ExitStatus;

/// Repairs log dirs by a plan that you can read first
///
/// A plan lists what changes, why, and what is lost. Each step is proven (a checksum covers the
/// result, equal bytes exist elsewhere, only derived files change, or the batches around it allow
/// only one value), likely (with the odds), suspect (nothing shows which bytes are right), lossy
/// (records or knowledge are lost) or manual (for you to do). Likely, suspect and lossy steps need
/// your consent. A plan is applied to a copy, or in place with the originals kept; both can be
/// interrupted at any moment, and finished or undone later.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg repair plan /data/kafka -o plan.json
  kseg repair show plan.json
  kseg repair apply plan.json --into /data/repaired
  kseg repair apply plan.json --in-place --accept 3,7
  kseg repair undo /data/kafka

Exit status:
  0  done
  1  done, but manual steps are left for you
  2  failed")]
pub(crate) struct Repair {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Plan(plan::PlanCommand),
    Show(show::Show),
    Apply(apply::Apply),
    Undo(undo::Undo),
}

impl Repair {
    /// Runs the subcommand.
    pub(crate) fn run(self, context: &mut Context) -> Result<ExitStatus> {
        match self.command {
            Command::Plan(command) => command.run(context),
            Command::Show(command) => command.run(context),
            Command::Apply(command) => command.run(context),
            Command::Undo(command) => command.run(context),
        }
    }
}
