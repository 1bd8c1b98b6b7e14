//! Items of a directory that no check reads: they are reported by their names, and accounted for.

use std::path::Path;
use std::sync::Arc;

use super::catalog::{CheckId, Severity};
use super::coverage::Coverage;
use super::evidence::{LeftoverFile, Unopened, Unrecognised};
use super::finding::Finding;
use super::outcome::Outcome;
use crate::format::name::FileState;
use crate::format::{FileKind, FileName};
use crate::scan::Merge;
use crate::store::{Item, ItemType};

/// Returns true if a broker would open it.
pub(super) fn is_known(item: &Item) -> bool {
    item.file_name()
        .is_some_and(|name| name.state == FileState::Current)
}

/// A pipe, a socket, a device, or a link to nothing.
pub(super) fn special(item: &Item, path: &Arc<Path>, outcome: &mut Outcome) {
    let what = match item.kind() {
        ItemType::BrokenLink => Unopened::BrokenLink,
        _ => Unopened::Special,
    };
    let id = if is_known(item) {
        CheckId::Unreadable
    } else {
        CheckId::SpecialFile
    };
    outcome.findings.add(Finding::new(id, path).saw(what));
}

pub(super) fn unrecognised(
    item: &Item,
    path: &Arc<Path>,
    severity: Severity,
    broker: Unrecognised,
    outcome: &mut Outcome,
) {
    let finding = Finding::new(CheckId::UnrecognisedFile, path);
    outcome.findings.add(finding.severity(severity).saw(broker));
    account(item, outcome);
}

pub(super) fn leftover(item: &Item, path: &Arc<Path>, name: FileName<'_>, outcome: &mut Outcome) {
    let id = match name.kind {
        FileKind::MetadataSnapshot => CheckId::MetadataLeftover,
        _ => CheckId::Leftover,
    };
    let seen = LeftoverFile {
        file: name.kind.description(),
        state: name.state.description(),
    };
    outcome.findings.add(Finding::new(id, path).saw(seen));
    account(item, outcome);
}

/// Accounts for a file that no check reads.
pub(super) fn account(item: &Item, outcome: &mut Outcome) {
    outcome.files.push(Arc::from(item.path()));
    outcome.coverage.merge(Coverage {
        unknown_bytes: item.len_bytes(),
        ..Coverage::of_file(item.len_bytes())
    });
}
