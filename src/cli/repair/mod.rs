//! `kseg repair`: plans shown, applied and undone.

mod apply;
mod look;
mod plan;
mod show;
mod undo;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use kseg::repair::{Action, Plan};

use super::Context;
use super::exit::Outcome;

/// The longest plan that is read.
const PLAN_BYTES: u64 = 256 << 20;

/// Repairs log dirs by plans that can be read before anything is changed
///
/// A plan says step by step what is to be changed, why, and what that gives up. A step is proven: a checksum covers the result, equal
/// bytes exist elsewhere, only derived files change, or the neighbours leave one value. It is likely (the odds are told), suspect
/// (nothing says which bytes are right) or lossy (bytes or knowledge go), and then needs consent. Or it is manual: it describes what is
/// left for a person to do. A plan is applied to a copy, or in place with the
/// originals kept; either can be interrupted at any moment and finished, or undone, later.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg repair plan /data/kafka -o plan.json
  kseg repair show plan.json
  kseg repair apply plan.json --into /data/repaired
  kseg repair apply plan.json --in-place --accept 3 7
  kseg repair undo /data/kafka

Exit status:
  0  done
  1  done, and there is something left for you to do
  2  not done")]
pub(crate) struct Repair {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Plan(plan::Plan),
    Show(show::Show),
    Apply(apply::Apply),
    Undo(undo::Undo),
}

impl Repair {
    /// Does what its subcommand says.
    pub(crate) fn run(self, context: &mut Context) -> Result<Outcome> {
        match self.command {
            Command::Plan(command) => command.run(context),
            Command::Show(command) => command.run(context),
            Command::Apply(command) => command.run(context),
            Command::Undo(command) => command.run(context),
        }
    }
}

/// Reads a plan.
fn read(path: &Path) -> Result<Plan> {
    let name = || path.display().to_string();
    let file = File::open(path).with_context(name)?;
    let mut bytes = Vec::new();
    let read = file.take(PLAN_BYTES + 1).read_to_end(&mut bytes);
    if read.with_context(name)? as u64 > PLAN_BYTES {
        bail!("{}: too long for a plan", name());
    }
    parse(&bytes).with_context(name)
}

/// The field of a plan that is read first.
#[derive(Default, serde::Deserialize)]
struct Head {
    schema: Option<String>,
}

fn parse(bytes: &[u8]) -> Result<Plan> {
    // What the schema is decides whether the rest can be understood.
    let is_object = bytes.trim_ascii_start().starts_with(b"{");
    let head = is_object.then(|| serde_json::from_slice::<Head>(bytes));
    let head = head.transpose()?.unwrap_or_default();
    Plan::check_schema(head.schema.as_deref().unwrap_or_default())?;
    // Not by way of a JSON value, in which the last of two fields of one name wins.
    Ok(serde_json::from_slice(bytes)?)
}

/// How many steps only describe what a person has to do.
fn manual(plan: &Plan) -> usize {
    let describes = |action: &Action| matches!(action, Action::Describe { .. });
    let steps = plan.steps().iter();
    steps.filter(|step| describes(&step.action)).count()
}
