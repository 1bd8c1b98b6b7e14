//! What is wrong with a log dir or partition, and what a broker would make of it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use kseg::predict::{self, Conditions, Outcome as Fate, Verdict};
use kseg::repair::planner::Seen;
use kseg::store::Place;
use kseg::verify::segment::OnBytes;
use kseg::verify::{Depth, Finding, Severity, Suite};

use crate::cli::args::Reading;

/// A place that was looked at.
pub(super) struct Look {
    pub(super) place: Place,
    pub(super) seen: Seen,
}

impl Look {
    /// Looks at what is at `path`; `others` are log dirs of the same node.
    pub(super) fn at(path: &Path, others: &[PathBuf], reading: Reading) -> Result<Self> {
        let place = place(path)?;
        let others = others.iter().map(|path| self::place(path));
        let others = others.collect::<Result<Vec<_>>>()?;
        let open = |path: &Path| reading.open(path);
        let suite = Suite {
            depth: Depth::Deep,
            jobs: reading.jobs(),
            limits: reading.limits(),
            // What is wrong must not depend on the day.
            now_ms: None,
            open: &open,
            on_bytes: OnBytes(None),
        };
        let seen = Seen::of(&place, &others, &suite)?;
        Ok(Self { place, seen })
    }

    /// What is wrong, notes left out.
    pub(super) fn wrong(&self) -> impl Iterator<Item = &Finding> {
        let findings = self.seen.findings().iter();
        findings.filter(|finding| finding.severity >= Severity::Warning)
    }

    /// What a broker of the newest release would do.
    pub(super) fn verdict(&self) -> Result<Verdict> {
        let places = std::slice::from_ref(&self.place);
        Ok(predict::predict(places, |_| true, &Conditions::default())?)
    }
}

/// What a path leads to, by its own name and place.
fn place(path: &Path) -> Result<Place> {
    let whole = path.canonicalize();
    let whole = whole.with_context(|| path.display().to_string())?;
    match Place::at(whole)? {
        Place::File(_) => bail!(
            "{}: a file; what can be repaired is a log dir or the folder of a partition",
            path.display()
        ),
        place => Ok(place),
    }
}

/// What a broker would do, in a few words.
pub(super) fn fate(verdict: &Verdict) -> String {
    match verdict.outcome() {
        Fate::Refuses => "does not start".into(),
        Fate::Offline => "takes the log dir offline".into(),
        _ => format!("{} lost", records(verdict.lost().records)),
    }
}

/// A number of records.
pub(super) fn records(count: u64) -> String {
    match count {
        1 => "1 record".into(),
        count => format!("{count} records"),
    }
}
