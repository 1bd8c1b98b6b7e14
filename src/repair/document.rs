//! Steps as a document has them: a grade by its name, and the evidence for it.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::invalid_plan::InvalidPlan;
use super::proof::Proof;
use super::safety::{Grade, Loss, Odds, Safety};
use super::step::{Action, Fingerprint, Step};

/// A step in a document.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepDocument {
    id: u32,
    codes: Vec<String>,
    action: Action,
    safety: Grade,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proof: Option<Proof>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    odds: Option<Odds>,
    loss: Loss,
    why: String,
    fingerprints: Vec<Fingerprint>,
}

impl From<Step> for StepDocument {
    fn from(step: Step) -> Self {
        let grade = step.safety.grade();
        let (proof, odds) = match step.safety {
            Safety::Proven(proof) => (Some(proof), None),
            Safety::Likely(odds) => (None, Some(odds)),
            Safety::Suspect | Safety::Lossy | Safety::Manual => (None, None),
        };
        Self {
            id: step.id,
            codes: step.codes,
            action: step.action,
            safety: grade,
            proof,
            odds,
            loss: step.loss,
            why: step.why,
            fingerprints: step.fingerprints,
        }
    }
}

impl TryFrom<StepDocument> for Step {
    type Error = InvalidPlan;

    fn try_from(step: StepDocument) -> Result<Self, InvalidPlan> {
        let safety = match (step.safety, step.proof, step.odds) {
            (Grade::Proven, Some(proof), None) => Safety::Proven(proof),
            (Grade::Likely, None, Some(odds)) => Safety::Likely(odds),
            (Grade::Suspect, None, None) => Safety::Suspect,
            (Grade::Lossy, None, None) => Safety::Lossy,
            (Grade::Manual, None, None) => Safety::Manual,
            (grade, ..) => return Err(InvalidPlan::Grade(step.id, grade.name())),
        };
        Ok(Self {
            id: step.id,
            codes: step.codes,
            action: step.action,
            safety,
            loss: step.loss,
            why: step.why,
            fingerprints: step.fingerprints,
        })
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        StepDocument::from(self.clone()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let step = StepDocument::deserialize(deserializer)?;
        Self::try_from(step).map_err(de::Error::custom)
    }
}
