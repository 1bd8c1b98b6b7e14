//! The findings of a log dir or partition, and the next start of a broker.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use kseg::predict::{self, Conditions, Kafka, Settings, StartOutcome as Fate, Verdict};
use kseg::repair::planner::Diagnosis;
use kseg::store::Place;
use kseg::verify::evidence::Records;
use kseg::verify::{Finding, Options, Severity};

use crate::cli::args::Reading;
use crate::cli::input::Selection;
use crate::cli::output::said;
use crate::cli::predict::text::{incomplete, unread};
use crate::cli::render::table::counted;
use crate::cli::{damage, range};

/// A place and its findings.
pub(crate) struct Inspection {
    pub(crate) place: Place,
    pub(crate) seen: Diagnosis,
}

impl Inspection {
    /// Verifies the place at `path`; `others` are log dirs of the same node. A plan must not depend
    /// on the current time, so it gives none.
    pub(crate) fn at(
        path: &Path,
        others: &[PathBuf],
        reading: Reading,
        now_ms: Option<i64>,
    ) -> Result<Self> {
        let place = place(path)?;
        let others = others.iter().map(|path| self::place(path));
        let others = others.collect::<Result<Vec<_>>>()?;
        let open = |path: &Path| reading.open(path);
        let options = Options {
            jobs: reading.jobs(),
            limits: reading.limits(),
            now_ms,
            open: &open,
            ..Options::default()
        };
        let seen = Diagnosis::of(&place, &others, &options);
        Ok(Self { place, seen })
    }

    /// Leaves only the findings in the partitions that are requested. Returns false if none of them
    /// is here.
    pub(crate) fn select(&mut self, selection: &Selection) -> bool {
        if selection.is_everything() {
            return true;
        }
        let chosen: BTreeSet<PathBuf> = selection.paths(&self.place).into_iter().collect();
        self.seen.retain(|finding| {
            let mut dirs = finding.path.ancestors();
            dirs.any(|dir| chosen.contains(dir))
        });
        !chosen.is_empty()
    }

    /// Returns the findings without notes.
    pub(crate) fn wrong(&self) -> impl Iterator<Item = &Finding> {
        let findings = self.seen.findings().iter();
        findings.filter(|finding| finding.severity >= Severity::Warning)
    }

    /// Describes the next start of a broker, in words that follow "the next start".
    pub(super) fn next_start(&self, verdict: &Verdict) -> String {
        match verdict.outcome() {
            Fate::Refuses => return "fails".into(),
            Fate::Offline => return "takes the log dir offline".into(),
            _ => {}
        }
        let loss = match (verdict.lost().records, self.unreadable()) {
            (0, None) => "loses nothing".into(),
            (0, Some(unreadable)) => format!("loses no records, but {unreadable}"),
            (lost, unreadable) => {
                let unreadable = unreadable.map(|what| format!(", and {what}"));
                let lost = counted(lost, "record");
                format!("loses {lost}{}", unreadable.unwrap_or_default())
            }
        };
        let loss = match incomplete(verdict) {
            Some(missing) if loss == "loses nothing" => format!("loses no records, but {missing}"),
            Some(missing) => format!("{loss}; {missing}"),
            None => loss,
        };
        match unread(verdict) {
            Some(unread) => format!("{loss} elsewhere; {unread}"),
            None => loss,
        }
    }

    /// Returns the records that stay but that consumers cannot read, and the first position.
    fn unreadable(&self) -> Option<String> {
        let damage = damage::unreadable(self.seen.findings());
        let first = damage.first()?;
        let dir = first.path.parent().and_then(Path::file_name)?;
        let at = match first.offset {
            Some(offset) => format!("offset {offset}"),
            None => format!("byte {}", first.position.unwrap_or(0)),
        };
        let (places, which) = match damage.len() {
            1 => (String::new(), ""),
            places => (format!(" in {places} places"), "the first: "),
        };
        let what = match Finding::lost(damage.iter().copied()) {
            Records::Unknown | Records::AtMost(0) | Records::Exactly(0) => {
                counted(damage.len() as u64, "damaged place")
            }
            Records::Exactly(lost) => format!("{}{places}", counted(lost, "damaged record")),
            Records::AtMost(lost) => {
                format!("at most {}{places}", counted(lost, "damaged record"))
            }
        };
        let dir = dir.to_string_lossy();
        Some(format!("{what} cannot be read ({which}{dir} at {at})"))
    }

    /// Predicts the start of a broker of this release with these settings.
    pub(crate) fn verdict(&self, kafka: Kafka, settings: Settings) -> Result<Verdict> {
        let conditions = Conditions {
            kafka,
            settings,
            now_ms: Some(range::now_ms()),
            ..Conditions::default()
        };
        let places = std::slice::from_ref(&self.place);
        Ok(predict::predict(places, |_| true, &conditions)?)
    }
}

/// Returns the log dir or partition at a path.
pub(crate) fn place(path: &Path) -> Result<Place> {
    let whole = path.canonicalize();
    let whole = whole.map_err(|error| said(path, &error))?;
    match Place::at(whole)? {
        Place::File(_) => bail!(
            "{}: a file; expected a log dir or the folder of a partition",
            path.display()
        ),
        place => Ok(place),
    }
}
