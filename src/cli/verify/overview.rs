//! Findings by partition, the worst first, and the sentence that sums them up.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use kseg::verify::evidence::Records;
use kseg::verify::{CheckId, Finding, Severity};
use serde::Serialize;

use super::report::{ShownFinding, Summary, Unit, UnitKind};
use crate::cli::damage;
use crate::cli::render::rows::{Cell, Column, Row, grouped};
use crate::cli::render::table::{are, counted, plain};
use crate::cli::schema::{self, Schema};

/// A partition, a file, or the log dirs themselves, with their findings.
#[derive(Debug)]
pub(crate) struct PlaceFindings {
    pub(crate) kind: UnitKind,
    pub(crate) path: Arc<Path>,
    pub(super) findings: Vec<ShownFinding>,
    /// Findings that were only counted.
    pub(super) more: Vec<kseg::verify::finding::More>,
}

/// The findings by place.
#[derive(Debug, Default)]
pub(crate) struct Overview {
    places: Vec<PlaceFindings>,
    /// Places by path.
    by_path: BTreeMap<Arc<Path>, usize>,
}

impl Overview {
    /// Adds the findings of a unit. Findings of the checks of log dirs that are in a partition
    /// belong to that partition.
    pub(crate) fn add(&mut self, unit: &Unit) {
        let (mut own, mut elsewhere) = (Vec::new(), Vec::new());
        for shown in &unit.findings {
            let inside = shown.finding.path.ancestors();
            let inside = inside.filter(|_| unit.kind == UnitKind::LogDirs);
            match inside.into_iter().find_map(|path| self.by_path.get(path)) {
                Some(place) => elsewhere.push((*place, shown.clone())),
                None => own.push(shown.clone()),
            }
        }
        for (place, shown) in elsewhere {
            if let Some(place) = self.places.get_mut(place) {
                place.findings.push(shown);
            }
        }
        if unit.kind != UnitKind::LogDirs {
            self.by_path
                .insert(Arc::clone(&unit.path), self.places.len());
        }
        self.places.push(PlaceFindings {
            kind: unit.kind,
            path: Arc::clone(&unit.path),
            findings: own,
            more: unit.more.clone(),
        });
    }

    /// The places with findings of this severity or worse, the worst first; `name` names them.
    pub(crate) fn rows(
        &self,
        least: Severity,
        name: impl Fn(&PlaceFindings) -> String,
    ) -> Vec<(PlaceRow, &PlaceFindings)> {
        let rows = self.places.iter();
        let rows = rows.filter_map(|place| Some((PlaceRow::of(place, &name, least)?, place)));
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by_key(|(row, _)| Reverse(row.badness()));
        rows
    }

    fn count(&self, kind: UnitKind) -> u64 {
        let places = self.places.iter();
        places.filter(|place| place.kind == kind).count() as u64
    }

    /// The first line: what is damaged, and how much cannot be read.
    pub(crate) fn answer(&self, rows: &[(PlaceRow, &PlaceFindings)], summary: &Summary) -> String {
        let rows = rows.iter().map(|(row, _)| row);
        let wrong = |kind| {
            let rows = rows.clone().filter(move |row| row.kind == kind);
            rows.filter(|row| row.severity() == Severity::Error)
        };
        let unread = |kind| {
            let unread = wrong(kind).filter(|row| row.worst == CheckId::Unreadable);
            unread.count() as u64
        };
        let damaged = |kind| wrong(kind).count() as u64 - unread(kind);
        let mut parts = Vec::new();
        let kinds = [(UnitKind::Partition, "partition"), (UnitKind::File, "file")];
        for (kind, what) in kinds {
            let all = counted(self.count(kind), what);
            parts.extend(match (damaged(kind), unread(kind)) {
                (0, 0) => None,
                (0, unread) => Some(format!("{} of {all} cannot be read", grouped(unread))),
                (count, unread) => {
                    let damaged = format!("{} of {all} {} damaged", grouped(count), are(count));
                    Some(match unread {
                        0 => damaged,
                        unread => format!("{damaged}, {} cannot be read", grouped(unread)),
                    })
                }
            });
        }
        if wrong(UnitKind::LogDirs).next().is_some() {
            parts.push(match parts.len() {
                0 => "No partition is damaged, but files of the log dir itself are".into(),
                _ => "files of the log dir itself".into(),
            });
        }
        let mut answer = parts.join(", and ");
        if parts.is_empty() {
            let all = kinds.map(|(kind, what)| (self.count(kind), what));
            let all = all.into_iter().filter(|(count, _)| *count > 0);
            let all: Vec<String> = all.map(|(count, what)| counted(count, what)).collect();
            answer = match all.as_slice() {
                [] => "No errors".into(),
                all => format!("No errors in {}", all.join(" and ")),
            };
        }
        let worse = [(Severity::Error, "error"), (Severity::Warning, "warning")];
        let worse = worse.map(|(severity, what)| (summary.of(severity), what));
        let worse = worse.into_iter().filter(|(count, _)| *count > 0);
        let worse: Vec<String> = worse.map(|(count, what)| counted(count, what)).collect();
        if !worse.is_empty() {
            answer = format!("{answer}: {}", worse.join(", "));
        }
        let unreadable = rows.map(|row| row.unreadable);
        let unreadable = unreadable.fold(Records::Exactly(0), damage::sum);
        if let Some(amount) = damage::amount(unreadable) {
            answer = format!("{answer}; {amount} unreadable");
        }
        if summary.known > 0 {
            let known = counted(summary.known, "finding");
            answer = format!("{answer}; {known} in the baseline");
        }
        answer
    }
}

/// A place with findings, as a row.
#[derive(Debug, Serialize)]
pub(crate) struct PlaceRow {
    #[serde(skip)]
    pub(crate) kind: UnitKind,
    pub(crate) path: String,
    errors: u64,
    warnings: u64,
    notes: u64,
    #[serde(skip)]
    pub(crate) unreadable: Records,
    unreadable_records: Option<String>,
    #[serde(skip)]
    worst: CheckId,
    worst_finding: String,
}

impl Row for PlaceRow {
    const SCHEMA: Schema = schema::FINDINGS;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("Where", |row: &Self| (&row.path).into()),
        Column::left("Severity", |row: &Self| row.severity().name().into()),
        Column::right("Findings", |row: &Self| Cell::Count(row.findings())).gives_way(1),
        Column::left("Unreadable", |row: &Self| {
            Cell::maybe(row.unreadable_records.as_deref(), Into::into)
        })
        .wraps(10),
        Column::left("Worst finding", |row: &Self| (&row.worst_finding).into()).wraps(20),
    ];
}

impl PlaceRow {
    /// The row of a place; `None` if there are no findings.
    fn of(
        place: &PlaceFindings,
        name: &impl Fn(&PlaceFindings) -> String,
        least: Severity,
    ) -> Option<Self> {
        let findings = || place.findings.iter().map(|shown| &shown.finding);
        let worst = findings()
            .filter(|found| found.severity >= least)
            .max_by_key(|found| (found.severity, lost_at(found), Reverse(found.check)))?;
        let count = |severity| {
            let of = |found: &&Finding| found.severity == severity;
            let own = findings().filter(of).count() as u64;
            let is_it = |more: &&kseg::verify::finding::More| {
                let mut kept = findings().filter(of);
                kept.any(|kept| kept.check == more.check && kept.path == more.path)
            };
            let more = place.more.iter().filter(is_it);
            own + more.map(|more| more.count).sum::<u64>()
        };
        let unreadable = Finding::lost(damage::unreadable(findings()));
        Some(Self {
            kind: place.kind,
            path: name(place),
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            notes: count(Severity::Note),
            unreadable,
            unreadable_records: damage::amount(unreadable),
            worst: worst.check,
            worst_finding: format!("{}: {}", worst.check.code(), worst.check.check().title()),
        })
    }

    /// The check of the worst finding.
    pub(crate) fn worst(&self) -> CheckId {
        self.worst
    }

    /// Returns the highest severity.
    pub(crate) fn severity(&self) -> Severity {
        match (self.errors, self.warnings) {
            (0, 0) => Severity::Note,
            (0, _) => Severity::Warning,
            _ => Severity::Error,
        }
    }

    fn findings(&self) -> u64 {
        self.errors + self.warnings + self.notes
    }

    /// Returns the sort key, with the worst last.
    fn badness(&self) -> (Severity, u64, u64, u64) {
        let lost = match self.unreadable {
            Records::Unknown => u64::MAX,
            records => records.at_most(),
        };
        (self.severity(), lost, self.errors, self.warnings)
    }
}

/// The folder of a partition, or the path.
pub(crate) fn short_name(place: &PlaceFindings) -> String {
    match (place.kind, place.path.file_name()) {
        (UnitKind::LogDirs, _) => "(log dir)".into(),
        (_, Some(name)) => plain(&name.to_string_lossy()),
        (_, None) => plain(&place.path.to_string_lossy()),
    }
}

fn lost_at(finding: &Finding) -> u64 {
    let loss = finding.loss.as_ref();
    loss.map_or(0, |loss| loss.records.at_most())
}
