//! The files beside a `.log`, by the log as the plan leaves it.

mod aborted;
pub(super) mod derived;
pub(super) mod epochs;
pub(super) mod leftovers;
pub(super) mod pieces;
pub(super) mod rescue;
