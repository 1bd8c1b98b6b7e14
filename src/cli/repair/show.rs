//! `kseg repair show`: a plan as a table.

use std::path::PathBuf;

use anyhow::Result;
use kseg::repair::{Action, Grade, Loss, Plan, Safety, Step};
use serde::Serialize;

use super::document::Plans;
use crate::cli::Context;
use crate::cli::exit::Outcome;
use crate::cli::render::rows::{Cell, Column, Format, Row};
use crate::cli::render::table::{self, Look};
use crate::cli::schema::{self, Schema};
use crate::cli::writer::Writer;

/// Ranges of a step that are shown one by one.
const RANGES: usize = 6;

/// Steps that are measured before a table is chosen.
const MEASURED: usize = 500;

/// Characters of the number of a step where there is no room for a table.
const INDENT: usize = 4;

/// Shows the steps of a plan: what each does, why, how safe it is, and what it loses
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg repair show plan.json
  kseg repair show --format ndjson plan.json

Exit status:
  0  the plan was shown
  2  it could not be read, or is invalid")]
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
    kind: &'static str,
    root: String,
    tool: String,
    steps: usize,
}

impl PlanRow {
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            kind: "plan",
            root: plan.root().to_owned(),
            tool: plan.tool().to_owned(),
            steps: plan.steps().len(),
        }
    }
}

impl Row for PlanRow {
    const SCHEMA: Schema = schema::PLAN_SUMMARY;
    const COLUMNS: &'static [Column<Self>] = &[
        Column::left("plan for", |row: &Self| (&row.root).into()),
        Column::left("made by", |row: &Self| (&row.tool).into()),
        Column::right("steps", |row: &Self| Cell::Count(row.steps as u64)),
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
    pub(super) fn run(self, context: &mut Context) -> Result<Outcome> {
        let plans = Plans::read(&self.plan)?;
        let mut writer = Writer::new(context, self.format, schema::SHOW);
        let path = self.plan.display().to_string();
        for (before, plan) in plans.numbered() {
            writer.file(&path, &PlanRow::of(plan));
            steps(plan, before, &mut writer);
            writer.end_file();
        }
        if let Some(next) = plans.next(&self.plan) {
            writer.remark(&next);
        }
        writer.finish().map(|_| Outcome::Clean)
    }
}

/// The steps as a table, and what they amount to; `before` are the steps of the plans before it.
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
    writer.remark(&summary(plan));
}

/// Whether a table of the first steps fits into lines of so many characters.
fn fits(plan: &Plan, before: u32, columns: usize) -> bool {
    let mut shown = Vec::new();
    let first = plan.steps().iter().take(MEASURED);
    let first = first.map(|step| StepRow::of(step, before));
    table::whole(first, Look::default(), &mut shown);
    let shown = String::from_utf8_lossy(&shown);
    shown.lines().all(|line| line.chars().count() <= columns)
}

/// A step as lines of at most so many characters, as far as words and paths go: what is done, to which file, what that gives up,
/// and why.
fn block(row: &StepRow, columns: usize) -> String {
    let StepRow {
        id, action, safety, ..
    } = row;
    let codes = row.codes.join(", ");
    let mut block = format!("{id:>INDENT$}  {action} ({safety}, {codes})");
    let gives_up = row.loss.as_ref();
    let gives_up = gives_up.map_or(String::new(), |loss| format!("gives up {loss}"));
    let proof = row.proof.as_ref();
    let proof = proof.map_or(String::new(), |proof| format!("{safety}: {proof}"));
    for text in [&row.path, &gives_up, &row.why, &proof] {
        let mut left = 0;
        for word in text.split_whitespace() {
            let width = word.chars().count();
            if left <= width {
                block.push('\n');
                block.push_str(&" ".repeat(INDENT + 2));
                left = columns.saturating_sub(INDENT + 2);
            } else {
                block.push(' ');
                left -= 1;
            }
            block.push_str(word);
            left = left.saturating_sub(width);
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

/// What a step does, without the ranges where they are many.
fn brief(action: &Action) -> String {
    match action {
        Action::Excise { ranges, .. } if ranges.len() > RANGES => {
            let bytes = ranges.iter().map(|range| range.end - range.start);
            let (number, bytes) = (ranges.len(), bytes.sum::<u64>());
            format!("excise {bytes} bytes in {number} ranges")
        }
        Action::Arrange { pieces, .. } if pieces.len() > RANGES => {
            format!("arrange {} pieces", pieces.len())
        }
        other => other.to_string(),
    }
}

fn loss(loss: &Loss) -> Option<String> {
    let mut parts = Vec::new();
    if loss.records > 0 {
        let word = if loss.records == 1 {
            "record"
        } else {
            "records"
        };
        parts.push(format!("{} {word}", loss.records));
    }
    if let Some((first, last)) = loss.offsets {
        parts.push(format!("offsets {first}..={last}"));
    }
    if let Some(range) = &loss.bytes {
        parts.push(format!("bytes {}..{}", range.start, range.end));
    }
    parts.extend(loss.knowledge.iter().map(|known| known.name().to_owned()));
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// What the plan amounts to, in a line: how many steps there are of each grade.
fn summary(plan: &Plan) -> String {
    if plan.steps().is_empty() {
        return "nothing to do".to_owned();
    }
    let of = |grade: Grade| {
        let is_it = move |step: &&Step| step.safety.grade() == grade;
        plan.steps().iter().filter(is_it).count()
    };
    let grades = Grade::ALL.iter().map(|grade| (of(*grade), grade.name()));
    let grades: Vec<String> = grades
        .filter(|(steps, _)| *steps > 0)
        .map(|(steps, name)| format!("{steps} {name}"))
        .collect();
    let manual = match of(Grade::Manual) {
        0 => "",
        1 => "; one step is for you to do",
        _ => "; the manual steps are for you to do",
    };
    format!("steps: {}{manual}", grades.join(", "))
}
