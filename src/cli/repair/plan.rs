//! `kseg repair plan`: makes a plan.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use kseg::predict::{Kafka, Settings};
use kseg::repair::planner::{PlanOptions, plan};
use kseg::repair::{Plan, RealDisk};
use kseg::store::Place;

use super::document::Plans;
use super::look::Inspection;
use super::show;
use crate::cli::args::Reading;
use crate::cli::exit::{ExitStatus, Failures};
use crate::cli::input::{self, Selection, folders};
use crate::cli::output::OutputFile;
use crate::cli::render::rows::Format as Rows;
use crate::cli::writer::Writer;
use crate::cli::{Context, schema, shell};

/// Makes a plan: the changes after which a broker serves everything that is still readable
///
/// Nothing is changed. Every step has a reason and its loss; the last lines compare the plan with a
/// broker start without it. Give all log dirs of one broker together: each gets a plan, and the
/// metadata log and other partitions prove damaged ids.
///
/// With --from, damaged and missing batches are copied from a replica, byte for byte. A replica is
/// used only up to the point where it diverges: other batches at the same offsets, or other leader
/// epochs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg repair plan /data/kafka
  kseg repair plan /data/kafka -o plan.json
  kseg repair plan /disk1/kafka /disk2/kafka -o plan.json
  kseg repair plan /data/kafka --topic orders --partition 0..4 -o plan.json
  kseg repair plan /data/kafka --from /backup/kafka --from /mnt/broker-2/kafka
  kseg repair plan --config /etc/kafka/server.properties -o plan.json
  kseg repair plan --kafka 3.9 /data/kafka
  kseg repair plan --format json orders-3 | jq '.steps[].why'

Bad sectors: kseg writes nothing to a failing disk. First save an image of it
(ddrescue -d DEVICE IMAGE MAPFILE), then make the plan for the disk or the
image, and apply it with --into a directory on another disk.

Exit status:
  0  the plan repairs everything
  1  the plan has manual steps: kseg cannot repair everything
  2  no plan could be made for at least one of the paths")]
pub(super) struct PlanCommand {
    /// Log dirs of one broker, or a partition [default: log.dirs of --config]
    #[arg(value_name = "PATH", required_unless_present = "config")]
    paths: Vec<PathBuf>,

    /// The broker's server.properties: log.dirs and the settings for predicting its next start are
    /// read from it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Copy damaged and missing batches from this replica: a log dir or partition of another
    /// broker, or a backup; repeatable
    #[arg(long, value_name = "DIR")]
    from: Vec<PathBuf>,

    /// Write the plan to this file, for repair apply
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Overwrite the file
    #[arg(long, requires = "output")]
    force: bool,

    /// The Kafka release of the broker whose start is compared: 2.8 (with ZooKeeper), 3.0 to 3.9 or
    /// 4.0 to 4.4
    #[arg(long, value_name = "VERSION", default_value_t)]
    kafka: Kafka,

    /// Output format: a table, or the plan itself as JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// Keep suspect records: readable records of damaged batches, which no checksum covers
    ///
    /// Without it, they are removed from the log. The original bytes stay in the source, or in the
    /// quarantine folder.
    #[arg(long)]
    keep_suspect: bool,

    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    reading: Reading,
}

/// The output format of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

/// The plans of the paths.
#[derive(Default)]
struct Made {
    plans: Vec<Plan>,
    /// The outcome of a broker start, for each plan.
    broker: Vec<String>,
    /// True if any of their partitions is requested.
    is_any: bool,
}

impl PlanCommand {
    pub(super) fn run(mut self, context: &mut Context) -> Result<ExitStatus> {
        let settings = input::settings(self.config.as_deref(), &[])?;
        if self.paths.is_empty() {
            let dirs = settings.log_dirs().into_iter();
            self.paths = dirs.map(PathBuf::from).collect();
        }
        if self.paths.is_empty() {
            bail!("no log.dirs in the file of --config: give the log dirs as arguments");
        }
        let (places, lost) = folders(&self.paths)?;
        self.paths = paths_of(&places);
        let (from, mut unusable) = folders(&self.from)?;
        if let Some(error) = unusable.pop() {
            return Err(error);
        }
        self.from = paths_of(&from);
        if let Some(output) = &self.output
            && !self.force
            && output.symlink_metadata().is_ok()
        {
            bail!(
                "{}: already exists; use --force to overwrite it",
                output.display()
            );
        }
        let file = self.output.as_deref().map(OutputFile::create).transpose()?;
        let options = PlanOptions {
            jobs: self.reading.jobs(),
            limits: self.reading.own_limits(),
            keep_suspect: self.keep_suspect,
        };
        let mut made = Made {
            is_any: self.selection.is_everything(),
            ..Made::default()
        };
        let mut failed = Failures::default();
        let planned = self.paths.iter().enumerate();
        let planned =
            planned.map(|(nth, path)| self.plan(nth, path, options, &settings, &mut made));
        for error in lost.into_iter().chain(planned.filter_map(Result::err)) {
            if let Some(earlier) = failed.add(error) {
                context.say(earlier.as_bytes());
            }
        }
        if made.plans.is_empty() {
            return failed.result().map(|()| ExitStatus::Clean);
        }
        if !made.is_any {
            bail!("no partition matches --topic and --partition");
        }
        let plans = Plans::new(made.plans);
        let document = plans.document()?;
        if let Some(mut file) = file {
            file.write_all(&document)
                .map_err(|error| file.failed(&error))?;
            file.finish()?;
        }
        match self.format {
            Format::Text => self.table(&plans, &made.broker, context)?,
            Format::Json => context.print(&document)?,
        }
        failed.result()?;
        Ok(ExitStatus::of(plans.manual() > 0))
    }

    /// Makes the plan for one of the paths.
    fn plan(
        &self,
        nth: usize,
        path: &Path,
        options: PlanOptions,
        settings: &Settings,
        made: &mut Made,
    ) -> Result<()> {
        let mut look = self.look(nth, path)?;
        made.is_any |= look.select(&self.selection);
        let plan = plan(&look.place, &look.seen, options, &RealDisk)?;
        made.broker.push(match self.format {
            Format::Text => look.next_start(&look.verdict(self.kafka, settings.clone())?),
            Format::Json => String::new(),
        });
        made.plans.push(plan);
        Ok(())
    }

    /// Verifies one of the paths, together with the others.
    fn look(&self, nth: usize, path: &Path) -> Result<Inspection> {
        let others = self.paths.iter().enumerate();
        let others = others.filter(|(other, _)| *other != nth);
        let others: Vec<PathBuf> = others.map(|(_, path)| path.clone()).collect();
        let look = Inspection::at(path, &others, self.reading, None)?;
        let replicas = self.from.iter().map(|from| {
            if is_same(from, path) {
                bail!(
                    "{}: --from is one of the paths to repair; give another copy",
                    from.display()
                );
            }
            super::look::place(from)
        });
        let replicas = replicas.collect::<Result<Vec<Place>>>()?;
        Ok(Inspection {
            seen: look.seen.with_replicas(replicas),
            place: look.place,
        })
    }

    /// Writes the steps, and the comparison with a broker start.
    fn table(&self, plans: &Plans, broker: &[String], context: &mut Context) -> Result<()> {
        let mut writer = Writer::new(context, Rows::Text, schema::SHOW);
        for ((before, plan), broker) in plans.numbered().zip(broker) {
            writer.file(plan.root(), &show::PlanRow::of(plan));
            show::steps(plan, before, &mut writer);
            let lost = show::total_loss(plan.steps().iter());
            writer.remark(&format!(
                "This plan loses {lost}. Without it, a broker start {broker}."
            ));
            writer.end_file();
        }
        if let Some(next) = self.next(plans) {
            writer.line(&next);
        }
        writer.finish().map(drop)
    }

    /// The command to type next.
    fn next(&self, plans: &Plans) -> Option<String> {
        if let Some(output) = &self.output {
            return plans.next(output);
        }
        plans.next(Path::new(""))?;
        let mut command = vec!["Next: kseg repair plan".to_owned()];
        command.extend(self.paths.iter().map(|path| shell::word(path)));
        let from = self.from.iter();
        command.extend(from.map(|from| format!("--from {}", shell::word(from))));
        let config = self.config.iter();
        command.extend(config.map(|config| format!("--config {}", shell::word(config))));
        command.extend(self.keep_suspect.then(|| "--keep-suspect".to_owned()));
        command.extend(self.selection.words());
        command.push("-o plan.json".to_owned());
        Some(command.join(" "))
    }
}

fn paths_of(places: &[Place]) -> Vec<PathBuf> {
    places.iter().map(|place| place.path().to_owned()).collect()
}

/// Returns true if two paths lead to the same directory.
fn is_same(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
