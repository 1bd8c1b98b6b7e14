//! What must hold for any bytes. The fuzzer runs these (see `tests/fuzz/`), and so do tests, on inputs by seed.

use std::ops::Range;

use kseg::format::control::{ControlType, coordinator_epoch};
use kseg::format::{Batch, Frame, Limits, Scratch};
use kseg::scan::{Policy, Span, Walk};

pub(crate) const POLICIES: [Policy; 4] = [
    Policy::Trust,
    Policy::Resume,
    Policy::Verify,
    Policy::Salvage,
];

/// The most bytes that a batch may unpack to here.
pub(crate) const INFLATED_BYTES: usize = 8 << 20;

/// Windows of sizes that fit nothing.
const STEPS: [usize; 4] = [1, 61, 1_021, 4_099];

/// A span without its bytes; gaps that touch are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Frame(Range<u64>),
    Gap(Range<u64>),
}

/// The spans of any bytes tile them, and are the same seen whole and through windows.
pub(crate) fn walk(bytes: &[u8]) {
    for policy in POLICIES {
        let whole = pieces(bytes, policy);
        for step in STEPS {
            let windowed = pieces_through(bytes, policy, step);
            assert!(
                whole == windowed,
                "{policy:?}, windows of {step}:\n{whole:?}\n{windowed:?}"
            );
        }
    }
}

/// Everything that can be read is read: headers, checksums, records, record headers, markers. Returns how many records.
pub(crate) fn records(bytes: &[u8]) -> usize {
    let limits = Limits::inflating(INFLATED_BYTES);
    let mut scratch = Scratch::with_limits(limits);
    let mut count = 0;
    for policy in [Policy::Trust, Policy::Salvage] {
        for span in Walk::new(bytes, policy) {
            match span {
                Span::Frame(frame) => count += records_of(frame, &mut scratch),
                Span::Damage { fault, .. } => assert!(!fault.to_string().is_empty()),
                Span::Zeros(_) => {}
            }
        }
    }
    count
}

fn records_of(frame: Frame<'_>, scratch: &mut Scratch) -> usize {
    let batch = match Batch::parse(frame) {
        Ok(batch) => batch,
        Err(fault) => {
            assert!(!fault.to_string().is_empty());
            return 0;
        }
    };
    assert_eq!(batch.position(), frame.position());
    assert_eq!(batch.size_bytes(), frame.size_bytes());
    let _sound = batch.check_crc();
    let Ok(records) = batch.records(scratch) else {
        return 0;
    };
    let mut count = 0;
    for record in records {
        let Ok(record) = record else { continue };
        count += 1;
        let of_headers = record
            .headers()
            .map(|header| header.key.len() + header.value.map_or(0, <[u8]>::len));
        let held = [record.key(), record.value()]
            .into_iter()
            .flatten()
            .map(<[u8]>::len);
        let bytes: usize = of_headers.chain(held).sum();
        assert!(bytes <= INFLATED_BYTES.max(frame.size_bytes()));
        if batch.is_control() {
            let _kind = ControlType::parse(record.key());
            let _epoch = coordinator_epoch(record.value());
        }
    }
    count
}

/// The pieces of bytes seen whole.
pub(crate) fn pieces(bytes: &[u8], policy: Policy) -> Vec<Piece> {
    let mut pieces = Pieces::default();
    for span in Walk::new(bytes, policy) {
        pieces.push(&span);
    }
    pieces.end(bytes)
}

/// The pieces of bytes seen through windows of `step` bytes, or of as many as the walk asks for.
pub(crate) fn pieces_through(bytes: &[u8], policy: Policy, step: usize) -> Vec<Piece> {
    let mut pieces = Pieces::default();
    let end = bytes.len() as u64;
    let mut walk = Walk::new(&[], policy).resume(&[], end);
    let mut wanted = 0;
    loop {
        let rest = usize::try_from(walk.reached())
            .ok()
            .and_then(|at| bytes.get(at..))
            .unwrap_or_default();
        let window = rest.get(..step.max(wanted)).unwrap_or(rest);
        let mut here = walk.resume(window, end);
        for span in &mut here {
            pieces.push(&span);
        }
        let Some(more) = here.wanted() else { break };
        assert!(
            here.reached() > walk.reached() || more > window.len(),
            "no step forward at {}",
            here.reached()
        );
        wanted = more;
        walk = here.resume(&[], end);
    }
    pieces.end(bytes)
}

/// Spans so far, and where the last one ended.
#[derive(Default)]
struct Pieces {
    pieces: Vec<Piece>,
    reached: u64,
}

impl Pieces {
    fn push(&mut self, span: &Span<'_>) {
        let range = span.range();
        assert_eq!(range.start, self.reached, "a hole or an overlap");
        assert!(range.start < range.end, "nothing at {}", range.start);
        self.reached = range.end;
        match (self.pieces.last_mut(), span) {
            (_, Span::Frame(_)) => self.pieces.push(Piece::Frame(range)),
            (Some(Piece::Gap(gap)), _) => gap.end = range.end,
            _ => self.pieces.push(Piece::Gap(range)),
        }
    }

    fn end(self, bytes: &[u8]) -> Vec<Piece> {
        assert_eq!(self.reached, bytes.len() as u64, "the end is not covered");
        self.pieces
    }
}
