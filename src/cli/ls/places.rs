//! Log dirs, partitions and files, each as lines.

use std::ops::ControlFlow;
use std::path::Path;

use kseg::format::{FileKind, FileName, MetaProperties, Properties};
use kseg::report::listing::{Checkpoints, PartitionSummary, TopicSummary, Usage};
use kseg::scan::parallel::in_order;
use kseg::store::{Cap, Source, read_small};
use kseg::store::{Error, Item, LogDir, Partition, Place, Standing};

use super::{Lister, columns};
use crate::cli::render::rows::Cell;
use crate::cli::render::table;

/// What the partitions of a log dir amount to.
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
        let identity = self.identity(dir);
        if !ls.by_topic {
            self.output.heading(&identity.text);
        }
        let checkpoints = self.checkpoints(dir.path());
        let (outer, inner) = ls.reading.jobs().share(chosen.len());
        let look = |item: Item| {
            let mut summary = PartitionSummary::open(item.path(), &checkpoints)?;
            summary.look(ls.depth(ls.segments), inner, |path| ls.open(path));
            Ok::<_, Error>(summary)
        };
        let mut totals = Totals::default();
        in_order(outer, chosen, look, &mut |summary| {
            match summary {
                Ok(summary) => self.summary(summary, &mut totals),
                Err(error) => self.output.fail(error),
            }
            if self.output.is_heard() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        if ls.by_topic {
            return;
        }
        let table = if ls.segments {
            &columns::SEGMENTS
        } else {
            &columns::PARTITIONS
        };
        self.output.release(table);
        self.output.remark(&totals.text());
        if ls.selection.is_everything() {
            let items = dir
                .items()
                .iter()
                .map(|item| (item, LogDir::standing(item)));
            self.items(items);
        }
        let row = identity
            .row
            .into_iter()
            .chain(totals.row())
            .collect::<Vec<_>>();
        self.output.for_machines(&columns::LOG_DIRS, &row);
    }

    /// Takes a partition of a log dir.
    fn summary(&mut self, mut summary: PartitionSummary, totals: &mut Totals) {
        for error in std::mem::take(&mut summary.errors) {
            self.output.fail(error);
        }
        if self.ls.by_topic {
            let topic = summary.partition.topic().unwrap_or("-").to_owned();
            self.topics.entry(topic).or_default().add(&summary);
            return;
        }
        totals.partitions += 1;
        totals.sum.add(&summary);
        if self.ls.segments {
            self.segments(&summary);
        } else {
            let row = columns::partition(&summary);
            self.output.sortable(&columns::PARTITIONS, row);
        }
    }

    fn segments(&mut self, summary: &PartitionSummary) {
        for each in &summary.segments {
            let row = columns::segment(summary, each);
            self.output.sortable(&columns::SEGMENTS, row);
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
            Err(error) => return self.output.fail(error),
        };
        summary.look(ls.depth(!ls.by_topic), ls.reading.jobs(), |path| {
            ls.open(path)
        });
        if ls.by_topic {
            return self.summary(summary, &mut Totals::default());
        }
        for error in std::mem::take(&mut summary.errors) {
            self.output.fail(error);
        }
        self.output.heading(&headline(&summary));
        self.output
            .for_machines(&columns::PARTITIONS, &columns::partition(&summary));
        self.segments(&summary);
        self.output.release(&columns::SEGMENTS);
        let items = summary.partition.items().iter();
        let is_tiered = partition.is_tiered();
        self.items(items.map(|item| (item, Partition::standing_in(item, is_tiered))));
    }

    /// A line for the segment if the file is a `.log` in use, else for the file.
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
            return self
                .output
                .row(&columns::ITEMS, columns::item(item, standing));
        }
        let mut summary = match PartitionSummary::open(dir, &Checkpoints::default()) {
            Ok(summary) => summary,
            Err(error) => return self.output.fail(error),
        };
        summary
            .segments
            .retain(|each| each.segment.log().file_name() == Some(item.name()));
        summary.look(ls.depth(true), ls.reading.jobs(), |path| ls.open(path));
        for error in std::mem::take(&mut summary.errors) {
            self.output.fail(error);
        }
        for each in &summary.segments {
            self.output
                .row(&columns::SEGMENTS, columns::segment(&summary, each));
        }
    }

    /// What is not in use.
    fn items<'a>(&mut self, items: impl Iterator<Item = (&'a Item, Standing)>) {
        let mut is_first = true;
        for (item, standing) in items.filter(|(_, standing)| *standing != Standing::Current) {
            if std::mem::take(&mut is_first) {
                self.output.remark("left over or not recognised:");
            }
            self.output
                .row(&columns::ITEMS, columns::item(item, standing));
            if !self.output.is_heard() {
                return;
            }
        }
    }

    fn checkpoints(&mut self, dir: &Path) -> Checkpoints {
        match Checkpoints::read(dir) {
            Ok(checkpoints) => checkpoints,
            Err(error) => {
                self.output.fail(error);
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
                self.output.fail(error);
                None
            }
        }
    }

    fn identity(&mut self, dir: &LogDir) -> Identity {
        let meta = self.small(dir, FileKind::MetaProperties);
        let meta = meta.map(|bytes| MetaProperties::of(&Properties::parse(&bytes)));
        let state = match dir.item(FileKind::CleanShutdown) {
            _ if dir.is_live() => "a broker runs on it",
            Some(_) => "closed in order",
            None => "not closed in order",
        };
        Identity::of(dir, state, &meta.unwrap_or_default())
    }
}

/// What a log dir says of itself.
struct Identity {
    text: String,
    row: Vec<Cell>,
}

impl Identity {
    fn of(dir: &LogDir, state: &str, meta: &MetaProperties) -> Self {
        let node = meta.node_id.map_or(Cell::None, Cell::int);
        let cluster = Cell::maybe(meta.cluster_id.clone());
        let directory = meta.directory_id.as_ref().map_or(Cell::None, Cell::uuid);
        let mut text = format!("{}: log dir, {state}", dir.path().display());
        for (label, cell) in [
            ("node", &node),
            ("cluster", &cluster),
            ("directory", &directory),
        ] {
            if !matches!(cell, Cell::None) {
                text = format!("{text}, {label} {}", table::show(cell));
            }
        }
        let path = columns::path(dir.path());
        Self {
            text,
            row: vec![path, Cell::text(state), node, cluster, directory],
        }
    }
}

impl Totals {
    fn text(&self) -> String {
        let Usage {
            log_bytes,
            size_bytes,
            disk_bytes,
        } = self.sum.usage;
        let mut text = format!(
            "{}, {}",
            table::counted(self.partitions, "partition"),
            table::counted(self.sum.segments, "segment")
        );
        if let Some(records) = self.sum.records {
            text = format!("{text}, {}", table::counted(records, "record"));
        }
        format!("{text}, {log_bytes} log bytes, {size_bytes} in all files, {disk_bytes} on disk")
    }

    fn row(&self) -> [Cell; 6] {
        [
            Cell::int(self.partitions),
            Cell::int(self.sum.segments),
            self.sum.records.map_or(Cell::None, Cell::int),
            Cell::int(self.sum.usage.log_bytes),
            Cell::int(self.sum.usage.size_bytes),
            Cell::int(self.sum.usage.disk_bytes),
        ]
    }
}

/// A partition in a line.
fn headline(summary: &PartitionSummary) -> String {
    let usage = Usage::of(summary);
    let mut text = format!("{}: partition", summary.partition.path().display());
    let epoch = summary.leader_epoch.map(|epoch| Cell::int(epoch.0));
    for (label, cell) in [
        ("start", columns::offset(summary.log_start)),
        ("end", columns::offset(summary.end_offset())),
        ("high watermark", columns::offset(summary.high_watermark)),
        ("recovery point", columns::offset(summary.recovery_point)),
        ("epoch", epoch.unwrap_or(Cell::None)),
        ("log bytes", Cell::int(usage.log_bytes)),
        ("on disk", Cell::int(usage.disk_bytes)),
    ] {
        if !matches!(cell, Cell::None) {
            text = format!("{text}, {label} {}", table::show(&cell));
        }
    }
    let notes = columns::partition_state(summary);
    if !notes.is_empty() {
        text = format!("{text}; {}", notes.join(", "));
    }
    text
}
