//! The sources of schemas: the topic of a registry in a log dir, or files.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use kseg::decode::avro;
use kseg::decode::registry::{Registered, Registry, SchemaKind, TOPIC};
use kseg::format::name::{file_name, topic_partition};
use kseg::scan::Filter;
use kseg::store::{Item, ItemType, Partition, Segment, Source};
use serde_json::Value;

use super::render::records::{Messages, Schemas};

/// The options of the sources of schemas.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Schemas")]
pub(crate) struct SchemaSources {
    /// Read schemas from this log dir, from this folder of the registry's topic, or from its
    /// records in the form of kseg cat --format ndjson; repeatable. A _schemas-0 in the same log
    /// dir is found without this option
    #[arg(long = "schemas", value_name = "DIR|FILE")]
    places: Vec<PathBuf>,

    /// Use the schema in this file for this schema id: Avro, or Protobuf if its name ends in .proto;
    /// repeatable
    #[arg(long = "schema", value_name = "ID=FILE", value_parser = id_and_file)]
    files: Vec<(i32, PathBuf)>,
}

fn id_and_file(text: &str) -> Result<(i32, PathBuf), String> {
    let parts = text.split_once('=');
    let parts = parts.and_then(|(id, file)| Some((id.parse().ok()?, PathBuf::from(file))));
    parts.ok_or_else(|| "expected ID=FILE, such as 7=order.avsc".to_owned())
}

impl SchemaSources {
    /// Loads the schemas for the records at `paths`; `None` without schemas.
    ///
    /// # Errors
    /// A given place has no schemas, or cannot be read.
    pub(crate) fn load(&self, paths: &[PathBuf]) -> Result<Option<Schemas>> {
        let mut registry = Registry::default();
        for place in &self.places {
            read(place, &mut registry)?;
        }
        if self.places.is_empty() {
            let mut folders: Vec<PathBuf> = paths.iter().filter_map(|path| beside(path)).collect();
            folders.sort();
            folders.dedup();
            for folder in folders {
                read_folder(&folder, &mut registry)?;
            }
        }
        for (id, file) in &self.files {
            let text = Source::read(file)?;
            let text = std::str::from_utf8(&text);
            let text = text.with_context(|| format!("{}: not UTF-8", file.display()))?;
            let schema = Registered::of_file(*id, file_name(file), text);
            let is_valid = match schema.kind {
                SchemaKind::Protobuf => Messages::compile(text, &[]).map(drop),
                _ => Ok(avro::Schema::parse(text, &[]).map(drop)?),
            };
            is_valid.map_err(|error| anyhow!("{}: {error}", file.display()))?;
            registry.add(schema);
        }
        Ok((!registry.schemas().is_empty()).then(|| Schemas::new(registry)))
    }
}

/// The registry's topic near a path: in the log dir, or in that of the partition or segment.
fn beside(path: &Path) -> Option<PathBuf> {
    let name = format!("{TOPIC}-0");
    let whole = path.canonicalize().ok()?;
    let mut folders = whole.ancestors().take(3).map(|folder| folder.join(&name));
    folders.find(|folder| folder.is_dir())
}

/// Reads the schemas of a place.
///
/// # Errors
/// There are none, or it cannot be read.
pub(crate) fn read(place: &Path, registry: &mut Registry) -> Result<()> {
    let before = registry.schemas().len();
    let inner = place.join(format!("{TOPIC}-0"));
    match Item::at(place)?.kind() {
        ItemType::Directory if inner.is_dir() => read_folder(&inner, registry)?,
        ItemType::Directory if topic_partition(file_name(place)).is_some() => {
            read_folder(place, registry)?;
        }
        ItemType::Directory => bail!(
            "{}: has no {TOPIC}-0, and is not the folder of a partition",
            place.display()
        ),
        _ => read_lines(place, registry)?,
    }
    if registry.schemas().len() == before {
        bail!("{}: contains no schemas", place.display());
    }
    Ok(())
}

fn read_folder(folder: &Path, registry: &mut Registry) -> Result<()> {
    // Records before the log start are read too: they have the schemas of older data.
    for segment in Partition::open(folder)?.segments() {
        read_segment(&segment, registry)?;
    }
    Ok(())
}

fn read_segment(segment: &Segment, registry: &mut Registry) -> Result<()> {
    let reader = segment.records(Filter::default()).salvage();
    let _summary = reader.for_each(|record| registry.take(record.key(), record.value()))?;
    Ok(())
}

/// Reads records of the topic as NDJSON: keys and values as text or as JSON.
fn read_lines(file: &Path, registry: &mut Registry) -> Result<()> {
    let text = Source::read(file)?;
    for (nth, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        let record: Value = serde_json::from_slice(line)
            .with_context(|| format!("{}: line {}: not JSON", file.display(), nth + 1))?;
        let part = |name: &str| match record.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(value) => Some(value.to_string()),
        };
        let (key, value) = (part("key"), part("value"));
        registry.take(
            key.as_deref().map(str::as_bytes),
            value.as_deref().map(str::as_bytes),
        );
    }
    Ok(())
}
