//! `kseg repair apply`: a plan carried out.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail};
use kseg::predict::Verdict;
use kseg::repair::planner::Rebuild;
use kseg::repair::{
    Applied, Consent, Counts, Derive, Error, PlanPath, RealDisk, Recipe, Sharing, Stoppable,
    Target, apply, approve,
};
use kseg::store::Place;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::look::Look;
use super::{manual, read};
use crate::cli::Context;
use crate::cli::args::Reading;
use crate::cli::exit::{INTERRUPTED, Outcome};

/// Findings that are shown of what is left.
const SHOWN: usize = 10;

/// Carries a plan out
///
/// With --into, the log dir or partition is only read, and a repaired copy appears under its name when it is whole. Files that no
/// step touches share their bytes with the source where the file system can: as reflinks, or closed segments as hard links.
/// With --in-place, originals are kept in a quarantine folder. Stop the broker first: one that runs is refused, and so are
/// files that changed since the plan was made.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("where").required(true).args(["into", "in_place"]),
    override_usage = "kseg repair apply <PLAN> <--into <DIR>|--in-place> [OPTIONS]",
    after_help = "Examples:
  kseg repair apply plan.json --into /data/repaired
  kseg repair apply plan.json --into /data/repaired --copy --accept-lossy
  kseg repair apply plan.json --in-place
  kseg repair apply plan.json --in-place --accept 3 7
  kseg repair apply plan.json --in-place --quarantine /data/originals

Ctrl-C takes back what was only prepared. Killed, the same command finishes what it began, and undo goes back.

Exit status:
  0  the plan was carried out, or there was nothing to do, and nothing is wrong any more
  1  it was carried out; steps that it only describes are left for you to do, or something else is still wrong
  2  it was refused or could not be carried out; what to do then is said
  130  it was stopped: either nothing was changed, or all of it is done"
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

    /// Agree to these lossy steps, by their numbers in repair show; all lossy steps of a plan have to be agreed to
    #[arg(long, value_name = "STEP", num_args = 1.., conflicts_with = "accept_lossy")]
    accept: Vec<u32>,

    /// Agree to every lossy step: to what repair show says is given up
    #[arg(long)]
    accept_lossy: bool,

    /// Keep the originals here [default: beside the log dir, as NAME.kseg-PLAN]; on the same file system nothing is copied
    #[arg(long, value_name = "DIR", conflicts_with = "into")]
    quarantine: Option<PathBuf>,

    /// Copy closed segments too where they would be hard links, so that nothing a broker does to the copy reaches the source
    #[arg(long, conflicts_with = "in_place")]
    copy: bool,

    #[command(flatten)]
    reading: Reading,
}

impl Apply {
    pub(super) fn run(self, context: &mut Context) -> Result<Outcome> {
        let plan = read(&self.plan)?;
        let consent = if self.accept_lossy {
            Consent::Lossy
        } else {
            Consent::Steps(self.accept.clone())
        };
        let target = match (self.into.clone(), self.in_place) {
            (Some(dir), false) => Target::Into {
                dir,
                sharing: if self.copy {
                    Sharing::Blocks
                } else {
                    Sharing::File
                },
            },
            (None, true) => Target::InPlace {
                quarantine: self.quarantine.clone(),
            },
            _ => bail!("either --into or --in-place says where"),
        };
        let stop = stop()?;
        let disk = Stoppable::new(&RealDisk, &stop);
        let approved = approve(&plan, &target, &consent, &disk)?;
        let is_stopped = || stop.load(Ordering::Relaxed);
        let work = Work {
            reading: self.reading,
            checked: Cell::new(None),
        };
        let applied = match apply(approved, &disk, &work) {
            Err(error) if is_stopped() => {
                context.say(format!("stopped: {error}\n").as_bytes());
                return Ok(Outcome::Interrupted);
            }
            other => other?,
        };
        context.say(told(&applied).as_bytes());
        if is_stopped() {
            context.say(b"stopped before it was verified\n");
            return Ok(Outcome::Interrupted);
        }
        let result = match &applied {
            Applied::Into { dir, .. } => dir.clone(),
            _ => PathBuf::from(plan.root()),
        };
        let checked = match work.checked.take() {
            Some(checked) => checked,
            None => Checked::at(&result, self.reading)?,
        };
        let is_sound = checked.say(&result, context);
        Ok(if is_sound && manual(&plan) == 0 {
            Outcome::Clean
        } else {
            Outcome::Seen
        })
    }
}

/// Computes derived files, and verifies a copy before it gets its name.
struct Work {
    reading: Reading,
    checked: Cell<Option<Checked>>,
}

impl Derive for Work {
    fn derive(
        &self,
        file: &PlanPath,
        recipe: &Recipe,
        locate: &dyn Fn(&str) -> PathBuf,
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        Rebuild.derive(file, recipe, locate, out)
    }

    fn sound(&self, copy: &Path) -> Result<BTreeSet<PathBuf>, Error> {
        // What cannot be verified is not sound; why shows when the result is verified.
        let Ok(checked) = Checked::at(copy, self.reading) else {
            return Ok(BTreeSet::new());
        };
        let sound = checked.sound();
        self.checked.set(Some(checked));
        Ok(sound)
    }
}

/// A result that was verified.
struct Checked {
    look: Look,
    verdict: Verdict,
}

impl Checked {
    fn at(path: &Path, reading: Reading) -> Result<Self> {
        let look = Look::at(path, &[], reading)?;
        let verdict = look.verdict()?;
        Ok(Self { look, verdict })
    }

    /// The partitions in which nothing is wrong, by their paths below the root.
    fn sound(&self) -> BTreeSet<PathBuf> {
        let root = self.look.place.path();
        let below = |path: &Path| path.strip_prefix(root).map(Path::to_owned).ok();
        let mut sound: BTreeSet<PathBuf> = match &self.look.place {
            Place::LogDir(dir) => dir
                .partitions()
                .filter_map(|item| below(item.path()))
                .collect(),
            place => below(place.path()).into_iter().collect(),
        };
        for finding in self.look.wrong() {
            for path in finding.path.ancestors().filter_map(below) {
                sound.remove(&path);
            }
        }
        sound
    }

    /// Says what is left, and what a broker will do with it; whether nothing is.
    fn say(&self, result: &Path, context: &mut Context) -> bool {
        let root = self.look.place.path();
        let mut lines = Vec::new();
        let wrong = self.look.wrong().count();
        for finding in self.look.wrong().take(SHOWN) {
            // A copy has its name by now.
            let path = finding.path.strip_prefix(root);
            let path = path.map_or_else(|_| finding.path.to_path_buf(), |path| result.join(path));
            let code = finding.check.code();
            lines.push(format!("{}: {code} {finding}", path.display()));
        }
        if wrong > SHOWN {
            let (more, path) = (wrong - SHOWN, result.display());
            lines.push(format!("and {more} more: kseg verify {path}"));
        }
        let left = match wrong {
            0 => "nothing is wrong any more".to_owned(),
            wrong => format!("{wrong} findings are left"),
        };
        let fate = self.look.fate(&self.verdict);
        lines.push(format!("verified: {left}; the next start: {fate}\n"));
        context.say(lines.join("\n").as_bytes());
        wrong == 0 && self.verdict.is_harmless()
    }
}

/// A flag that `SIGINT` and `SIGTERM` set. The second one ends the process at once, which a repair survives too.
fn stop() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, INTERRUPTED.into(), Arc::clone(&stop))?;
        flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
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
