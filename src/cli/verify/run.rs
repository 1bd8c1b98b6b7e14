//! Verifies units on any number of threads, and writes reports.

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Result, bail};
use kseg::scan::{Merge, Pace};
use kseg::store::{Item, Place};
use kseg::verify::{Depth, Options, Severity, Units, Verified};

use super::args::Verify;
use super::baseline::Baseline;
use super::markdown::Markdown;
use super::report::{Format, Report, Settings, ShownFinding, Summary, Unit, is_unread};
use super::{document, github, junit, sarif, text};
use crate::cli::exit::{ExitStatus, Failures};
use crate::cli::input::{DistinctPlaces, no_match};
use crate::cli::output::{OutputFile, unwritten};
use crate::cli::progress::Progress;
use crate::cli::range::{Moment, now_ms};
use crate::cli::{Context, shell};

impl Verify {
    /// Verifies everything there.
    pub(crate) fn run(self, context: &mut Context) -> Result<ExitStatus> {
        run(&self, context)
    }
}

fn run(args: &Verify, context: &mut Context) -> Result<ExitStatus> {
    let known = match &args.baseline {
        Some(path) => Baseline::read(path)?,
        None => Baseline::default(),
    };
    let written = args.write_baseline.as_deref();
    let written = written.map(OutputFile::create).transpose()?;
    let beside = beside(args)?;
    let (places, lost) = places(args)?;
    let mut failed = Failures::default();
    for error in lost {
        if let Some(earlier) = failed.add(error) {
            context.say(earlier.as_bytes());
        }
    }
    let dirs = places
        .iter()
        .filter(|place| matches!(place, Place::LogDir(_)));
    let dirs = dirs.count();
    let next = next(args, &places);
    let units = units(args, places)?;
    let total = units.log_bytes();
    let text = text::Options {
        look: context.look(),
        with_notes: args.notes || context.verbose,
        is_verbose: context.verbose,
        limit: args.limit,
        next,
        by_folder: dirs == 1,
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
    let default_depth = if dirs == 0 { Depth::Deep } else { Depth::Cross };
    let options = Options {
        depth: args.depth.map_or(default_depth, Depth::from),
        jobs: args.reading.jobs(),
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
        report: report_of(args.format, args.settings(), text),
        out: BufWriter::new(&mut context.out),
        beside,
    };
    let result = sink.take_all(units, &options, &progress);
    progress.end();
    let result = result.and_then(|()| sink.finish());
    let unread = sink.summary.error();
    let outcome = sink.end(result, written)?;
    if let Some(earlier) = unread.and_then(|error| failed.add(error)) {
        context.say(earlier.as_bytes());
    }
    failed.result()?;
    Ok(outcome)
}

/// A report, and its file.
type Beside = (Box<dyn Report>, BufWriter<OutputFile>);

/// The reports that are written into files, besides the one on standard output.
fn beside(args: &Verify) -> Result<Vec<Beside>> {
    let mut reports: Vec<Beside> = Vec::new();
    for (format, path) in [
        (Format::Sarif, &args.sarif),
        (Format::Junit, &args.junit),
        (Format::Json, &args.json),
    ] {
        if let Some(path) = path {
            let report = report_of(format, args.settings(), text::Options::default());
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
    /// Into another file.
    Beside(anyhow::Error),
}

/// The next command if something is damaged: the plan of a repair, unless only files are given.
fn next(args: &Verify, places: &[Place]) -> Option<String> {
    if places.iter().any(|place| matches!(place, Place::File(_))) {
        return None;
    }
    let paths = args.paths.iter().map(|path| shell::word(path));
    let words: Vec<String> = paths.chain(args.selection.words()).collect();
    Some(format!("kseg repair plan {} -o plan.json", words.join(" ")))
}

/// Returns the places at the paths, in their order, without partitions that are not selected; and
/// the errors of other paths.
fn places(args: &Verify) -> Result<(Vec<Place>, Vec<anyhow::Error>)> {
    let (mut places, mut lost) = (Vec::new(), Vec::new());
    let mut distinct = DistinctPlaces::default();
    for path in &args.paths {
        let found = distinct.at(path).and_then(|places| {
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
    let selection = &args.selection;
    places.retain(|place| match place {
        Place::Partition(one) => selection.includes(one.topic(), one.number()),
        _ => true,
    });
    Ok((places, lost))
}

/// Returns the units to verify.
fn units(args: &Verify, places: Vec<Place>) -> Result<Units> {
    let mut units = Units::of(places, |item| args.selection.includes_dir(item));
    if let Some(Moment(since_ms)) = args.since_modified {
        units.retain(|_, items| is_modified(items, since_ms));
    } else if units.is_empty() && !args.selection.is_everything() {
        return Err(no_match(&args.paths));
    }
    Ok(units)
}

/// Returns a place, or the files in it if each is verified by itself.
///
/// # Errors
/// The file is not one of Kafka's: a wrong path would be treated as a sound log.
fn parts(place: Place) -> Result<Vec<Place>> {
    match &place {
        // In tiered storage the other files of a partition are not next to the segments.
        Place::Partition(partition) if partition.is_tiered() => Ok(known_files(partition.items())),
        Place::File(item) if is_foreign(item) => bail!(
            "{}: not a name of a file that Kafka writes",
            item.path().display()
        ),
        _ => Ok(vec![place]),
    }
}

/// The files that kseg can verify.
fn known_files(items: &[Item]) -> Vec<Place> {
    let is_known = |item: &&Item| item.is_file() && item.file_name().is_some();
    let files = items.iter().filter(is_known).cloned();
    files.map(Place::File).collect()
}

/// Returns true if kseg cannot verify a file. A `.log` may have any name.
fn is_foreign(item: &Item) -> bool {
    let is_log = item.path().extension().is_some_and(|end| end == "log");
    item.is_file() && item.file_name().is_none() && !is_log
}

/// Returns true if any of the files was changed since then, or could not be listed.
fn is_modified(items: &[Item], since_ms: i64) -> bool {
    let is_later = |item: &Item| {
        let modified = item.modified().and_then(since_epoch);
        modified.is_none_or(|modified| modified >= since_ms)
    };
    items.is_empty() || items.iter().any(is_later)
}

fn since_epoch(time: SystemTime) -> Option<i64> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

/// Takes the findings, in order.
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
    fn take(&mut self, verified: Verified) -> Result<(), Unwritten> {
        let found = verified.outcome;
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
            self.summary.unread += u64::from(is_failing && is_unread(&finding));
            shown.push(ShownFinding { finding, is_known });
        }
        // Findings that are not reported are not counted either.
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
            kind: verified.kind,
            path: verified.path,
            files: found.files,
            findings: shown,
            more,
        };
        self.each(|report, out| report.unit(&unit, out))
    }

    /// Verifies `units` and reports each as it is done, until a report cannot be written.
    fn take_all(
        &mut self,
        units: Units,
        options: &Options<'_>,
        progress: &Progress,
    ) -> Result<(), Unwritten> {
        self.each(|report, out| report.begin(out))?;
        let mut result = Ok(());
        units.verify(options, &mut |verified| {
            result = progress.beside(|| self.take(verified));
            match result {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        });
        result
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

    /// Renames the files to their final names when they are complete.
    fn end(
        self,
        result: Result<(), Unwritten>,
        baseline: Option<OutputFile>,
    ) -> Result<ExitStatus> {
        let is_alone = baseline.is_none() && self.beside.is_empty();
        match result {
            Ok(()) => {}
            // The files would be incomplete.
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
            return Ok(ExitStatus::Clean);
        }
        Ok(if self.summary.failing == 0 {
            ExitStatus::Clean
        } else {
            ExitStatus::Seen
        })
    }
}

/// Returns the requested format; `text` has the options of that for people.
fn report_of(format: Format, settings: Settings, text: text::Options) -> Box<dyn Report> {
    let Settings { fails, with_notes } = settings;
    match format {
        Format::Text => Box::new(text::Text::new(text)),
        Format::Json => Box::new(document::Document::default()),
        Format::Junit => Box::new(junit::Junit { fails }),
        Format::Sarif => Box::new(sarif::Sarif::default()),
        Format::Github => Box::new(github::Github { with_notes }),
    }
}
