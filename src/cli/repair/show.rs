//! `kseg repair show`: a plan as a table.

use std::path::PathBuf;

use anyhow::Result;
use kseg::repair::{Action, Grade, Loss, Plan, Safety, Step};

use super::{manual, read};
use crate::cli::Context;
use crate::cli::exit::Outcome;
use crate::cli::render::rows::{Cell, Column, Format, Table};
use crate::cli::render::table;
use crate::cli::show::printer::Printer;

/// Ranges of a step that are shown one by one.
const RANGES: usize = 6;

/// Steps that are measured before a table is chosen.
const MEASURED: usize = 500;

/// Characters of the number of a step where there is no room for a table.
const INDENT: usize = 4;

/// Shows the steps of a plan: what each does, what is known of it, what it gives up, and why
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg repair show plan.json
  kseg repair show --format ndjson plan.json

Exit status:
  0  the plan was shown
  2  it could not be read, or makes no sense")]
pub(super) struct Show {
    /// The plan
    #[arg(value_name = "PLAN")]
    plan: PathBuf,

    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

static STEPS: Table = Table {
    schema: "kseg.step/1",
    title: "",
    columns: &[
        Column::new("id", "Step", 4),
        Column::new("file", "File", 40),
        Column::new("action", "Action", 30),
        Column::new("safety", "Safety", 7),
        Column::new("loss", "Loss", 30),
        Column::new("codes", "Codes", 9),
        Column::new("why", "Why", 40),
        Column::new("proof", "Proof or odds", 20),
    ],
};

impl Show {
    pub(super) fn run(self, context: &mut Context) -> Result<Outcome> {
        let plan = read(&self.plan)?;
        let mut printer = Printer::new(context, self.format, None);
        printer.begin();
        let facts = [
            ("root", "for", Cell::text(plan.root())),
            ("tool", "made by", Cell::text(plan.tool())),
            ("steps", "steps", Cell::int(plan.steps().len())),
        ];
        printer.file(&self.plan.display().to_string(), "plan", None, &facts);
        steps(&plan, &mut printer);
        printer.end_file();
        printer.end();
        printer.result().map(|_| Outcome::Clean)
    }
}

/// The steps as a table, and what they amount to.
pub(super) fn steps(plan: &Plan, printer: &mut Printer<'_>) {
    let rows: Vec<Vec<Cell>> = plan.steps().iter().map(row).collect();
    match printer.columns().filter(|columns| !fits(&rows, *columns)) {
        Some(columns) => {
            for row in &rows {
                printer.remark(&block(row, columns));
            }
        }
        None if rows.is_empty() => {}
        None => printer.table(&STEPS, &rows),
    }
    printer.remark(&summary(plan));
}

/// Whether a table of the rows fits into lines of so many characters.
fn fits(rows: &[Vec<Cell>], columns: usize) -> bool {
    let mut shown = Vec::new();
    let first = rows.get(..MEASURED).unwrap_or(rows);
    table::short(&STEPS, first, &mut shown);
    let shown = String::from_utf8_lossy(&shown);
    shown.lines().all(|line| line.chars().count() <= columns)
}

/// A step as lines of at most so many characters, as far as words and paths go: what is done, to which file, what that gives up,
/// and why.
fn block(row: &[Cell], columns: usize) -> String {
    let cells: Vec<String> = row.iter().map(table::show).collect();
    let [id, file, action, safety, loss, codes, why, proof] = cells.as_slice() else {
        return String::new();
    };
    let mut block = format!("{id:>INDENT$}  {action} ({safety}, {codes})");
    let proof = match row.get(7) {
        None | Some(Cell::None) => String::new(),
        Some(_) => format!("{safety}: {proof}"),
    };
    let gives_up = match row.get(4) {
        None | Some(Cell::None) => String::new(),
        Some(_) => format!("gives up {loss}"),
    };
    for text in [file, &gives_up, why, &proof] {
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

fn row(step: &Step) -> Vec<Cell> {
    let codes = step.codes.iter().map(|code| Cell::text(code)).collect();
    vec![
        Cell::int(step.id),
        Cell::text(step.action.file().as_str()),
        Cell::Text(brief(&step.action)),
        Cell::text(step.safety.grade().name()),
        loss(&step.loss),
        Cell::List(codes),
        Cell::text(&step.why),
        match &step.safety {
            Safety::Proven(proof) => Cell::Text(proof.to_string()),
            Safety::Likely(odds) => Cell::Text(odds.to_string()),
            Safety::Suspect | Safety::Lossy | Safety::Manual => Cell::None,
        },
    ]
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

fn loss(loss: &Loss) -> Cell {
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
    Cell::maybe((!parts.is_empty()).then(|| parts.join(", ")))
}

/// What the plan amounts to, in a line: how many steps there are of each grade, and what has to be agreed to.
fn summary(plan: &Plan) -> String {
    if plan.steps().is_empty() {
        return "\nnothing to do".to_owned();
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
    let agreed = plan.steps().iter();
    let agreed = agreed.filter(|step| step.safety.grade().needs_consent());
    let agreed: Vec<String> = agreed.map(|step| step.id.to_string()).collect();
    let mut parts = vec![format!("steps: {}", grades.join(", "))];
    if !agreed.is_empty() {
        parts.push(format!("needs consent: --accept {}", agreed.join(" ")));
    }
    match manual(plan) {
        0 => {}
        1 => parts.push("one step is for you to do".into()),
        some => parts.push(format!("{some} steps are for you to do")),
    }
    format!("\n{}", parts.join("; "))
}
