//! Bytes that the disk does not give: every reader passes over them, and over nothing else.

use std::num::NonZero;
use std::ops::{ControlFlow, Range};
use std::path::Path;

use kseg::format::{Limits, Scratch};
use kseg::report::listing::{Checkpoints, ListingDepth, PartitionSummary};
use kseg::report::{DamagedPlace, Groups, Image, LogPart, fold, producers};
use kseg::scan::derive::{IndexSettings, LogState, recover};
use kseg::scan::locate::{Indexes, locate};
use kseg::scan::{
    Event, Extent, Filter, GapKind, GapPart, Jobs, Merge, Output, PieceVisitor, Policy,
    ScanOptions, Visitor, Walk, scan,
};
use kseg::store::{Error, LogFile, Partition};
use kseg::verify::{CheckId, Evidence, Options, Outcome, Subject, verify_log};
use kseg::wire::Offset;

use crate::forge::random::Rng;
use crate::forge::{BatchSpec, Frame, Rec};
use crate::sick::{EIO, Sick};

const BLOCK: u64 = 4096;

/// Pieces of a scan on several threads are as large.
const SMALL_PIECE_BYTES: u64 = 64 << 10;

/// The bytes of a segment, and where its batches are.
pub(crate) fn segment(seed: u64, len: usize) -> (Vec<u8>, Vec<Range<u64>>) {
    let (mut rng, mut bytes, mut batches) = (Rng::new(seed), Vec::new(), Vec::new());
    let mut offset = 0;
    while bytes.len() < len {
        let size = rng.pick(&[200, 700, 700, 700, 5_000, 30_000]);
        let value: Vec<u8> = (0..size).map(|_| rng.next().to_be_bytes()[0]).collect();
        let spec = BatchSpec::at(offset)
            .record(Rec::new(None, Some(&value)))
            .then(Rec::new(None, Some(b"b")));
        offset += 2;
        let start = bytes.len() as u64;
        bytes.extend(spec.bytes());
        batches.push(start..bytes.len() as u64);
    }
    (bytes, batches)
}

/// What a scan comes to: where batches are, and the parts of gaps.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    batches: Vec<Range<u64>>,
    gaps: Vec<(Range<u64>, Vec<GapPart>)>,
}

impl Merge for Seen {
    fn merge(&mut self, next: Self) {
        self.batches.extend(next.batches);
        self.gaps.extend(next.gaps);
    }
}

struct Seer(Seen);

impl Visitor for Seer {
    fn event(&mut self, event: Event<'_>, _: &mut Scratch, _: &mut Output<'_>) -> ControlFlow<()> {
        let range = event.range();
        match event {
            Event::Gap(gap) => self.0.gaps.push((range, gap.parts().cloned().collect())),
            _ => self.0.batches.push(range),
        }
        ControlFlow::Continue(())
    }
}

impl PieceVisitor for Seer {
    type Piece = Seen;

    const PIECE_BYTES: u64 = SMALL_PIECE_BYTES;

    fn end(self) -> Seen {
        self.0
    }
}

fn see(bytes: &[u8], bad: &[Range<u64>], policy: Policy, threads: usize) -> Seen {
    let log = Sick::log("t-0/00000000000000000000.log", bytes, bad);
    let options = ScanOptions {
        jobs: Jobs::new(NonZero::new(threads).expect("a thread")),
        ..ScanOptions::of(policy)
    };
    let nobody = &mut |_| ControlFlow::Continue(());
    scan(&log, options, || Seer(Seen::default()), nobody).expect("unreadable bytes are no error")
}

fn overlap(one: &Range<u64>, other: &Range<u64>) -> bool {
    one.start < other.end && other.start < one.end
}

/// Ranges of blocks or sectors, none of which touch.
fn bad_ranges(rng: &mut Rng, len: u64) -> Vec<Range<u64>> {
    let unit = rng.pick(&[BLOCK, BLOCK, 512]);
    let units = len.div_ceil(unit);
    let mut bad: Vec<Range<u64>> = Vec::new();
    for _ in 0..=rng.below(4) {
        let first = rng.next() % units;
        let range = first * unit..(first + 1 + u64::from(rng.below(3))) * unit;
        let range = range.start..range.end.min(len);
        let wide = range.start.saturating_sub(BLOCK)..range.end + BLOCK;
        if !bad.iter().any(|bad| overlap(bad, &wide)) {
            bad.push(range);
        }
    }
    bad.sort_by_key(|bad| bad.start);
    bad
}

/// The parts of the gaps: everything between the batches that are whole, unreadable exactly where the disk is bad.
fn assert_exact(seen: &Seen, batches: &[Range<u64>], bad: &[Range<u64>], len: u64) {
    let good = batches.iter();
    let good = good.filter(|batch| !bad.iter().any(|bad| overlap(bad, batch)));
    let good: Vec<Range<u64>> = good.cloned().collect();
    assert_eq!(seen.batches, good, "{bad:?}");
    let mut tiles: Vec<Range<u64>> = good;
    tiles.extend(seen.gaps.iter().map(|(gap, _)| gap.clone()));
    tiles.sort_by_key(|tile| tile.start);
    let mut at = 0;
    for tile in tiles {
        assert_eq!(tile.start, at, "{bad:?}");
        at = tile.end;
    }
    assert_eq!(at, len);
    let parts = seen.gaps.iter().flat_map(|(_, parts)| parts);
    let unreadable = parts.filter(|part| {
        assert!(part.is_cut(), "{part:?} of {bad:?}");
        matches!(part.kind, GapKind::Unreadable { errno: EIO })
    });
    let unreadable: Vec<Range<u64>> = unreadable.map(|part| part.range.clone()).collect();
    assert_eq!(unreadable, bad);
}

#[test]
fn a_scan_passes_over_unreadable_bytes_and_every_whole_batch_is_seen() {
    for seed in 0..60 {
        let (bytes, batches) = segment(seed, 300_000);
        let len = bytes.len() as u64;
        let bad = bad_ranges(&mut Rng::new(seed ^ 0xbad), len);
        for policy in [Policy::Salvage, Policy::Resume, Policy::Trust] {
            let alone = see(&bytes, &bad, policy, 1);
            assert_exact(&alone, &batches, &bad, len);
            assert_eq!(see(&bytes, &bad, policy, 3), alone);
        }
    }
}

#[test]
fn what_reads_like_recovery_ends_at_the_first_batch_that_is_unreadable() {
    let (bytes, batches) = segment(7, 100_000);
    let bad = BLOCK * 3..BLOCK * 4;
    let seen = see(&bytes, std::slice::from_ref(&bad), Policy::Verify, 1);
    let cut = batches.iter().position(|batch| overlap(batch, &bad));
    let cut = cut.expect("a batch there");
    assert_eq!(seen.batches, batches[..cut]);
    assert_eq!(seen.gaps[0].0, batches[cut].start..bytes.len() as u64);
}

/// A value may hold a segment of another log: it is not taken for this one where the batch around it is cut.
#[test]
fn batches_inside_of_an_unreadable_batch_are_not_taken_for_the_log() {
    let (inner, _) = segment(3, 60_000);
    let specs = [
        BatchSpec::at(0).record(Rec::new(None, Some(b"a"))),
        BatchSpec::at(1).record(Rec::new(None, Some(&inner))),
        BatchSpec::at(2).record(Rec::new(None, Some(b"c"))),
    ];
    let frames = specs.map(|spec| spec.bytes());
    let bytes = frames.concat();
    let bad = [BLOCK * 2..BLOCK * 3, BLOCK * 9..BLOCK * 10];
    let seen = see(&bytes, &bad, Policy::Salvage, 1);
    let (first, len) = (frames[0].len() as u64, bytes.len() as u64);
    let last = len - frames[2].len() as u64;
    assert_eq!(seen.batches, [0..first, last..len]);
    assert_eq!(seen.gaps[0].0, first..last);
}

/// Verifies a sound segment of a sick disk: nothing is found but what is unreadable.
fn verified(bytes: &[u8], bad: &[Range<u64>]) -> Outcome {
    let log = Sick::log("t-0/00000000000000000000.log", bytes, bad);
    let subject = Subject {
        base_offset: Some(Offset::new(0)),
        ..Subject::at(Path::new("t-0/00000000000000000000.log"))
    };
    let options = Options::default();
    verify_log(&log, &subject, &options).expect("unreadable bytes are no error")
}

#[test]
fn verify_reports_exactly_the_unreadable_ranges_and_the_batches_that_they_cut() {
    for seed in 0..60 {
        let (bytes, batches) = segment(seed, 300_000);
        let len = bytes.len() as u64;
        let bad = bad_ranges(&mut Rng::new(seed ^ 0xbad), len);
        let Outcome {
            findings, coverage, ..
        } = verified(&bytes, &bad);
        let is_cut = |batch: &Range<u64>| bad.iter().any(|bad| overlap(bad, batch));
        let (mut ranges, mut covered) = (Vec::new(), Vec::new());
        let (mut records, mut is_known) = (0, true);
        for finding in findings.kept() {
            assert_eq!(finding.check, CheckId::UnreadableBytes, "{finding:?}");
            let Evidence::Unreadable(evidence) = &finding.evidence else {
                panic!("{finding:?}");
            };
            let listed = evidence.unreadable.iter();
            ranges.extend(listed.map(|range| range.from..range.to));
            let (start, size) = (finding.position.unwrap(), finding.length.unwrap());
            covered.push(start..start + size);
            let loss = finding.loss.as_ref().unwrap();
            records += loss.records.at_most();
            // Two records a batch.
            let Some((first, last)) = loss.offsets else {
                // Before the first batch and after the last one nothing says how far the offsets go.
                let is_first = batches.first().is_some_and(is_cut);
                assert!(is_first || batches.last().is_some_and(is_cut), "{loss:?}");
                is_known = false;
                continue;
            };
            let own: Vec<i64> = (0..)
                .step_by(2)
                .zip(&batches)
                .filter(|(_, batch)| is_cut(batch) && overlap(batch, &(start..start + size)))
                .map(|(offset, _)| offset)
                .collect();
            if loss.records.is_exact() || findings.kept().len() == 1 {
                assert_eq!(first, own[0]);
                assert_eq!(last, own[own.len() - 1] + 1);
            }
        }
        assert_eq!(ranges, bad);
        let cut = batches.iter().filter(|batch| is_cut(batch));
        let cut: u64 = cut.map(|batch| batch.end - batch.start).sum();
        assert_eq!(
            covered
                .iter()
                .map(|range| range.end - range.start)
                .sum::<u64>(),
            cut
        );
        let cut_batches = batches.iter().filter(|batch| is_cut(batch)).count() as u64;
        assert!(
            !is_known || records == 2 * cut_batches,
            "{records} of {cut_batches}"
        );
        assert!(coverage.is_complete());
        assert_eq!(coverage.batch_bytes, len - cut);
        let unreadable: u64 = bad.iter().map(|bad| bad.end - bad.start).sum();
        assert_eq!(coverage.unreadable_bytes, unreadable);
        assert_eq!(coverage.damage_bytes, cut - unreadable);
    }
}

/// What other commands drive: `ls` sees how far the log reaches, `cat` is not misled, and to `predict` it is what a broker meets.
#[test]
fn other_readers_pass_over_unreadable_bytes_and_recovery_ends_there() {
    let (bytes, batches) = segment(11, 200_000);
    let bad = [BLOCK * 5..BLOCK * 7, BLOCK * 20..BLOCK * 21];
    let log = Sick::log("t-0/00000000000000000000.log", &bytes, &bad);
    let is_cut = |batch: &&Range<u64>| bad.iter().any(|bad| overlap(bad, batch));
    let cut = batches.iter().filter(is_cut);
    let cut_bytes: u64 = cut.map(|batch| batch.end - batch.start).sum();

    let extent = Extent::scan(&log, Jobs::ONE, Limits::default()).expect("no error");
    let last = 2 * i64::try_from(batches.len()).expect("few") - 1;
    assert_eq!(extent.last_offset, Some(Offset::new(last)));
    assert_eq!(extent.damaged_bytes, cut_bytes);

    // Wherever the headers lead, what is wanted lies in the range.
    for (nth, batch) in (0_i64..).zip(&batches) {
        let filter = Filter::from_offset(Offset::new(2 * nth));
        let range = locate(&log, Indexes::default(), &filter).expect("no error");
        assert!(range.start <= batch.start && batch.end <= range.end);
    }

    let (mut state, mut scratch) = (LogState::default(), Scratch::default());
    let (settings, base) = (IndexSettings::default(), Offset::new(0));
    let ended = recover(
        &log,
        Policy::Verify,
        settings,
        base,
        &mut state,
        &mut scratch,
    );
    let Err(Error::Unreadable { unreadable, .. }) = ended else {
        panic!("a broker cannot read this: {ended:?}");
    };
    assert_eq!((unreadable.range, unreadable.errno), (bad[0].clone(), EIO));
}

/// What drives a scan through a function that opens files: images, listings and producers have what lies in the other batches, and
/// no error.
#[test]
fn images_and_listings_of_a_sick_log_have_everything_that_can_be_read() {
    let dir = Path::new(crate::cases::TESTDATA)
        .join("kafka-4.3.1/consumer-4.3.1/files/__consumer_offsets-0");
    let partition = Partition::open(&dir).expect("a partition of ours");
    let parts = LogPart::of(&partition);
    let [part] = parts.as_slice() else {
        panic!("one segment: {parts:?}");
    };
    let bytes = std::fs::read(&part.path).expect("a segment of ours");
    assert!(bytes.len() as u64 > 3 * BLOCK);
    for bad in [0..BLOCK, BLOCK..2 * BLOCK, 512..1024] {
        let open = |path: &Path| -> Result<LogFile, Error> {
            Ok(Sick::log(path, &bytes, std::slice::from_ref(&bad)))
        };
        let (mut expected, mut records, mut cut) = (Groups::default(), 0, 0);
        let mut scratch = Scratch::default();
        for event in Walk::new(&bytes, Policy::Salvage) {
            let is_cut = overlap(&event.range(), &bad);
            let Event::Batch(batch) = event else {
                panic!("a sound segment");
            };
            if is_cut {
                cut += 1;
                continue;
            }
            expected.batch(&batch, &mut scratch).expect("sound");
            records += batch.records(&mut scratch).expect("sound").count() as u64;
        }
        assert!(cut > 0 && records > 0);

        let (mut image, mut damage) = (Groups::default(), Vec::new());
        let limits = Limits::default();
        let lost = fold(&mut image, &parts, limits, open, &mut damage);
        assert!(lost.is_empty(), "{lost:?}");
        assert!(image == expected);
        let places: Vec<u64> = damage
            .iter()
            .map(|one: &DamagedPlace| one.position)
            .collect();
        assert!(places.len() == 1 && places[0] <= bad.start, "{damage:?}");

        let mut summary = PartitionSummary::open(&dir, &Checkpoints::default()).expect("a folder");
        summary.look(ListingDepth::Records(limits), Jobs::ONE, open);
        assert!(summary.errors.is_empty(), "{:?}", summary.errors);
        assert_eq!(summary.records(), Some(records));

        let mut damage = Vec::new();
        producers::of_partition(&partition, limits, open, &mut damage).expect("no error");
        assert_eq!(damage.len(), 1, "{damage:?}");
    }
}
