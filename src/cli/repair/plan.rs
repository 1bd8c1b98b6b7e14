//! `kseg repair plan`: what would be changed.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use kseg::repair::planner::{Options, plan};
use kseg::repair::{Plan as Document, RealDisk};

use super::look::Look;
use super::{manual, show};
use crate::cli::Context;
use crate::cli::args::Reading;
use crate::cli::exit::Outcome;
use crate::cli::output::OutputFile;
use crate::cli::render::rows::Format as Rows;
use crate::cli::render::table::counted;
use crate::cli::schema;
use crate::cli::writer::Writer;

/// Makes a plan: what has to be changed so that a broker serves everything that can still be read
///
/// Nothing is changed. Every step says what it does, why, and what it gives up; beside it stands what a broker alone would lose at its next
/// start. Other log dirs of the same node are only read: the metadata log and the files of other partitions prove ids that are damaged here.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg repair plan /data/kafka
  kseg repair plan /data/kafka -o plan.json
  kseg repair plan /disk1/kafka /disk2/kafka -o plan.json
  kseg repair plan --format json orders-3 | jq '.steps[].why'

Exit status:
  0  a plan was made, and it repairs everything
  1  a plan was made, but something cannot be repaired: its manual steps say what
  2  no plan could be made")]
pub(super) struct Plan {
    /// What to repair, a log dir or a partition; then other log dirs of the same node
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,

    /// Write the plan to this file, which repair apply takes
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// How to show it: as a table, or as the plan itself
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    reading: Reading,
}

/// How a plan is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

impl Plan {
    pub(super) fn run(self, context: &mut Context) -> Result<Outcome> {
        let (path, others) = self.paths.split_first().context("no path")?;
        let look = Look::at(path, others, self.reading)?;
        let options = Options {
            jobs: self.reading.jobs(),
        };
        let plan = plan(&look.place, &look.seen, options, &RealDisk)?;
        let mut document = serde_json::to_vec_pretty(&plan)?;
        document.push(b'\n');
        if let Some(output) = &self.output {
            let mut file = OutputFile::create(output)?;
            file.write_all(&document)
                .with_context(|| output.display().to_string())?;
            file.finish()?;
        }
        match self.format {
            Format::Text => table(&plan, &look, context)?,
            Format::Json => match context.out.write_all(&document) {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    return Err(error).context("standard output");
                }
                _ => {}
            },
        }
        Ok(match manual(&plan) {
            0 => Outcome::Clean,
            _ => Outcome::Seen,
        })
    }
}

/// The steps, and what they come to beside what a broker would do.
fn table(plan: &Document, look: &Look, context: &mut Context) -> Result<()> {
    let broker = look.fate(&look.verdict()?);
    let lost = plan.steps().iter().map(|step| step.loss.records).sum();
    let mut writer = Writer::new(context, Rows::Text, schema::SHOW);
    writer.file(plan.root(), &show::PlanRow::of(plan));
    show::steps(plan, &mut writer);
    let lost = counted(lost, "record");
    writer.remark(&format!("broker: {broker}; this plan: {lost} lost"));
    writer.end_file();
    writer.finish().map(drop)
}
