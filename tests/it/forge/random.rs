//! Segments at random, the same for the same seed.

use super::batch::{CONTROL, DELETE_HORIZON, LOG_APPEND_TIME, TRANSACTIONAL};
use super::control::{self, Voter};
use super::{BatchSpec, Codec, Forged, Inner, Lz4, Message, Rec, Wrapper};

/// 2023-11-14T22:13:20Z.
const EPOCH_MS: i64 = 1_700_000_000_000;

/// A source of numbers: splitmix64.
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: u16) -> u16 {
        let scaled = ((self.next() >> 48) * u64::from(n)) >> 16;
        u16::try_from(scaled).expect("below n")
    }

    /// True once in `n` times.
    pub(crate) fn one_in(&mut self, n: u16) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.one_in(2)
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.below(u16::try_from(from.len()).expect("a short list")))]
    }
}

/// A well-formed segment of up to 20 frames: every magic, codec and framing, markers and KRaft's control records, empty
/// batches, gaps, nulls, headers, deltas of either sign. No record has an offset that another has.
pub(crate) fn random_segment(seed: u64) -> Forged {
    let mut dice = Dice {
        rng: Rng::new(seed),
        offset: 0,
    };
    dice.skip(10_000);
    let mut forged = Forged::default();
    for _ in 0..=dice.rng.below(20) {
        if dice.rng.one_in(4) {
            dice.skip(50);
        }
        forged = match dice.rng.below(10) {
            0 => forged.with(&dice.message()),
            1 | 2 => forged.with(&dice.wrapper()),
            3 => forged.with(&dice.marker()),
            4 => forged.with(&dice.kraft()),
            5 => forged.with(&dice.empty()),
            _ => forged.with(&dice.batch()),
        };
    }
    forged
}

/// The source of numbers, and the next offset that is free.
struct Dice {
    rng: Rng,
    offset: i64,
}

impl Dice {
    fn skip(&mut self, most: u16) {
        self.offset += i64::from(self.rng.below(most));
    }

    /// Takes the next offset, sometimes leaving a gap before it.
    fn take(&mut self) -> i64 {
        if self.rng.one_in(8) {
            self.skip(20);
        }
        self.offset += 1;
        self.offset - 1
    }

    fn batch(&mut self) -> BatchSpec {
        let rng = &mut self.rng;
        let mut batch = BatchSpec::at(self.offset)
            .epoch(i32::from(rng.below(5)))
            .timestamp(EPOCH_MS + i64::from(rng.below(60_000)))
            .codec(codec(rng));
        if rng.one_in(3) {
            batch = batch.producer(
                i64::from(rng.below(9)),
                7,
                rng.pick(&[0, 1000, i32::MAX - 1]),
            );
            batch.attributes |= rng.pick(&[0, TRANSACTIONAL]);
        }
        if rng.one_in(4) {
            batch.varint_bytes = usize::from(rng.below(11));
        }
        match rng.below(20) {
            0 => batch.base_timestamp = rng.pick(&[-1, i64::MIN, i64::MAX]),
            1..4 => {
                batch.attributes |= LOG_APPEND_TIME;
                batch.max_timestamp = Some(EPOCH_MS + i64::from(rng.below(60_000)));
            }
            4..6 => {
                batch.attributes |= DELETE_HORIZON;
                batch.base_timestamp += 86_400_000;
            }
            _ => {}
        }
        for _ in 0..=self.rng.pick(&[0, 2, 10, 100]) {
            let delta = i32::try_from(self.take() - batch.base_offset).expect("a short gap");
            batch = batch.record(self.record().offset_delta(delta));
        }
        if self.rng.one_in(5) {
            // The cleaner took the last records: the batch still stands for their offsets.
            self.skip(9);
            let last = i32::try_from(self.offset - batch.base_offset).expect("a short gap");
            self.offset += 1;
            batch.last_offset_delta = Some(last);
        }
        batch
    }

    fn record(&mut self) -> Rec {
        let rng = &mut self.rng;
        let delta = i64::from(rng.below(5000)) - 1000;
        let mut record =
            Rec::new(content(rng).as_deref(), content(rng).as_deref()).timestamp_delta(delta);
        if rng.one_in(50) {
            record.timestamp_delta = rng.pick(&[i64::MIN, i64::MAX, 1 << 40, -1 << 40]);
        }
        if rng.one_in(50) {
            record.attributes = -1;
        }
        if rng.one_in(3) {
            for _ in 0..rng.below(4) {
                let key = rng.pick(&["", "k", "trace-id", "schlüssel", "k"]);
                record = record.header(key, content(rng).as_deref());
            }
        }
        record
    }

    fn marker(&mut self) -> BatchSpec {
        let (offset, rng) = (self.take(), &mut self.rng);
        let epoch = i32::from(rng.below(9));
        let marker = if rng.coin() {
            control::commit(epoch)
        } else {
            control::abort(epoch)
        };
        let id = i64::from(rng.below(9));
        control::marker(offset, (id, 7), marker).timestamp(EPOCH_MS)
    }

    fn kraft(&mut self) -> BatchSpec {
        let batch = BatchSpec::at(self.offset)
            .attributes(CONTROL)
            .timestamp(EPOCH_MS);
        let voters = control::voters(&[Voter {
            id: 1,
            directory: [7; 16],
            listener: "CONTROLLER".to_owned(),
            host: "localhost".to_owned(),
            port: 9093,
            versions: (0, 1),
        }]);
        let batch = match self.rng.below(3) {
            0 => batch.then(control::leader_change(1, &[1, 2, 3], &[1, 3])),
            1 => batch
                .then(control::snapshot_header(EPOCH_MS))
                .then(control::kraft_version(1))
                .then(voters),
            _ => batch.then(control::snapshot_footer()),
        };
        self.offset = batch.last_offset() + 1;
        batch
    }

    fn empty(&mut self) -> BatchSpec {
        let bits = self
            .rng
            .pick(&[0, TRANSACTIONAL, TRANSACTIONAL | CONTROL, LOG_APPEND_TIME]);
        let delta = i32::from(self.rng.below(100));
        let batch = BatchSpec::empty(self.offset, delta, EPOCH_MS)
            .attributes(bits)
            .producer(5, 0, -1);
        self.offset = batch.last_offset() + 1;
        batch
    }

    fn message(&mut self) -> Message {
        let (offset, magic) = (self.take(), self.rng.below(2));
        let message = self.inner(offset, magic);
        if magic == 1 && self.rng.one_in(4) {
            message.log_append_time()
        } else {
            message
        }
    }

    fn inner(&mut self, offset: i64, magic: u16) -> Message {
        let rng = &mut self.rng;
        let (key, value) = (content(rng), content(rng));
        if magic == 0 {
            Message::v0(offset, key.as_deref(), value.as_deref())
        } else {
            let timestamp = EPOCH_MS + i64::from(rng.below(1000));
            Message::v1(offset, timestamp, key.as_deref(), value.as_deref())
        }
    }

    fn wrapper(&mut self) -> Wrapper {
        let magic = self.rng.below(2);
        // The cleaner of 0.10.0 could put the one inside the other.
        let inside = if self.rng.one_in(12) {
            1 - magic
        } else {
            magic
        };
        let mut messages = Vec::new();
        for _ in 0..=self.rng.pick(&[0, 2, 10, 100]) {
            let offset = self.take();
            messages.push(self.inner(offset, inside));
        }
        if magic == 0 {
            let java = [
                Codec::GZIP,
                Codec::XERIAL,
                Codec::LZ4,
                Codec::LZ4_BROKEN,
                Codec::Snappy,
            ];
            return Wrapper::v0(self.rng.pick(&java), messages);
        }
        let codec = loop {
            match codec(&mut self.rng) {
                Codec::None | Codec::Zstd { .. } => {}
                codec => break codec,
            }
        };
        let wrapper = Wrapper::v1(codec, messages);
        match self.rng.below(8) {
            0 => wrapper.inner(Inner::Absolute),
            1 | 2 => wrapper.append_time(EPOCH_MS + 999),
            _ => wrapper,
        }
    }
}

/// Null, nothing, a word, text that shrinks, bytes that do not.
fn content(rng: &mut Rng) -> Option<Vec<u8>> {
    let length = rng.pick(&[1, 8, 64, 64, 300]);
    match rng.below(8) {
        0 => None,
        1 => Some(Vec::new()),
        2 => Some(b"key".to_vec()),
        3 if rng.one_in(60) => Some(vec![b'x'; 1 + usize::from(rng.below(20)) * 10_000]),
        3..6 => Some(
            "žluťoučký kůň "
                .repeat(1 + usize::from(rng.below(length)))
                .into_bytes(),
        ),
        _ => {
            let words = usize::from(rng.below(length)).div_ceil(8);
            Some((0..words).flat_map(|_| rng.next().to_be_bytes()).collect())
        }
    }
}

/// A codec that magic 2 may have, framed in some way that a client has.
fn codec(rng: &mut Rng) -> Codec {
    match rng.below(8) {
        0 => Codec::Gzip {
            members: rng.pick(&[1, 1, 2, 3]),
        },
        1 => Codec::Snappy,
        2 => Codec::Xerial {
            chunk_bytes: rng.pick(&[1 << 10, 32 << 10]),
            little_endian: rng.one_in(4),
            streams: rng.pick(&[1, 1, 2]),
        },
        3 => Codec::LZ4,
        4 => Codec::Lz4(Lz4 {
            block: rng.pick(&[4, 5, 6, 7]),
            content_size: rng.coin(),
            block_checksums: rng.coin(),
            content_checksum: rng.coin(),
            broken_header: false,
        }),
        5 => Codec::Zstd {
            frames: rng.pick(&[1, 1, 2, 3]),
            content_size: rng.coin(),
            checksum: rng.coin(),
        },
        _ => Codec::None,
    }
}
