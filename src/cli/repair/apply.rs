//! `kseg repair apply`: a plan carried out.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};
use kseg::repair::{
    Applied, Consent, Counts, Derive, Error, PlanPath, RealDisk, Recipe, Sharing, Target, apply,
    approve,
};

use super::{manual, read};
use crate::cli::Context;
use crate::cli::exit::Outcome;

/// Carries a plan out
///
/// With --into, the log dir or partition is only read, and a repaired copy appears under its name when it is whole. Files that no
/// step touches share their bytes with the source where the file system can: as reflinks, or closed segments as hard links.
/// With --in-place, originals are kept in a quarantine folder. Stop the broker first.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("where").required(true).args(["into", "in_place"]),
    after_help = "Examples:
  kseg repair apply plan.json --into /data/repaired
  kseg repair apply plan.json --into /data/repaired --accept-lossy
  kseg repair apply plan.json --in-place --accept 3 7

Interrupted, the same command finishes what it began, and undo goes back.

Exit status:
  0  the plan was carried out, or there was nothing to do
  1  it was carried out; steps that it only describes are left for you to do
  2  it was refused or could not be carried out; what to do then is said"
)]
pub(super) struct Apply {
    /// The plan
    #[arg(value_name = "PLAN")]
    plan: PathBuf,

    /// Make a repaired copy here: a new directory, outside of what is repaired
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,

    /// Repair where it is, and keep the originals
    #[arg(long)]
    in_place: bool,

    /// Agree to these lossy steps; all of a plan have to be agreed to
    #[arg(long, value_name = "STEP", num_args = 1.., conflicts_with = "accept_lossy")]
    accept: Vec<u32>,

    /// Agree to every lossy step
    #[arg(long)]
    accept_lossy: bool,

    /// Keep the originals here [default: beside the log dir, as NAME.kseg-PLAN]; on the same file system nothing is copied
    #[arg(long, value_name = "DIR", conflicts_with = "into")]
    quarantine: Option<PathBuf>,

    /// Copy every file, so that nothing a broker does to the copy reaches the source
    #[arg(long, conflicts_with = "in_place")]
    copy: bool,
}

impl Apply {
    pub(super) fn run(self, context: &mut Context) -> Result<Outcome> {
        let plan = read(&self.plan)?;
        let consent = if self.accept_lossy {
            Consent::Lossy
        } else {
            Consent::Steps(self.accept)
        };
        let target = match (self.into, self.in_place) {
            (Some(dir), false) => Target::Into {
                dir,
                sharing: if self.copy {
                    Sharing::Blocks
                } else {
                    Sharing::File
                },
            },
            (None, true) => Target::InPlace {
                quarantine: self.quarantine,
            },
            _ => bail!("either --into or --in-place says where"),
        };
        let approved = approve(&plan, &target, &consent, &RealDisk)?;
        let applied = apply(approved, &RealDisk, &Underived)?;
        context.say(told(&applied).as_bytes());
        Ok(match manual(&plan) {
            0 => Outcome::Clean,
            _ => Outcome::Seen,
        })
    }
}

/// What was done, for people.
fn told(applied: &Applied) -> String {
    match applied {
        Applied::Into { dir, files } => {
            let Counts {
                written,
                linked,
                cloned,
                copied,
            } = files;
            let mut text = format!(
                "{}: {written} files written, {copied} copied, {cloned} cloned, {linked} linked\n",
                dir.display()
            );
            if *linked > 0 {
                text += "linked files are those of the source under another name: keep a broker off one of the two, or use --copy\n";
            }
            text
        }
        Applied::InPlace {
            quarantine,
            changed,
        } => {
            let shown = quarantine.display();
            format!("{changed} paths changed; to go back: kseg repair undo {shown}\n")
        }
        Applied::Nothing => "nothing to do\n".into(),
    }
}

/// Computes nothing: refuses before anything is changed.
struct Underived;

impl Derive for Underived {
    fn derive(
        &self,
        file: &PlanPath,
        _recipe: &Recipe,
        _locate: &dyn Fn(&str) -> PathBuf,
        _out: &mut dyn Write,
    ) -> Result<(), Error> {
        Err(Error::Underived {
            file: file.clone(),
            why: "this kseg cannot compute derived files".into(),
        })
    }
}
