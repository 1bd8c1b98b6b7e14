//! Control records.

use kseg::decode::control::control_json;
use kseg::format::control::{ControlType, coordinator_epoch};
use kseg::format::{Fault, Record};
use kseg::wire::Release;

use crate::cli::render::Push;

/// Appends the text of a control record, as `release` prints it.
///
/// # Errors
/// The fault at which the original stops; the line is finished anyway.
pub(crate) fn push(
    line: &mut Vec<u8>,
    release: Release,
    record: &Record<'_>,
) -> Result<(), String> {
    push_checked(line, release, record).map_err(|fault| {
        line.text(" controlType: INVALID");
        fault.to_string()
    })
}

fn push_checked(line: &mut Vec<u8>, release: Release, record: &Record<'_>) -> Result<(), Fault> {
    let kind = ControlType::parse(record.key())?;
    match (kind, json_label(release, kind)) {
        (ControlType::Abort | ControlType::Commit, _) => {
            let epoch = coordinator_epoch(record.value())?;
            let name = if kind == ControlType::Abort {
                "ABORT"
            } else {
                "COMMIT"
            };
            line.text(" endTxnMarker: ")
                .text(name)
                .text(" coordinatorEpoch: ")
                .int(epoch);
        }
        (_, Some(label)) => {
            line.text(label);
            control_json(kind.id(), record.value().unwrap_or_default(), line)?;
        }
        (_, None) => {
            line.text(" controlType: ")
                .text(name(release, kind.id()))
                .text("(")
                .int(kind.id())
                .text(")");
        }
    }
    Ok(())
}

/// Returns the label before the value of a type that is shown as JSON.
fn json_label(release: Release, kind: ControlType) -> Option<&'static str> {
    let (label, since) = match kind {
        ControlType::LeaderChange => (" LeaderChange: ", Release::new(4, 1, 0)),
        ControlType::SnapshotHeader => (" SnapshotHeader ", Release::new(3, 3, 0)),
        ControlType::SnapshotFooter => (" SnapshotFooter ", Release::new(3, 3, 0)),
        ControlType::KraftVersion => (" KRaftVersion ", Release::new(3, 8, 0)),
        ControlType::KraftVoters => (" KRaftVoters ", Release::new(3, 8, 0)),
        _ => return None,
    };
    release.since(since).then_some(label)
}

/// The name of a type that is shown by name.
fn name(release: Release, id: i16) -> &'static str {
    let since = |major, minor| release.since(Release::new(major, minor, 0));
    match id {
        2 if since(3, 0) => "LEADER_CHANGE",
        3 if since(3, 0) => "SNAPSHOT_HEADER",
        4 if since(3, 0) => "SNAPSHOT_FOOTER",
        2 if since(2, 7) => "QUORUM_REASSIGNMENT",
        3 if since(2, 7) => "LEADER_CHANGE",
        _ => "UNKNOWN",
    }
}
