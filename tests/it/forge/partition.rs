//! Files of a partition, made from the specification.

use super::bytes::crc32c;
use super::{BatchSpec, Frame};

/// A time that is long ago.
const THEN: i64 = 1_700_000_000_000;

/// The code of a check, the path of a file below its folder, and its bytes.
pub(crate) type Specimen = (&'static str, String, Vec<u8>);

/// As an entry has it; what does not fit is as large as fits.
fn int(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

/// A partition, made file by file.
#[derive(Clone)]
pub(crate) struct Forge {
    dir: String,
    files: Vec<(String, Vec<u8>)>,
}

/// An entry of an offset index: relative offset and position.
pub(crate) fn offset_entry(relative: i32, position: i32) -> Vec<u8> {
    [relative.to_be_bytes(), position.to_be_bytes()].concat()
}

/// An entry of a time index: timestamp and relative offset.
pub(crate) fn time_entry(timestamp: i64, relative: i32) -> Vec<u8> {
    [&timestamp.to_be_bytes()[..], &relative.to_be_bytes()].concat()
}

/// An entry of a transaction index: producer, first and last offset, last stable offset.
pub(crate) fn aborted(version: i16, fields: [i64; 4]) -> Vec<u8> {
    let fields = fields.map(i64::to_be_bytes).concat();
    [&version.to_be_bytes()[..], &fields].concat()
}

/// A producer in a snapshot.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    pub(crate) id: i64,
    pub(crate) last_sequence: i32,
    pub(crate) last_offset: i64,
    pub(crate) delta: i32,
    pub(crate) timestamp: i64,
    pub(crate) coordinator: i32,
    pub(crate) txn: i64,
}

pub(crate) fn snapshot(version: i16, producers: &[Known]) -> Vec<u8> {
    let mut body = int(producers.len()).to_be_bytes().to_vec();
    for known in producers {
        body.extend(known.id.to_be_bytes());
        body.extend(0_i16.to_be_bytes());
        body.extend(known.last_sequence.to_be_bytes());
        body.extend(known.last_offset.to_be_bytes());
        body.extend(known.delta.to_be_bytes());
        body.extend(known.timestamp.to_be_bytes());
        body.extend(known.coordinator.to_be_bytes());
        body.extend(known.txn.to_be_bytes());
    }
    [
        &version.to_be_bytes()[..],
        &crc32c(&body).to_be_bytes(),
        &body,
    ]
    .concat()
}

impl Forge {
    pub(crate) fn empty(dir: &str) -> Self {
        Self {
            dir: dir.to_owned(),
            files: Vec::new(),
        }
    }

    /// The partition `orders-0` with one segment.
    pub(crate) fn of(batches: &[BatchSpec]) -> Self {
        Self::empty("orders-0/")
            .segment(0, batches)
            .with("leader-epoch-checkpoint", b"0\n1\n5 0\n")
    }

    /// A segment with an index entry for every batch but the first.
    pub(crate) fn segment(mut self, base: i64, batches: &[BatchSpec]) -> Self {
        let (mut log, mut index) = (Vec::new(), Vec::new());
        for batch in batches {
            if !log.is_empty() {
                let relative = int(batch.last_offset() - base);
                index.extend(offset_entry(relative, int(log.len())));
            }
            log.extend(batch.bytes());
        }
        let first = batches.first().map(|batch| batch.last_offset() - base);
        let times = first.map(|last| time_entry(THEN, int(last)));
        let name = |suffix: &str| format!("{}{base:020}{suffix}", self.dir);
        let files = [
            (name(".log"), log),
            (name(".index"), index),
            (name(".timeindex"), times.unwrap_or_default()),
        ];
        self.files.extend(files);
        self
    }

    /// With this file, in place of one of the name if there is one.
    pub(crate) fn with(mut self, name: &str, bytes: &[u8]) -> Self {
        let path = format!("{}{name}", self.dir);
        self.files.retain(|(other, _)| *other != path);
        self.files.push((path, bytes.to_vec()));
        self
    }

    /// With this file of the log dir.
    pub(crate) fn root(mut self, name: &str, bytes: &[u8]) -> Self {
        self.files.push((name.to_owned(), bytes.to_vec()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        let path = format!("{}{name}", self.dir);
        self.files.retain(|(other, _)| *other != path);
        self
    }

    /// In a log dir of a clean stop.
    pub(crate) fn clean(self) -> Self {
        self.root(".kafka_cleanshutdown", b"")
    }

    pub(crate) fn moved(mut self, from: &str, to: &str) -> Self {
        for (name, _) in &mut self.files {
            *name = name.replacen(from, to, 1);
        }
        self
    }

    pub(crate) fn and(mut self, other: Self) -> Self {
        self.files.extend(other.files);
        self
    }

    /// The paths of the files, and their bytes.
    pub(crate) fn files(&self) -> &[(String, Vec<u8>)] {
        &self.files
    }

    pub(crate) fn done(self, code: &'static str) -> Vec<Specimen> {
        let files = self.files.into_iter();
        files.map(|(name, bytes)| (code, name, bytes)).collect()
    }
}
