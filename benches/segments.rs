//! Writes a segment of JSON log lines to measure with: right checksums, plausible offsets and times, the same bytes for
//! the same arguments, and with `--indexes` the two indexes beside it.
//!
//! `cargo bench --bench segments -- --out 00000000000000000000.log --codec zstd --size 256MiB`

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Parser;

use forge::random::Rng;
use forge::{BatchSpec, Codec, Frame, Rec};

#[path = "../tests/it/forge/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests use the rest of it")]
mod forge;

/// 2023-11-14T22:13:20Z.
const FIRST_TIMESTAMP: i64 = 1_700_000_000_000;
/// Kafka opens no file larger than this.
const LARGEST_FILE: u64 = i32::MAX as u64;
/// `index.interval.bytes`, as Kafka sets it.
const INDEX_INTERVAL: u64 = 4096;
/// Bytes of a record beside its key and value: lengths, deltas, attributes, and that it has no headers.
const RECORD_OVERHEAD: usize = 10;

/// Writes a log segment of JSON log lines to measure with.
#[derive(Debug, Parser)]
#[command(name = "segments")]
struct Args {
    /// The segment to write. Without it nothing is written, as when all benches are run.
    #[arg(long)]
    out: Option<PathBuf>,
    /// What the batches are compressed with, as Java would.
    #[arg(long, default_value = "none", value_parser = codec)]
    codec: Codec,
    /// The mean size of a record's value; each has between half of it and half more.
    #[arg(long, default_value_t = 400)]
    value_bytes: u16,
    /// The size of a batch before compression, to the nearest record.
    #[arg(long, default_value_t = 16384, value_parser = bytes)]
    batch_bytes: usize,
    /// The size of all records before compression. The file ends sooner if Kafka could not open it.
    #[arg(long, default_value = "256MiB", value_parser = bytes)]
    size: usize,
    /// Which of the segments of this size.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Writes the `.index` and `.timeindex` too.
    #[arg(long)]
    indexes: bool,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let Some(out) = args.out else {
        return Ok(());
    };
    let mut log = create(&out)?;
    let mut indexes = args.indexes.then(|| Indexes::create(&out)).transpose()?;
    let mut lines = Lines::new(args.seed, args.value_bytes);
    let (mut records_bytes, mut position) = (0, 0);
    while records_bytes < args.size {
        let least = args.batch_bytes.clamp(1, args.size - records_bytes);
        let (batch, size) = lines.batch(least, args.codec);
        let bytes = batch.bytes();
        let end = position + bytes.len() as u64;
        if end > LARGEST_FILE {
            break;
        }
        log.write_all(&bytes)?;
        if let Some(indexes) = &mut indexes {
            indexes.note(&batch, lines.timestamp, position)?;
        }
        (records_bytes, position) = (records_bytes + size, end);
    }
    if let Some(indexes) = indexes {
        indexes.close()?;
    }
    log.flush().context("cannot write the segment")
}

#[expect(
    clippy::disallowed_methods,
    reason = "a tool that makes files to measure with"
)]
fn create(path: &Path) -> Result<BufWriter<File>> {
    let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    Ok(BufWriter::with_capacity(1 << 20, file))
}

/// A codec by its name, framed as Java frames it.
fn codec(name: &str) -> Result<Codec, &'static str> {
    match name {
        "none" => Ok(Codec::None),
        "gzip" => Ok(Codec::GZIP),
        "snappy" => Ok(Codec::XERIAL),
        "lz4" => Ok(Codec::LZ4),
        "zstd" => Ok(Codec::ZSTD),
        _ => Err("expected none, gzip, snappy, lz4 or zstd"),
    }
}

/// A number of bytes, with KiB, MiB or GiB behind it or nothing.
fn bytes(text: &str) -> Result<usize, &'static str> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let sized = |(unit, shift)| Some((text.strip_suffix(unit)?, shift));
    let (digits, shift) = units.into_iter().find_map(sized).unwrap_or((text, 0));
    let number: Option<usize> = digits.trim_end().parse().ok();
    number
        .and_then(|number| number.checked_mul(1 << shift))
        .ok_or("expected a number of bytes, such as 16384 or 256MiB")
}

/// What a service logs, without end.
struct Lines {
    rng: Rng,
    value_bytes: u16,
    offset: i64,
    timestamp: i64,
}

impl Lines {
    fn new(seed: u64, value_bytes: u16) -> Self {
        Self {
            rng: Rng::new(seed),
            value_bytes,
            offset: 0,
            timestamp: FIRST_TIMESTAMP,
        }
    }

    /// The next lines as a batch of at least so many bytes before compression, and how many they are.
    fn batch(&mut self, least: usize, codec: Codec) -> (BatchSpec, usize) {
        let mut batch = BatchSpec::at(self.offset)
            .timestamp(self.timestamp)
            .codec(codec);
        let mut size = 0;
        while size < least {
            self.timestamp += i64::from(self.rng.below(3));
            let (key, value) = self.line();
            size += RECORD_OVERHEAD + key.len() + value.len();
            let record = Rec::new(Some(key.as_bytes()), Some(value.as_bytes()))
                .timestamp_delta(self.timestamp - batch.base_timestamp);
            batch = batch.then(record);
        }
        self.offset = batch.last_offset() + 1;
        (batch, size)
    }

    /// Who logs, and what: a message in which some words are quoted, in a JSON object.
    fn line(&mut self) -> (String, String) {
        const LEVELS: [&str; 4] = ["INFO", "INFO", "WARN", "ERROR"];
        const WORDS: [&str; 16] = [
            "request", "order", "timeout", "after", "ms", "retrying", "payment", "accepted", "the",
            "of", "cache", "miss", "upstream", "closed", "by", "customer",
        ];
        let rng = &mut self.rng;
        let size = self.value_bytes / 2 + rng.below(self.value_bytes.max(1));
        let (level, trace) = (rng.pick(&LEVELS), rng.next());
        let mut value = format!(r#"{{"level":"{level}","trace":"{trace:016x}","message":""#);
        while value.len() + 2 < usize::from(size) {
            let word = rng.pick(&WORDS);
            match rng.below(12) {
                0 | 1 => value.extend([r#"\""#, word, r#"\" "#]),
                2 => value.extend([word, "=", &rng.below(10_000).to_string(), " "]),
                _ => value.extend([word, " "]),
            }
        }
        value += r#""}"#;
        (format!("host-{:02}", rng.below(40)), value)
    }
}

/// The offset index and the time index of a segment whose base offset is 0, as a broker would write them.
struct Indexes {
    offsets: BufWriter<File>,
    times: BufWriter<File>,
    /// The position of the last entry.
    indexed: u64,
    /// The largest timestamp so far, with the last offset of the first batch that has it.
    largest: (i64, i64),
    /// The timestamp of the last entry.
    noted: i64,
}

impl Indexes {
    fn create(log: &Path) -> Result<Self> {
        Ok(Self {
            offsets: create(&log.with_extension("index"))?,
            times: create(&log.with_extension("timeindex"))?,
            indexed: 0,
            largest: (-1, 0),
            noted: -1,
        })
    }

    /// Takes note of a batch at `position` whose largest timestamp is `timestamp`.
    fn note(&mut self, batch: &BatchSpec, timestamp: i64, position: u64) -> Result<()> {
        if timestamp > self.largest.0 {
            self.largest = (timestamp, batch.last_offset());
        }
        if position - self.indexed > INDEX_INTERVAL {
            self.indexed = position;
            let entry = [int(batch.last_offset())?, int(position.cast_signed())?];
            self.offsets.write_all(entry.as_flattened())?;
            self.note_time()?;
        }
        Ok(())
    }

    fn note_time(&mut self) -> Result<()> {
        let (timestamp, offset) = self.largest;
        if timestamp > self.noted {
            self.noted = timestamp;
            self.times.write_all(&timestamp.to_be_bytes())?;
            self.times.write_all(&int(offset)?)?;
        }
        Ok(())
    }

    /// The last entry of a time index that is closed is that of the largest timestamp.
    fn close(mut self) -> Result<()> {
        self.note_time()?;
        self.offsets.flush()?;
        self.times.flush().context("cannot write the indexes")
    }
}

/// A number of 4 bytes.
fn int(n: i64) -> io::Result<[u8; 4]> {
    let n = i32::try_from(n).map_err(io::Error::other)?;
    Ok(n.to_be_bytes())
}
