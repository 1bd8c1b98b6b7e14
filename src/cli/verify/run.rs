//! Units to findings, on as many threads as wanted, to a report.

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Result, bail};
use kseg::format::FileKind;
use kseg::scan::{Jobs, Merge, Pace, in_order};
use kseg::store::{Error, Item, LogDir, Partition, Place};
use kseg::verify::{self, Depth, Known, LogDirContext, Node, Options, Outcome as Found, Severity};

use super::baseline::Baseline;
use super::markdown::Markdown;
use super::report::{self, Report, Shown, Summary, Unit, UnitKind};
use super::text;
use super::{Format, Verify};
use crate::cli::Context;
use crate::cli::exit::{Failures, Outcome};
use crate::cli::input::{self, no_match};
use crate::cli::output::{OutputFile, unwritten};
use crate::cli::progress::Progress;
use crate::cli::range::{Moment, now_ms};
use crate::cli::shell;

/// What is verified by itself.
enum Subject {
    /// A partition, and what its log dir says of it.
    Partition(Partition, LogDirContext),
    File(Item),
    /// What could not be listed.
    Lost(PathBuf, Error),
}

impl Subject {
    fn kind(&self) -> UnitKind {
        match self {
            Self::Partition(..) | Self::Lost(..) => UnitKind::Partition,
            Self::File(_) => UnitKind::File,
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Partition(partition, _) => partition.path(),
            Self::File(item) => item.path(),
            Self::Lost(path, _) => path,
        }
    }

    /// Bytes of its logs: what takes the time.
    fn log_bytes(&self) -> u64 {
        match self {
            Self::Lost(..) => 0,
            Self::Partition(partition, _) => {
                let segments = partition.segments();
                let logs = segments
                    .iter()
                    .filter_map(|segment| segment.file(FileKind::Log));
                logs.map(Item::len_bytes).sum()
            }
            Self::File(item) => item.len_bytes(),
        }
    }
}

/// Runs the command.
pub(super) fn run(args: &Verify, context: &mut Context) -> Result<Outcome> {
    let known = match &args.baseline {
        Some(path) => Baseline::read(path)?,
        None => Baseline::default(),
    };
    let written = args.write_baseline.as_deref();
    let written = written.map(OutputFile::create).transpose()?;
    let beside = beside(args)?;
    let mut given = subjects(args)?;
    let mut failed = Failures::default();
    for error in given.lost.drain(..) {
        if let Some(earlier) = failed.add(error) {
            context.say(earlier.as_bytes());
        }
    }
    let total = given.list.iter().map(Subject::log_bytes).sum();
    let text = text::Options {
        look: context.look(),
        with_notes: args.notes || context.verbose,
        is_verbose: context.verbose,
        limit: args.limit,
        next: next(args, &given),
        by_folder: given.dirs.len() == 1,
    };
    let progress = Progress::of_bytes(total, context);
    let pace = args.io_rate.map(Pace::of);
    let on_bytes = |bytes| {
        progress.read(bytes);
        if let Some(pace) = &pace {
            pace.spend(bytes);
        }
    };
    let open = |path: &Path| args.reading.open(path);
    let default_depth = if given.dirs.is_empty() {
        Depth::Deep
    } else {
        Depth::Cross
    };
    let (across, within) = split(args.reading.jobs(), given.list.len());
    let options = Options {
        depth: args.depth.map_or(default_depth, Depth::from),
        jobs: within,
        limits: args.reading.limits(),
        now_ms: Some(now_ms()),
        open: &open,
        on_bytes: Some(&on_bytes),
    };
    let mut sink = Sink {
        args,
        known,
        all: Baseline::default(),
        summary: Summary::default(),
        report: report::of(args.format, args.settings(), text),
        out: BufWriter::new(&mut context.out),
        beside,
    };
    let result = sink.begin();
    let result = result.and_then(|()| drive(&options, given, across, &mut sink, &progress));
    progress.end();
    let result = result.and_then(|()| sink.finish());
    let outcome = sink.end(result, written)?;
    failed.result()?;
    Ok(outcome)
}

/// A report, and its file.
type Beside = (Box<dyn Report>, BufWriter<OutputFile>);

/// The reports that are written into files beside the one that is shown.
fn beside(args: &Verify) -> Result<Vec<Beside>> {
    let mut reports: Vec<Beside> = Vec::new();
    for (format, path) in [
        (Format::Sarif, &args.sarif),
        (Format::Junit, &args.junit),
        (Format::Json, &args.json),
    ] {
        if let Some(path) = path {
            let report = report::of(format, args.settings(), text::Options::default());
            reports.push((report, BufWriter::new(OutputFile::create(path)?)));
        }
    }
    if let Some(path) = &args.summary {
        let report = Box::new(Markdown::default());
        reports.push((report, BufWriter::new(OutputFile::append(path)?)));
    }
    Ok(reports)
}

/// A report that could not be written.
enum Unwritten {
    /// To standard output.
    Out(io::Error),
    /// Into a file beside it.
    Beside(anyhow::Error),
}

/// Verifies one subject after the other, and then the log dirs that they lie in.
fn drive(
    options: &Options<'_>,
    given: Given,
    across: Jobs,
    sink: &mut Sink<'_>,
    progress: &Progress,
) -> Result<(), Unwritten> {
    let Given {
        list,
        dirs,
        mut node,
        lost: _,
    } = given;
    let mut result = Ok(());
    let work = |subject: Subject| {
        let (found, known) = verify(options, &subject);
        (subject, found, known)
    };
    in_order(across, list, work, &mut |(subject, found, known)| {
        if let Subject::Partition(partition, _) = &subject {
            node.learn(partition, known);
        }
        let path = Arc::from(subject.path());
        result = progress.beside(|| sink.take(subject.kind(), path, found));
        match result {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    });
    result?;
    // What lies beside the partitions counts where all of them do.
    match dirs.first() {
        Some(dir) if sink.args.selection.is_everything() => {
            let found = node.finish(options);
            let path = Arc::from(dir.path());
            progress.beside(|| sink.take(UnitKind::LogDirs, path, found))
        }
        _ => Ok(()),
    }
}

/// The command to type where something is damaged: the plan of a repair, for what can be repaired.
fn next(args: &Verify, given: &Given) -> Option<String> {
    let is_whole = |subject: &Subject| !matches!(subject, Subject::File(_));
    if !given.list.iter().all(is_whole) {
        return None;
    }
    let paths = args.paths.iter().map(|path| shell::word(path));
    let paths: Vec<String> = paths.collect();
    Some(format!("kseg repair plan {} -o plan.json", paths.join(" ")))
}

/// Threads across units, and threads within a unit.
fn split(jobs: Jobs, units: usize) -> (Jobs, Jobs) {
    if units >= jobs.threads().get() {
        (jobs, Jobs::ONE)
    } else {
        (Jobs::ONE, jobs)
    }
}

fn verify(options: &Options<'_>, subject: &Subject) -> (Found, Known) {
    match subject {
        Subject::Partition(partition, around) => verify::partition(partition, *around, options),
        Subject::File(item) => (verify::file(item, options), Known::default()),
        Subject::Lost(path, error) => {
            let mut found = Found::default();
            found.unreadable(&Arc::from(path.as_path()), error);
            (found, Known::default())
        }
    }
}

/// What the paths lead to, in their order, and the log dirs among it.
struct Given {
    list: Vec<Subject>,
    dirs: Vec<LogDir>,
    node: Node,
    /// Why nothing could be verified at other paths.
    lost: Vec<anyhow::Error>,
}

/// What the paths lead to.
fn subjects(args: &Verify) -> Result<Given> {
    let (mut places, mut lost) = (Vec::new(), Vec::new());
    for path in &args.paths {
        let found = input::places(path).and_then(|places| {
            let parts = places.into_iter().map(parts);
            Ok(parts.collect::<Result<Vec<_>>>()?.concat())
        });
        match found {
            Ok(found) => places.extend(found),
            Err(error) => lost.push(error),
        }
    }
    if let Some(error) = lost.pop_if(|_| places.is_empty()) {
        return Err(error);
    }
    let dirs = places.iter().filter_map(|place| match place {
        Place::LogDir(dir) => Some(dir.clone()),
        _ => None,
    });
    let dirs: Vec<LogDir> = dirs.collect();
    let node = Node::read(&dirs);
    let mut subjects = Vec::new();
    for place in places {
        match place {
            Place::File(item) => subjects.push(Subject::File(item)),
            Place::Partition(partition) => {
                if args
                    .selection
                    .includes(partition.topic(), partition.number())
                {
                    let around = LogDirContext::of(&partition);
                    subjects.push(Subject::Partition(partition, around));
                }
            }
            Place::LogDir(dir) => {
                for item in args.selection.partitions(&dir) {
                    subjects.push(match Partition::open(item.path()) {
                        Ok(partition) => {
                            let around = node.around(&partition);
                            Subject::Partition(partition, around)
                        }
                        // A running broker has removed it since.
                        Err(error) if error.is_not_found() && !item.path().exists() => continue,
                        Err(error) => Subject::Lost(item.path().to_owned(), error),
                    });
                }
            }
        }
    }
    if let Some(Moment(since_ms)) = args.since_modified {
        subjects.retain(|subject| is_modified(subject, since_ms));
    } else if subjects.is_empty() && !args.selection.is_everything() {
        return Err(no_match(&args.paths));
    }
    Ok(Given {
        list: subjects,
        dirs,
        node,
        lost,
    })
}

/// A place, or the files in it where they are verified each by itself.
///
/// # Errors
/// The file is not one of Kafka's: a wrong path would be taken for a sound log.
fn parts(place: Place) -> Result<Vec<Place>> {
    match &place {
        // In tiered storage none of the files that a broker keeps of a partition lies beside the segments.
        Place::Partition(partition) if partition.is_tiered() => Ok(known_files(partition.items())),
        Place::File(item) if is_foreign(item) => bail!(
            "{}: Kafka writes no file of this name",
            item.path().display()
        ),
        _ => Ok(vec![place]),
    }
}

/// The files of which something can be said.
fn known_files(items: &[Item]) -> Vec<Place> {
    let is_known = |item: &&Item| item.is_file() && item.file_name().is_some();
    let files = items.iter().filter(is_known).cloned();
    files.map(Place::File).collect()
}

/// Whether nothing can be said of a file. A `.log` may have any name.
fn is_foreign(item: &Item) -> bool {
    let is_log = item.path().extension().is_some_and(|end| end == "log");
    item.is_file() && item.file_name().is_none() && !is_log
}

/// Whether any of its files was changed since.
fn is_modified(subject: &Subject, since_ms: i64) -> bool {
    let is_later = |item: &Item| {
        let modified = item.modified().and_then(since_epoch);
        modified.is_none_or(|modified| modified >= since_ms)
    };
    match subject {
        Subject::Lost(..) => true,
        Subject::Partition(partition, _) => partition.items().iter().any(is_later),
        Subject::File(item) => is_later(item),
    }
}

fn since_epoch(time: SystemTime) -> Option<i64> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

/// Takes what was found, in order.
struct Sink<'a> {
    args: &'a Verify,
    known: Baseline,
    /// Everything found, for the next baseline.
    all: Baseline,
    summary: Summary,
    report: Box<dyn Report>,
    out: BufWriter<&'a mut std::fs::File>,
    /// Reports in other formats, and their files.
    beside: Vec<Beside>,
}

impl Sink<'_> {
    fn take(&mut self, kind: UnitKind, path: Arc<Path>, found: Found) -> Result<(), Unwritten> {
        let (findings, mut more) = found.findings.into_sorted();
        let roots: &[PathBuf] = &self.args.paths;
        let fails: Option<Severity> = self.args.fail_on.into();
        let mut shown = Vec::new();
        for mut finding in findings {
            let Some(severity) = self.args.levels.severity(&finding) else {
                continue;
            };
            finding.severity = severity;
            let is_known = self.known.knows(&finding, roots);
            if self.args.write_baseline.is_some() {
                self.all.add(&finding, roots);
            }
            *self
                .summary
                .counts
                .entry((severity, finding.check))
                .or_default() += 1;
            self.summary.known += u64::from(is_known);
            let is_failing = fails.is_some_and(|fails| !is_known && severity >= fails);
            self.summary.failing += u64::from(is_failing);
            shown.push(Shown { finding, is_known });
        }
        // What is left out is not counted either.
        more.retain(|more| {
            let mut shown = shown.iter().map(|shown| &shown.finding);
            let kept = shown.find(|kept| kept.check == more.check && kept.path == more.path);
            if let Some(kept) = kept {
                let count = self.summary.counts.entry((kept.severity, more.check));
                *count.or_default() += more.count;
            }
            kept.is_some()
        });
        self.summary.units += 1;
        self.summary.coverage.merge(found.coverage);
        let unit = Unit {
            kind,
            path,
            files: found.files,
            findings: shown,
            more,
        };
        self.each(|report, out| report.unit(&unit, out))
    }

    fn begin(&mut self) -> Result<(), Unwritten> {
        self.each(|report, out| report.begin(out))
    }

    fn finish(&mut self) -> Result<(), Unwritten> {
        let summary = std::mem::take(&mut self.summary);
        let result = self.each(|report, out| report.finish(&summary, out));
        self.summary = summary;
        result
    }

    /// Has all reports write something.
    fn each(
        &mut self,
        write: impl Fn(&mut dyn Report, &mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Unwritten> {
        for (report, file) in &mut self.beside {
            let written = write(report.as_mut(), file).and_then(|()| file.flush());
            written.map_err(|error| Unwritten::Beside(file.get_ref().failed(&error)))?;
        }
        let written = write(self.report.as_mut(), &mut self.out);
        let written = written.and_then(|()| self.out.flush());
        written.map_err(Unwritten::Out)
    }

    /// Gives the files their names once all findings are in them.
    fn end(self, result: Result<(), Unwritten>, baseline: Option<OutputFile>) -> Result<Outcome> {
        let is_alone = baseline.is_none() && self.beside.is_empty();
        match result {
            Ok(()) => {}
            // What was not looked at any more would be missing in the files.
            Err(Unwritten::Out(error)) if is_alone && error.kind() == io::ErrorKind::BrokenPipe => {
            }
            Err(Unwritten::Out(error)) => return Err(unwritten(&error)),
            Err(Unwritten::Beside(error)) => return Err(error),
        }
        for (_, file) in self.beside {
            let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.finish()?;
        }
        if let Some(file) = baseline {
            self.all.write(file)?;
            // From now on the findings are known.
            return Ok(Outcome::Clean);
        }
        Ok(if self.summary.failing == 0 {
            Outcome::Clean
        } else {
            Outcome::Seen
        })
    }
}
