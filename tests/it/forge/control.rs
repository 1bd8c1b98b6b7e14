//! Control records: transaction markers, and what KRaft writes into its own log.

use super::Rec;
use super::batch::{BatchSpec, CONTROL, TRANSACTIONAL};
use super::bytes::put_uvarint;

/// The end of a struct of the flexible encoding: no tagged fields.
const NO_TAGS: u8 = 0;

/// A voter of a KRaft quorum, with one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Voter {
    pub(crate) id: i32,
    pub(crate) directory: [u8; 16],
    pub(crate) listener: String,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The lowest and highest KRaft version it supports.
    pub(crate) versions: (i16, i16),
}

/// A control batch as a transaction coordinator has it written: one marker, which ends a transaction of `producer`.
pub(crate) fn marker(base_offset: i64, producer: (i64, i16), marker: Rec) -> BatchSpec {
    BatchSpec::at(base_offset)
        .attributes(TRANSACTIONAL | CONTROL)
        .producer(producer.0, producer.1, -1)
        .record(marker)
}

pub(crate) fn abort(coordinator_epoch: i32) -> Rec {
    record(0, &[&version(0)[..], &coordinator_epoch.to_be_bytes()])
}

pub(crate) fn commit(coordinator_epoch: i32) -> Rec {
    record(1, &[&version(0)[..], &coordinator_epoch.to_be_bytes()])
}

pub(crate) fn leader_change(leader: i32, voters: &[i32], granting: &[i32]) -> Rec {
    let ids = |ids: &[i32]| {
        array(ids, |out, id| {
            out.extend(id.to_be_bytes());
            out.push(NO_TAGS);
        })
    };
    let parts: [&[u8]; 5] = [
        &version(0),
        &leader.to_be_bytes(),
        &ids(voters),
        &ids(granting),
        &[NO_TAGS],
    ];
    record(2, &parts)
}

pub(crate) fn snapshot_header(last_timestamp: i64) -> Rec {
    record(
        3,
        &[&version(0)[..], &last_timestamp.to_be_bytes(), &[NO_TAGS]],
    )
}

pub(crate) fn snapshot_footer() -> Rec {
    record(4, &[&version(0)[..], &[NO_TAGS]])
}

pub(crate) fn kraft_version(kraft: i16) -> Rec {
    record(5, &[&version(0)[..], &kraft.to_be_bytes(), &[NO_TAGS]])
}

pub(crate) fn voters(voters: &[Voter]) -> Rec {
    let voters = array(voters, |out, voter| {
        out.extend(voter.id.to_be_bytes());
        out.extend(voter.directory);
        out.extend(array(&[voter], |out, endpoint| {
            put_string(out, &endpoint.listener);
            put_string(out, &endpoint.host);
            out.extend(endpoint.port.to_be_bytes());
            out.push(NO_TAGS);
        }));
        out.extend(voter.versions.0.to_be_bytes());
        out.extend(voter.versions.1.to_be_bytes());
        out.extend([NO_TAGS, NO_TAGS]);
    });
    record(6, &[&version(0)[..], &voters, &[NO_TAGS]])
}

/// A control record of any type: the key is a version and the type.
pub(crate) fn record(kind: i16, value: &[&[u8]]) -> Rec {
    let key = [version(0), kind.to_be_bytes()].concat();
    Rec::new(Some(&key), Some(&value.concat()))
}

fn version(version: i16) -> [u8; 2] {
    version.to_be_bytes()
}

fn array<T>(items: &[T], put: impl Fn(&mut Vec<u8>, &T)) -> Vec<u8> {
    let mut out = Vec::new();
    put_length(&mut out, items.len());
    for item in items {
        put(&mut out, item);
    }
    out
}

fn put_string(out: &mut Vec<u8>, text: &str) {
    put_length(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// A length of the flexible encoding, where 0 stands for null.
fn put_length(out: &mut Vec<u8>, length: usize) {
    put_uvarint(out, u32::try_from(length).expect("a short one") + 1);
}
