//! Batches with producer fields, and the state that results from them.

use super::*;
use crate::format::control::ControlType;
use crate::format::fault::{CodecFault, ControlRecordFault};
use crate::format::producer_snapshot::ProducerEntry;
use crate::format::{Fault, FaultKind, Frame, ProducerSnapshot, RecordBatch, TxnIndex};
use crate::wire::{LeaderEpoch, Offset, Position, ProducerId, Timestamp};

/// A batch of magic 2 with a wrong checksum, which is not checked here.
#[derive(Debug, Clone)]
struct Made {
    base: i64,
    delta: i32,
    leader_epoch: i32,
    attributes: i16,
    timestamp: i64,
    producer: (i64, i16, i32),
    /// Key and value of its record, if it has one.
    record: Option<(Field, Field)>,
}

type Field = Option<Vec<u8>>;

const TXN: i16 = 0x10;
const CONTROL: i16 = 0x20;

fn data(base: i64, delta: i32, producer: (i64, i16, i32)) -> Made {
    Made {
        base,
        delta,
        leader_epoch: 0,
        attributes: 0,
        timestamp: base * 10,
        producer,
        record: None,
    }
}

fn in_txn(base: i64, delta: i32, producer: (i64, i16, i32)) -> Made {
    Made {
        attributes: TXN,
        ..data(base, delta, producer)
    }
}

fn marker(base: i64, (id, epoch): (i64, i16), kind: i16) -> Made {
    let key = [[0, 0], kind.to_be_bytes()].concat();
    let value = vec![0, 0, 0, 0, 0, 7];
    let record = Some((Some(key), Some(value)));
    Made {
        attributes: TXN | CONTROL,
        record,
        ..data(base, 0, (id, epoch, -1))
    }
}

impl Made {
    fn bytes(&self) -> Vec<u8> {
        let record = self.record.as_ref().map(|(key, value)| {
            let field = |bytes: &Option<Vec<u8>>| match bytes {
                None => vec![1],
                Some(bytes) => [&[u8::try_from(bytes.len() * 2).unwrap()][..], bytes].concat(),
            };
            let body = [vec![0, 0, 0], field(key), field(value), vec![0]].concat();
            [&[u8::try_from(body.len() * 2).unwrap()][..], &body].concat()
        });
        let count = i32::from(record.is_some());
        let record = record.unwrap_or_default();
        let (id, epoch, sequence) = self.producer;
        [
            &self.base.to_be_bytes()[..],
            &i32::try_from(49 + record.len()).unwrap().to_be_bytes(),
            &self.leader_epoch.to_be_bytes(),
            &[2, 0, 0, 0, 0],
            &self.attributes.to_be_bytes(),
            &self.delta.to_be_bytes(),
            &self.timestamp.to_be_bytes(),
            &self.timestamp.to_be_bytes(),
            &id.to_be_bytes(),
            &epoch.to_be_bytes(),
            &sequence.to_be_bytes(),
            &count.to_be_bytes(),
            &record,
        ]
        .concat()
    }

    fn with<T>(&self, look: impl FnOnce(RecordBatch<'_>) -> T) -> T {
        let bytes = self.bytes();
        look(RecordBatch::parse(Frame::parse(&bytes, Position(0)).unwrap()).unwrap())
    }
}

fn take(producers: &mut Producers, made: &Made) -> Result<Option<CompletedTxn>, Violation> {
    made.with(|batch| producers.take(&batch, &mut Scratch::default()))
}

fn all(batches: &[Made]) -> Producers {
    let mut producers = Producers::default();
    for made in batches {
        take(&mut producers, made).unwrap();
    }
    producers
}

fn of(producers: &Producers, id: i64) -> ProducerEntry {
    *producers.get(ProducerId(id)).unwrap()
}

#[test]
fn a_producer_is_its_last_batch() {
    let producers = all(&[
        data(0, 4, (7, 1, i32::MAX - 2)),
        data(5, 0, (-1, -1, -1)),
        data(6, 1, (8, 0, -1)),
    ]);
    assert_eq!(producers.entries().len(), 2);
    let entry = of(&producers, 7);
    assert_eq!(
        (entry.last_sequence, entry.last_offset, entry.offset_delta.0),
        (1, Offset(4), 4)
    );
    assert_eq!(entry.timestamp, Timestamp(0));
    assert_eq!(of(&producers, 8).last_sequence, -1);
}

#[test]
fn a_marker_ends_the_transaction_and_a_new_epoch_forgets_the_batch() {
    let mut producers = all(&[
        in_txn(3, 1, (7, 0, 0)),
        in_txn(5, 0, (9, 0, 0)),
        in_txn(6, 0, (7, 0, 2)),
    ]);
    assert_eq!(producers.first_open_offset(), Some(Offset(3)));
    let txn = take(&mut producers, &marker(7, (7, 0), 0))
        .unwrap()
        .unwrap();
    let expected = CompletedTxn {
        producer_id: ProducerId(7),
        first_offset: Offset(3),
        last_offset: Offset(7),
        is_aborted: true,
        last_stable_offset: Offset(5),
    };
    assert_eq!(txn, expected);
    let entry = of(&producers, 7);
    assert_eq!((entry.last_sequence, entry.last_offset), (2, Offset(6)));
    assert_eq!(
        (entry.coordinator_epoch, entry.timestamp),
        (7, Timestamp(70))
    );
    let txn = take(&mut producers, &marker(8, (9, 1), 1))
        .unwrap()
        .unwrap();
    assert_eq!((txn.is_aborted, txn.last_stable_offset), (false, Offset(9)));
    let entry = of(&producers, 9);
    assert_eq!(
        (entry.producer_epoch, entry.last_sequence, entry.last_offset),
        (1, -1, Offset(-1))
    );
    // A marker without data ends no transaction.
    assert_eq!(take(&mut producers, &marker(9, (5, 0), 0)), Ok(None));
    assert_eq!(producers.open_txns().len(), 0);
}

#[test]
fn what_kafka_throws_at_is_told_apart() {
    let odd = |key: Option<&[u8]>, value: Option<&[u8]>| {
        let record = Some((key.map(<[u8]>::to_vec), value.map(<[u8]>::to_vec)));
        Made {
            record,
            ..marker(5, (7, 0), 0)
        }
    };
    let abort: Option<&[u8]> = Some(&[0, 0, 0, 0]);
    let fault = |kind| Violation::Record(Fault::new(kind, 0));
    let codec = Made {
        attributes: TXN | CONTROL | 7,
        ..marker(5, (7, 0), 0)
    };
    let old = Release::new(3, 9, 1);
    let new = IndexSettings::default().kafka;
    for (made, violation, [before, now]) in [
        (
            odd(None, None),
            Violation::NullKey,
            [Exception::NullPointer; 2],
        ),
        (
            odd(Some(&[0, 0, 0]), None),
            fault(FaultKind::Control(ControlRecordFault::Key)),
            [Exception::InvalidRecord; 2],
        ),
        (
            odd(abort, None),
            Violation::NullValue,
            [Exception::NullPointer; 2],
        ),
        (
            odd(abort, Some(&[0; 5])),
            Violation::ShortValue,
            [Exception::InvalidRecord, Exception::BufferUnderflow],
        ),
        (
            odd(Some(&[0, 0, 0, 2]), None),
            Violation::NoMarker(ControlType::LeaderChange),
            [Exception::IllegalArgument; 2],
        ),
        (
            codec,
            Violation::Record(Fault::new(CodecFault::Unknown(7), 21)),
            [Exception::IllegalArgument; 2],
        ),
        (
            data(5, 0, (7, 0, 1)),
            Violation::NotTransactional {
                producer_id: ProducerId(7),
                first_offset: Offset(3),
            },
            [Exception::InvalidTxnState; 2],
        ),
    ] {
        let mut producers = all(&[in_txn(3, 0, (7, 0, 0))]);
        assert_eq!(take(&mut producers, &made), Err(violation));
        assert_eq!(
            [violation.exception(old), violation.exception(new)],
            [before, now],
            "{violation}"
        );
        assert!(violation.is_counted());
        assert_eq!(of(&producers, 7).last_offset, Offset(3));
    }
}

#[test]
fn markers_without_records_and_transactions_without_a_beginning_end_nothing() {
    let empty = Made {
        record: None,
        ..marker(5, (7, 0), 0)
    };
    assert_eq!(take(&mut all(&[in_txn(3, 0, (7, 0, 0))]), &empty), Ok(None));
    // Two transactions at one offset, as damage may have it: Kafka knows one of them.
    let mut twice = all(&[in_txn(3, 0, (7, 0, 0)), in_txn(3, 0, (8, 0, 0))]);
    assert!(take(&mut twice, &marker(4, (7, 0), 0)).is_ok());
    let first_offset = Offset(3);
    assert_eq!(
        take(&mut twice, &marker(5, (8, 0), 0)),
        Err(Violation::NotStarted { first_offset })
    );
}

#[test]
fn a_snapshot_brings_back_what_it_was_taken_of() {
    let mut producers = all(&[
        in_txn(3, 1, (7, 0, 0)),
        data(5, 2, (9, 3, 0)),
        data(8, 0, (11, 0, 5)),
    ]);
    take(&mut producers, &marker(9, (11, 1), 1)).unwrap();
    let bytes = producers.snapshot();
    let snapshot = ProducerSnapshot::parse(&bytes).unwrap();
    assert_eq!(snapshot.check(), Ok(()));
    let loaded = Producers::load(&snapshot, None).unwrap();
    assert_eq!(loaded.snapshot(), bytes);
    assert_eq!(loaded.first_open_offset(), Some(Offset(3)));
    let ids = |producers: &Producers| {
        producers
            .entries()
            .map(|entry| entry.producer_id.0)
            .collect::<Vec<_>>()
    };
    // The producer last active at 50 is a day old; one with an open transaction is kept.
    let expiry = Expiry {
        now: Timestamp(60),
        after_ms: 10,
    };
    assert_eq!(
        ids(&Producers::load(&snapshot, Some(expiry)).unwrap()),
        [7, 11]
    );
    producers.expire(expiry);
    assert_eq!(ids(&producers), [7, 11]);
}

#[test]
fn entries_stand_where_java_hashes_them() {
    let ids = |ids: &[i64]| {
        let batches: Vec<_> = ids.iter().map(|id| data(0, 0, (*id, 0, 0))).collect();
        let bytes = all(&batches).snapshot();
        let snapshot = ProducerSnapshot::parse(&bytes).unwrap();
        snapshot
            .entries()
            .map(|entry| entry.producer_id().0)
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&[1000, 2000, 3]), [2000, 3, 1000]);
    assert_eq!(ids(&[17, 1, 0]), [0, 17, 1]);
    // Thirteen need 32 slots.
    let many: Vec<i64> = (0..12).chain([16]).collect();
    assert_eq!(ids(&many), many);
    assert_eq!(ids(&many[1..]), [&[16][..], &many[1..12]].concat());
}

#[test]
fn indexes_tell_what_they_cannot_hold() {
    let settings = IndexSettings {
        index_interval_bytes: 0,
        max_index_bytes: 24,
        ..IndexSettings::default()
    };
    let mut indexes = SegmentIndexes::new(settings, Offset(10));
    let mut add =
        |made: &Made| made.with(|batch| indexes.add(&Batch::V2(batch), &mut Scratch::default()));
    let at = |base| data(base, 0, (-1, -1, -1));
    assert_eq!(add(&at(10)), Ok(()));
    assert_eq!(add(&at(11)), Ok(()));
    assert_eq!(
        add(&at(11)),
        Err(Violation::OffsetOrder {
            offset: Offset(11),
            last: Offset(11)
        })
    );
    let (base, below) = (Offset(10), Offset(9));
    assert_eq!(
        add(&at(9)),
        Err(Violation::OffsetOverflow {
            offset: below,
            base
        })
    );
    let far = Offset(10 + (1 << 31));
    assert_eq!(
        add(&at(far.0)),
        Err(Violation::OffsetOverflow { offset: far, base })
    );
    // The second entry of the time index is for the end.
    assert_eq!(add(&at(12)), Err(Violation::IndexFull));
    assert_eq!(add(&at(13)), Err(Violation::IndexFull));
    assert_eq!(add(&at(14)), Err(Violation::IndexFull));
    assert_eq!(indexes.close(), Ok(()));
    assert_eq!(
        (indexes.offset_index().len(), indexes.time_index().len()),
        (24, 24)
    );
    assert_eq!(indexes.position(), 8 * 61);
    assert_eq!(indexes.largest_timestamp().offset, Offset(14));
}

#[test]
fn timestamps_that_rise_while_offsets_fall_are_told() {
    let settings = IndexSettings {
        index_interval_bytes: 100,
        ..IndexSettings::default()
    };
    let mut indexes = SegmentIndexes::new(settings, Offset(0));
    for (base, timestamp) in [(0, 5), (4, 9), (6, 9), (2, 11)] {
        let made = Made {
            timestamp,
            ..data(base, 0, (-1, -1, -1))
        };
        made.with(|batch| indexes.add(&Batch::V2(batch), &mut Scratch::default()))
            .unwrap();
    }
    let (offset, last) = (Offset(2), Offset(4));
    assert_eq!(
        indexes.close(),
        Err(Violation::TimeOffsetOrder { offset, last })
    );
    assert_eq!(indexes.offset_index(), [0, 0, 0, 6, 0, 0, 0, 122]);
}

#[test]
fn a_batch_is_shown_to_all_and_aborts_stand_in_the_index() {
    let mut state = LogState::default();
    let mut indexes = SegmentIndexes::new(IndexSettings::default(), Offset(0));
    let mut show = |made: &Made| {
        made.with(|batch| state.take(&Batch::V2(batch), &mut indexes, &mut Scratch::default()))
    };
    show(&in_txn(0, 3, (7, 0, 0))).unwrap();
    show(&Made {
        leader_epoch: 2,
        ..marker(4, (7, 0), 0)
    })
    .unwrap();
    show(&in_txn(5, 3, (7, 0, 4))).unwrap();
    show(&Made {
        leader_epoch: 1,
        ..marker(9, (7, 0), 1)
    })
    .unwrap();
    show(&in_txn(2, 0, (7, 0, 8))).unwrap();
    let order = Violation::AbortOrder {
        offset: Offset(3),
        last: Offset(4),
    };
    assert_eq!(show(&marker(3, (7, 0), 0)), Err(order));
    let begins = Violation::EpochStart {
        epoch: LeaderEpoch(9),
        start_offset: Offset(-1),
    };
    assert_eq!(
        show(&Made {
            leader_epoch: 9,
            ..data(-1, 3, (7, 0, 8))
        }),
        Err(begins)
    );
    let epochs: Vec<_> = state
        .epochs
        .entries()
        .map(|(epoch, start)| (epoch.0, start.0))
        .collect();
    assert_eq!(epochs, [(0, 0), (2, 4)]);
    let aborted = TxnIndex::new(indexes.txn_index());
    let aborted: Vec<_> = aborted
        .entries()
        .map(|txn| (txn.first_offset().0, txn.last_stable_offset().0))
        .collect();
    assert_eq!(aborted, [(0, 5)]);
}
