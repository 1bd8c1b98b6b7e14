//! Findings for people: the answer, a table by partition, the findings of each file, the totals,
//! and the next command.

use std::io::{self, Write};

use kseg::verify::evidence::Checksum;
use kseg::verify::{Evidence, Finding, Severity};

use super::overview::{Overview, PlaceFindings, short_name};
use super::report::{Report, ShownFinding, Summary, Unit, UnitKind, line_of};
use crate::cli::render::rows::{grouped, size};
use crate::cli::render::table::{self, TableStyle, counted, plain};
use crate::cli::render::time::rfc3339;
use crate::cli::render::wrap::wrapped;

/// The number of partitions whose findings are shown unless all are requested: a few screens.
const PLACES: usize = 20;

/// The number of files of a partition whose findings are shown unless all are requested.
const FILES: usize = 20;

/// The number of findings of one check in a file that are shown unless all are requested.
const ALIKE: usize = 3;

pub(super) struct Text {
    options: Options,
    found: Overview,
}

/// The output options of findings.
#[derive(Debug, Clone, Default)]
pub(super) struct Options {
    pub(super) look: TableStyle,
    /// Notes too.
    pub(super) with_notes: bool,
    /// All findings with all their evidence.
    pub(super) is_verbose: bool,
    /// Partitions whose findings are shown.
    pub(super) limit: Option<usize>,
    /// The command to type next where something is damaged.
    pub(super) next: Option<String>,
    /// True if partitions are named by their folder alone, because there is one log dir.
    pub(super) by_folder: bool,
}

impl Text {
    pub(super) fn new(options: Options) -> Self {
        let found = Overview::default();
        Self { options, found }
    }
}

impl Report for Text {
    fn begin(&mut self, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn unit(&mut self, unit: &Unit, _: &mut dyn Write) -> io::Result<()> {
        self.found.add(unit);
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let options = &self.options;
        let name = |place: &PlaceFindings| match place.kind {
            UnitKind::Partition if !options.by_folder => line_of(&place.path),
            UnitKind::File => line_of(&place.path),
            _ => short_name(place),
        };
        let mut rows = self.found.rows(options.least(), name);
        options.say(&self.found.answer(&rows, summary), out)?;
        let limit = match options.limit {
            Some(limit) => limit,
            None if options.is_verbose => usize::MAX,
            None => PLACES,
        };
        let more = rows.len().saturating_sub(limit);
        rows.truncate(limit);
        let worst = rows.first().map(|(row, _)| row.worst());
        let (rows, places): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        // A single place is shown below with all its findings.
        if rows.len() > 1 || more > 0 {
            let mut text = vec![b'\n'];
            table::whole(rows, options.look, &mut text);
            out.write_all(&text)?;
        }
        if more > 0 {
            options.say(&format!("({more} more with findings; -v shows all)"), out)?;
        }
        for place in places {
            options.findings(place, out)?;
        }
        writeln!(out)?;
        options.say(&read(summary), out)?;
        if !summary.coverage.is_complete() {
            let bug = "some bytes are not accounted for: please report this bug of kseg";
            options.say(bug, out)?;
        }
        let hint = match worst {
            Some(check) => format!("; kseg explain {} describes the worst", check.code()),
            None if summary.of(Severity::Note) > 0 => "; --notes shows the notes".into(),
            None => String::new(),
        };
        options.say(&format!("{}{hint}", totals(summary)), out)?;
        match &options.next {
            Some(next) if summary.of(Severity::Error) + summary.of(Severity::Warning) > 0 => {
                writeln!(out, "Next: {next}")
            }
            _ => Ok(()),
        }
    }
}

/// Returns the number of files and bytes read, by their kind.
pub(super) fn read(summary: &Summary) -> String {
    let coverage = &summary.coverage;
    let kinds = [
        (coverage.batch_bytes, "in batches"),
        (coverage.entry_bytes, "in index entries"),
        (coverage.small_bytes, "in small files"),
        (coverage.padding_bytes, "preallocated"),
        (coverage.damage_bytes, "damaged"),
        (coverage.unreadable_bytes, "unreadable"),
        (coverage.unknown_bytes, "not checked"),
    ];
    let kinds = kinds.iter().filter(|(bytes, _)| *bytes > 0);
    let kinds: Vec<String> = kinds
        .map(|(bytes, what)| format!("{} {what}", size(*bytes)))
        .collect();
    let read = format!(
        "Read {}, {}",
        counted(coverage.files, "file"),
        size(coverage.size_bytes)
    );
    if kinds.is_empty() {
        return read;
    }
    format!("{read}: {}", kinds.join(", "))
}

/// Returns the number of findings by severity.
pub(super) fn totals(summary: &Summary) -> String {
    let all = [
        (Severity::Error, "error"),
        (Severity::Warning, "warning"),
        (Severity::Note, "note"),
    ];
    all.map(|(severity, what)| counted(summary.of(severity), what))
        .join(", ")
}

impl Options {
    fn least(&self) -> Severity {
        if self.with_notes {
            Severity::Note
        } else {
            Severity::Warning
        }
    }

    /// Writes a sentence, in as many lines as the terminal needs.
    fn say(&self, text: &str, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", wrapped(text, self.look.room))
    }

    /// Writes the findings of a place, a block for each file.
    fn findings(&self, place: &PlaceFindings, out: &mut dyn Write) -> io::Result<()> {
        let mut shown: Vec<&ShownFinding> = place.findings.iter().collect();
        shown.retain(|shown| shown.finding.severity >= self.least());
        shown.sort_by(|a, b| a.finding.path.cmp(&b.finding.path));
        let files = shown.chunk_by(|a, b| a.finding.path == b.finding.path);
        let limit = if self.is_verbose { usize::MAX } else { FILES };
        for (nth, of_file) in files.enumerate() {
            if nth == limit {
                writeln!(out, "\n(more files with findings; -v shows all)")?;
                break;
            }
            let Some(first) = of_file.first() else {
                continue;
            };
            writeln!(out, "\n{}", line_of(&first.finding.path))?;
            self.file(of_file, out)?;
            for more in place
                .more
                .iter()
                .filter(|more| more.path == first.finding.path)
            {
                let (check, count) = (more.check.check(), more.count);
                let more = format!("  {} more {} {}", grouped(count), check.code, check.name);
                self.say(&more, out)?;
            }
        }
        Ok(())
    }

    /// Writes the findings of a file; of those of one check only the first ones, unless all are
    /// requested.
    fn file(&self, shown: &[&ShownFinding], out: &mut dyn Write) -> io::Result<()> {
        let mut shown = shown.to_vec();
        shown.sort_by_key(|shown| std::cmp::Reverse(shown.finding.severity));
        let mut counts = std::collections::BTreeMap::<_, usize>::new();
        for each in shown {
            let count = counts.entry(each.finding.check).or_default();
            *count += 1;
            if *count <= ALIKE || self.is_verbose {
                self.finding(each, out)?;
            }
        }
        if self.is_verbose {
            return Ok(());
        }
        for (check, count) in counts {
            if let Some(more) = count.checked_sub(ALIKE).filter(|more| *more > 0) {
                writeln!(out, "  and {more} more {} (-v shows all)", check.code())?;
            }
        }
        Ok(())
    }

    fn finding(&self, shown: &ShownFinding, out: &mut dyn Write) -> io::Result<()> {
        let finding = &shown.finding;
        let known = if shown.is_known {
            " (in the baseline)"
        } else {
            ""
        };
        let severity = finding.severity.name();
        let (code, place) = (finding.check.code(), place(finding));
        let message = plain(&finding.message());
        let line = format!("  {severity} {code}{place}: {message}{known}");
        // Coloured last, since escape codes have no width.
        let painted = painted(finding.severity, self.look.colour);
        let line = wrapped(&line, self.look.room).replacen(severity, &painted, 1);
        writeln!(out, "{line}")?;
        if let Some(loss) = &finding.loss {
            let times = loss.times_ms.map(|times| match times {
                (from, to) if from == to => format!("; written at {}", rfc3339(from)),
                (from, to) => format!("; written from {} to {}", rfc3339(from), rfc3339(to)),
            });
            self.say(&format!("    {loss}{}", times.unwrap_or_default()), out)?;
        }
        if let Some(impact) = &finding.impact {
            self.say(&format!("    broker: {}", impact.broker), out)?;
        }
        if self.is_verbose {
            for line in numbers(&finding.evidence) {
                self.say(&format!("    {}", plain(&line)), out)?;
            }
            let resume = finding.impact.as_ref();
            if let Some(resume) = resume.and_then(|impact| impact.resume.as_ref()) {
                let command = plain(&resume.to_string());
                writeln!(out, "    to let consumers skip it: {command}")?;
            }
        }
        Ok(())
    }
}

/// The name of a severity, in its colour.
fn painted(severity: Severity, colour: bool) -> String {
    let name = severity.name();
    let code = match severity {
        _ if !colour => return name.to_owned(),
        Severity::Error => 31,
        Severity::Warning => 33,
        Severity::Note => 36,
    };
    format!("\x1b[1;{code}m{name}\x1b[0m")
}

/// ` at byte 73400 (offset 184902, 1211 bytes)`.
fn place(finding: &Finding) -> String {
    let position = finding
        .position
        .map(|position| format!(" at byte {position}"));
    let offset = finding.offset.map(|offset| format!("offset {offset}"));
    let length = finding.length.filter(|length| *length > 0);
    let length = length.map(|length| counted(length, "byte"));
    let inside: Vec<String> = offset.into_iter().chain(length).collect();
    let inside = if inside.is_empty() {
        String::new()
    } else {
        format!(" ({})", inside.join(", "))
    };
    position.unwrap_or_default() + &inside
}
/// The numbers that are not in the message.
fn numbers(evidence: &Evidence) -> Vec<String> {
    match evidence {
        Evidence::Checksum(Checksum { stored, actual, .. }) => {
            vec![format!("stored {stored:#010x}, actual {actual:#010x}")]
        }
        Evidence::Disorder(run) => {
            let (what, stored) = (run.number, run.stored);
            let before = run.before.map(|before| format!(", after {before}"));
            let after = run.after.map(|after| format!(", before {after}"));
            let actual = run
                .actual
                .map(|actual| format!("; without the bit {actual}"));
            let rest = [before, after, actual].map(Option::unwrap_or_default);
            vec![format!("{what} {stored}{}", rest.concat())]
        }
        _ => Vec::new(),
    }
}
