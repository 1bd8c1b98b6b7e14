//! Dumps files one after the other, in the order of the original.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use kseg::format::{FileKind, name};
use kseg::scan::{Merge, Policy, RenderedChunk, ScanOptions, scan};
use kseg::store::{Partition, Segment};

use super::kind::DumpedKind;
use super::options::Dump;
use crate::cli::exit::ExitStatus;
use crate::cli::output::unwritten;
use crate::cli::render::Push;
use crate::cli::render::dump_log_segments::mismatch::Mismatches;
use crate::cli::render::dump_log_segments::{Gaps, LogFold, LogPrinter, Options, Style};
use crate::cli::render::table::plain;
use crate::cli::{Context, spool};

/// A run in progress.
pub(super) struct DumpRun<'a> {
    pub(super) dump: &'a Dump,
    pub(super) style: Style,
    pub(super) context: &'a mut Context,
    /// The faults of indexes, for the end of the run.
    pub(super) mismatches: Mismatches,
    /// Offsets that do not follow each other, by file, for the end of the run.
    gaps: Vec<(String, Gaps)>,
    /// True if the original would have stopped.
    pub(super) broke: bool,
    /// The result of writing to standard output.
    written: io::Result<()>,
}

impl Dump {
    /// Dumps the files.
    pub(crate) fn run(self, context: &mut Context) -> Result<ExitStatus> {
        if self.help {
            let mut cli = context.cli();
            let help = cli.find_subcommand_mut("dump");
            let help = help.map(|dump| dump.render_long_help().to_string());
            context.out.write_all(help.unwrap_or_default().as_bytes())?;
            return Ok(ExitStatus::Seen);
        }
        if self.version {
            writeln!(context.out, "{}", self.kafka)?;
            return Ok(ExitStatus::Clean);
        }
        if let Err(refused) = self.check() {
            context.say(format!("error: {refused}\n").as_bytes());
            return Ok(ExitStatus::Seen);
        }
        let style = Style::of(self.kafka);
        let mut run = DumpRun {
            dump: &self,
            style,
            context,
            mismatches: Mismatches::new(self.kafka),
            gaps: Vec::new(),
            broke: false,
            written: Ok(()),
        };
        for (path, is_listed) in self.given() {
            run.file(&path, is_listed);
            if run.written.is_err() {
                break;
            }
        }
        run.end()
    }

    /// The files to dump, in order, and whether each was found in a directory.
    fn given(&self) -> Vec<(PathBuf, bool)> {
        if let Some(list) = self.files.first() {
            return split_list(list)
                .into_iter()
                .map(|path| (path, false))
                .collect();
        }
        let expanded = |given: &PathBuf| {
            let paths = expand(given).into_iter();
            let given = given.clone();
            paths.map(move |path| {
                let is_listed = path != given && spool::opened(&path).is_none();
                (path, is_listed)
            })
        };
        self.paths.iter().flat_map(expanded).collect()
    }
}

impl DumpRun<'_> {
    /// Writes rendered bytes to their streams.
    pub(super) fn write(&mut self, text: &[u8], notes: &[u8]) -> ControlFlow<()> {
        if self.written.is_ok() {
            self.written = self.context.out.write_all(text);
        }
        self.context.say(notes);
        if self.written.is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }

    fn file(&mut self, path: &Path, is_listed: bool) {
        if is_listed && !is_there(path) {
            // A running broker has deleted it since.
            return;
        }
        let given = given_form(path);
        let name = given.rsplit('/').next().unwrap_or_default();
        let kind = DumpedKind::of(name, self.style.release);
        if kind.is_none() && !self.style.tells_unknown_files {
            return;
        }
        let flow = self.write(format!("Dumping {given}\n").as_bytes(), &[]);
        if flow.is_break() {
            return;
        }
        let dumped = match kind {
            Some(DumpedKind::Log) => self.log(path, &given, false),
            Some(DumpedKind::Checkpoint) => self.log(path, &given, true),
            Some(DumpedKind::OffsetIndex) => self.offset_index(path, &given),
            Some(DumpedKind::TimeIndex) => self.time_index(path, &given),
            Some(DumpedKind::TxnIndex) => self.txn_index(path, &given),
            Some(DumpedKind::Producers) => self.producers(path),
            None => {
                // Up to 4.2 the original stopped at a name without a suffix.
                self.broke |= name::suffix(name).is_none() && !self.style.bar_without_key;
                self.context
                    .say(format!("Ignoring unknown file {given}\n").as_bytes());
                Ok(())
            }
        };
        if let Err(error) = dumped
            && (!is_listed || is_there(path))
        {
            self.broke = true;
            self.context
                .say(format!("{}\n", plain(&format!("kseg: {error:#}"))).as_bytes());
        }
    }

    /// Writes the line before the batches, with the offset in the name.
    fn heading(&mut self, path: &Path, is_checkpoint: bool, head: &mut Vec<u8>) -> Result<()> {
        if !is_checkpoint {
            let segment = Segment::at(path)?;
            head.text(self.style.heading)
                .int(segment.base_offset().get())
                .text("\n");
            return Ok(());
        }
        let name = name::file_name(path);
        if name == name::BOOTSTRAP_CHECKPOINT {
            head.text("KRaft bootstrap snapshot\n");
        } else if let Some((offset, epoch)) = name::checkpoint(name) {
            head.text("Snapshot end offset: ").int(offset.get());
            head.text(", epoch: ").int(epoch).text("\n");
        } else {
            self.broke = true;
            let what = "the name does not begin with an end offset and an epoch";
            self.context
                .say(format!("kseg: {}: {what}\n", path.display()).as_bytes());
        }
        Ok(())
    }

    fn log(&mut self, path: &Path, given: &str, is_checkpoint: bool) -> Result<()> {
        let options = self.dump.shown(&self.style)?;
        let limit = self.dump.limit()?;
        let mut head = Vec::new();
        for class in self.dump.deprecated_classes() {
            let old = format!("kafka.serializer.{class} is deprecated. Please use ");
            head.text(&old)
                .text("org.apache.kafka.tools.api.")
                .text(class)
                .text(" instead\n");
        }
        self.heading(path, is_checkpoint, &mut head)?;
        if self.write(&head, &[]).is_break() {
            return Ok(());
        }
        let limit = match limit.map(u64::try_from) {
            None => None,
            Some(Ok(bytes)) => Some(bytes),
            Some(Err(_)) => bail!("--max-bytes: cannot be negative"),
        };
        let fold = self.scan(path, given, options, limit)?;
        let mut tail = Vec::new();
        if fold.tail_bytes > 0 && limit.is_none() {
            tail.text("Found ")
                .int(fold.tail_bytes)
                .text(" invalid bytes at the end of ");
            tail.text(given.rsplit('/').next().unwrap_or_default())
                .text("\n");
        }
        let _flow = self.write(&tail, &[]);
        self.broke |= fold.broke;
        let mut gaps = Gaps::start_of_file(self.style.gaps);
        gaps.merge(fold.gaps);
        self.keep(absolute_form(given), gaps);
        Ok(())
    }

    fn scan(
        &mut self,
        path: &Path,
        given: &str,
        shown: Options,
        limit: Option<u64>,
    ) -> Result<LogFold> {
        let log = self.dump.reading.open(path)?;
        let options = ScanOptions {
            policy: if self.style.ends_at_zeros {
                Policy::Trust
            } else {
                Policy::Resume
            },
            end: limit.unwrap_or(u64::MAX),
            jobs: self.dump.reading.jobs(),
            limits: self.dump.reading.limits(),
            start: 0,
        };
        let style = self.style;
        let printer = || LogPrinter::new(&style, shown, given);
        let mut sink = |RenderedChunk { text, notes }| self.write(&text, &notes);
        Ok(scan(&log, options, printer, &mut sink)?)
    }

    /// Keeps the facts about a file for the end of the run; a file that is dumped twice is reported
    /// once.
    fn keep(&mut self, path: String, gaps: Gaps) {
        match self.gaps.iter_mut().find(|(known, _)| *known == path) {
            Some((_, known)) => known.extend(gaps),
            None => self.gaps.push((path, gaps)),
        }
    }

    fn end(self) -> Result<ExitStatus> {
        let mut blocks = Vec::new();
        self.mismatches.render(&mut blocks);
        for (path, gaps) in self.gaps.iter().filter(|(_, gaps)| !gaps.is_empty()) {
            gaps.render(path, &mut blocks);
        }
        self.context.say(&blocks);
        match self.written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(unwritten(&error)),
            _ if self.broke => Ok(ExitStatus::Seen),
            _ => Ok(ExitStatus::Clean),
        }
    }
}

/// Returns true if the path exists, even as a broken link.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// `String.split(",")`: empty pieces at the end do not count, unless there is nothing else.
fn split_list(list: &OsStr) -> Vec<PathBuf> {
    let mut pieces: Vec<_> = list.as_bytes().split(|&b| b == b',').collect();
    if !list.is_empty() {
        while pieces.last().is_some_and(|piece| piece.is_empty()) {
            pieces.pop();
        }
    }
    pieces
        .into_iter()
        .map(|piece| PathBuf::from(OsStr::from_bytes(piece)))
        .collect()
}

/// Resolves a path: a directory to the segments in it, `-` to a segment on standard input, a
/// compressed segment to the decompressed one.
fn expand(path: &Path) -> Vec<PathBuf> {
    // An unreadable file is reported when it is opened.
    if let Ok(Some(item)) = spool::spooled(path) {
        return vec![item.path().to_owned()];
    }
    let is_log = |segment: &Segment| segment.file(FileKind::Log).is_some();
    let logs: Vec<PathBuf> = Partition::open(path)
        .map(|partition| partition.segments())
        .unwrap_or_default()
        .into_iter()
        .filter(is_log)
        .map(|segment| segment.log().to_owned())
        .collect();
    if logs.is_empty() {
        return vec![path.to_owned()];
    }
    logs
}

/// A path as `java.io.File` shows it: without repeated slashes, and without one at the end.
fn given_form(path: &Path) -> String {
    let text = path.to_string_lossy();
    let mut form = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '/' || !form.ends_with('/') {
            form.push(c);
        }
    }
    if form.len() > 1 && form.ends_with('/') {
        form.pop();
    }
    form
}

/// The same as an absolute path; `.` and `..` stay.
pub(super) fn absolute_form(given: &str) -> String {
    if given.starts_with('/') {
        return given.to_owned();
    }
    let dir = std::env::current_dir().unwrap_or_default();
    format!("{}/{given}", dir.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_split_as_java_does() {
        let split = |list: &str| -> Vec<String> {
            split_list(OsStr::new(list))
                .iter()
                .map(|path| path.display().to_string())
                .collect()
        };
        assert_eq!(split("a,b"), ["a", "b"]);
        assert_eq!(split(",a,, b,,"), ["", "a", "", " b"]);
        assert_eq!(split(""), [""]);
        assert!(split(",,").is_empty());
    }

    #[test]
    fn paths_are_shown_as_java_does() {
        for (path, given) in [
            ("./x//y.log/", "./x/y.log"),
            ("/", "/"),
            ("//a/../b.log", "/a/../b.log"),
        ] {
            assert_eq!(given_form(Path::new(path)), given);
        }
    }
}
