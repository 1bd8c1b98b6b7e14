//! Plans, and carrying them out: the only part of the library that changes anything.
//!
//! ```text
//! Plan ──▶ approve ──▶ Approved ──▶ apply ──▶ Applied
//!            │                        │
//!   fingerprints, consent,      journal, write beside,
//!   broker, target              sync, rename, sync ──▶ undo
//! ```
//!
//! A [`Plan`] is a document that a person reads. [`approve`] is the only way from it to an [`Approved`], which [`apply`] takes by value.
//! What changes a disk goes through [`Disk`], so that a test can lose the power after every single operation.
//!
//! **Invariant:** at any moment each file below the root is the old one or the new one, whole; and what a repair replaces can be
//! had back until its quarantine folder is removed. Absent on purpose: what is wrong with a log, and how that is shown.

mod applied;
mod apply;
mod approve;
mod dependents;
pub mod disk;
#[cfg(feature = "serde")]
mod document;
mod error;
mod folder;
mod in_place;
mod into;
mod invalid_plan;
mod journal;
mod output;
mod parts;
pub mod plan;
pub mod planner;
pub mod proof;
mod recheck;
mod safety;
pub mod splice;
mod step;
mod undo;
mod work;
mod write;

pub use applied::{Applied, Counts, Derive};
pub use apply::apply;
pub use approve::{Approved, Consent, Target, approve};
pub use disk::{Disk, RealDisk, Sharing, Stoppable};
pub use error::{Error, Refusal};
pub use invalid_plan::InvalidPlan;
pub use output::state_of;
pub use parts::{Content, Crc, PlanPath, Recipe, State};
pub use plan::Plan;
pub use proof::Proof;
pub use safety::{Grade, Knowledge, Loss, Odds, Safety};
pub use step::{Action, Fingerprint, Scope, Step};
pub use undo::{Undone, undo};
