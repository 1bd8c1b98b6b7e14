//! `kseg check`: the state of log dirs on one screen, and the command that shows more of each part
//! of it.

mod rows;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use kseg::predict::{self, Conditions, Kafka, StartOutcome as Fate, Verdict};
use kseg::repair::planner::{PlanOptions, plan};
use kseg::repair::{Grade, RealDisk, Step};
use kseg::report::listing::{Checkpoints, PartitionSummary, Usage};
use kseg::store::{Item, LogDir, Place};
use kseg::verify::{CheckId, Severity};

use self::rows::CheckedRow;
use crate::cli::args::Reading;
use crate::cli::exit::ExitStatus;
use crate::cli::input::{self, Selection, folders};
use crate::cli::ls::places::state;
use crate::cli::predict::text::answer;
use crate::cli::range::now_ms;
use crate::cli::render::rows::{Format, size};
use crate::cli::render::table::{counted, plain};
use crate::cli::repair::document::Plans;
use crate::cli::repair::look::Inspection;
use crate::cli::repair::show::{counted_by_grade, total_loss};
use crate::cli::verify::overview::Overview;
use crate::cli::verify::report::{ShownFinding, Summary, Unit, UnitKind, is_unread};
use crate::cli::writer::Writer;
use crate::cli::{Context, schema, shell};

/// The number of log dirs shown, unless all are requested: a node rarely has more, and everything
/// has to fit on one screen.
const LOG_DIRS: usize = 8;

/// Partitions that fit on a screen.
const PARTITIONS: usize = 10;

/// Shows the state of log dirs on one screen: what is here, what is damaged, what a start would
/// lose, what a repair would lose
///
/// Give all log dirs of one broker together. The findings are those of kseg verify --depth deep,
/// the start is that of kseg predict, the repair is that of kseg repair plan; each command is shown
/// below its result. Each of the three reads all data. Nothing is changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg check /var/lib/kafka
  kseg check /disk1/kafka /disk2/kafka
  kseg check /etc/kafka/server.properties
  kseg check --kafka 3.9 orders-3
  kseg check --topic orders --partition 0..4 /var/lib/kafka
  kseg check --format ndjson /var/lib/kafka | jq -r .partition

Exit status:
  0  no errors, and the next start loses nothing
  1  something is damaged, or the next start loses or deletes records
  2  something could not be read, or the arguments are invalid")]
pub(crate) struct Check {
    /// Log dirs, folders of partitions, or server.properties [default: the current directory]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// The Kafka release of the broker: 2.8 (with ZooKeeper), 3.0 to 3.9 or 4.0 to 4.4
    #[arg(long, value_name = "VERSION", default_value_t)]
    kafka: Kafka,

    /// Output format; json, ndjson and csv have a row for each partition with findings or losses
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    reading: Reading,
}

/// The results of the checks.
struct Checked {
    dirs: Vec<LogDir>,
    overview: Overview,
    summary: Summary,
    verdict: Verdict,
    plans: Plans,
    /// The number of log dirs for which no plan could be made.
    unplanned: u64,
    /// The errors of paths without a plan.
    failed: Vec<anyhow::Error>,
}

impl Check {
    /// Shows the state.
    pub(crate) fn run(mut self, context: &mut Context) -> Result<ExitStatus> {
        if self.paths.is_empty() {
            self.paths.push(PathBuf::from("."));
        }
        let mut checked = self.check()?;
        let is_verbose = context.verbose;
        let mut writer = Writer::new(context, self.format, schema::CHECK);
        let rows = checked.rows();
        if writer.is_text() {
            self.show(&checked, rows, is_verbose, &mut writer);
        } else {
            writer.table(rows);
        }
        for error in checked.failed.drain(..).chain(checked.summary.error()) {
            writer.fail(error);
        }
        writer.finish()?;
        let is_sound = checked.summary.of(Severity::Error) == 0 && checked.verdict.is_harmless();
        Ok(if is_sound {
            ExitStatus::Clean
        } else {
            ExitStatus::Seen
        })
    }

    /// Verifies, predicts and plans.
    fn check(&self) -> Result<Checked> {
        let (folders, mut failed) = folders(&self.paths)?;
        let paths: Vec<&Path> = folders.iter().map(Place::path).collect();
        let now = now_ms();
        let (mut unplanned, mut is_any) = (0, false);
        let (mut overview, mut summary) = (Overview::default(), Summary::default());
        let (mut places, mut plans, mut beside) = (Vec::new(), Vec::new(), Vec::new());
        for (nth, path) in paths.iter().enumerate() {
            let mut others = paths.clone();
            others.remove(nth);
            let (mut look, place) = match self.look(path, &others, now) {
                Ok(looked) => looked,
                Err(error) => {
                    failed.push(error);
                    continue;
                }
            };
            is_any |= look.select(&self.selection);
            let chosen = self.selection.paths(&place);
            beside.extend(partitions(
                &place,
                chosen,
                &look,
                &mut overview,
                &mut summary,
            ));
            // A plan must not depend on the current time.
            look.seen
                .retain(|finding| finding.check != CheckId::TimestampInTheFuture);
            let options = PlanOptions {
                jobs: self.reading.jobs(),
                limits: self.reading.own_limits(),
                keep_suspect: false,
            };
            match plan(&look.place, &look.seen, options, &RealDisk) {
                Ok(plan) => plans.push(plan),
                Err(error) => {
                    unplanned += 1;
                    failed.push(error.into());
                }
            }
            places.push(place);
        }
        if let Some(error) = failed.pop_if(|_| places.is_empty()) {
            return Err(error);
        }
        if !is_any {
            return Err(input::no_match(&self.paths));
        }
        let unit = Unit {
            kind: UnitKind::LogDirs,
            path: Arc::from(paths.first().copied().unwrap_or(Path::new(""))),
            files: Vec::new(),
            findings: beside,
            more: Vec::new(),
        };
        overview.add(&unit);
        let verdict = self.verdict(&places, now)?;
        let dirs = places.into_iter().filter_map(|place| match place {
            Place::LogDir(dir) => Some(dir),
            _ => None,
        });
        Ok(Checked {
            dirs: dirs.collect(),
            overview,
            summary,
            verdict,
            plans: Plans::new(plans),
            unplanned,
            failed,
        })
    }

    /// Verifies the place at `path`, together with the other log dirs.
    fn look(&self, path: &Path, others: &[&Path], now_ms: i64) -> Result<(Inspection, Place)> {
        let others: Vec<PathBuf> = others.iter().map(|path| path.to_path_buf()).collect();
        let look = Inspection::at(path, &others, self.reading, Some(now_ms))?;
        Ok((look, Place::at(path)?))
    }

    /// Predicts the next start of the broker.
    fn verdict(&self, places: &[Place], now_ms: i64) -> Result<Verdict> {
        let conditions = Conditions {
            kafka: self.kafka,
            settings: input::settings(None, &self.paths)?,
            reads_all: true,
            now_ms: Some(now_ms),
            ..Conditions::default()
        };
        let wanted = |item: &Item| self.selection.includes_dir(item);
        let mut verdict = predict::predict(places, wanted, &conditions)?;
        verdict.missing.retain(|one| {
            self.selection
                .includes(Some(&one.topic), Some(one.partition))
        });
        Ok(verdict)
    }

    fn show(
        &self,
        checked: &Checked,
        rows: Vec<CheckedRow>,
        is_verbose: bool,
        writer: &mut Writer<'_>,
    ) {
        let paths = self.paths.iter().map(|path| shell::word(path));
        let words: Vec<String> = self.selection.words().into_iter().chain(paths).collect();
        let paths = words.join(" ");
        let kafka = if self.kafka == Kafka::default() {
            String::new()
        } else {
            format!("--kafka {} ", self.kafka)
        };
        let limit = if is_verbose { usize::MAX } else { LOG_DIRS };
        for dir in checked.dirs.iter().take(limit) {
            writer.remark(&here(dir, &self.selection));
        }
        let more = checked.dirs.len().saturating_sub(limit);
        if more > 0 {
            writer.remark(&format!("({more} more log dirs; -v shows all)"));
        }
        writer.line(&format!("  kseg ls {paths}"));
        let found = checked.overview.rows(Severity::Warning, |_| String::new());
        let answer_of_verify = checked.overview.answer(&found, &checked.summary);
        writer.heading(&answer_of_verify);
        writer.line(&format!("  kseg verify --depth deep {paths}"));
        writer.heading(&answer(&checked.verdict));
        writer.line(&format!("  kseg predict {kafka}{paths}"));
        writer.heading(&checked.repair());
        writer.line(&format!("  kseg repair plan {kafka}{paths} -o plan.json"));
        if rows.is_empty() {
            return;
        }
        writer.heading("Findings and lost records by partition:");
        let limit = if is_verbose { usize::MAX } else { PARTITIONS };
        let more = rows.len().saturating_sub(limit);
        writer.table(rows.into_iter().take(limit));
        if more > 0 {
            writer.remark(&format!("({more} more partitions; -v shows all)"));
        }
    }
}

/// Adds these partitions of a place with their findings, and returns the findings outside of them.
fn partitions(
    place: &Place,
    folders: Vec<PathBuf>,
    look: &Inspection,
    overview: &mut Overview,
    summary: &mut Summary,
) -> Vec<ShownFinding> {
    let mut by_folder: BTreeMap<PathBuf, Vec<ShownFinding>> = BTreeMap::new();
    by_folder.extend(folders.into_iter().map(|folder| (folder, Vec::new())));
    let mut beside = Vec::new();
    for finding in look.seen.findings() {
        let count = summary.counts.entry((finding.severity, finding.check));
        *count.or_default() += 1;
        summary.unread += u64::from(is_unread(finding));
        // The finding has the path with resolved links.
        let inside = finding.path.strip_prefix(look.place.path());
        let path = inside.map_or(finding.path.to_path_buf(), |inside| {
            place.path().join(inside)
        });
        let mut own = path.ancestors();
        let own = own.find_map(|path| {
            by_folder
                .get_key_value(path)
                .map(|(folder, _)| folder.clone())
        });
        let shown = ShownFinding {
            finding: finding.clone(),
            is_known: false,
        };
        match own.and_then(|folder| by_folder.get_mut(&folder)) {
            Some(findings) => findings.push(shown),
            None => beside.push(shown),
        }
    }
    for (folder, findings) in by_folder {
        overview.add(&Unit {
            kind: UnitKind::Partition,
            path: Arc::from(folder),
            files: Vec::new(),
            findings,
            more: Vec::new(),
        });
    }
    beside
}

/// A log dir on one line.
fn here(dir: &LogDir, selection: &Selection) -> String {
    let partitions = selection.partitions(dir);
    let summaries = partitions
        .iter()
        .filter_map(|item| PartitionSummary::open(item.path(), &Checkpoints::default()).ok());
    let (mut usage, mut segments) = (Usage::default(), 0);
    for summary in summaries {
        usage.add(Usage::of(&summary));
        segments += summary.segments.len() as u64;
    }
    format!(
        "{}: {}; {}, {}, {} in batches",
        dir.path().display(),
        state(dir),
        counted(partitions.len() as u64, "partition"),
        counted(segments, "segment"),
        size(usage.log_bytes)
    )
}

/// Formats the steps and losses of plans on one line.
fn repair(plans: &Plans) -> String {
    let steps: Vec<&Step> = plans.steps().map(|(_, step)| step).collect();
    let is_manual = |step: &&Step| step.safety.grade() == Grade::Manual;
    let manual = steps.iter().copied().filter(is_manual).count();
    if steps.is_empty() {
        return "Nothing to repair".into();
    }
    if manual == steps.len() {
        let left = counted(manual as u64, "manual step");
        return format!("kseg cannot repair this: {left} for you");
    }
    let (steps, lost) = (
        counted_by_grade(steps.iter().copied()),
        total_loss(steps.iter().copied()),
    );
    format!("A repair has {steps} and loses {lost}")
}

impl Checked {
    /// Summarizes the plans.
    fn repair(&self) -> String {
        match (self.plans.len(), self.unplanned) {
            (_, 0) => repair(&self.plans),
            (0, _) => "No repair plan could be made".into(),
            (_, unplanned) => format!(
                "{}; no plan could be made for {}",
                repair(&self.plans),
                counted(unplanned, "other log dir")
            ),
        }
    }

    /// Returns the partitions with a finding or a loss, the worst first.
    fn rows(&self) -> Vec<CheckedRow> {
        let found = self.overview.rows(Severity::Warning, |place| {
            plain(&place.path.to_string_lossy())
        });
        let mut by_path: BTreeMap<PathBuf, CheckedRow> = BTreeMap::new();
        let mut order = Vec::new();
        for (row, place) in &found {
            let path = place.path.to_path_buf();
            order.push(path.clone());
            by_path.insert(path.clone(), CheckedRow::of(&path, Some(row)));
        }
        for dir in &self.verdict.dirs {
            let own = by_path.get_mut(Path::new(&dir.path));
            if let Some(row) = own.filter(|row| row.partition.is_none()) {
                row.start = Some(dir.outcome.name());
            }
            for partition in &dir.partitions {
                let path = Path::new(&dir.path).join(&partition.dir);
                let path = if path.exists() {
                    path
                } else {
                    PathBuf::from(&dir.path)
                };
                let deletes = partition
                    .later
                    .iter()
                    .map(predict::LaterEvent::records)
                    .sum();
                let is_lost = !partition.lost.is_nothing();
                if !is_lost && partition.outcome < Fate::Offline && !by_path.contains_key(&path) {
                    continue;
                }
                let row = by_path.entry(path.clone()).or_insert_with(|| {
                    order.push(path.clone());
                    CheckedRow::of(&path, None)
                });
                row.start = Some(partition.outcome.name());
                row.start_loses_records = partition.lost.records;
                row.start_loses_bytes = partition.lost.bytes.saturating_sub(partition.lost.zeros);
                row.start_deletes_records = deletes;
            }
        }
        // A plan has the paths with resolved links.
        let real = order
            .iter()
            .filter_map(|path| Some((path.canonicalize().ok()?, path)));
        let real: BTreeMap<PathBuf, &PathBuf> = real.collect();
        for (_, plan) in self.plans.numbered() {
            for step in plan.steps() {
                let path = Path::new(plan.root()).join(step.action.file().as_str());
                let own = path.ancestors().find_map(|path| real.get(path));
                if let Some(row) = own.and_then(|path| by_path.get_mut(*path)) {
                    let lost = &mut row.plan_loses_records;
                    *lost = lost.saturating_add(step.loss.records);
                }
            }
        }
        order
            .iter()
            .filter_map(|path| by_path.remove(path))
            .collect()
    }
}
