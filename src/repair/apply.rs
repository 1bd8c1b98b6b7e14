//! Application of an approved plan.

use super::applied::{Applied, Derive};
use super::approve::{Approved, Site};
use super::disk::Disk;
use super::error::Error;
use super::{in_place, into};

/// Carries a plan out, or what an earlier run left of it.
///
/// # Errors
/// Something could not be done. Either nothing was changed then, or the same plan applied again finishes it.
pub fn apply(approved: Approved, disk: &dyn Disk, derive: &dyn Derive) -> Result<Applied, Error> {
    if approved.is_empty() {
        return Ok(Applied::Nothing);
    }
    match approved.site.clone() {
        Site::InPlace { quarantine } => in_place::run(approved, &quarantine, disk, derive),
        Site::Into {
            dir,
            partial,
            sharing,
        } => into::run(approved, (&dir, &partial, sharing), disk, derive),
    }
}
