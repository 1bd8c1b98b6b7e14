//! `kseg schemas`: the schemas of a registry on this disk, and the topics that use them.

mod rows;
mod usage;

use std::path::PathBuf;

use anyhow::{Result, bail};
use kseg::decode::registry::Registry;

use self::rows::{ProblemRow, SchemaRow};
use self::usage::Usage;
use super::args::Reading;
use super::exit::ExitStatus;
use super::input::{Others, Selection, logs};
use super::render::rows::Format;
use super::render::table::counted;
use super::writer::Writer;
use super::{Context, registry, schema};

/// Lists the schemas of a schema registry, from its topic on this disk
///
/// A path is a log dir with a _schemas-0 folder, that folder itself, or its records in the form of
/// kseg cat --format ndjson. Every schema on the disk is listed, also deleted ones: records written
/// with them still need them. With --usage, all records of the log dir are read for schema ids
/// before keys and values, and each schema has the topics that use it.
///
/// Two things are problems: an id with several schemas, and, with --usage, an id that is used but
/// not defined. A topic counts as using schemas if every value (or key) begins like Confluent's
/// framing, and at least one of the ids is known.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg schemas /var/lib/kafka
  kseg schemas --usage --topic 'orders*' --partition 0 /var/lib/kafka
  kseg schemas --usage --schemas backup/_schemas-0 -j 4 /var/lib/kafka
  kseg schemas --format ndjson /var/lib/kafka | jq -r .text

Exit status:
  0  no problem was found
  1  an id has several schemas, or is used but not defined
  2  there are no schemas, or something could not be read")]
pub(crate) struct SchemasCommand {
    /// Log dirs, the folder of the registry's topic, or a file of its records
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,

    /// Read the schemas from here, and search their ids in the log dirs: --schemas
    /// backup/_schemas-0
    #[arg(long, value_name = "DIR|FILE")]
    schemas: Vec<PathBuf>,

    /// Read all records, and show which topics use each schema
    #[arg(long)]
    usage: bool,

    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    reading: Reading,
}

impl SchemasCommand {
    /// Lists the schemas.
    pub(crate) fn run(self, context: &mut Context) -> Result<ExitStatus> {
        if !self.usage && !self.selection.is_everything() {
            bail!("--topic, --partition: they choose what --usage reads");
        }
        let mut registry = Registry::default();
        let places = if self.schemas.is_empty() {
            &self.paths
        } else {
            &self.schemas
        };
        for place in places {
            registry::read(place, &mut registry)?;
        }
        let mut writer = Writer::new(context, self.format, schema::SCHEMAS);
        let usage = if self.usage {
            let logs = logs(&self.paths, &self.selection, Others::default())?;
            let (usage, errors) = Usage::read(logs.found, self.reading, &registry);
            let errors = errors.into_iter().map(anyhow::Error::from);
            for error in logs.lost.into_iter().chain(errors) {
                writer.fail(error);
            }
            Some(usage)
        } else {
            None
        };
        let used_by = |id: i32| usage.as_ref().map(|usage| usage.of(id));
        let mut rows: Vec<_> = registry.schemas().iter().collect();
        rows.sort_by(|a, b| (&a.subject, a.version, a.id).cmp(&(&b.subject, b.version, b.id)));
        writer.table(rows.into_iter().map(|it| SchemaRow::of(it, used_by(it.id))));
        let several = registry
            .ambiguous()
            .map(|id| ProblemRow::several(id, &registry));
        let undefined = usage.iter().flat_map(Usage::undefined);
        let undefined = undefined.map(|(id, topics)| ProblemRow::undefined(id, topics));
        let problems: Vec<ProblemRow> = several.chain(undefined).collect();
        let is_sound = problems.is_empty();
        writer.table(problems);
        if registry.malformed() > 0 {
            let malformed = counted(registry.malformed(), "malformed record");
            writer.remark(&format!("{malformed} in the registry's topic"));
        }
        writer.finish()?;
        Ok(if is_sound {
            ExitStatus::Clean
        } else {
            ExitStatus::Seen
        })
    }
}
