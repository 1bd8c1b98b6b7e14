//! Log dirs, partitions and files, each as lines.

use std::ops::ControlFlow;
use std::path::Path;

use kseg::format::{FileKind, FileName, MetaProperties, Properties};
use kseg::report::listing::{Checkpoints, PartitionSummary, TopicSummary};
use kseg::scan::in_order;
use kseg::store::{Cap, Source, read_small};
use kseg::store::{Error, Item, LogDir, Partition, Place, Standing};

use super::columns::{self, ItemRow, LogDirRow, PartitionRow, SegmentRow};
use super::{Held, Lister};
use crate::cli::render::rows::{Format, size, uuid};
use crate::cli::render::table;

/// The totals of the partitions of a log dir.
#[derive(Default)]
struct Totals {
    partitions: u64,
    sum: TopicSummary,
}

impl Lister<'_> {
    /// Lists one of the paths.
    pub(super) fn place(&mut self, place: Place) {
        match place {
            Place::LogDir(dir) => self.log_dir(&dir),
            Place::Partition(partition) => self.partition(&partition),
            Place::File(item) => {
                self.is_found = true;
                self.file(&item);
            }
        }
    }

    fn log_dir(&mut self, dir: &LogDir) {
        let ls = self.ls;
        let chosen = ls.selection.partitions(dir);
        self.is_found |= ls.selection.is_everything() || !chosen.is_empty();
        let mut row = self.log_dir_row(dir);
        if !ls.by_topic {
            let line = table::line(&row, self.writer.look());
            self.writer.titled(&dir.path().display().to_string(), &line);
        }
        let checkpoints = self.checkpoints(dir.path());
        let (outer, inner) = ls.reading.jobs().share(chosen.len());
        let look = |item: Item| {
            let mut summary = PartitionSummary::open(item.path(), &checkpoints)?;
            summary.look(ls.depth(ls.segments), inner, |path| ls.open(path));
            Ok::<_, Error>(summary)
        };
        let (mut totals, mut held) = (Totals::default(), Held::default());
        in_order(outer, chosen, look, &mut |summary| {
            match summary {
                Ok(summary) => self.summary(summary, &mut totals, &mut held),
                Err(error) => self.writer.fail(error),
            }
            if self.writer.is_heard() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        if ls.by_topic {
            return;
        }
        self.release(&mut held.partitions);
        self.release(&mut held.segments);
        self.writer.remark(&totals.text(ls.bytes));
        if ls.selection.is_everything() {
            let items = dir
                .items()
                .iter()
                .map(|item| (item, LogDir::standing(item)));
            self.items(items);
        }
        totals.add_to(&mut row);
        self.writer.for_machines(&row);
    }

    /// Takes a partition of a log dir.
    fn summary(&mut self, mut summary: PartitionSummary, totals: &mut Totals, held: &mut Held) {
        for error in std::mem::take(&mut summary.errors) {
            self.writer.fail(error);
        }
        if self.ls.by_topic {
            let topic = summary.partition.topic().unwrap_or("-").to_owned();
            self.topics.entry(topic).or_default().add(&summary);
            return;
        }
        totals.partitions += 1;
        totals.sum.add(&summary);
        if self.ls.segments {
            self.segments(&summary, held);
        } else {
            self.sortable(PartitionRow::of(&summary), &mut held.partitions);
        }
    }

    fn segments(&mut self, summary: &PartitionSummary, held: &mut Held) {
        for each in &summary.segments {
            if let Some(size) = self.ls.split {
                self.splits(summary, each, size);
                continue;
            }
            self.sortable(SegmentRow::of(summary, each), &mut held.segments);
        }
    }

    fn partition(&mut self, partition: &Partition) {
        let ls = self.ls;
        if !ls.selection.includes(partition.topic(), partition.number()) {
            return;
        }
        self.is_found = true;
        let checkpoints = partition.log_dir().map(|dir| self.checkpoints(dir));
        let summary = PartitionSummary::open(partition.path(), &checkpoints.unwrap_or_default());
        let mut summary = match summary {
            Ok(summary) => summary,
            Err(error) => return self.writer.fail(error),
        };
        summary.look(ls.depth(!ls.by_topic), ls.reading.jobs(), |path| {
            ls.open(path)
        });
        if ls.by_topic {
            return self.summary(summary, &mut Totals::default(), &mut Held::default());
        }
        for error in std::mem::take(&mut summary.errors) {
            self.writer.fail(error);
        }
        let row = PartitionRow::of(&summary);
        let line = table::line(&row, self.writer.look());
        let path = partition.path().display();
        self.writer.titled(&path.to_string(), &line);
        self.writer.for_machines(&row);
        let mut held = Held::default();
        self.segments(&summary, &mut held);
        self.release(&mut held.segments);
        let items = summary.partition.items().iter();
        let is_tiered = partition.is_tiered();
        self.items(items.map(|item| (item, Partition::standing_in(item, is_tiered))));
    }

    /// A line for the segment if the file is a `.log` in use, otherwise for the file.
    fn file(&mut self, item: &Item) {
        let ls = self.ls;
        if ls.by_topic {
            return;
        }
        let name = item.file_name();
        let is_tiered = name.as_ref().is_some_and(FileName::is_tiered);
        let is_log = item.is_current(FileKind::Log)
            && name.is_some_and(|name| name.is_canonical() || is_tiered);
        let dir = match item.path().parent() {
            Some(dir) if !dir.as_os_str().is_empty() => dir,
            _ => Path::new("."),
        };
        let standing = match LogDir::standing(item) {
            Standing::Unknown => Partition::standing_in(item, is_tiered),
            standing => standing,
        };
        if !is_log {
            self.writer.row(&ItemRow::of(item, standing));
            return;
        }
        let mut summary = match PartitionSummary::open(dir, &Checkpoints::default()) {
            Ok(summary) => summary,
            Err(error) => return self.writer.fail(error),
        };
        summary
            .segments
            .retain(|each| each.segment.log().file_name() == Some(item.name()));
        summary.look(ls.depth(true), ls.reading.jobs(), |path| ls.open(path));
        for error in std::mem::take(&mut summary.errors) {
            self.writer.fail(error);
        }
        for each in &summary.segments {
            match self.ls.split {
                Some(size) => self.splits(&summary, each, size),
                None => drop(self.writer.row(&SegmentRow::of(&summary, each))),
            }
        }
    }

    /// Lists the items that are not in use.
    fn items<'a>(&mut self, items: impl Iterator<Item = (&'a Item, Standing)>) {
        let mut is_first = true;
        for (item, standing) in items.filter(|(_, standing)| *standing != Standing::Current) {
            if std::mem::take(&mut is_first) {
                self.writer.remark("Leftover and unknown files:");
            }
            let row = ItemRow::of(item, standing);
            if self.ls.format == Format::Csv {
                return;
            }
            self.writer.row(&row);
            if !self.writer.is_heard() {
                return;
            }
        }
    }

    fn checkpoints(&mut self, dir: &Path) -> Checkpoints {
        match Checkpoints::read(dir) {
            Ok(checkpoints) => checkpoints,
            Err(error) => {
                self.writer.fail(error);
                Checkpoints::default()
            }
        }
    }

    /// The bytes of a small file of a log dir, if there is one.
    fn small(&mut self, dir: &LogDir, kind: FileKind) -> Option<Source> {
        let item = dir.item(kind).filter(|item| item.is_file())?;
        match read_small(item.path(), Cap::of(kind)) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.writer.fail(error);
                None
            }
        }
    }

    fn log_dir_row(&mut self, dir: &LogDir) -> LogDirRow {
        let meta = self.small(dir, FileKind::MetaProperties);
        let meta = meta.map(|bytes| MetaProperties::of(&Properties::parse(&bytes)));
        let meta = meta.unwrap_or_default();
        LogDirRow {
            path: columns::path(dir.path()),
            state: state(dir),
            node_id: meta.node_id,
            cluster_id: meta.cluster_id.clone(),
            directory_id: meta.directory_id.as_ref().map(uuid),
            partitions: 0,
            segments: 0,
            records: None,
            log_bytes: 0,
            size_bytes: 0,
            disk_bytes: 0,
        }
    }
}

/// Returns the state of a log dir: in use by a broker, or the kind of its last shutdown.
pub(crate) fn state(dir: &LogDir) -> &'static str {
    match dir.item(FileKind::CleanShutdown) {
        _ if dir.is_live() => "in use by a running broker",
        Some(_) => "clean shutdown",
        None if !dir.has_own_files() => "shutdown unknown",
        None => "unclean shutdown",
    }
}

impl Totals {
    fn text(&self, exact_bytes: bool) -> String {
        let size = |bytes: u64| {
            if exact_bytes {
                format!("{bytes} bytes")
            } else {
                size(bytes)
            }
        };
        let usage = self.sum.usage;
        let mut text = format!(
            "{}, {}",
            table::counted(self.partitions, "partition"),
            table::counted(self.sum.segments, "segment")
        );
        if let Some(records) = self.sum.records {
            text = format!("{text}, {}", table::counted(records, "record"));
        }
        format!(
            "{text}, {} in batches, {} apparent size, {} on disk",
            size(usage.log_bytes),
            size(usage.size_bytes),
            size(usage.disk_bytes)
        )
    }

    fn add_to(&self, row: &mut LogDirRow) {
        row.partitions = self.partitions;
        row.segments = self.sum.segments;
        row.records = self.sum.records;
        row.log_bytes = self.sum.usage.log_bytes;
        row.size_bytes = self.sum.usage.size_bytes;
        row.disk_bytes = self.sum.usage.disk_bytes;
    }
}
