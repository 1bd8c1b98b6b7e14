//! `kseg txns`: open transactions, hanging ones, and their producers.

mod kafka;
mod rows;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use kseg::format::defaults::TRANSACTION_MAX_TIMEOUT_MS;
use kseg::format::topic::{CLUSTER_METADATA, TRANSACTION_STATE};
use kseg::report::reach::Reaches;
use kseg::report::transactions::TransactionState;
use kseg::report::txn_view::{Coordinators, OpenOnPartition, TxnStanding};
use kseg::report::{MetadataImage, Transactions, producers};
use kseg::scan::derive::Producers;
use kseg::scan::in_order;
use kseg::store::{Error, Partition};

use super::args::Reading;
use super::exit::ExitStatus;
use super::input::{Disks, Pattern, Selection};
use super::internal::{Trouble, images, metadata};
use super::range::{Moment, duration_ms, now_ms};
use super::render::rows::Format;
use super::render::table::counted;
use super::show::tables;
use super::writer::Writer;
use super::{Context, schema};

/// Shows open transactions, and which of them hang, from the disks of a stopped cluster
///
/// An open transaction keeps the last stable offset of its partition at its first record: consumers
/// with isolation.level=read_committed stop there. Open transactions are found from the newest
/// producer snapshot of each partition and the batches after it, their transactional ids in
/// __transaction_state. By Kafka's rule (kafka-transactions.sh find-hanging) a transaction hangs if
/// no coordinator knows it and its last record is older than --max-timeout.
///
/// Not on a disk: the coordinator of a transactional id, and which producers are still alive. Give
/// the log dirs of all nodes together: hanging transactions are known only with every partition of
/// __transaction_state.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg txns /var/lib/kafka/data
  kseg txns --topic orders --partition 0..4 node1/data node2/data
  kseg txns --hanging --max-timeout 1h data
  kseg txns --ids --id 'billing-*' data
  kseg txns --producers --topic orders --partition 3 --format kafka data
  kseg txns --format kafka --now 2026-11-29T10:00Z data

--format kafka prints what kafka-transactions.sh find-hanging prints; with --ids
what list prints, with --id describe, and with --producers describe-producers.
The coordinator is not on a disk, and shown as -.

Exit status:
  0  everything was read, and no transaction hangs
  1  a transaction hangs, or something is damaged; the readable part is shown
  2  something could not be read, or no transactional id or partition matches")]
#[expect(clippy::doc_markdown, reason = "the doc comments are the help text")]
pub(crate) struct Txns {
    /// Log dirs, of one node or of several; a folder of log dirs, a server.properties, or the
    /// folders of single partitions
    #[arg(value_name = "DIR", required = true)]
    paths: Vec<PathBuf>,

    /// Only hanging transactions
    #[arg(long, conflicts_with_all = ["ids", "producers", "names"])]
    hanging: bool,

    /// Show one line for each transactional id, with its last transaction
    #[arg(long, conflicts_with = "producers")]
    ids: bool,

    /// Only transactional ids with this name; * matches any characters, ? one character; repeatable
    #[arg(long = "id", value_name = "PATTERN", conflicts_with = "producers")]
    names: Vec<Pattern>,

    /// Show one line for each producer of each partition
    #[arg(long)]
    producers: bool,

    /// The longest allowed transaction (transaction.max.timeout.ms of the brokers): 1h, 900s
    /// [default: 15m]
    #[arg(long, value_name = "TIME", value_parser = timeout)]
    max_timeout: Option<i64>,

    /// The time at which hanging transactions are determined: 2026-11-29T10:00Z, or 2h for two
    /// hours ago [default: now]
    #[arg(long, value_name = "TIME")]
    now: Option<Moment>,

    /// Output format
    #[arg(long, value_enum, default_value_t = View::Text)]
    format: View,

    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    reading: Reading,
}

/// The views of transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum View {
    /// Tables for people
    Text,
    /// One JSON document
    Json,
    /// One JSON object per line
    Ndjson,
    /// Comma-separated values
    Csv,
    /// As kafka-transactions.sh prints them
    Kafka,
}

/// Parses a duration.
fn timeout(text: &str) -> Result<i64, String> {
    duration_ms(text).ok_or_else(|| "expected 15m, 900s, 1h30m".to_owned())
}

/// A partition and its producers.
struct Writers {
    topic: String,
    partition: i32,
    log_end: i64,
    producers: Producers,
}

impl Txns {
    /// Shows the transactions.
    pub(crate) fn run(self, context: &mut Context) -> Result<ExitStatus> {
        let mut disks = Disks::at(&self.paths)?;
        let mut reaches = Reaches::of(&disks.dirs);
        let mut trouble = Trouble::default();
        trouble.errors.append(&mut disks.lost);
        let unread = reaches.errors.drain(..);
        trouble.errors.extend(unread.map(anyhow::Error::from));
        if self.producers {
            let writers = self.writers(&disks, &reaches, &mut trouble)?;
            return self.show_producers(context, &writers, trouble);
        }
        let copies = disks.of_internal(TRANSACTION_STATE, reaches.copies_of(TRANSACTION_STATE)?);
        let at_hand: Vec<i32> = copies.iter().map(|(number, _)| *number).collect();
        let mut image = Transactions::default();
        images(copies, self.reading, &mut trouble, &mut |_, part| {
            image.join(part);
        });
        // If only folders of __transaction_state are given, transactional ids are shown.
        let holds_ids = disks.is_about(TRANSACTION_STATE) && !self.hanging;
        if self.ids || !self.names.is_empty() || holds_ids {
            if at_hand.is_empty() {
                bail!(
                    "no partition of {TRANSACTION_STATE} in these log dirs: transactional ids are \
                     stored there; give the log dirs of all nodes"
                );
            }
            return self.show_ids(context, &image, trouble);
        }
        let cluster = metadata(&reaches, self.reading, &mut trouble);
        let is_complete = is_complete(cluster.as_ref(), &at_hand);
        let writers = self.writers(&disks, &reaches, &mut trouble)?;
        let coordinators = Coordinators {
            image: &image,
            is_complete,
            now_ms: self.now_ms(),
            max_timeout_ms: self.max_timeout.unwrap_or(TRANSACTION_MAX_TIMEOUT_MS),
        };
        self.show_open(context, &writers, coordinators, trouble)
    }

    fn now_ms(&self) -> i64 {
        self.now.map_or_else(now_ms, |now| now.0)
    }

    /// The producers of every selected partition, each in the copy with the highest log end.
    fn writers(
        &self,
        disks: &Disks,
        reaches: &Reaches,
        trouble: &mut Trouble,
    ) -> Result<Vec<Writers>> {
        let meant = reaches.partitions.iter().filter(|((topic, number), _)| {
            topic != CLUSTER_METADATA
                && disks.includes(topic, *number)
                && self.selection.includes(Some(topic), Some(*number))
        });
        let meant: Vec<_> = meant.collect();
        if meant.is_empty() && !self.selection.is_everything() {
            bail!("no partition here matches --topic and --partition");
        }
        let (limits, reading) = (self.reading.limits(), self.reading);
        let read = |(id, reach): (&(String, i32), &kseg::report::reach::Reach)| {
            let mut damage = Vec::new();
            let open = |path: &Path| reading.open(path);
            let producers = Partition::open(&reach.path)
                .and_then(|it| producers::of_partition(&it, limits, open, &mut damage));
            let writers = producers.map(|producers| Writers {
                topic: id.0.clone(),
                partition: id.1,
                log_end: reach.end.get(),
                producers,
            });
            Ok::<_, Error>((writers?, damage))
        };
        let mut all = Vec::new();
        in_order(self.reading.jobs(), meant, read, &mut |result| {
            match result {
                Ok((writers, damage)) => {
                    all.push(writers);
                    trouble.add(damage, None);
                }
                Err(error) => trouble.errors.push(error.into()),
            }
            ControlFlow::Continue(())
        });
        Ok(all)
    }

    /// A line for each open transaction.
    fn show_open(
        &self,
        context: &mut Context,
        writers: &[Writers],
        coordinators: Coordinators<'_>,
        trouble: Trouble,
    ) -> Result<ExitStatus> {
        let ids = coordinators.by_producer();
        let mut open = Vec::new();
        for each in writers {
            let id = (&*each.topic, each.partition);
            let own = OpenOnPartition::of(id, &each.producers, &ids, coordinators);
            open.extend(own.into_iter().map(|it| (it, each.log_end)));
        }
        let hangs = |it: &OpenOnPartition<'_>| it.standing == TxnStanding::Hanging;
        let hanging = open.iter().filter(|(it, _)| hangs(it)).count();
        if self.hanging || self.format == View::Kafka {
            open.retain(|(it, _)| hangs(it));
        }
        let Some(format) = self.rows() else {
            context.print(&kafka::hanging(open.iter().map(|(it, _)| it), coordinators))?;
            let outcome = trouble.say(context)?;
            return Ok(if hanging > 0 {
                ExitStatus::Seen
            } else {
                outcome
            });
        };
        let mut writer = Writer::new(context, format, schema::TXNS);
        if open.is_empty() {
            let what = if self.hanging { "hanging" } else { "open" };
            writer.remark(&format!("no {what} transactions"));
        }
        rows::open(&mut writer, &open);
        rows::remarks(&mut writer, &open);
        trouble.report(&mut writer);
        Ok(ExitStatus::of(writer.finish()? || hanging > 0))
    }

    /// A line for each transactional id.
    fn show_ids(
        &self,
        context: &mut Context,
        image: &Transactions,
        trouble: Trouble,
    ) -> Result<ExitStatus> {
        let ids = image.ids.iter();
        let ids: Vec<(&String, &TransactionState)> = ids
            .filter(|(id, _)| Pattern::means(&self.names, id))
            .collect();
        if ids.is_empty() && !self.names.is_empty() {
            bail!("no transactional id matches");
        }
        let Some(format) = self.rows() else {
            let text = if self.names.is_empty() {
                kafka::list(&ids)
            } else {
                kafka::describe(&ids, self.now_ms())
            };
            context.print(&text)?;
            return trouble.say(context);
        };
        let mut writer = Writer::new(context, format, schema::TXNS);
        tables::transactions(&mut writer, ids);
        if image.unread > 0 {
            let unread = counted(image.unread, "unreadable record");
            let what = format!("{unread} of {TRANSACTION_STATE}");
            writer.remark(&what);
            writer.seen();
        }
        trouble.report(&mut writer);
        Ok(ExitStatus::of(writer.finish()?))
    }

    /// A line for each producer.
    fn show_producers(
        &self,
        context: &mut Context,
        writers: &[Writers],
        trouble: Trouble,
    ) -> Result<ExitStatus> {
        let Some(format) = self.rows() else {
            let [one] = writers else {
                bail!(
                    "--producers --format kafka is for one partition, and {} match: choose it \
                     with --topic and --partition",
                    writers.len()
                );
            };
            context.print(&kafka::producers(&one.producers))?;
            return trouble.say(context);
        };
        let mut writer = Writer::new(context, format, schema::TXNS);
        for each in writers {
            rows::producers(&mut writer, (&each.topic, each.partition), &each.producers);
        }
        trouble.report(&mut writer);
        Ok(ExitStatus::of(writer.finish()?))
    }

    /// Returns the format of rows, unless it is Kafka's.
    fn rows(&self) -> Option<Format> {
        Some(match self.format {
            View::Text => Format::Text,
            View::Json => Format::Json,
            View::Ndjson => Format::Ndjson,
            View::Csv => Format::Csv,
            View::Kafka => return None,
        })
    }
}

/// Returns true if every partition of `__transaction_state` is in these log dirs: the metadata log
/// has their number; without it they count as all only if they are the 50 that Kafka creates by
/// default (`transaction.state.log.num.partitions`), because with some of them missing, live
/// transactions would be shown as hanging.
fn is_complete(cluster: Option<&MetadataImage>, at_hand: &[i32]) -> bool {
    const DEFAULT: usize = 50;
    let topic = cluster.and_then(|cluster| {
        let mut topics = cluster.topics.values();
        topics.find(|topic| topic.name == TRANSACTION_STATE)
    });
    match (cluster, topic) {
        (_, Some(topic)) => topic
            .partitions
            .keys()
            .all(|number| at_hand.contains(number)),
        // No producer has used a transactional id.
        (Some(_), None) => at_hand.is_empty(),
        (None, _) => at_hand.len() >= DEFAULT,
    }
}
