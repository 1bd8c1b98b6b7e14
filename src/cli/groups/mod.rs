//! `kseg groups`: consumer groups, their offsets and their lag.

mod kafka;
mod past;
mod rows;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail};
use kseg::format::topic::{CONSUMER_OFFSETS, SHARE_GROUP_STATE};
use kseg::predict::SettingOrigin;
use kseg::predict::settings::OFFSETS_MINUTES;
use kseg::report::group_view::{GroupView, OffsetProblem};
use kseg::report::groups::GroupKind;
use kseg::report::reach::Reaches;
use kseg::report::{Groups as Image, ShareGroups, Until};
use kseg::store::Partition;
use kseg::wire::{Offset, Timestamp};

use super::args::Reading;
use super::brokers::node_id;
use super::exit::ExitStatus;
use super::given::Given;
use super::input::{Disks, Pattern};
use super::internal::{Trouble, images_until, metadata};
use super::range::{Moment, now_ms};
use super::render::rows::Format;
use super::render::table::{self, counted};
use super::writer::Writer;
use super::{Context, schema};

/// Shows consumer groups: committed offsets, lag, state and members, from the disks of a stopped
/// cluster
///
/// Reads `__consumer_offsets` in all log dirs given, and the log start and log end offsets of the
/// topics. Give the log dirs of all nodes together: an offset whose log is not here is shown as
/// `-`. Lag is LOG-END-OFFSET − CURRENT-OFFSET.
///
/// Not on a disk: the coordinator of a group, and which members are still alive. The log end offset
/// is the highest of the replicas given, which may be beyond the high watermark.
///
/// --at shows groups at an earlier time: with the records of __consumer_offsets up to that time,
/// and log ends before the first record with a later timestamp. __consumer_offsets is compacted:
/// offsets and groups that were replaced later may be missing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg groups /var/lib/kafka/data
  kseg groups --group billing node1/data node2/data node3/data
  kseg groups --topic 'orders*' --format ndjson data | jq 'select(.lag > 0)'
  kseg groups --state data
  kseg groups --kind share --format kafka data
  kseg groups --members data
  kseg groups --kind streams --state --verbose --format kafka data
  kseg groups --at 2026-11-29T10:00Z --group billing data
  kseg groups data/__consumer_offsets-12
  kseg groups --kafka 3.9 --config server.properties --now 2026-12-24 data
  kseg groups --set offsets.retention.minutes=1440 data
  kseg groups --format kafka data | less
  kseg groups --group billing --format csv data > offsets.csv

--format kafka prints what kafka-consumer-groups.sh --describe prints; with
--kind share or --kind streams what kafka-share-groups.sh or
kafka-streams-groups.sh prints; --members as with --verbose. The coordinator is
shown as -.
--format csv prints a file for --reset-offsets --from-file.

Exit status:
  0  everything was read
  1  a part of __consumer_offsets is damaged; the readable part is shown
  2  something could not be read, or no group or topic matches")]
#[expect(clippy::doc_markdown, reason = "the doc comments are the help text")]
pub(crate) struct Groups {
    /// Log dirs, of one node or of several, or the folders of single partitions
    #[arg(value_name = "DIR", required = true)]
    paths: Vec<PathBuf>,

    /// Only groups with this name; * matches any characters, ? one character; repeatable
    #[arg(long = "group", value_name = "PATTERN")]
    names: Vec<Pattern>,

    /// Only topics with this name, in the same form
    #[arg(long = "topic", value_name = "PATTERN")]
    topics: Vec<Pattern>,

    /// Only groups of this kind; the offsets of share groups are their start offsets in
    /// __share_group_state
    #[arg(long, value_enum)]
    kind: Option<GroupFilter>,

    /// Show one line for each group: its state, its assignor, and its partition of
    /// __consumer_offsets
    #[arg(long, conflicts_with = "members")]
    state: bool,

    /// Show one line for each member, with its assigned partitions
    #[arg(long)]
    members: bool,

    /// Show groups at an earlier time, or before an offset of __consumer_offsets:
    /// 2026-11-29T10:00Z, 2h (ago), or 18000
    #[arg(long, value_name = "TIME|OFFSET", value_parser = at)]
    at: Option<Until>,

    /// With --format kafka: the columns that Kafka's tool adds with --verbose, such as leader and
    /// group epochs
    #[arg(long)]
    verbose: bool,

    /// Output format
    #[arg(long, value_enum, default_value_t = View::Text)]
    format: View,

    /// The time at which expired offsets are determined: 2026-12-24T08:00:00Z, or 2h for two hours
    /// ago [default: now]
    #[arg(long, value_name = "TIME", conflicts_with = "at")]
    now: Option<Moment>,

    #[command(flatten)]
    given: Given,

    #[command(flatten)]
    reading: Reading,
}

/// Reads a time or an offset: a number of at most twelve digits is an offset, because milliseconds
/// since 1970 have thirteen.
fn at(text: &str) -> Result<Until, String> {
    const OFFSET_DIGITS: usize = 12;
    match text.parse::<i64>() {
        Ok(offset) if offset >= 0 && text.len() <= OFFSET_DIGITS => {
            Ok(Until::Offset(Offset::new(offset)))
        }
        _ => {
            let time: Moment = text.parse()?;
            Ok(Until::Time(Timestamp::new(time.0)))
        }
    }
}

/// A kind of groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum GroupFilter {
    Classic,
    Consumer,
    Share,
    Streams,
}

impl GroupFilter {
    fn has(self, view: &GroupView<'_>) -> bool {
        let kind = view.group.map_or(GroupKind::Classic, |group| group.kind);
        kind == match self {
            Self::Classic => GroupKind::Classic,
            Self::Consumer => GroupKind::Consumer,
            Self::Share => GroupKind::Share,
            Self::Streams => GroupKind::Streams,
        }
    }
}

/// The subject of a view of groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Offsets,
    State,
    Members,
}

/// The views of groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum View {
    /// Tables for people
    Text,
    /// One JSON document
    Json,
    /// One JSON object per line
    Ndjson,
    /// Offsets in the form of kafka-consumer-groups.sh --reset-offsets --from-file
    Csv,
    /// As kafka-consumer-groups.sh --describe, kafka-share-groups.sh and kafka-streams-groups.sh
    /// print them
    Kafka,
}

impl Groups {
    /// Shows the groups.
    pub(crate) fn run(self, context: &mut Context) -> Result<ExitStatus> {
        self.check()?;
        let mut disks = Disks::at(&self.paths)?;
        let mut reaches = Reaches::of(&disks.dirs);
        let until = self.at.unwrap_or_default();
        let copies = disks.of_internal(CONSUMER_OFFSETS, reaches.copies_of(CONSUMER_OFFSETS)?);
        if copies.is_empty() {
            bail!(
                "no partition of {CONSUMER_OFFSETS} in these log dirs: groups are stored in it; \
                 give the log dirs of all nodes, or a folder such as {CONSUMER_OFFSETS}-12"
            );
        }
        let mut trouble = Trouble::default();
        trouble.errors.append(&mut disks.lost);
        trouble.fail(reaches.errors.drain(..));
        let (image, homes) = self.read(copies, &reaches, &mut trouble)?;
        if let Until::Time(time) = until {
            let is_shown = |topic: &str| Pattern::means(&self.topics, topic);
            past::rewind(&mut reaches, time, is_shown, self.reading.jobs());
            trouble.fail(reaches.errors.drain(..));
        }
        let kept = self.kept(&disks, &reaches, &mut trouble)?;
        let mut views = GroupView::all(&image, &reaches);
        self.select(&mut views, &disks);
        if views.is_empty() && !(self.names.is_empty() && self.topics.is_empty()) {
            bail!("no group matches; groups here: {}", names(&image));
        }
        let format = match self.format {
            View::Kafka | View::Csv => return self.plain(context, &views, &reaches, trouble),
            View::Text => Format::Text,
            View::Json => Format::Json,
            View::Ndjson => Format::Ndjson,
        };
        let mut writer = Writer::new(context, format, schema::GROUPS);
        match self.subject() {
            Subject::State => rows::states(&mut writer, &views, &homes),
            Subject::Members => rows::members(&mut writer, &views, &reaches),
            Subject::Offsets => {
                rows::offsets(&mut writer, &views, kept.ms);
                remarks(&mut writer, &views);
                expired(&mut writer, &views, kept, self.now_ms());
            }
        }
        if self.at.is_some() {
            writer.remark(
                "__consumer_offsets is compacted: offsets replaced before the last run of the \
                 cleaner are missing here",
            );
        }
        trouble.report(&mut writer);
        let is_damaged = writer.finish()?;
        Ok(ExitStatus::of(is_damaged))
    }

    /// Reads the groups, and the partition of `__consumer_offsets` of each.
    fn read(
        &self,
        copies: Vec<(i32, Partition)>,
        reaches: &Reaches,
        trouble: &mut Trouble,
    ) -> Result<(Image, BTreeMap<String, i32>)> {
        let until = self.at.unwrap_or_default();
        let (mut image, mut homes) = (Image::default(), BTreeMap::new());
        let mut join = |number, part: Image| {
            homes.extend(part.names().map(|name| (name.to_owned(), number)));
            image.join(part);
        };
        images_until(until, copies, self.reading, trouble, &mut join);
        // An offset is one of __consumer_offsets, and has no meaning in another topic.
        if !matches!(until, Until::Offset(_)) {
            let copies = reaches.copies_of(SHARE_GROUP_STATE)?;
            let mut share = ShareGroups::default();
            let mut join = |_, part: ShareGroups| share.join(part);
            images_until(until, copies, self.reading, trouble, &mut join);
            image.take_share_groups(&share, &reaches.topics);
        }
        Ok((image, homes))
    }

    /// Keeps only the requested groups.
    fn select(&self, views: &mut Vec<GroupView<'_>>, disks: &Disks) {
        views.retain(|view| self.kind.is_none_or(|kind| kind.has(view)));
        views.retain(|view| Pattern::means(&self.names, view.name));
        let is_partial = !disks.chosen.is_empty()
            && disks
                .chosen
                .iter()
                .all(|(topic, _)| topic != CONSUMER_OFFSETS);
        for view in &mut *views {
            view.offsets.retain(|row| {
                let is_chosen = !is_partial || disks.includes(row.topic, row.partition);
                is_chosen && Pattern::means(&self.topics, row.topic)
            });
        }
        if !self.topics.is_empty() || is_partial {
            views.retain(|view| !view.offsets.is_empty());
        }
    }

    /// The time at which offsets are checked for expiry.
    fn now_ms(&self) -> i64 {
        match self.at {
            Some(Until::Time(time)) => time.get(),
            _ => self.now.map_or_else(now_ms, |now| now.0),
        }
    }

    /// Returns the retention of offsets of groups without members.
    fn kept(&self, disks: &Disks, reaches: &Reaches, trouble: &mut Trouble) -> Result<Kept> {
        let conditions = self.given.conditions(&self.paths)?;
        let cluster = metadata(reaches, self.reading, trouble);
        let node = disks.dirs.iter().find_map(|dir| node_id(dir).ok()?);
        let node = conditions.settings.node_id().or(node);
        let settings = conditions.topic_settings(cluster.as_ref(), node, CONSUMER_OFFSETS);
        let minutes = settings.number(OFFSETS_MINUTES);
        Ok(Kept {
            ms: minutes.value.saturating_mul(60_000),
            is_assumed: minutes.origin == SettingOrigin::Assumed,
        })
    }

    fn subject(&self) -> Subject {
        match (self.state, self.members) {
            (true, _) => Subject::State,
            (_, true) => Subject::Members,
            _ => Subject::Offsets,
        }
    }

    /// Refuses options that have no effect together.
    fn check(&self) -> Result<()> {
        if self.format == View::Csv && self.subject() != Subject::Offsets {
            bail!("--format csv has offsets only: leave out --state and --members");
        }
        if self.verbose && self.format != View::Kafka {
            bail!("--verbose adds columns to --format kafka: the other formats always have them");
        }
        Ok(())
    }

    /// Shows the groups in the form of Kafka's tools.
    fn plain(
        &self,
        context: &mut Context,
        views: &[GroupView<'_>],
        reaches: &Reaches,
        trouble: Trouble,
    ) -> Result<ExitStatus> {
        use kafka::{consumer, csv, share, streams};
        let is_verbose = self.verbose;
        match (self.kind, self.subject()) {
            _ if self.format == View::Csv => csv::csv(views, context)?,
            (Some(GroupFilter::Share), Subject::Offsets) => {
                share::offsets(views, is_verbose, context)?;
            }
            (Some(GroupFilter::Share), Subject::State) => {
                share::states(views, is_verbose, context)?;
            }
            (Some(GroupFilter::Share), Subject::Members) => {
                share::members(views, reaches, context)?;
            }
            (Some(GroupFilter::Streams), Subject::Offsets) => {
                streams::offsets(views, is_verbose, context)?;
            }
            (Some(GroupFilter::Streams), Subject::State) => {
                streams::states(views, is_verbose, context)?;
            }
            (Some(GroupFilter::Streams), Subject::Members) => streams::members(views, context)?,
            // The tool for the other kinds does not show share and streams groups.
            (_, Subject::Offsets) => consumer::offsets(views, is_verbose, context)?,
            (_, Subject::State) => consumer::states(views, is_verbose, context)?,
            (_, Subject::Members) => consumer::members(views, reaches, context)?,
        }
        trouble.say(context)
    }
}

/// The retention of offsets of groups without members.
#[derive(Debug, Clone, Copy)]
struct Kept {
    ms: i64,
    /// True if it is Kafka's default, because no setting was found.
    is_assumed: bool,
}

/// Writes a remark about offsets that the next check deletes.
fn expired(writer: &mut Writer<'_>, views: &[GroupView<'_>], kept: Kept, now_ms: i64) {
    let count = views.iter().map(|view| {
        let commits = view.offsets.iter().filter_map(|row| row.committed);
        let ends = commits.filter_map(|commit| commit.expires_at(view.group, kept.ms));
        ends.filter(|end| *end <= now_ms).count()
    });
    let minutes = kept.ms / 60_000;
    let assumed = if kept.is_assumed { ", assumed" } else { "" };
    match count.sum::<usize>() {
        0 => {}
        1 => writer.remark(&format!(
            "1 offset is expired (offsets.retention.minutes={minutes}{assumed}): a broker deletes \
             it at its next check"
        )),
        more => writer.remark(&format!(
            "{more} offsets are expired (offsets.retention.minutes={minutes}{assumed}): a broker \
             deletes them at its next check"
        )),
    }
}

/// Names for an error message, the first few.
fn names(image: &Image) -> String {
    const SHOWN: usize = 10;
    let names: Vec<&str> = image.names().collect();
    let shown = names.get(..SHOWN).unwrap_or(&names).join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Writes remarks about the table.
fn remarks(writer: &mut Writer<'_>, views: &[GroupView<'_>]) {
    let rows = || views.iter().flat_map(|view| &view.offsets);
    let count = |problem| rows().filter(|row| row.problem() == Some(problem)).count();
    for (problem, what) in [
        (
            OffsetProblem::BelowLogStart,
            "below the log start: a consumer continues according to auto.offset.reset",
        ),
        (
            OffsetProblem::BeyondLogEnd,
            "beyond the log end: a consumer continues according to auto.offset.reset",
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
    let pending = rows().filter(|row| row.pending.is_some()).count() as u64;
    if pending > 0 {
        writer.remark(&format!(
            "{} {} pending: committed in an open transaction",
            counted(pending, "offset"),
            table::are(pending)
        ));
    }
}
