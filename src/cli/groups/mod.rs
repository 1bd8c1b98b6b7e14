//! `kseg groups`: consumer groups, their offsets and their lag.

mod kafka;
mod rows;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::{Result, bail};
use kseg::format::FileKind;
use kseg::format::name::DirState;
use kseg::report::group_view::{GroupView, OffsetProblem};
use kseg::report::reach::Reaches;
use kseg::report::{Groups as Image, fold};
use kseg::scan::parallel;
use kseg::store::{Error, LogDir, Partition, Place};
use kseg::wire::Offset;

use super::Context;
use super::args::Reading;
use super::exit::Outcome;
use super::input::{Pattern, no_log};
use super::render::rows::Format;
use super::schema;
use super::writer::Writer;

/// The topic of groups and their offsets.
const TOPIC: &str = "__consumer_offsets";

/// Shows consumer groups: committed offsets, lag, state and members, from the disks of a stopped cluster
///
/// Reads `__consumer_offsets` in all log dirs given, and looks where the logs of the topics begin and end. Give the log dirs of
/// all nodes together: what is on none of them is shown as `-`. Lag is LOG-END-OFFSET − CURRENT-OFFSET.
///
/// What a disk cannot tell: which broker coordinated a group, and whether a member still lived. The log end is that of the
/// replica at hand that reaches furthest, which may hold records beyond the high watermark that consumers never saw.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg groups /var/lib/kafka/data
  kseg groups --group billing node1/data node2/data node3/data
  kseg groups --topic 'orders*' --format ndjson data | jq 'select(.lag > 0)'
  kseg groups --state data
  kseg groups --members data
  kseg groups --format kafka data | less
  kseg groups --group billing --format csv data > offsets.csv

--format kafka prints what kafka-consumer-groups.sh --describe prints; --format csv what its --reset-offsets --from-file takes.

Exit status:
  0  everything was read
  1  some of __consumer_offsets is damaged; what can be read is shown
  2  something could not be read, or there is no such group or topic")]
#[expect(clippy::doc_markdown, reason = "the doc comments are the help text")]
pub(crate) struct Groups {
    /// Log dirs, of one node or of several
    #[arg(value_name = "DIR", required = true)]
    paths: Vec<PathBuf>,

    /// Only groups of this name; * stands for any characters and ? for one; may be given again
    #[arg(long = "group", value_name = "PATTERN")]
    names: Vec<Pattern>,

    /// Only topics of this name, likewise
    #[arg(long = "topic", value_name = "PATTERN")]
    topics: Vec<Pattern>,

    /// Show a line for each group: its state, its assignor, and in which partition of __consumer_offsets it lives
    #[arg(long, conflicts_with = "members")]
    state: bool,

    /// Show a line for each member and what it was assigned
    #[arg(long)]
    members: bool,

    /// How to show it
    #[arg(long, value_enum, default_value_t = View::Text)]
    format: View,

    #[command(flatten)]
    reading: Reading,
}

/// How groups are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum View {
    /// Tables for people
    Text,
    /// One JSON document
    Json,
    /// A JSON object a line
    Ndjson,
    /// Offsets as kafka-consumer-groups.sh --reset-offsets --from-file takes them
    Csv,
    /// As kafka-consumer-groups.sh --describe shows them
    Kafka,
}

/// A damaged place of `__consumer_offsets`.
struct Damage {
    path: String,
    position: u64,
    what: String,
}

impl Groups {
    /// Shows the groups.
    pub(crate) fn run(self, context: &mut Context) -> Result<Outcome> {
        let dirs = self.dirs()?;
        let mut reaches = Reaches::of(&dirs);
        let homes = homes(&dirs)?;
        if homes.is_empty() {
            bail!("no partition of {TOPIC} in these log dirs");
        }
        let count = i32::try_from(homes.len()).unwrap_or(i32::MAX);
        let (image, damage, mut errors) = self.read(homes);
        errors.append(&mut reaches.errors);
        let mut views = GroupView::all(&image, &reaches);
        views.retain(|view| is_any(&self.names, view.name));
        for view in &mut views {
            view.offsets.retain(|row| is_any(&self.topics, row.topic));
        }
        if !self.topics.is_empty() {
            views.retain(|view| !view.offsets.is_empty());
        }
        if views.is_empty() && !(self.names.is_empty() && self.topics.is_empty()) {
            bail!("no group matches; groups here: {}", names(&image));
        }
        let format = match self.format {
            View::Kafka | View::Csv => return self.plain(context, &views, &damage, errors),
            View::Text => Format::Text,
            View::Json => Format::Json,
            View::Ndjson => Format::Ndjson,
        };
        let mut writer = Writer::new(context, format, schema::GROUPS);
        if self.state {
            rows::states(&mut writer, &views, count);
        } else if self.members {
            rows::members(&mut writer, &views, &reaches);
        } else {
            rows::offsets(&mut writer, &views);
            remarks(&mut writer, &views);
        }
        for place in damage {
            writer.damage_of(&place.path, place.position, &place.what);
        }
        for error in errors {
            writer.fail(error);
        }
        let is_damaged = writer.finish()?;
        Ok(if is_damaged {
            Outcome::Seen
        } else {
            Outcome::Clean
        })
    }

    /// In a form of Kafka's tools.
    fn plain(
        &self,
        context: &mut Context,
        views: &[GroupView<'_>],
        damage: &[Damage],
        errors: Vec<Error>,
    ) -> Result<Outcome> {
        match (self.format, self.state, self.members) {
            (View::Csv, false, false) => kafka::csv(views, context)?,
            (View::Kafka, true, _) => kafka::states(views, context)?,
            (View::Kafka, _, false) => kafka::offsets(views, context)?,
            (View::Csv, ..) => bail!("--format csv has offsets only"),
            _ => bail!("--members supports text, json and ndjson"),
        }
        for place in damage {
            let Damage {
                path,
                position,
                what,
            } = place;
            context.say(format!("kseg: {path}: position {position}: {what}\n").as_bytes());
        }
        match errors.into_iter().next() {
            Some(error) => Err(error.into()),
            None if damage.is_empty() => Ok(Outcome::Clean),
            None => Ok(Outcome::Seen),
        }
    }

    /// The log dirs that the paths lead to.
    fn dirs(&self) -> Result<Vec<LogDir>> {
        let mut dirs = Vec::new();
        for path in &self.paths {
            match Place::at(path)? {
                Place::LogDir(dir) if dir.is_likely() => dirs.push(dir),
                _ => return Err(no_log(path)),
            }
        }
        Ok(dirs)
    }

    /// The image of all partitions, each read by itself.
    fn read(&self, homes: BTreeMap<i32, Partition>) -> (Image, Vec<Damage>, Vec<Error>) {
        let mut all = (Image::default(), Vec::new(), Vec::new());
        let read = |(_, partition): (i32, Partition)| self.partition(&partition);
        parallel::in_order(self.reading.jobs(), homes, read, &mut |result| {
            let (image, damage, error) = result;
            all.0.join(image);
            all.1.extend(damage);
            all.2.extend(error);
            ControlFlow::Continue(())
        });
        all
    }

    fn partition(&self, partition: &Partition) -> (Image, Vec<Damage>, Option<Error>) {
        let (mut image, mut all) = (Image::default(), Vec::new());
        for segment in partition.segments() {
            if segment.file(FileKind::Log).is_none() {
                continue;
            }
            let path = segment.log().display().to_string();
            let mut damaged = |position, what| {
                let path = path.clone();
                all.push(Damage {
                    path,
                    position,
                    what,
                });
            };
            let opened = self.reading.open(segment.log());
            let limits = self.reading.limits();
            let folded = opened
                .and_then(|log| fold(&mut image, &log, Offset(i64::MIN), limits, &mut damaged));
            if let Err(error) = folded {
                return (image, all, Some(error));
            }
        }
        (image, all, None)
    }
}

/// The partitions of `__consumer_offsets` by number: of several replicas the one that reaches furthest.
fn homes(dirs: &[LogDir]) -> Result<BTreeMap<i32, Partition>> {
    let mut homes = BTreeMap::<i32, (Option<Offset>, Partition)>::new();
    for dir in dirs {
        let here = Reaches::of(std::slice::from_ref(dir));
        for item in dir.partitions() {
            let partition = Partition::open(item.path())?;
            let is_home = partition.topic() == Some(TOPIC);
            let (true, DirState::Current, Some(number)) =
                (is_home, partition.state(), partition.number())
            else {
                continue;
            };
            let reach = here.partitions.get(&(TOPIC.to_owned(), number));
            let end = reach.map(|reach| reach.end);
            match homes.get(&number) {
                Some((known, _)) if *known >= end => {}
                _ => {
                    homes.insert(number, (end, partition));
                }
            }
        }
    }
    let homes = homes.into_iter();
    Ok(homes
        .map(|(number, (_, partition))| (number, partition))
        .collect())
}

/// Whether a name is one that any of the patterns asks for.
fn is_any(patterns: &[Pattern], name: &str) -> bool {
    Pattern::means(patterns, name)
}

/// Names for an error message, as many as can be read at a glance.
fn names(image: &Image) -> String {
    const SHOWN: usize = 10;
    let names: Vec<&str> = image.names().collect();
    let shown = names.get(..SHOWN).unwrap_or(&names).join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What people should know of the table above.
fn remarks(writer: &mut Writer<'_>, views: &[GroupView<'_>]) {
    let rows = || views.iter().flat_map(|view| &view.offsets);
    let count = |problem| rows().filter(|row| row.problem() == Some(problem)).count();
    for (problem, what) in [
        (
            OffsetProblem::BelowLogStart,
            "below the log start: a consumer continues by its auto.offset.reset",
        ),
        (
            OffsetProblem::BeyondLogEnd,
            "beyond the log end: a consumer continues by its auto.offset.reset",
        ),
        (
            OffsetProblem::NoLog,
            "of partitions that are not in these log dirs: their lag is unknown",
        ),
    ] {
        match count(problem) {
            0 => {}
            1 => writer.remark(&format!("1 offset is {what}")),
            more => writer.remark(&format!("{more} offsets are {what}")),
        }
    }
    let pending = rows().filter(|row| row.pending.is_some()).count();
    if pending > 0 {
        writer.remark(&format!(
            "{pending} offsets are pending: their transaction has not ended"
        ));
    }
}
