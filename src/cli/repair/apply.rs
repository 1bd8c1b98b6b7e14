//! `kseg repair apply`: applies a plan.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail};
use kseg::predict::{Kafka, Settings, StartOutcome as Fate, Verdict};
use kseg::repair::planner::Rebuild;
use kseg::repair::{
    Applied, Approved, Consent, Counts, Derive, Error, Plan, PlanPath, RealDisk, Recipe, Sharing,
    Step, Stoppable, Target, apply, approve,
};
use kseg::store::Place;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::compared;
use super::document::{self, Plans, StepNumbers};
use super::look::Inspection;
use super::lost_found::LostFound;
use crate::cli::Context;
use crate::cli::args::Reading;
use crate::cli::exit::{ExitStatus, INTERRUPTED};

/// The number of remaining findings that are shown.
const SHOWN: usize = 10;

/// Applies a plan
///
/// With --into, the log dir or partition is only read, and the repaired copy gets its name when it
/// is complete. Files that no step changes share their blocks with the source if the file system
/// supports it: as reflinks, or as hard links for closed segments. With --in-place, the originals
/// are kept in a quarantine folder. Stop the broker first: kseg refuses a log dir in use, and files
/// that changed since the plan was made.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("where").required(true).args(["into", "in_place"]),
    override_usage = "kseg repair apply <PLAN> <--into <DIR>|--in-place> [OPTIONS]",
    after_help = "Examples:
  kseg repair apply plan.json --into /data/repaired
  kseg repair apply plan.json --into /data/repaired --copy --accept-lossy
  kseg repair apply plan.json --in-place
  kseg repair apply plan.json --in-place --accept 3,7..=9
  kseg repair apply plan.json --in-place --accept-lossy --skip 2
  kseg repair apply plan.json --in-place --quarantine /data/originals

Ctrl-C before the first change removes what was prepared. After a kill, the same
command finishes the repair, or undo restores the originals.

Exit status:
  0  the plan was applied, or there was nothing to do, and no errors are left
  1  the plan was applied; manual steps or other errors are left
  2  the plan was refused or could not be applied; the message says what to do
  130  interrupted: either nothing was changed, or everything was"
)]
pub(super) struct Apply {
    /// The plan
    #[arg(value_name = "PLAN")]
    plan: PathBuf,

    /// Write a repaired copy to this new directory; for several log dirs, give it once for each
    #[arg(long, value_name = "DIR")]
    into: Vec<PathBuf>,

    /// Repair in place, and keep the originals in the quarantine folder
    #[arg(long)]
    in_place: bool,

    /// Confirm these steps, by their numbers in repair show: 3, 4..6 or 4..=5; steps that are not
    /// proven must be confirmed or skipped
    #[arg(long, value_name = "STEPS", value_delimiter = ',', num_args = 1.., conflicts_with = "accept_lossy")]
    accept: Vec<StepNumbers>,

    /// Skip these steps, and those that depend on them: in a partition whose log is repaired all
    /// of them, and the checkpoints
    #[arg(long, value_name = "STEPS", value_delimiter = ',')]
    skip: Vec<StepNumbers>,

    /// Confirm every likely, suspect and lossy step, with the losses that repair show lists
    #[arg(long)]
    accept_lossy: bool,

    /// The quarantine folder for the originals [default: next to the log dir, NAME.kseg-PLAN]; on
    /// the same file system nothing is copied
    #[arg(long, value_name = "DIR", conflicts_with = "into")]
    quarantine: Option<PathBuf>,

    /// Copy closed segments instead of hard-linking them, so that later changes to the copy cannot
    /// reach the source
    #[arg(long, conflicts_with = "in_place")]
    copy: bool,

    #[command(flatten)]
    reading: Reading,
}

/// The numbers of skipped steps.
#[derive(Default)]
struct Skipped {
    /// All of them.
    all: BTreeSet<u32>,
    /// Those that were not named, but depend on others.
    dependents: Vec<u32>,
}

fn has(row: &[StepNumbers], number: u32) -> bool {
    row.iter().any(|some| some.has(number))
}

/// One of the plans, without the skipped steps, and the consent.
struct Chosen {
    plan: Plan,
    consent: Consent,
}

impl Apply {
    pub(super) fn run(self, context: &mut Context) -> Result<ExitStatus> {
        let plans = Plans::read(&self.plan)?;
        let skipped = self.skipped(&plans)?;
        let chosen = self.choose(&plans, &skipped)?;
        if !skipped.dependents.is_empty() {
            let numbers = document::numbers(&skipped.dependents);
            context.say(
                format!(
                    "kseg: steps {numbers} depend on skipped steps and are skipped too; kseg repair \
                     plan --topic '!NAME' plans the rest without the partition\n"
                )
                .as_bytes(),
            );
        }
        let targets = self.targets(&plans)?;
        let stop = stop()?;
        let disk = Stoppable::new(&RealDisk, &stop);
        // Nothing is begun unless all of it can be applied.
        let mut approved = Vec::new();
        for (chosen, target) in chosen.iter().zip(&targets) {
            approved.push(approve(&chosen.plan, target, &chosen.consent, &disk)?);
        }
        let mut outcome = ExitStatus::Clean;
        for (chosen, approved) in chosen.iter().zip(approved.into_iter().zip(&targets)) {
            match self.carry_out(&chosen.plan, approved, (&disk, &stop), context)? {
                ExitStatus::Clean => {}
                ExitStatus::Interrupted => return Ok(ExitStatus::Interrupted),
                ExitStatus::Seen => outcome = ExitStatus::Seen,
            }
        }
        if plans.manual() > 0 {
            outcome = ExitStatus::Seen;
        }
        Ok(outcome)
    }

    /// The numbers of the skipped steps, and of those that depend on them.
    fn skipped(&self, plans: &Plans) -> Result<Skipped> {
        for some in &self.skip {
            if !plans.steps().any(|(number, _)| some.has(number)) {
                bail!("--skip {some}: not a step of this plan");
            }
        }
        let mut skipped = Skipped::default();
        for (before, plan) in plans.numbered() {
            let ids = plan.steps().iter().map(|step| step.id);
            let is_named = |id: &u32| has(&self.skip, before.saturating_add(*id));
            let named: Vec<u32> = ids.filter(is_named).collect();
            let dependents = plan.dependents(&named);
            let number = |id: u32| before.saturating_add(id);
            skipped.all.extend(named.into_iter().map(number));
            skipped
                .dependents
                .extend(dependents.into_iter().map(number));
        }
        skipped.all.extend(&skipped.dependents);
        let mut agreed = skipped.dependents.iter();
        if let Some(number) = agreed.find(|number| has(&self.accept, **number)) {
            bail!("--accept {number}: the step depends on one that --skip leaves out");
        }
        Ok(skipped)
    }

    /// The plans with the steps to apply. The numbers on the command line are those of repair show.
    fn choose(&self, plans: &Plans, skipped: &Skipped) -> Result<Vec<Chosen>> {
        let needs = |step: &Step| step.safety.grade().needs_consent();
        for some in &self.accept {
            if !plans
                .steps()
                .any(|(number, step)| some.has(number) && needs(step))
            {
                bail!("--accept {some}: not a step of this plan that needs consent");
            }
        }
        let is_open = |number: u32, step: &Step| {
            let is_agreed = self.accept_lossy || has(&self.accept, number);
            needs(step) && !is_agreed && !skipped.all.contains(&number)
        };
        let open = plans
            .steps()
            .filter(|(number, step)| is_open(*number, step));
        let open: Vec<u32> = open.map(|(number, _)| number).collect();
        if !open.is_empty() {
            let numbers = document::numbers(&open);
            let steps = match open.len() {
                1 => format!("step {numbers} needs"),
                _ => format!("steps {numbers} need"),
            };
            bail!(
                "{steps} consent: confirm with --accept {numbers} or --accept-lossy, or leave out \
                 with --skip {numbers}"
            );
        }
        let mut chosen = Vec::new();
        for (before, plan) in plans.numbered() {
            let ids = plan.steps().iter().map(|step| step.id);
            let skipped = ids.filter(|id| skipped.all.contains(&before.saturating_add(*id)));
            let skipped: Vec<u32> = skipped.collect();
            let plan = if skipped.is_empty() {
                plan.clone()
            } else {
                plan.without(&skipped)?
            };
            // Every remaining step that needs consent has it.
            chosen.push(Chosen {
                plan,
                consent: Consent::Lossy,
            });
        }
        Ok(chosen)
    }

    /// Returns the target of each plan.
    fn targets(&self, plans: &Plans) -> Result<Vec<Target>> {
        if self.in_place {
            if self.quarantine.is_some() && plans.len() > 1 {
                bail!(
                    "--quarantine: expected a plan of one log dir; this plan has {}",
                    plans.len()
                );
            }
            let target = |_| Target::InPlace {
                quarantine: self.quarantine.clone(),
            };
            return Ok((0..plans.len()).map(target).collect());
        }
        if self.into.len() != plans.len() {
            let roots: Vec<&str> = plans.numbered().map(|(_, plan)| plan.root()).collect();
            bail!(
                "this plan repairs {} log dirs: give --into once for each, in this order: {}",
                plans.len(),
                roots.join(", ")
            );
        }
        let sharing = if self.copy {
            Sharing::Blocks
        } else {
            Sharing::File
        };
        let target = |dir: &PathBuf| Target::Into {
            dir: dir.clone(),
            sharing,
        };
        Ok(self.into.iter().map(target).collect())
    }

    /// Applies one plan, and verifies the result.
    fn carry_out(
        &self,
        plan: &Plan,
        (approved, target): (Approved, &Target),
        (disk, stop): (&Stoppable<'_>, &AtomicBool),
        context: &mut Context,
    ) -> Result<ExitStatus> {
        let is_stopped = || stop.load(Ordering::Relaxed);
        let target = match target {
            Target::Into { dir, .. } => dir.clone(),
            Target::InPlace { .. } => PathBuf::from(plan.root()),
        };
        let lost = LostFound::write(plan, &target)?;
        let work = Work {
            reading: self.reading,
            checked: Cell::new(None),
        };
        let applied = apply(approved, disk, &work);
        if let (Err(Error::Unprepared(_)), Some(lost)) = (&applied, &lost) {
            lost.take_back();
        }
        let applied = match applied {
            Err(error) if is_stopped() => {
                context.say(format!("interrupted: {error}\n").as_bytes());
                return Ok(ExitStatus::Interrupted);
            }
            other => other?,
        };
        context.say(done(&applied).as_bytes());
        if let Some(lost) = lost {
            context.say(lost.said().as_bytes());
        }
        if is_stopped() {
            context.say(b"interrupted before the result was verified\n");
            return Ok(ExitStatus::Interrupted);
        }
        let result = match &applied {
            Applied::Into { dir, .. } => dir.clone(),
            _ => PathBuf::from(plan.root()),
        };
        let checked = match work.checked.take() {
            Some(checked) => checked,
            None => Checked::at(&result, self.reading)?,
        };
        if let Some(said) = compared::records(plan, &applied, self.reading.limits())? {
            context.say(said.as_bytes());
        }
        let is_sound = checked.say(&result, context);
        context.say(next(&applied, is_sound, &result).as_bytes());
        Ok(if is_sound {
            ExitStatus::Clean
        } else {
            ExitStatus::Seen
        })
    }
}

/// The command to type next.
fn next(applied: &Applied, is_sound: bool, result: &Path) -> String {
    let result = result.display();
    match applied {
        _ if !is_sound => format!("Next: kseg repair plan {result} -o again.json\n"),
        Applied::Into { .. } => format!("Next: kseg predict {result}\n"),
        Applied::InPlace { quarantine, .. } => format!(
            "Next: start the broker; to undo instead: kseg repair undo {}\n",
            quarantine.display()
        ),
        Applied::Nothing => String::new(),
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
        // A partition that cannot be verified is not intact; the error is reported when the result
        // is verified.
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
    look: Inspection,
    verdict: Verdict,
}

impl Checked {
    fn at(path: &Path, reading: Reading) -> Result<Self> {
        let look = Inspection::at(path, &[], reading, None)?;
        let verdict = look.verdict(Kafka::default(), Settings::default())?;
        Ok(Self { look, verdict })
    }

    /// The partitions without errors, by their paths below the root.
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

    /// Reports remaining findings and the next start of a broker. Returns true if nothing remains.
    fn say(&self, result: &Path, context: &mut Context) -> bool {
        let root = self.look.place.path();
        let mut lines = Vec::new();
        let wrong = self.look.wrong().count();
        for finding in self.look.wrong().take(SHOWN) {
            // The copy has been renamed.
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
            0 => "no errors found".to_owned(),
            1 => "1 finding remains".to_owned(),
            wrong => format!("{wrong} findings remain"),
        };
        let start = self.look.next_start(&self.verdict);
        lines.push(format!("verified: {left}; the next start {start}\n"));
        context.say(lines.join("\n").as_bytes());
        // Retention deletes the same records with or without a repair.
        let verdict = &self.verdict;
        let is_served = verdict.outcome() < Fate::Offline && verdict.lost().is_nothing();
        let is_readable =
            verdict.unreadable().next().is_none() && verdict.hanging().next().is_none();
        wrong == 0 && is_served && is_readable
    }
}

/// A flag that `SIGINT` and `SIGTERM` set. The second one ends the process at once, which a repair
/// survives too.
fn stop() -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, INTERRUPTED.into(), Arc::clone(&stop))?;
        flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}

/// Describes an applied plan for people.
fn done(applied: &Applied) -> String {
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
                text += "hard-linked files share their bytes with the source: never start brokers \
                         on both, or use --copy\n";
            }
            text
        }
        Applied::InPlace {
            quarantine,
            changed,
        } => {
            let shown = quarantine.display();
            format!("changed {changed} files; to undo: kseg repair undo {shown}\n")
        }
        Applied::Nothing => "nothing to do\n".into(),
    }
}
