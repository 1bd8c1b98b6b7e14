//! `kseg repair show`: a plan as a table.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Result;
use kseg::repair::{Action, Content, Grade, Loss, Plan, Safety, Step};
use serde::Serialize;

use super::document::Plans;
use crate::cli::Context;
use crate::cli::exit::ExitStatus;
use crate::cli::render::rows::{Cell, Column, Format, Row, grouped};
use crate::cli::render::table::{self, TableStyle, counted};
use crate::cli::render::wrap::{indented, width};
use crate::cli::schema::{self, Schema};
use crate::cli::writer::Writer;

/// The maximum number of ranges of a step that are listed.
const RANGES: usize = 6;

/// The number of steps that are measured before a table is chosen.
const MEASURED: usize = 500;

/// The width of the number of a step if there is no room for a table.
const INDENT: usize = 4;

/// Shows the steps of a plan: what each does, why, how safe it is, and what it loses
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg repair show plan.json
  kseg repair show --format ndjson plan.json

Exit status:
  0  the plan was shown
  2  the plan could not be read, or is invalid")]
pub(super) struct Show {
    /// The plan
    #[arg(value_name = "PLAN")]
    plan: PathBuf,

    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// A plan.
#[derive(Debug, Serialize)]
pub(super) struct PlanRow {
    #[serde(skip)]
    grades: String,
    kind: &'static str,
    root: String,
    tool: String,
    steps: usize,
}

impl PlanRow {
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            kind: "plan",
            grades: grades(plan),
            root: plan.root().to_owned(),
            tool: plan.tool().to_owned(),
            steps: plan.steps().len(),
        }
    }
}

impl Row for PlanRow {
    const SCHEMA: Schema = schema::PLAN_SUMMARY;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("plan made by", |row: &Self| (&row.tool).into()),
        Column::left("", |row: &Self| (&row.grades).into()),
    ];
}

/// A step of it.
#[derive(Debug, Serialize)]
struct StepRow {
    id: u64,
    /// Not `file`, which is the plan's own path in a stream of objects.
    path: String,
    action: String,
    safety: &'static str,
    loss: Option<String>,
    codes: Vec<String>,
    why: String,
    proof: Option<String>,
}

impl Row for StepRow {
    const SCHEMA: Schema = schema::STEP;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::right("Step", |row: &Self| Cell::Count(row.id)),
        Column::left("File", |row: &Self| (&row.path).into()),
        Column::left("Action", |row: &Self| (&row.action).into()),
        Column::left("Safety", |row: &Self| row.safety.into()),
        Column::left("Loss", |row: &Self| {
            Cell::maybe(row.loss.as_deref(), Into::into)
        }),
        Column::left("Codes", |row: &Self| Cell::list(&row.codes)),
        Column::left("Why", |row: &Self| (&row.why).into()),
        Column::left("Proof or odds", |row: &Self| {
            Cell::maybe(row.proof.as_deref(), Into::into)
        }),
    ];
}

impl Show {
    pub(super) fn run(self, context: &mut Context) -> Result<ExitStatus> {
        let plans = Plans::read(&self.plan)?;
        let mut writer = Writer::new(context, self.format, schema::SHOW);
        let path = self.plan.display().to_string();
        for (before, plan) in plans.numbered() {
            writer.file(&path, &PlanRow::of(plan));
            steps(plan, before, &mut writer);
            writer.end_file();
        }
        if let Some(next) = plans.next(&self.plan) {
            writer.line(&next);
        }
        writer.finish().map(|_| ExitStatus::Clean)
    }
}

/// Writes the steps as a table or as blocks; `before` is the number of steps of the plans before
/// this one.
pub(super) fn steps(plan: &Plan, before: u32, writer: &mut Writer<'_>) {
    let row = |step: &Step| StepRow::of(step, before);
    let rows: Vec<StepRow> = plan.steps().iter().map(row).collect();
    let room = writer.look().room.filter(|_| writer.is_text());
    match room.filter(|columns| !fits(plan, before, *columns)) {
        Some(columns) => {
            for row in &rows {
                for line in block(row, columns).lines() {
                    writer.remark(line);
                }
            }
        }
        None => writer.table(rows),
    }
    writer.remark("");
    if let Some(manual) = manual(plan) {
        writer.remark(manual);
    }
}

/// Returns true if a table of the first steps fits into this number of columns.
fn fits(plan: &Plan, before: u32, columns: usize) -> bool {
    let mut shown = Vec::new();
    let first = plan.steps().iter().take(MEASURED);
    let first = first.map(|step| StepRow::of(step, before));
    table::whole(first, TableStyle::default(), &mut shown);
    let shown = String::from_utf8_lossy(&shown);
    shown.lines().all(|line| width(line) <= columns)
}

/// A step as lines: the action, the file, the loss and the reason.
fn block(row: &StepRow, columns: usize) -> String {
    let StepRow {
        id, action, safety, ..
    } = row;
    let codes = row.codes.join(", ");
    let mut block = format!("{id:>INDENT$}  {action} ({safety}, {codes})");
    let loses = row.loss.as_ref();
    let loses = loses.map_or(String::new(), |loss| format!("loses {loss}"));
    let proof = row.proof.as_ref();
    let proof = proof.map_or(String::new(), |proof| format!("{safety}: {proof}"));
    let indent = INDENT + 2;
    for text in [&row.path, &loses, &row.why, &proof] {
        if !text.is_empty() {
            block.push('\n');
            block.push_str(&indented(text, indent, indent + 2, Some(columns)));
        }
    }
    block
}

impl StepRow {
    fn of(step: &Step, before: u32) -> Self {
        Self {
            id: before.saturating_add(step.id).into(),
            path: step.action.file().as_str().to_owned(),
            action: brief(&step.action),
            safety: step.safety.grade().name(),
            loss: loss(&step.loss),
            codes: step.codes.iter().map(ToString::to_string).collect(),
            why: step.why.clone(),
            proof: match &step.safety {
                Safety::Proven(proof) => Some(proof.to_string()),
                Safety::Likely(odds) => Some(odds.to_string()),
                Safety::Suspect | Safety::Lossy | Safety::Manual => None,
            },
        }
    }
}

/// The action of a step for people, without the ranges if there are many.
fn brief(action: &Action) -> String {
    let name = action.name();
    match action {
        Action::Truncate { to, .. } => format!("{name} to {}", counted(*to, "byte")),
        Action::Excise { ranges, .. } if ranges.len() > RANGES => {
            let bytes = ranges.iter().map(|range| range.end - range.start).sum();
            format!(
                "{name} {} in {}",
                counted(bytes, "byte"),
                counted(ranges.len() as u64, "range")
            )
        }
        Action::Excise { ranges, .. } => {
            let ranges = ranges.iter();
            let ranges = ranges.map(|range| format!("{}..{}", range.start, range.end));
            format!("{name} bytes {}", ranges.collect::<Vec<_>>().join(", "))
        }
        Action::Placeholder { range, batch, .. } => {
            let last = batch.base_offset.plus(batch.last_offset_delta);
            format!(
                "{name}: an empty batch for offsets {}-{last} at bytes {}..{}",
                batch.base_offset, range.start, range.end
            )
        }
        Action::Patch { range, content, .. } => {
            let (before, after) = (range.end - range.start, size(content));
            let change = if before == after {
                String::new()
            } else {
                format!(": {} → {}", grouped(before), counted(after, "byte"))
            };
            format!("{name} bytes {}..{}{change}", range.start, range.end)
        }
        Action::Arrange { pieces, .. } if pieces.len() > RANGES => {
            format!("{name} {} pieces", pieces.len())
        }
        Action::Replace { content, .. } | Action::Create { content, .. } => {
            format!("{name} with {}", counted(size(content), "byte"))
        }
        Action::Rebuild { len_bytes, .. } => format!("{name} to {}", counted(*len_bytes, "byte")),
        Action::Arrange { .. }
        | Action::Rename { .. }
        | Action::Quarantine { .. }
        | Action::Describe { .. } => action.to_string(),
    }
}

fn size(content: &Content) -> u64 {
    content.bytes().len() as u64
}

fn loss(loss: &Loss) -> Option<String> {
    let mut parts = Vec::new();
    if loss.records > 0 {
        parts.push(counted(loss.records, "record"));
    }
    if let Some((first, last)) = loss.offsets {
        parts.push(if first == last {
            format!("offset {first}")
        } else {
            format!("offsets {first}-{last}")
        });
    }
    if let Some(range) = &loss.bytes {
        parts.push(format!("bytes {}..{}", range.start, range.end));
    }
    parts.extend(loss.knowledge.iter().map(|known| known.name().to_owned()));
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Returns what steps lose together, in words that follow "loses".
pub(crate) fn total_loss<'a>(steps: impl Iterator<Item = &'a Step> + Clone) -> String {
    let records = Step::lost(steps.clone());
    let mut parts: Vec<String> = Vec::new();
    if records > 0 {
        parts.push(counted(records, "record"));
    }
    let facts: BTreeSet<&str> = steps
        .flat_map(|step| &step.loss.knowledge)
        .map(|known| known.name())
        .collect();
    let has_facts = !facts.is_empty();
    parts.extend(facts.into_iter().map(str::to_owned));
    match (parts.pop(), parts.join(", ").as_str()) {
        (None, _) => "nothing".to_owned(),
        (Some(last), "") if has_facts && records == 0 => format!("{last}, but no records"),
        (Some(last), "") => last,
        (Some(last), first) => format!("{first} and {last}"),
    }
}

/// Returns the number of steps and of each grade.
fn grades(plan: &Plan) -> String {
    match plan.steps() {
        [] => "nothing to do".to_owned(),
        steps => counted_by_grade(steps.iter()),
    }
}

/// Returns the number of steps and of each grade: `3 steps (2 proven, 1 lossy)`.
pub(crate) fn counted_by_grade<'a>(all: impl Iterator<Item = &'a Step> + Clone) -> String {
    let of = |grade: Grade| {
        let is_it = move |step: &&Step| step.safety.grade() == grade;
        all.clone().filter(is_it).count()
    };
    let grades = Grade::ALL.iter().map(|grade| (of(*grade), grade.name()));
    let grades: Vec<String> = grades
        .filter(|(steps, _)| *steps > 0)
        .map(|(steps, name)| format!("{steps} {name}"))
        .collect();
    let steps = counted(all.count() as u64, "step");
    format!("{steps} ({})", grades.join(", "))
}

/// A reminder of the manual steps, if there are any.
fn manual(plan: &Plan) -> Option<&'static str> {
    let is_manual = |step: &&Step| step.safety.grade() == Grade::Manual;
    match plan.steps().iter().filter(is_manual).count() {
        0 => None,
        1 => Some("kseg doesn't carry out the manual step: do what it says"),
        _ => Some("kseg doesn't carry out the manual steps: do what they say"),
    }
}
