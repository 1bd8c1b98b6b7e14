//! Verdicts as JSON.

use kseg::predict::{
    DirVerdict, Kafka, Lost, MissingPartition, PartitionVerdict, Reason, StartOutcome, Unknown,
    Verdict,
};
use serde::Serialize;

use super::text;
use crate::cli::schema;

/// The document.
#[derive(Serialize)]
pub(super) struct Document<'a> {
    schema: &'static str,
    kafka: Kafka,
    outcome: StartOutcome,
    /// The first line of the text.
    answer: String,
    lost: Lost,
    /// The deletions of the first hour.
    deleted: Deleted,
    /// The reasons why the node does not start.
    reasons: Vec<ReportedReason<'a>>,
    log_dirs: Vec<DirFields<'a>>,
    partitions: Vec<PartitionFields<'a>>,
    /// The partitions that come back empty.
    missing: &'a [MissingPartition],
    /// The settings that are assumed to have Kafka's defaults, and decide something.
    assumed: Vec<&'static str>,
    unknown: Vec<UnknownRow<'a>>,
}

/// A reason, and its text.
#[derive(Serialize)]
struct ReportedReason<'a> {
    #[serde(flatten)]
    reason: &'a Reason,
    text: String,
}

/// An unknown fact, and its text.
#[derive(Serialize)]
struct UnknownRow<'a> {
    #[serde(flatten)]
    unknown: &'a Unknown,
    text: String,
}

/// The deletions.
#[derive(Default, Serialize)]
struct Deleted {
    records: u64,
    bytes: u64,
}

/// A log dir in it.
#[derive(Serialize)]
struct DirFields<'a> {
    path: &'a str,
    clean: bool,
    outcome: StartOutcome,
    reasons: Vec<ReportedReason<'a>>,
}

/// A partition in it.
#[derive(Serialize)]
struct PartitionFields<'a> {
    log_dir: &'a str,
    #[serde(flatten)]
    verdict: &'a PartitionVerdict,
}

fn reported(reasons: &[Reason]) -> Vec<ReportedReason<'_>> {
    let of = |reason| ReportedReason {
        reason,
        text: Reason::to_string(reason),
    };
    reasons.iter().map(of).collect()
}

impl<'a> Document<'a> {
    pub(super) fn of(verdict: &'a Verdict) -> Self {
        let dirs = || verdict.dirs.iter();
        let inside = |dir: &'a DirVerdict| {
            let log_dir = dir.path.as_str();
            dir.partitions
                .iter()
                .map(move |verdict| PartitionFields { log_dir, verdict })
        };
        let mut deleted = Deleted::default();
        for (_, event) in verdict.deleted() {
            deleted.records = deleted.records.saturating_add(event.records());
            deleted.bytes = deleted.bytes.saturating_add(event.bytes());
        }
        Self {
            schema: schema::VERDICT.id,
            kafka: verdict.kafka,
            outcome: verdict.outcome(),
            answer: text::answer(verdict),
            lost: verdict.lost(),
            deleted,
            reasons: reported(&verdict.reasons),
            log_dirs: dirs()
                .map(|dir| DirFields {
                    path: &dir.path,
                    clean: dir.clean,
                    outcome: dir.outcome,
                    reasons: reported(&dir.reasons),
                })
                .collect(),
            partitions: dirs().flat_map(inside).collect(),
            missing: &verdict.missing,
            assumed: verdict.assumed().into_iter().collect(),
            unknown: verdict
                .unknown
                .iter()
                .map(|unknown| UnknownRow {
                    unknown,
                    text: unknown.to_string(),
                })
                .collect(),
        }
    }
}
