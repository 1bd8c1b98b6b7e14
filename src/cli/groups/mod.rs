//! `kseg groups`: consumer groups, their offsets and their lag.

mod kafka;
mod rows;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, bail};
use kseg::format::topic::{CONSUMER_OFFSETS, SHARE_GROUP_STATE};
use kseg::report::group_view::{GroupView, OffsetProblem};
use kseg::report::groups::GroupKind;
use kseg::report::reach::Reaches;
use kseg::report::{Groups as Image, ShareGroups};

use super::Context;
use super::args::Reading;
use super::exit::Outcome;
use super::input::{Pattern, log_dirs};
use super::internal::{Trouble, images};
use super::render::rows::Format;
use super::schema;
use super::writer::Writer;

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
  kseg groups --kind share --format kafka data
  kseg groups --members data
  kseg groups --kind streams --state --verbose --format kafka data
  kseg groups --format kafka data | less
  kseg groups --group billing --format csv data > offsets.csv

--format kafka prints what kafka-consumer-groups.sh --describe prints, and with --kind share or --kind streams what
kafka-share-groups.sh or kafka-streams-groups.sh does; --members as with --verbose. The coordinator is shown as -.
--format csv is the file that --reset-offsets --from-file takes.

Exit status:
  0  everything was read
  1  some of __consumer_offsets is damaged; what can be read is shown
  2  something could not be read, or there is no such group or topic")]
#[expect(clippy::doc_markdown, reason = "the doc comments are the help text")]
pub(crate) struct Groups {
    /// Log dirs, of one node or of several
    #[arg(value_name = "DIR", required = true)]
    paths: Vec<PathBuf>,

    /// Only groups of this name; * stands for any characters and ? for one; repeatable
    #[arg(long = "group", value_name = "PATTERN")]
    names: Vec<Pattern>,

    /// Only topics of this name, likewise
    #[arg(long = "topic", value_name = "PATTERN")]
    topics: Vec<Pattern>,

    /// Only groups of this kind; the start offsets of share groups, from __share_group_state, count as their offsets
    #[arg(long, value_enum)]
    kind: Option<Kind>,

    /// Show a line for each group: its state, its assignor, and in which partition of __consumer_offsets it lives
    #[arg(long, conflicts_with = "members")]
    state: bool,

    /// Show a line for each member and what it was assigned
    #[arg(long)]
    members: bool,

    /// With --format kafka: the columns that Kafka's tool adds with --verbose, such as leader and group epochs
    #[arg(long)]
    verbose: bool,

    /// Output format
    #[arg(long, value_enum, default_value_t = View::Text)]
    format: View,

    #[command(flatten)]
    reading: Reading,
}

/// A kind of groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Classic,
    Consumer,
    Share,
    Streams,
}

impl Kind {
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

/// What is shown of groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Offsets,
    State,
    Members,
}

/// How groups are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum View {
    /// Tables for people
    Text,
    /// One JSON document
    Json,
    /// One JSON object per line
    Ndjson,
    /// Offsets as kafka-consumer-groups.sh --reset-offsets --from-file takes them
    Csv,
    /// As kafka-consumer-groups.sh --describe shows them, and the tools for share and streams groups
    Kafka,
}

impl Groups {
    /// Shows the groups.
    pub(crate) fn run(self, context: &mut Context) -> Result<Outcome> {
        self.check()?;
        let (dirs, lost) = log_dirs(&self.paths)?;
        let mut reaches = Reaches::of(&dirs);
        let copies = reaches.copies_of(CONSUMER_OFFSETS)?;
        if copies.is_empty() {
            bail!("no partition of {CONSUMER_OFFSETS} in these log dirs");
        }
        let (mut image, mut homes) = (Image::default(), BTreeMap::new());
        let mut trouble = Trouble::default();
        images(
            copies,
            self.reading,
            &mut trouble,
            &mut |number, part: Image| {
                homes.extend(part.names().map(|name| (name.to_owned(), number)));
                image.join(part);
            },
        );
        trouble.errors.extend(lost);
        let unread = reaches.errors.drain(..);
        trouble.errors.extend(unread.map(anyhow::Error::from));
        let mut share = ShareGroups::default();
        let copies = reaches.copies_of(SHARE_GROUP_STATE)?;
        images(
            copies,
            self.reading,
            &mut trouble,
            &mut |_, part: ShareGroups| {
                share.join(part);
            },
        );
        image.take_share_groups(&share, &reaches.topics);
        let mut views = GroupView::all(&image, &reaches);
        views.retain(|view| self.kind.is_none_or(|kind| kind.has(view)));
        views.retain(|view| Pattern::means(&self.names, view.name));
        for view in &mut views {
            view.offsets
                .retain(|row| Pattern::means(&self.topics, row.topic));
        }
        if !self.topics.is_empty() {
            views.retain(|view| !view.offsets.is_empty());
        }
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
                rows::offsets(&mut writer, &views);
                remarks(&mut writer, &views);
            }
        }
        trouble.tell(&mut writer);
        let is_damaged = writer.finish()?;
        Ok(Outcome::of(is_damaged))
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
            bail!("--format csv is for offsets: leave out --state and --members");
        }
        if self.verbose && self.format != View::Kafka {
            bail!("--verbose adds columns to --format kafka: the other formats always have them");
        }
        Ok(())
    }

    /// In a form of Kafka's tools.
    fn plain(
        &self,
        context: &mut Context,
        views: &[GroupView<'_>],
        reaches: &Reaches,
        trouble: Trouble,
    ) -> Result<Outcome> {
        if self.format == View::Csv {
            kafka::csv(views, context)?;
        } else {
            let (subject, groups) = (self.subject(), (views, reaches));
            kafka::describe(self.kind, subject, self.verbose, groups, context)?;
        }
        trouble.say(context)
    }
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
