//! Any bytes, through every parser of small files.

use super::checkpoint::OffsetCheckpoint;
use super::clean_shutdown::CleanShutdown;
use super::fault::Fault;
use super::json::Json;
use super::leader_epochs::LeaderEpochs;
use super::name::{DirName, FileName};
use super::properties::{MetaProperties, PartitionMetadata, Properties};
use super::quorum_state::QuorumState;
use super::remote_snapshot::RemoteSnapshot;

/// Files as Kafka writes them, to be mutated.
const SEEDS: [&[u8]; 8] = [
    b"0\n2\norders 3 42\nclicks 10 184467\n",
    b"0\n2\n0 0\n3 184467\n",
    b"#\n#Sat Nov 21 08:23:41 UTC 2026\nnode.id=1\nversion=1\ncluster.id=\\u0041\\:b\ndirectory.id=uJS30CkrRYa7XzuNkO_3qA\n",
    b"version: 0\ntopic_id: uJS30CkrRYa7XzuNkO_3qA",
    br#"{"clusterId":"","leaderId":1,"leaderEpoch":2,"votedId":-1,"currentVoters":[{"voterId":1}],"data_version":0}"#,
    br#"{"version":0,"brokerEpoch":157,"x":["\u00e9\ud83d\ude00",1e9,null]}"#,
    b"\x00\x00\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x2a\x00\x00\x00\x01\x00\x00\x00\x02ab",
    b"00000000000000000127-LBCn8p-ZSQGEFqsW68NyBg.leader_epoch_checkpoint.deleted",
];

/// Bytes used by the mutations.
const ALPHABET: &[u8] = b"0129-+ \t\n\r:=#!\\u{}[]\",.eE_\x00\x7f\xc3\xa9\xff";

fn all(bytes: &[u8]) {
    let within = |faults: &[Fault]| {
        assert!(
            faults.iter().all(|fault| fault.at() <= bytes.len()),
            "{faults:?} of {bytes:?}"
        );
    };
    let checkpoint = OffsetCheckpoint::parse(bytes);
    within(&checkpoint.faults);
    assert!(checkpoint.entries.len() + checkpoint.faults.len() <= bytes.len() + 2);
    within(&OffsetCheckpoint::parse_without_topic(bytes).faults);
    within(&LeaderEpochs::parse(bytes).faults);
    let properties = Properties::parse(bytes);
    within(&MetaProperties::of(&properties).faults);
    within(&PartitionMetadata::parse(bytes).faults);
    within(&QuorumState::parse(bytes).faults);
    within(&CleanShutdown::parse(bytes).faults);
    within(&Json::parse(bytes).err().into_iter().collect::<Vec<_>>());
    if let Ok(snapshot) = RemoteSnapshot::parse(bytes) {
        let mut end = 0;
        for (position, entry) in snapshot.entries().flatten() {
            assert!(position.0 >= end);
            end = position.0 + entry.len() as u64;
        }
        assert!(end <= bytes.len() as u64);
    }
    let name = String::from_utf8_lossy(bytes);
    let _ = (FileName::parse(&name), DirName::parse(&name));
}

#[test]
fn any_bytes_are_read_without_a_panic_and_faults_lie_within_them() {
    let mut seed = 11_u64;
    let mut random = move |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    for round in 0..20_000 {
        let mut bytes = SEEDS[round % SEEDS.len()].to_vec();
        if round % 5 == 0 {
            bytes = (0..random(64))
                .map(|_| ALPHABET[random(ALPHABET.len())])
                .collect();
        }
        for _ in 0..random(4) {
            let at = random(bytes.len() + 1);
            let byte = ALPHABET[random(ALPHABET.len())];
            match random(3) {
                0 => bytes.insert(at, byte),
                1 => bytes.truncate(at),
                _ => bytes
                    .iter_mut()
                    .skip(at)
                    .take(1)
                    .for_each(|old| *old = byte),
            }
        }
        all(&bytes);
    }
}

#[test]
fn every_cut_of_a_file_is_read() {
    for seed in SEEDS {
        for cut in 0..=seed.len() {
            all(&seed[..cut]);
        }
    }
}
