//! Plans as files: one, or several of log dirs that belong together.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use kseg::repair::{Action, Plan, Step};
use kseg::verify::CheckId;

use crate::cli::output::said;
use crate::cli::schema;

/// The maximum size of a plan.
const PLAN_BYTES: u64 = 256 << 20;

/// The schema of a file with several plans.
const SCHEMA: &str = schema::PLANS.id;

/// Plans with consecutive step numbers.
#[derive(Debug)]
pub(crate) struct Plans(Vec<Plan>);

/// The field of a plan that is read first.
#[derive(Default, serde::Deserialize)]
struct Head {
    schema: Option<String>,
}

/// Several plans in a file.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Several<P> {
    schema: String,
    plans: Vec<P>,
}

impl Plans {
    /// Plans of log dirs that belong together.
    pub(crate) fn new(plans: Vec<Plan>) -> Self {
        Self(plans)
    }

    /// Reads the plans in a file.
    ///
    /// # Errors
    /// It cannot be read, or is not a plan.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let name = || path.display().to_string();
        let failed = |error| said(path, &error);
        let file = File::open(path).map_err(failed)?;
        let mut bytes = Vec::new();
        let read = file.take(PLAN_BYTES + 1).read_to_end(&mut bytes);
        if read.map_err(failed)? as u64 > PLAN_BYTES {
            bail!(
                "{}: larger than a plan can be ({} MiB)",
                name(),
                PLAN_BYTES >> 20
            );
        }
        Self::parse(&bytes).with_context(name)
    }

    fn parse(bytes: &[u8]) -> Result<Self> {
        // The schema determines the form of the rest.
        let is_object = bytes.trim_ascii_start().starts_with(b"{");
        let head = is_object.then(|| serde_json::from_slice::<Head>(bytes));
        let schema = head.transpose()?.unwrap_or_default().schema;
        // Not through a JSON value, in which the last of two fields of one name wins.
        if schema.as_deref() == Some(SCHEMA) {
            let several: Several<Plan> = serde_json::from_slice(bytes)?;
            return Ok(Self(several.plans));
        }
        Plan::check_schema(schema.as_deref().unwrap_or_default())?;
        Ok(Self(vec![serde_json::from_slice(bytes)?]))
    }

    /// The document: a plan alone, or a list of them.
    ///
    /// # Errors
    /// None; plans can be written.
    pub(crate) fn document(&self) -> Result<Vec<u8>> {
        let mut document = match self.0.as_slice() {
            [plan] => serde_json::to_vec_pretty(plan)?,
            plans => serde_json::to_vec_pretty(&Several {
                schema: SCHEMA.to_owned(),
                plans: plans.iter().collect(),
            })?,
        };
        document.push(b'\n');
        Ok(document)
    }

    /// The plans, each with the number of steps before it.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (u32, &Plan)> {
        let mut before = 0_u32;
        self.0.iter().map(move |plan| {
            let first = before;
            let steps = u32::try_from(plan.steps().len()).unwrap_or(u32::MAX);
            before = before.saturating_add(steps);
            (first, plan)
        })
    }

    /// Returns the number of plans.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The steps, by their numbers.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (u32, &Step)> {
        let plans = self.numbered();
        plans.flat_map(|(before, plan)| {
            let steps = plan.steps().iter();
            steps.map(move |step| (before.saturating_add(step.id), step))
        })
    }

    /// Returns the number of manual steps.
    pub(crate) fn manual(&self) -> usize {
        let describes = |step: &Step| matches!(step.action, Action::Describe { .. });
        self.steps().filter(|(_, step)| describes(step)).count()
    }

    /// The command that applies the plans in `path`; `None` if there is nothing to do.
    pub(crate) fn next(&self, path: &Path) -> Option<String> {
        let is_any = self
            .steps()
            .any(|(_, step)| !matches!(step.action, Action::Describe { .. }));
        if !is_any {
            return None;
        }
        // Nothing is written to a failing disk.
        let is_failing = self.steps().any(|(_, step)| {
            let mut codes = step.codes.iter();
            codes.any(|code| CheckId::find(code) == Some(CheckId::UnreadableBytes))
        });
        let new = if is_failing { "OTHER-DISK/NEW" } else { "NEW" };
        let targets: Vec<String> = match self.len() {
            1 => vec![format!("--into {new}")],
            several => (1..=several)
                .map(|nth| format!("--into {new}{nth}"))
                .collect(),
        };
        let agreed = self
            .steps()
            .filter(|(_, step)| step.safety.grade().needs_consent());
        let agreed: Vec<u32> = agreed.map(|(number, _)| number).collect();
        let accept = match numbers(&agreed) {
            none if none.is_empty() => none,
            numbers => format!(" --accept {numbers}"),
        };
        let path = path.display();
        let targets = targets.join(" ");
        Some(format!("Next: kseg repair apply {path} {targets}{accept}"))
    }
}

/// Rising numbers in short form: 1,4..=6.
pub(crate) fn numbers(all: &[u32]) -> String {
    let follows = |a: &u32, b: &u32| a.checked_add(1) == Some(*b);
    let ranges = all.chunk_by(follows).map(|range| match range {
        [first, _, .., last] => format!("{first}..={last}"),
        few => {
            let few: Vec<String> = few.iter().map(u32::to_string).collect();
            few.join(",")
        }
    });
    ranges.collect::<Vec<String>>().join(",")
}

/// Numbers of steps from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StepNumbers {
    first: u32,
    last: u32,
}

impl StepNumbers {
    /// Returns true if a step is included.
    pub(crate) fn has(self, step: u32) -> bool {
        (self.first..=self.last).contains(&step)
    }
}

impl std::fmt::Display for StepNumbers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.first == self.last {
            return write!(f, "{}", self.first);
        }
        write!(f, "{}..={}", self.first, self.last)
    }
}

impl std::str::FromStr for StepNumbers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| match text.parse::<u32>() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(format!("invalid step {text:?}: expected N, A..B or A..=B")),
        };
        let Some((first, last)) = text.split_once("..") else {
            let first = number(text)?;
            return Ok(Self { first, last: first });
        };
        let first = number(first)?;
        let last = match last.strip_prefix('=') {
            Some(last) => number(last)?,
            None => number(last)? - 1,
        };
        if first > last {
            return Err(format!("invalid steps {text:?}: the range is empty"));
        }
        Ok(Self { first, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_named_as_partitions_are() {
        let parse = |text: &str| text.parse::<StepNumbers>().ok();
        let range = |first, last| Some(StepNumbers { first, last });
        assert_eq!(parse("3"), range(3, 3));
        assert_eq!(parse("4..6"), range(4, 5));
        assert_eq!(parse("4..=6"), range(4, 6));
        for bad in ["", "0", "x", "4..4", "6..=4", "1..", "-1"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(numbers(&[1, 4, 5, 6, 8, 9]), "1,4..=6,8,9");
    }
}
