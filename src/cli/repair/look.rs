//! What is wrong with a log dir or partition, and what a broker would make of it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use kseg::predict::{self, Conditions, Kafka, Outcome as Fate, Verdict};
use kseg::repair::planner::Seen;
use kseg::store::Place;
use kseg::verify::segment::OnBytes;
use kseg::verify::{CheckId, Depth, Finding, Severity, Suite, Value};

use crate::cli::args::Reading;
use crate::cli::render::table::counted;

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

    /// What a broker would do, and what nobody could read then, in a few words.
    pub(super) fn fate(&self, verdict: &Verdict) -> String {
        match verdict.outcome() {
            Fate::Refuses => "does not start".into(),
            Fate::Offline => "takes the log dir offline".into(),
            _ => {
                let lost = counted(verdict.lost().records, "record");
                let unreadable = self.unreadable().map(|what| format!(", and {what}"));
                format!("{lost} lost{}", unreadable.unwrap_or_default())
            }
        }
    }

    /// What consumers cannot read of what stays, and where that begins.
    fn unreadable(&self) -> Option<String> {
        let findings = self.seen.findings().iter();
        let damage: Vec<&Finding> = findings.filter(|found| is_unreadable(found)).collect();
        let first = damage.first()?;
        let dir = first.path.parent().and_then(Path::file_name)?;
        let at = match first.offset {
            Some(offset) => format!("offset {offset}"),
            None => format!("byte {}", first.position.unwrap_or(0)),
        };
        let about = if damage.iter().all(|found| is_exact(found)) {
            ""
        } else {
            "about "
        };
        let (places, which) = match damage.len() {
            1 => (String::new(), ""),
            places => (format!(" in {places} places"), "the first: "),
        };
        let what = match damage.iter().map(|found| lost_records(found)).sum() {
            0 if damage.len() == 1 => "1 damaged place".into(),
            0 => format!("{} damaged places", damage.len()),
            1 => format!("{about}1 damaged record{places}"),
            lost => format!("{about}{lost} damaged records{places}"),
        };
        let dir = dir.to_string_lossy();
        Some(format!("{what} cannot be read ({which}{dir} at {at})"))
    }

    /// What a broker of this release would do.
    pub(super) fn verdict(&self, kafka: Kafka) -> Result<Verdict> {
        let conditions = Conditions {
            kafka,
            ..Conditions::default()
        };
        let places = std::slice::from_ref(&self.place);
        Ok(predict::predict(places, |_| true, &conditions)?)
    }
}

/// What a path leads to, by its own name and place.
pub(super) fn place(path: &Path) -> Result<Place> {
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

/// Whether a consumer that comes to what a finding tells of gets nothing, or no further. Most starts of a broker do not read
/// the records, so nothing of this shows in what it cuts off.
fn is_unreadable(finding: &Finding) -> bool {
    let is_damage = matches!(
        finding.check,
        CheckId::CrcMismatch
            | CheckId::FrameSize
            | CheckId::UnknownMagic
            | CheckId::UnknownCodec
            | CheckId::ZeroPages
            | CheckId::LostFrames
            | CheckId::InflateFailed
            | CheckId::RecordsMissing
            | CheckId::FieldLength
    );
    finding.severity >= Severity::Error && (is_damage || lost_records(finding) > 0)
}

/// How many records are in what a finding tells of, as far as that is known.
fn lost_records(finding: &Finding) -> u64 {
    let number = |name| match finding.detail.get(name) {
        Some(Value::Int(number)) => u64::try_from(*number).ok(),
        _ => None,
    };
    let between = number("next_offset_after").zip(number("last_offset_before"));
    let between = between.map(|(after, before)| after.saturating_sub(before.saturating_add(1)));
    match between {
        Some(between) if !is_exact(finding) => between,
        _ => number("records_lost")
            .or_else(|| number("records_lost_at_most"))
            .unwrap_or(0),
    }
}

/// Whether a finding tells of one batch, and how many records it has.
fn is_exact(finding: &Finding) -> bool {
    let is_wide = matches!(finding.check, CheckId::ZeroPages | CheckId::LostFrames);
    !is_wide && finding.detail.get("records_lost").is_some()
}
