//! Reads all records of a segment with kseg and with the `kafka-protocol` crate, the file included, in turns: wall clock,
//! medians. Both sum the sizes of the values.
//!
//! `cargo run --release --manifest-path benches/kafka-protocol/Cargo.toml -- [--pairs N] SEGMENT.log…`
//!
//! Segments are made by `cargo bench --bench segments`. What kseg does and the other does not: it compares checksums.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::records::RecordBatchDecoder;
use kseg::scan::Filter;
use kseg::store::Segment;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let mut args = std::env::args_os().skip(1).peekable();
    let mut pairs = 7;
    if args.next_if(|arg| arg == "--pairs").is_some() {
        let number = args.next().and_then(|number| number.into_string().ok());
        pairs = number.ok_or("--pairs needs a number")?.parse()?;
    }
    println!("{:<40} {:>10} {:>14} {:>7}", "segment", "kseg", "kafka-protocol", "times");
    for path in args.map(PathBuf::from) {
        let (kseg, other) = timed(pairs, &path)?;
        let times = other.as_secs_f64() / kseg.as_secs_f64();
        let name = path.display().to_string();
        println!("{name:<40} {kseg:>10.1?} {other:>14.1?} {times:>7.2}");
    }
    Ok(())
}

/// The medians of both, run in turns.
fn timed(pairs: usize, path: &Path) -> Result<(Duration, Duration)> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..=pairs {
        let (sum, time) = clocked(|| with_kseg(path))?;
        let (other, other_time) = clocked(|| with_kafka_protocol(path))?;
        assert_eq!(sum, other, "both read the same values");
        ours.push(time);
        theirs.push(other_time);
    }
    Ok((median(ours), median(theirs)))
}

fn clocked(work: impl FnOnce() -> Result<u64>) -> Result<(u64, Duration)> {
    let start = Instant::now();
    Ok((work()?, start.elapsed()))
}

/// Without the first, which warms the caches.
fn median(mut times: Vec<Duration>) -> Duration {
    times.remove(0);
    times.sort_unstable();
    times[times.len() / 2]
}

fn with_kseg(path: &Path) -> Result<u64> {
    let mut sum = 0;
    let summary = Segment::at(path)?
        .records(Filter::default())
        .for_each(|record| sum += record.value().map_or(0, <[u8]>::len) as u64)?;
    assert!(summary.unread.is_empty(), "{:?}", summary.unread);
    Ok(sum)
}

fn with_kafka_protocol(path: &Path) -> Result<u64> {
    let mut bytes = Bytes::from(std::fs::read(path)?);
    let sets = RecordBatchDecoder::decode_all(&mut bytes)?;
    let records = sets.iter().flat_map(|set| &set.records);
    Ok(records.map(|record| record.value.as_ref().map_or(0, Bytes::len) as u64).sum())
}
