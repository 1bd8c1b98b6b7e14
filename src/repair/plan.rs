//! Plans: what is to be changed, in a form that a person can read before it is done.
//!
//! A plan is a document (`kseg.plan/2`). Equal inputs make an equal plan, byte for byte: it holds
//! no times and no numbers of this run. Every position in it is one in the file as it was found;
//! steps on the same file are done together, so their order never matters.

use super::dependents;
use super::invalid_plan::InvalidPlan;
use super::parts::{Crc, new_bytes, shown};
pub use super::parts::{FilePart, Recipe, State};
pub use super::step::{Action, Draft, Fingerprint, Scope, Step};
use super::work::Work;

/// The schema of a plan.
pub const SCHEMA: &str = "kseg.plan/2";

/// The part of the schema before its version.
const SCHEMA_NAME: &str = "kseg.plan/";

/// An ordered list of steps that fit each other: nothing is written twice, no range is taken twice,
/// and of everything touched it is known what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "Draft", into = "Draft")
)]
#[must_use]
pub struct Plan(Draft);

impl Plan {
    /// A plan for `root`, if the steps fit each other.
    ///
    /// # Errors
    /// They do not.
    pub fn new(root: &str, scope: Scope, mut steps: Vec<Step>) -> Result<Self, InvalidPlan> {
        // Names of files may have any characters; what is written of them shows as what it is.
        for step in &mut steps {
            step.why = shown(&step.why);
        }
        Self::try_from(Draft {
            schema: SCHEMA.into(),
            tool: concat!("kseg ", env!("CARGO_PKG_VERSION")).into(),
            root: root.into(),
            scope,
            steps,
        })
    }

    /// Returns true if a document of `schema` is one that can be read here: what a newer version
    /// added must not be left undone.
    ///
    /// # Errors
    /// It is not.
    pub fn check_schema(schema: &str) -> Result<(), InvalidPlan> {
        match schema.strip_prefix(SCHEMA_NAME) {
            _ if schema == SCHEMA => Ok(()),
            Some(version) if version.parse::<u32>().is_ok_and(|version| version > 2) => {
                Err(InvalidPlan::Newer(schema.into()))
            }
            _ => Err(InvalidPlan::Schema(schema.into())),
        }
    }

    /// Returns the steps, besides the `skipped` ones, that must not be done without them: in a
    /// partition whose log is repaired all of them, and the checkpoints.
    #[must_use]
    pub fn dependents(&self, skipped: &[u32]) -> Vec<u32> {
        let skipped = skipped.iter().copied().collect();
        dependents::of(self.steps(), self.scope(), &skipped)
    }

    /// The plan without these steps; the others are numbered again.
    ///
    /// # Errors
    /// The others do not fit each other any more.
    pub fn without(&self, skipped: &[u32]) -> Result<Self, InvalidPlan> {
        let mut draft = self.0.clone();
        draft.steps.retain(|step| !skipped.contains(&step.id));
        for (step, id) in draft.steps.iter_mut().zip(1..) {
            step.id = id;
        }
        Self::try_from(draft)
    }

    /// The program that made it.
    #[must_use]
    pub fn tool(&self) -> &str {
        &self.0.tool
    }

    /// The directory that it repairs.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.0.root
    }

    /// The scope of the plan.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.0.scope
    }

    /// The steps.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0.steps
    }

    /// Every fingerprint of the plan, in the order of the steps; some may be there more than once.
    pub fn fingerprints(&self) -> impl Iterator<Item = &Fingerprint> {
        self.steps().iter().flat_map(|step| &step.fingerprints)
    }

    /// A number that tells this plan from others.
    #[must_use]
    pub fn digest(&self) -> Crc {
        // What the plan does and to what; how it is worded does not matter.
        let mut lines = vec![format!("{SCHEMA} {} {}", self.scope().name(), self.root())];
        for step in self.steps() {
            let becomes = match &step.action {
                Action::Patch { content, .. }
                | Action::Replace { content, .. }
                | Action::Create { content, .. } => Crc::of(content.bytes()),
                Action::Placeholder { batch, .. } => Crc::of(&batch.encode()),
                Action::Rebuild { crc, .. } => *crc,
                Action::Arrange { pieces, .. } => Crc::of(new_bytes(pieces).as_slice()),
                _ => Crc(0),
            };
            let (file, action) = (step.action.file(), &step.action);
            let grade = step.safety.grade().name();
            lines.push(format!("{file} {action} {becomes} {grade}"));
            if let Action::Arrange { pieces, .. } = &step.action {
                lines.extend(pieces.iter().filter_map(|piece| match piece {
                    FilePart::Replica { path, was, .. } => Some(format!("{path} {was}")),
                    FilePart::Range { .. } | FilePart::Bytes(_) => None,
                }));
            }
            let own = step.fingerprints.iter();
            lines.extend(own.map(|own| format!("{} {}", own.file, own.is)));
        }
        Crc::of(lines.join("\n").as_bytes())
    }
}

impl TryFrom<Draft> for Plan {
    type Error = InvalidPlan;

    fn try_from(draft: Draft) -> Result<Self, InvalidPlan> {
        Self::check_schema(&draft.schema)?;
        Work::of(&draft)?;
        Ok(Self(draft))
    }
}

impl From<Plan> for Draft {
    fn from(plan: Plan) -> Self {
        plan.0
    }
}
