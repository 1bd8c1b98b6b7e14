//! `quorum-state`: the leader and the vote of a `KRaft` node. One line of JSON.
//!
//! | field | version 0 | version 1 |
//! |---|---|---|
//! | `leaderId`, `leaderEpoch` | the leader, or −1, and its term | the same |
//! | `votedId` | the candidate voted for, or −1 | the same |
//! | `votedDirectoryId` | – | the candidate's directory |
//! | `clusterId`, `appliedOffset` | written, never used | – |
//! | `currentVoters` | the voters, when they are configured | – (they are in the log) |
//! | `data_version` | 0 | 1 |
//!
//! Source: `FileQuorumStateStore`, `QuorumStateData.json`; KIP-595, KIP-853.

use super::checkpoint::split_lines;
use super::fault::{Fault, JsonFault};
use super::json::Json;
use crate::wire::{LeaderEpoch, Offset};

/// The newest version there is.
const NEWEST: i64 = 1;

/// The content of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QuorumState {
    /// The version of the file.
    pub version: Option<i64>,
    /// The leader; −1 means none.
    pub leader_id: Option<i32>,
    /// Its term.
    pub leader_epoch: Option<LeaderEpoch>,
    /// The candidate voted for; −1 means none.
    pub voted_id: Option<i32>,
    /// The candidate's directory (version 1).
    pub voted_directory_id: Option<String>,
    /// The cluster (version 0; never filled).
    pub cluster_id: Option<String>,
    /// Always 0 (version 0).
    pub applied_offset: Option<Offset>,
    /// The voters (version 0).
    pub voters: Vec<i32>,
    /// The faults.
    pub faults: Vec<Fault>,
}

impl QuorumState {
    /// Reads the file; only its first line counts.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let (at, line) = split_lines(bytes).next().unwrap_or((0, &[]));
        let json = match Json::parse(line) {
            Ok(json @ Json::Object(_)) => json,
            Ok(_) => return Self::broken(Fault::new(JsonFault::Syntax, at)),
            Err(fault) => return Self::broken(fault.shifted(at)),
        };
        let int = |name: &str| json.get(name).and_then(Json::int);
        let small = |name: &str| int(name).and_then(|n| i32::try_from(n).ok());
        let string = |name: &str| json.get(name).and_then(Json::string).map(str::to_owned);
        let voters = json.get("currentVoters").map(Json::elements);
        let mut state = Self {
            version: int("data_version"),
            leader_id: small("leaderId"),
            leader_epoch: small("leaderEpoch").map(LeaderEpoch),
            voted_id: small("votedId"),
            voted_directory_id: string("votedDirectoryId"),
            cluster_id: string("clusterId"),
            applied_offset: int("appliedOffset").map(Offset),
            voters: voters
                .unwrap_or_default()
                .iter()
                .filter_map(|voter| voter.get("voterId")?.int())
                .filter_map(|id| i32::try_from(id).ok())
                .collect(),
            faults: Vec::new(),
        };
        match state.version {
            None => state
                .faults
                .push(Fault::new(JsonFault::Missing("data_version"), at)),
            Some(0..=NEWEST) => {}
            Some(other) => state.faults.push(Fault::new(JsonFault::Version(other), at)),
        }
        for (name, is_there) in [
            ("leaderId", state.leader_id.is_some()),
            ("leaderEpoch", state.leader_epoch.is_some()),
        ] {
            if !is_there {
                state.faults.push(Fault::new(JsonFault::Missing(name), at));
            }
        }
        state
    }

    fn broken(fault: Fault) -> Self {
        Self {
            faults: vec![fault],
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_read() {
        let old = QuorumState::parse(
            br#"{"clusterId":"","leaderId":1,"leaderEpoch":2,"votedId":-1,"appliedOffset":0,"currentVoters":[{"voterId":1},{"voterId":2}],"data_version":0}"#,
        );
        assert_eq!(old.faults, []);
        assert_eq!((old.leader_id, old.voters), (Some(1), vec![1, 2]));
        let new = QuorumState::parse(
            br#"{"leaderId":-1,"leaderEpoch":2,"votedId":1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}"#,
        );
        assert_eq!(new.faults, []);
        assert_eq!(new.leader_epoch, Some(LeaderEpoch(2)));
        assert_eq!(
            new.voted_directory_id.as_deref(),
            Some("AAAAAAAAAAAAAAAAAAAAAA")
        );
    }

    #[test]
    fn what_the_broker_refuses_is_a_fault() {
        let kinds = |bytes: &[u8]| QuorumState::parse(bytes).faults;
        assert_eq!(kinds(b""), [Fault::new(JsonFault::Syntax, 0)]);
        assert_eq!(kinds(b"[]"), [Fault::new(JsonFault::Syntax, 0)]);
        let fields = br#"{"leaderId":1,"leaderEpoch":2}"#;
        assert_eq!(
            kinds(fields),
            [Fault::new(JsonFault::Missing("data_version"), 0)]
        );
        let version = br#"{"leaderId":1,"leaderEpoch":2,"data_version":7}"#;
        assert_eq!(kinds(version), [Fault::new(JsonFault::Version(7), 0)]);
    }
}
