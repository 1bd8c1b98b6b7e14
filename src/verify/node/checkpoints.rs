//! The checkpoints of a log dir against the partitions in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::format::{FileKind, OffsetCheckpoint, name, topic};
use crate::scan::Merge;
use crate::store::{Cap, LogDir, read_small};
use crate::verify::catalog::{CheckId, Severity};
use crate::verify::coverage::Coverage;
use crate::verify::evidence::{Against, CheckpointLine, Lacking, MissingFile, MissingPart};
use crate::verify::extent::{LogDirContext, LogExtent};
use crate::verify::finding::{Finding, Findings};
use crate::verify::outcome::Outcome;
use crate::verify::setting::Stop;
use crate::wire::Offset;

/// A partition: its topic and number.
pub(super) type Tp = (String, i32);

/// The checkpoints of a log dir.
#[derive(Debug)]
pub(super) struct Checkpoints {
    recovery_points: Table,
    high_watermarks: Table,
    log_starts: Table,
    cleaner_offsets: Table,
}

/// A checkpoint.
#[derive(Debug)]
struct Table {
    path: Arc<Path>,
    exists: bool,
    /// True if a broker could read it.
    is_sound: bool,
    lines: BTreeMap<Tp, Line>,
}

#[derive(Debug, Clone, Copy)]
struct Line {
    position: u64,
    offset: Offset,
}

/// The partitions of a log dir.
#[derive(Debug, Default)]
pub(super) struct Inhabitants {
    /// Those that have a directory, in whatever state.
    pub(super) present: BTreeSet<Tp>,
    /// Those in use, and the extents of their logs.
    pub(super) current: BTreeMap<Tp, Option<LogExtent>>,
    /// True if the files of a log dir are next to them.
    pub(super) is_rooted: bool,
    /// True if a broker of 2.8 or later wrote here.
    pub(super) is_modern: bool,
}

impl Checkpoints {
    /// Reads the checkpoints of a log dir.
    pub(super) fn read(dir: &LogDir, outcome: &mut Outcome) -> Self {
        let mut table = |kind, name| Table::read(dir, kind, name, outcome);
        Self {
            recovery_points: table(FileKind::RecoveryPoints, name::RECOVERY_POINTS),
            high_watermarks: table(FileKind::HighWatermarks, name::HIGH_WATERMARKS),
            log_starts: table(FileKind::LogStarts, name::LOG_STARTS),
            cleaner_offsets: table(FileKind::CleanerOffsets, name::CLEANER_OFFSETS),
        }
    }

    /// Returns the facts about a partition.
    pub(super) fn around(&self, tp: &Tp, stop: Stop) -> LogDirContext {
        LogDirContext {
            stop,
            recovery_point: self.recovery_points.get(tp),
            log_start: self.log_starts.get(tp),
            knows_log_start: self.log_starts.exists && self.log_starts.is_sound,
            was_compacted: self.was_compacted(tp),
            may_be_tiered: true,
        }
    }

    /// Returns true if a partition was ever compacted: the cleaner stores its progress in a file
    /// that it creates the first time.
    fn was_compacted(&self, tp: &Tp) -> Option<bool> {
        let table = &self.cleaner_offsets;
        let tells = self.recovery_points.exists && table.is_sound;
        let is_by_policy = [topic::CONSUMER_OFFSETS, topic::TRANSACTION_STATE].contains(&&*tp.0);
        tells.then(|| is_by_policy || table.get(tp).is_some())
    }

    /// Compares them with the partitions of the log dir.
    pub(super) fn compare(&self, here: &Inhabitants, stop: Stop, findings: &mut Findings) {
        for table in [
            &self.recovery_points,
            &self.high_watermarks,
            &self.log_starts,
            &self.cleaner_offsets,
        ] {
            table.strays(here, findings);
        }
        for (tp, extent) in &here.current {
            if let Some(extent) = extent {
                self.beyond(tp, *extent, stop, findings);
                self.below(tp, *extent, findings);
                if stop == Stop::Clean {
                    self.hidden(tp, *extent, findings);
                }
            }
        }
        if here.is_rooted {
            self.recovery_points.lacking(here, findings);
            self.high_watermarks.lacking(here, findings);
        }
        if here.is_rooted && here.is_modern && !here.current.is_empty() && !self.log_starts.exists {
            let finding = Finding::new(CheckId::CheckpointLacking, &self.log_starts.path);
            findings.add(finding.saw(MissingFile::None));
        }
    }

    /// Lines after the end of the log.
    fn beyond(&self, tp: &Tp, extent: LogExtent, stop: Stop, findings: &mut Findings) {
        let end = extent.end;
        for (table, id) in [
            (&self.recovery_points, CheckId::RecoveryPointBeyondLog),
            (&self.high_watermarks, CheckId::HighWatermarkBeyondLog),
            (&self.log_starts, CheckId::LogStartBeyondLog),
            (&self.cleaner_offsets, CheckId::CleanerOffsetOutside),
        ] {
            if let Some(line) = table.lines.get(tp).filter(|line| line.offset > end) {
                let finding = table.about(id, tp, *line, Against::LogEnd(end.0));
                findings.add(match stop {
                    // A running broker writes checkpoints some time after it has deleted a topic,
                    // and created another of its name.
                    Stop::Live => finding.severity(Severity::Note),
                    _ => finding,
                });
            }
        }
        if let Some(line) = self.cleaner_offsets.lines.get(tp)
            && (extent.active < line.offset && line.offset <= end)
        {
            let against = Against::ActiveSegment(extent.active.0);
            let check = CheckId::CleanerOffsetOutside;
            findings.add(self.cleaner_offsets.about(check, tp, *line, against));
        }
        if let Some(line) = self.recovery_points.lines.get(tp)
            && (stop == Stop::Clean && extent.is_sure && line.offset < end)
        {
            let against = Against::CleanEnd(end.0);
            let check = CheckId::RecoveryPointNotAtEnd;
            findings.add(self.recovery_points.about(check, tp, *line, against));
        }
    }

    /// Log start offsets that hide records. A broker that raises the log start offset lets the
    /// first leader epoch begin there too.
    fn hidden(&self, tp: &Tp, extent: LogExtent, findings: &mut Findings) {
        let Some(epochs) = extent.epochs else { return };
        let first = epochs.max(extent.start);
        let line = self.log_starts.lines.get(tp);
        if let Some(line) = line.filter(|line| first < line.offset && line.offset <= extent.end) {
            let against = Against::FirstEpoch(first.0);
            let check = CheckId::LogStartHides;
            findings.add(self.log_starts.about(check, tp, *line, against));
        }
    }

    /// Lines before the start of the log.
    fn below(&self, tp: &Tp, extent: LogExtent, findings: &mut Findings) {
        let noted = self.log_starts.get(tp).filter(|start| *start <= extent.end);
        let start = noted.map_or(extent.start, |start| start.max(extent.start));
        let tables = [
            (&self.recovery_points, start),
            (&self.high_watermarks, start),
            (&self.log_starts, extent.start),
        ];
        for (table, least) in tables {
            let line = table.lines.get(tp);
            if let Some(line) = line.filter(|line| line.offset < least && line.offset.0 >= 0) {
                let against = Against::LogStart(least.0);
                findings.add(table.about(CheckId::CheckpointBelowStart, tp, *line, against));
            }
        }
        let cleaner = self.cleaner_offsets.lines.get(tp);
        if let Some(line) = cleaner.filter(|line| line.offset < start && line.offset.0 >= 0) {
            let finding = self.cleaner_offsets.about(
                CheckId::CleanerOffsetOutside,
                tp,
                *line,
                Against::LogStart(start.0),
            );
            // Retention raises the log start offset without updating the cleaner's file.
            findings.add(finding.severity(Severity::Note));
        }
    }
}

/// Checks a checkpoint without its log dir.
pub(in crate::verify) fn alone(path: &Arc<Path>, outcome: &mut Outcome) {
    Table::none(path).fill(outcome);
}

impl Table {
    fn read(dir: &LogDir, kind: FileKind, name: &str, outcome: &mut Outcome) -> Self {
        let mut table = Self::none(&Arc::from(dir.path().join(name)));
        let Some(item) = dir.item(kind).filter(|item| item.is_file()) else {
            table.exists = dir.item(kind).is_some();
            return table;
        };
        table.path = Arc::from(item.path());
        table.exists = true;
        outcome.files.push(Arc::clone(&table.path));
        table.fill(outcome);
        table
    }

    fn none(path: &Arc<Path>) -> Self {
        Self {
            path: Arc::clone(path),
            exists: false,
            is_sound: false,
            lines: BTreeMap::new(),
        }
    }

    fn fill(&mut self, outcome: &mut Outcome) {
        match read_small(&self.path, Cap::at(&self.path)) {
            Ok(bytes) => {
                let mut coverage = Coverage::of_file(bytes.len() as u64);
                coverage.small_bytes = bytes.len() as u64;
                outcome.coverage.merge(coverage);
                self.parse(&bytes, &mut outcome.findings);
            }
            Err(error) => outcome.unreadable(&self.path, &error),
        }
    }

    fn parse(&mut self, bytes: &[u8], findings: &mut Findings) {
        let checkpoint = OffsetCheckpoint::parse(bytes);
        self.is_sound = checkpoint.faults.is_empty();
        for fault in &checkpoint.faults {
            let finding = Finding::new(CheckId::CheckpointMalformed, &self.path);
            findings.add(finding.at(fault.at() as u64, 0).saw(*fault));
        }
        for entry in &checkpoint.entries {
            let tp = (entry.topic.to_owned(), entry.partition);
            let line = Line {
                position: entry.position.0,
                offset: entry.offset,
            };
            if line.offset.0 < 0 {
                findings.add(self.about(CheckId::CheckpointNegative, &tp, line, Against::Negative));
            }
            if let Some(first) = self.lines.get(&tp) {
                let against = Against::Line(first.offset.0);
                findings.add(self.about(CheckId::CheckpointDuplicate, &tp, line, against));
            }
            self.lines.insert(tp, line);
        }
    }

    fn get(&self, tp: &Tp) -> Option<Offset> {
        self.lines.get(tp).map(|line| line.offset)
    }

    fn about(&self, id: CheckId, (topic, partition): &Tp, line: Line, against: Against) -> Finding {
        Finding::new(id, &self.path)
            .at(line.position, 0)
            .offset(line.offset.0)
            .saw(CheckpointLine {
                topic: topic.clone(),
                partition: *partition,
                offset: line.offset.0,
                against,
            })
    }

    /// Lines of partitions that do not exist here.
    fn strays(&self, here: &Inhabitants, findings: &mut Findings) {
        for (tp, line) in &self.lines {
            if !here.present.contains(tp) {
                let against = Against::NoDirectory;
                findings.add(self.about(CheckId::CheckpointStray, tp, *line, against));
            }
        }
    }

    /// Partitions that have no line.
    fn lacking(&self, here: &Inhabitants, findings: &mut Findings) {
        if self.exists && !self.is_sound {
            return;
        }
        let tps = here
            .current
            .iter()
            .filter(|(_, extent)| extent.is_some_and(|e| e.end.0 > 0));
        let missing: Vec<&Tp> = tps
            .map(|(tp, _)| tp)
            .filter(|tp| !self.lines.contains_key(*tp) && tp.0 != topic::CLUSTER_METADATA)
            .collect();
        let Some((topic, partition)) = missing.first() else {
            return;
        };
        let finding = Finding::new(CheckId::CheckpointLacking, &self.path);
        findings.add(finding.saw(Lacking {
            what: MissingPart::Line,
            missing: missing.len() as u64,
            all: here.current.len() as u64,
            first: format!("{topic}-{partition}"),
        }));
    }
}
