//! `kseg diff`: two copies of partitions, compared record by record.

mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use kseg::format::{FileKind, LeaderEpochs};
use kseg::records::compare::{compare, epochs_part_at};
use kseg::report::listing::{Checkpoints, ListingDepth, PartitionSummary};
use kseg::scan::{Jobs, in_order};
use kseg::store::{Cap, Error, Partition, read_small};
use kseg::wire::Offset;

use self::rows::{Compared, Name, Pair};
use super::args::Reading;
use super::exit::ExitStatus;
use super::input::{LogSource, Others, Selection, logs};
use super::render::rows::Format;
use super::writer::Writer;
use super::{Context, schema};

/// Compares two copies: replicas, a backup and its original, before and after a repair
///
/// Partitions are matched by topic and number; two partition folders are compared whatever their
/// names. Compares offset, timestamp, key, value and headers of each record; the same records in
/// other batches, or with another codec or leader epoch, are a difference only with --framing. Both
/// copies are read from their log start offset on, with control records; damage is skipped.
///
/// Not on a disk: which of the two copies is right. If the leader epochs of both are known, the
/// offset is shown from which on they diverge; a difference before it is damage or a missing
/// record, a difference after it comes from different leaders.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg diff node1/data node2/data
  kseg diff --topic orders --partition 0..4 backup /var/lib/kafka
  kseg diff --framing before/orders-3 after/orders-3
  kseg diff --format ndjson a/orders-3 b/orders-3 | jq .kind

Exit status:
  0  the records are the same
  1  they differ, or a partition is in one of them only, or something is damaged
  2  something could not be read, or the arguments are invalid")]
pub(crate) struct Diff {
    /// A log dir or partition, a folder of log dirs, or a server.properties
    #[arg(value_name = "A")]
    first: PathBuf,

    /// The log dir or partition to compare with
    #[arg(value_name = "B")]
    second: PathBuf,

    /// Treat other batches, another codec or another leader epoch of the same records as a
    /// difference
    #[arg(long)]
    framing: bool,

    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    reading: Reading,
}

impl Diff {
    /// Compares them.
    pub(crate) fn run(self, context: &mut Context) -> Result<ExitStatus> {
        let mut errors: Vec<anyhow::Error> = Vec::new();
        let first = self.partitions(&self.first, &mut errors)?;
        let second = self.partitions(&self.second, &mut errors)?;
        let pairs = pairs(first, second);
        let (mut is_different, mut writer) =
            (false, Writer::new(context, self.format, schema::DIFF));
        let look = |pair| self.look(pair);
        in_order(self.reading.jobs(), pairs, look, &mut |compared| {
            match compared {
                Ok(mut compared) => {
                    errors.extend(compared.errors.drain(..).map(anyhow::Error::from));
                    is_different |= rows::show(&mut writer, &compared, self.framing);
                }
                Err(error) => errors.push(error.into()),
            }
            if writer.is_heard() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        if !is_different && errors.is_empty() {
            writer.remark(if writer.has_damage() {
                "the readable records are the same"
            } else {
                "the records are the same"
            });
        }
        for error in errors {
            writer.fail(error);
        }
        Ok(ExitStatus::of(writer.finish()? || is_different))
    }

    /// The partitions at a path, by name.
    fn partitions(
        &self,
        path: &Path,
        errors: &mut Vec<anyhow::Error>,
    ) -> Result<BTreeMap<Name, Partition>> {
        let mut found = logs(&[path.to_owned()], &self.selection, Others::default())?;
        errors.append(&mut found.lost);
        let mut all = BTreeMap::new();
        for log in found.found {
            let LogSource::Partition(partition) = log else {
                bail!(
                    "{}: a file; give the folder of its partition",
                    path.display()
                );
            };
            let name = match (partition.topic(), partition.number()) {
                (Some(topic), Some(number)) => (topic.to_owned(), number),
                _ => (partition.path().display().to_string(), -1),
            };
            if all.contains_key(&name) {
                bail!(
                    "{}: contains two copies of {}-{}: give the log dirs one by one",
                    path.display(),
                    name.0,
                    name.1
                );
            }
            all.insert(name, partition);
        }
        Ok(all)
    }

    fn look(&self, pair: Pair) -> Result<Compared, Error> {
        let mut errors = Vec::new();
        let mut ends = |partition: Option<&Partition>| {
            let Some(partition) = partition else {
                return Ok((None, 0));
            };
            let checkpoints = match partition.log_dir() {
                Some(dir) => Checkpoints::read(dir)?,
                None => Checkpoints::default(),
            };
            let mut summary = PartitionSummary::open(partition.path(), &checkpoints)?;
            summary.look(ListingDepth::Ends, Jobs::ONE, |path| {
                self.reading.open(path)
            });
            errors.append(&mut summary.errors);
            let logs = summary.segments.iter().filter_map(|each| each.log());
            let bytes = logs.map(kseg::store::Item::len_bytes).sum();
            Ok::<_, Error>((summary.log_start.zip(summary.end_offset()), bytes))
        };
        let (first, first_bytes) = ends(pair.first.as_ref())?;
        let (second, second_bytes) = ends(pair.second.as_ref())?;
        let (mut comparison, mut parts_at) = (None, None);
        if let (Some(a), Some(b)) = (&pair.first, &pair.second) {
            comparison = Some(compare(a, b, self.reading.limits())?);
            if let (Some(a_ends), Some(b_ends)) = (first, second) {
                let common = a_ends.0.max(b_ends.0)..a_ends.1.min(b_ends.1);
                parts_at = epochs_part_at(&epochs(a)?, &epochs(b)?, common);
            }
        }
        Ok(Compared {
            pair,
            comparison,
            ends: [first, second],
            bytes: [first_bytes, second_bytes],
            epochs_part_at: parts_at,
            errors,
        })
    }
}

/// The partitions of both, by name; two single ones are a pair whatever their names.
fn pairs(mut first: BTreeMap<Name, Partition>, mut second: BTreeMap<Name, Partition>) -> Vec<Pair> {
    if first.len() == 1 && second.len() == 1 {
        let one = first.pop_first().zip(second.pop_first());
        let one = one.map(|((name, a), (_, b))| Pair {
            name,
            first: Some(a),
            second: Some(b),
        });
        return one.into_iter().collect();
    }
    let names: BTreeSet<Name> = first.keys().chain(second.keys()).cloned().collect();
    let pair = |name: Name| Pair {
        first: first.remove(&name),
        second: second.remove(&name),
        name,
    };
    names.into_iter().map(pair).collect()
}

/// The leader epochs of a partition and their start offsets.
fn epochs(partition: &Partition) -> Result<Vec<(i32, Offset)>, Error> {
    let Some(item) = partition.item(FileKind::LeaderEpochs) else {
        return Ok(Vec::new());
    };
    let bytes = read_small(item.path(), Cap::of(FileKind::LeaderEpochs))?;
    let entries = LeaderEpochs::parse(&bytes).entries;
    Ok(entries
        .iter()
        .map(|it| (it.epoch.get(), it.start_offset))
        .collect())
}
