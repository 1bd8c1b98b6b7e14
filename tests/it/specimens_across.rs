//! Specimens of what shows only in several files, or in files other than `.log`s; forged from the specification.

use crate::forge::batch::TRANSACTIONAL;
use crate::forge::partition::{
    Forge, Known, Specimen, aborted, offset_entry, snapshot, time_entry,
};
use crate::forge::{BatchSpec, Frame, Rec, control};
use crate::specimens::{THEN, orders};

/// What [`orders`] of producer 7 at `base` leave of it.
fn known(base: i64) -> Known {
    Known {
        id: 7,
        last_sequence: i32::try_from(base + 2).unwrap(),
        last_offset: base + 2,
        delta: 2,
        timestamp: THEN,
        coordinator: -1,
        txn: -1,
    }
}

/// Orders of producer 7, numbered as their offsets.
fn mine(base: i64) -> BatchSpec {
    orders(base).producer(7, 0, i32::try_from(base).unwrap())
}

/// The same in a transaction.
fn txn(base: i64) -> BatchSpec {
    mine(base).attributes(TRANSACTIONAL)
}

fn end_of(base: i64, marker: Rec) -> BatchSpec {
    control::marker(base, (7, 0), marker)
        .epoch(5)
        .timestamp(THEN)
}

const INDEX: &str = "00000000000000000000.index";
const TIMES: &str = "00000000000000000000.timeindex";
const TXNS: &str = "00000000000000000000.txnindex";

fn three() -> Forge {
    Forge::of(&[orders(0), orders(3), orders(6)])
}

/// Two segments.
fn two() -> Forge {
    three().segment(9, &[orders(9), orders(12)])
}

fn alone(code: &'static str, name: &str, bytes: &[u8]) -> Vec<Specimen> {
    vec![(code, name.to_owned(), bytes.to_vec())]
}

fn of_indexes() -> Vec<Vec<Specimen>> {
    let size = i32::try_from(orders(0).bytes().len()).unwrap();
    let far =
        |relative, position| [offset_entry(5, size), offset_entry(relative, position)].concat();
    vec![
        alone(
            "O101",
            INDEX,
            &[&offset_entry(5, 200)[..], &[0, 0, 1]].concat(),
        ),
        alone(
            "O102",
            INDEX,
            &[offset_entry(8, 400), offset_entry(5, 200)].concat(),
        ),
        three().with(INDEX, &far(8, size * 9)).done("O103"),
        three().with(INDEX, &far(8, size * 2 + 5)).done("O104"),
        two().without(INDEX).done("O105"),
        two()
            .with(INDEX, &[far(8, size * 2), vec![0; 16]].concat())
            .done("O106"),
        two()
            .segment(15, &(0..60).map(|n| orders(15 + 3 * n)).collect::<Vec<_>>())
            .with("00000000000000000015.index", &[])
            .done("O107"),
        alone(
            "T101",
            TIMES,
            &[&time_entry(THEN, 5)[..], &[0, 0, 1]].concat(),
        ),
        alone(
            "T102",
            TIMES,
            &[time_entry(THEN, 5), time_entry(THEN - 1, 8)].concat(),
        ),
        three().with(TIMES, &time_entry(THEN, 90)).done("T103"),
        three().with(TIMES, &time_entry(THEN - 1, 5)).done("T104"),
        two().without(TIMES).done("T105"),
        two()
            .with(TIMES, &[time_entry(THEN, 2), vec![0; 24]].concat())
            .done("T106"),
        two().with(TIMES, &[]).done("T107"),
    ]
}

fn of_transactions() -> Vec<Vec<Specimen>> {
    let ended = Forge::of(&[txn(0), txn(3), end_of(6, control::abort(0))]);
    let entry = |fields| aborted(0, fields);
    let right = [7, 0, 6, 7];
    let two = |end: Rec, coordinator: i32| {
        let again = control::marker(11, (7, 0), control::commit(coordinator));
        Forge::of(&[
            txn(0),
            end_of(3, end),
            txn(4).producer(7, 0, 3),
            end_of(7, control::commit(5)),
            txn(8).producer(7, 0, 6),
            again.epoch(5).timestamp(THEN).ending_at(0),
        ])
    };
    let late = |n: i64| {
        let minutes = i64::from(60_000) * 30 * n;
        control::marker(3 + n, (8, 0), control::commit(0))
            .epoch(5)
            .timestamp(THEN + minutes)
    };
    vec![
        alone("A101", TXNS, &[entry(right), vec![0; 5]].concat()),
        alone(
            "A102",
            TXNS,
            &[entry([7, 8, 9, 10]), entry([7, 0, 6, 7])].concat(),
        ),
        ended
            .clone()
            .with(TXNS, &[entry([8, 0, 5, 6]), entry(right)].concat())
            .done("A103"),
        ended.clone().done("A104"),
        ended.clone().with(TXNS, &entry([7, 3, 6, 7])).done("A105"),
        ended
            .with(TXNS, &[entry(right), entry([7, 20, 26, 27])].concat())
            .done("A106"),
        Forge::of(&[mine(0), mine(3).producer(7, 0, 9)]).done("B301"),
        Forge::of(&[mine(0).producer(7, 1, 0), mine(3).producer(7, 0, 0)]).done("B302"),
        Forge::of(&[mine(0), mine(3), mine(6).producer(7, 0, 3)]).done("B304"),
        Forge::of(&[txn(0), mine(3)]).done("B305"),
        Forge::of(&[txn(0).producer(7, 3, 0), end_of(3, control::commit(0))]).done("B306"),
        Forge::of(&[end_of(0, control::commit(0))]).done("B307"),
        Forge::of(&[txn(0)]).done("B308"),
        Forge::of(&[txn(0), late(0), late(1)])
            .with(
                TIMES,
                &[time_entry(THEN, 2), time_entry(THEN + 1_800_000, 4)].concat(),
            )
            .done("B309"),
        two(control::commit(9), 9).done("B311"),
    ]
}

fn of_producers() -> Vec<Vec<Specimen>> {
    const AT_9: &str = "00000000000000000009.snapshot";
    let log = Forge::of(&[mine(0), mine(3), mine(6)]);
    let mut flipped = snapshot(1, &[known(6)]);
    flipped[30] ^= 4;
    vec![
        alone("P101", AT_9, &flipped),
        alone("P102", AT_9, &snapshot(2, &[known(6)])),
        log.clone()
            .with(AT_9, &snapshot(1, &[known(3)]))
            .done("P103"),
        log.clone()
            .with("00000000000000000020.snapshot", &snapshot(1, &[known(6)]))
            .done("P104"),
        log.clone()
            .with("00000000000000000003.snapshot", &snapshot(1, &[known(0)]))
            .done("P105"),
        log.clone().segment(9, &[mine(9)]).done("P106"),
        log.clean().done("P107"),
        alone(
            "P108",
            "00000000000000000005.snapshot",
            &snapshot(1, &[known(6)]),
        ),
        alone("P109", AT_9, &snapshot(1, &[known(6)])[..40]),
    ]
}

fn of_epochs() -> Vec<Vec<Specimen>> {
    const EPOCHS: &str = "leader-epoch-checkpoint";
    vec![
        alone("E101", EPOCHS, b"0\n2\n5 0\n"),
        alone("E102", EPOCHS, b"0\n2\n5 0\n3 9\n"),
        three().with(EPOCHS, b"0\n2\n4 0\n5 6\n").done("E103"),
        three().with(EPOCHS, b"0\n2\n5 0\n6 20\n").done("E104"),
        three().without(EPOCHS).done("E105"),
        three()
            .with(EPOCHS, b"0\n1\n5 6\n")
            .root("log-start-offset-checkpoint", b"0\n0\n")
            .clean()
            .done("E106"),
    ]
}

fn of_checkpoints() -> Vec<Vec<Specimen>> {
    const RECOVERY: &str = "recovery-point-offset-checkpoint";
    let at = |offset: i64| format!("0\n1\norders 0 {offset}\n").into_bytes();
    let meta = |forge: Forge| forge.root("meta.properties", b"version=0\nbroker.id=1\n");
    vec![
        alone("C101", RECOVERY, b"0\n2\norders 0 9\n"),
        alone("C102", RECOVERY, b"0\n2\norders 0 9\norders 0 3\n"),
        three()
            .root(RECOVERY, b"0\n2\norders 0 9\npayments 3 9\n")
            .done("C103"),
        three().root(RECOVERY, &at(20)).done("C104"),
        three()
            .root("replication-offset-checkpoint", &at(20))
            .done("C105"),
        three()
            .root("log-start-offset-checkpoint", &at(20))
            .done("C106"),
        three()
            .root("cleaner-offset-checkpoint", &at(20))
            .done("C107"),
        three()
            .root("log-start-offset-checkpoint", &at(6))
            .root(RECOVERY, &at(3))
            .done("C108"),
        meta(three()).done("C109"),
        three().root(RECOVERY, &at(3)).clean().done("C110"),
        alone("C111", RECOVERY, b"0\n1\norders 0 -5\n"),
        three()
            .root("log-start-offset-checkpoint", &at(6))
            .root(RECOVERY, &at(9))
            .clean()
            .done("C112"),
    ]
}

/// `partition.metadata` with a topic id that ends in a letter.
fn topic_id(last: char) -> Vec<u8> {
    format!("version: 0\ntopic_id: uJS30CkrRYa7XzuNkO_3q{last}").into_bytes()
}

fn meta(node: i32, cluster: &str, directory: &str) -> Vec<u8> {
    let id = if directory.is_empty() {
        String::new()
    } else {
        format!("directory.id={directory}\n")
    };
    format!("version=1\nnode.id={node}\ncluster.id={cluster}\n{id}").into_bytes()
}

/// A partition without records.
fn empty(dir: &str) -> Forge {
    Forge::empty(dir)
        .with("00000000000000000000.log", b"")
        .with(INDEX, b"")
        .with(TIMES, b"")
}

/// A file in each of two log dirs.
fn pair(name: &str, a: &[u8], b: &[u8]) -> Forge {
    let name = |dir: &str| format!("{dir}/{name}");
    Forge::empty("").root(&name("a"), a).root(&name("b"), b)
}

fn of_directories() -> Vec<Vec<Specimen>> {
    const META: &str = "meta.properties";
    const RECOVERY: &str = "recovery-point-offset-checkpoint";
    vec![
        three().with("backup.log", b"").done("D101"),
        three()
            .with("00000000000000000009.log.deleted", b"")
            .done("D102"),
        three().with("00000000000000000009.index", b"").done("D103"),
        empty("orders-0/")
            .moved("orders", "a/orders")
            .and(empty("orders-0/").moved("orders", "b/orders"))
            .done("D104"),
        pair(META, &meta(1, "c", ""), &meta(2, "c", "")).done("D105"),
        Forge::of(&[orders(0), orders(3), orders(6)])
            .segment(6, &[orders(6), orders(9)])
            .done("D106"),
        three().segment(20, &[orders(20)]).done("D107"),
        empty("orders-0/")
            .root("lost+found/x", b"")
            .root(RECOVERY, b"")
            .done("D108"),
        empty("orders-00/").root(RECOVERY, b"").done("D109"),
    ]
}

/// What directories say of whom they belong to.
fn of_owners() -> Vec<Vec<Specimen>> {
    const META: &str = "meta.properties";
    const DIRECTORY: &str = "aJS30CkrRYa7XzuNkO_3qA";
    const RECOVERY: &str = "recovery-point-offset-checkpoint";
    let ids = |forge: Forge, a: char, b: char| {
        forge
            .with("partition.metadata", &topic_id(a))
            .and(empty("orders-1/").with("partition.metadata", &topic_id(b)))
    };
    vec![
        alone("D110", META, b"version=7\n"),
        pair(META, &meta(1, "c", DIRECTORY), &meta(1, "c", DIRECTORY)).done("D111"),
        pair(
            ".kafka_cleanshutdown",
            b"{\"version\":0,\"brokerEpoch\":7}",
            b"{\"version\":0,\"brokerEpoch\":9}",
        )
        .done("D112"),
        empty("a/__cluster_metadata-0/")
            .and(empty("b/__cluster_metadata-0/"))
            .done("D113"),
        empty("orders-0.0123456789abcdef0123456789abcdef-delete/")
            .root(RECOVERY, b"")
            .done("D115"),
        empty("orders-0.0123456789abcdef0123456789abcdef-stray/")
            .root(RECOVERY, b"")
            .done("D116"),
        ids(empty("orders-0/"), 'A', 'Q')
            .root(RECOVERY, b"")
            .done("D117"),
        metadata(&[topic_record()], 1)
            .and(empty("orders-0/").with("partition.metadata", &topic_id('Q')))
            .root(RECOVERY, b"")
            .done("D118"),
        alone("D119", "partition.metadata", b"version: 0\n"),
        Forge::empty("orders-0/")
            .with("leader-epoch-checkpoint", b"0\n0\n")
            .with("partition.metadata", &topic_id('A'))
            .done("D120"),
        three()
            .with("00000000000000000000.log.swap", b"")
            .done("D121"),
        alone("D124", ".kafka_cleanshutdown", b"{"),
    ]
}

/// A record of the metadata log: the topic `orders` with the id that ends in A.
fn topic_record() -> Rec {
    let id: [u8; 16] = [
        0xb8, 0x94, 0xb7, 0xd0, 0x29, 0x2b, 0x45, 0x86, 0xbb, 0x5f, 0x3b, 0x8d, 0x90, 0xef, 0xf7,
        0xa8,
    ];
    let value = [&[1, 2, 0, 7][..], b"orders", &id, &[0]].concat();
    Rec::new(None, Some(&value))
}

/// The metadata log with these records from offset `base` on.
fn metadata(records: &[Rec], base: i64) -> Forge {
    let batch = |base: i64| BatchSpec::at(base).epoch(1).timestamp(THEN);
    let first = batch(base - 1).record(Rec::new(None, Some(b"")));
    let batches: Vec<BatchSpec> = std::iter::once(first)
        .chain(
            records
                .iter()
                .zip(base..)
                .map(|(record, at)| batch(at).record(record.clone())),
        )
        .collect();
    Forge::empty("__cluster_metadata-0/")
        .segment(base - 1, &batches)
        .with(
            "leader-epoch-checkpoint",
            format!("0\n1\n1 {}\n", base - 1).as_bytes(),
        )
        .with("quorum-state", QUORUM)
}

const QUORUM: &[u8] = b"{\"leaderId\":1,\"leaderEpoch\":1,\"votedId\":-1,\"data_version\":1}";

/// A snapshot of the metadata.
fn metadata_snapshot(parts: &[Rec]) -> Vec<u8> {
    let batch = |(at, record): (i64, &Rec)| {
        let is_control = record.key.is_some();
        let batch = BatchSpec::at(at)
            .epoch(1)
            .timestamp(THEN)
            .record(record.clone());
        batch.attributes(if is_control { 0x20 } else { 0 }).bytes()
    };
    (0..).zip(parts).flat_map(batch).collect()
}

fn of_metadata() -> Vec<Vec<Specimen>> {
    let whole = [
        control::snapshot_header(THEN),
        topic_record(),
        control::snapshot_footer(),
    ];
    let gap = || {
        let batch = |base: i64| {
            BatchSpec::at(base)
                .epoch(1)
                .timestamp(THEN)
                .record(topic_record())
        };
        Forge::empty("__cluster_metadata-0/")
            .segment(0, &[batch(0), batch(5)])
            .with("leader-epoch-checkpoint", b"0\n1\n1 0\n")
            .with("quorum-state", QUORUM)
    };
    let log = || metadata(&[topic_record()], 1);
    vec![
        gap().done("M101"),
        alone("M102", "quorum-state", b"{\"leaderId\":1}"),
        metadata(&[topic_record()], 6).done("M103"),
        alone(
            "M104",
            "bootstrap.checkpoint",
            &metadata_snapshot(&whole[1..]),
        ),
        log()
            .with(
                "00000000000000000040-0000000001.checkpoint",
                &metadata_snapshot(&whole),
            )
            .done("M105"),
        log()
            .with("partition.metadata", &topic_id('A'))
            .done("M106"),
        log()
            .with("00000000000000000002-0000000001-77.checkpoint.part", b"")
            .done("M107"),
    ]
}

/// A record of a schema registry's topic.
fn schema(id: i32, subject: &str, text: &str) -> Rec {
    let key = format!(r#"{{"keytype":"SCHEMA","subject":"{subject}","version":1,"magic":1}}"#);
    let value = format!(
        r#"{{"subject":"{subject}","version":1,"id":{id},"schema":"\"{text}\"","deleted":false}}"#
    );
    Rec::new(Some(key.as_bytes()), Some(value.as_bytes()))
}

/// A partition whose values have these schema ids, of which the registry has two.
fn of_schemas() -> Vec<Vec<Specimen>> {
    const RECOVERY: &str = "recovery-point-offset-checkpoint";
    let log = |dir: &str, records: &[Rec]| {
        let batch = BatchSpec::at(0).epoch(5).timestamp(THEN);
        let batch = records.iter().cloned().fold(batch, BatchSpec::then);
        Forge::empty(dir)
            .segment(0, &[batch])
            .with("leader-epoch-checkpoint", b"0\n1\n5 0\n")
    };
    let values = |ids: &[u8]| {
        let of = |id: &u8| Rec::new(Some(b"k"), Some(&[0, 0, 0, 0, *id, 2]));
        log("orders-0/", &ids.iter().map(of).collect::<Vec<_>>())
    };
    let registry = |second: i32| {
        let schemas = [
            schema(7, "orders-value", "int"),
            schema(second, "clicks-value", "long"),
        ];
        log("_schemas-0/", &schemas)
    };
    vec![
        registry(8)
            .and(values(&[7, 9, 7, 10]))
            .root(RECOVERY, b"")
            .done("R115"),
        registry(7).root(RECOVERY, b"").done("R116"),
    ]
}

/// All of them.
pub(crate) fn forged() -> Vec<Specimen> {
    [
        of_indexes(),
        of_transactions(),
        of_producers(),
        of_epochs(),
        of_checkpoints(),
        of_directories(),
        of_owners(),
        of_metadata(),
        of_schemas(),
    ]
    .concat()
    .concat()
}
