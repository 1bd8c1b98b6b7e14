//! Who looks at the spans, what comes out, and the driver that brings the two together.

use std::ops::{ControlFlow, Range};

use super::walk::{Policy, Span, Walk};
use crate::format::Scratch;
use crate::format::batch::HEADER_BYTES;
use crate::store::{Error, LogFile};

/// Looks at the spans of a file in order. A visitor that needs to know what came before is one of these and no
/// [`PieceVisitor`]: [`follow`](super::parallel::follow) takes it, and the driver of threads does not:
///
/// ```compile_fail,E0277
/// use kseg::format::Limits;
/// use kseg::scan::parallel::{self, Jobs, Plan};
/// use kseg::scan::{Policy, Transactions};
/// use kseg::store::LogFile;
///
/// # fn read(log: &LogFile) {
/// let plan = Plan { policy: Policy::Trust, end: u64::MAX, jobs: Jobs::ONE, limits: Limits::default() };
/// // Which transactions are open is known only of all that came before.
/// parallel::scan(log, plan, Transactions::default, &mut |_| std::ops::ControlFlow::Continue(()));
/// # }
/// ```
pub trait Visitor {
    /// Takes the next span. `Break` ends the scan: nobody wants the output any more.
    fn span(
        &mut self,
        span: Span<'_>,
        scratch: &mut Scratch,
        out: &mut Output<'_>,
    ) -> ControlFlow<()>;
}

/// Looks at the spans of a piece of a file without knowing what came before: threads share a file, and each piece has a
/// visitor of its own. What the visits amount to is merged in file order.
pub trait PieceVisitor: Visitor {
    /// What the visit amounts to.
    type Fold: Merge + Send;

    /// Bytes of a piece, where threads share a file: few where much is rendered of them, which has to wait for its turn.
    const PIECE_BYTES: u64 = 512 << 10;

    /// Ends the visit. A gap that a piece ends in ends with it: the piece goes on to the next entry.
    fn end(self, out: &mut Output<'_>) -> Self::Fold;
}

/// Results of neighbouring pieces become the result of both: associative, in file order.
pub trait Merge {
    /// Takes in the result of the piece that follows.
    fn merge(&mut self, next: Self);
}

impl Merge for () {
    fn merge(&mut self, (): ()) {}
}

/// What a visitor has rendered: text for standard output and notes for standard error.
#[derive(Debug, Default)]
pub struct Parcel {
    /// Data.
    pub text: Vec<u8>,
    /// Everything else.
    pub notes: Vec<u8>,
}

/// Rendered bytes handed over once there are this many.
const PARCEL_BYTES: usize = 512 << 10;

/// Room for what the last record adds to that, in most cases.
const SLACK_BYTES: usize = 16 << 10;

impl Parcel {
    /// An empty parcel that need not grow.
    fn roomy() -> Self {
        Self {
            text: Vec::with_capacity(PARCEL_BYTES + SLACK_BYTES),
            notes: Vec::new(),
        }
    }
}

/// Where visitors render to. It hands its bytes over in parcels, so that memory stays bounded however much a batch
/// unpacks to.
pub struct Output<'sink> {
    parcel: Parcel,
    sink: &'sink mut dyn FnMut(Parcel) -> ControlFlow<()>,
}

impl<'sink> Output<'sink> {
    pub(super) fn new(sink: &'sink mut dyn FnMut(Parcel) -> ControlFlow<()>) -> Self {
        Self {
            parcel: Parcel::roomy(),
            sink,
        }
    }

    /// The data rendered and not yet handed over.
    pub fn text(&mut self) -> &mut Vec<u8> {
        &mut self.parcel.text
    }

    /// The notes.
    pub fn notes(&mut self) -> &mut Vec<u8> {
        &mut self.parcel.notes
    }

    /// Hands the bytes over if there are enough. Called now and then: after each record is often enough.
    ///
    /// `Break`: nobody wants them any more.
    #[inline]
    pub fn poll(&mut self) -> ControlFlow<()> {
        if self.parcel.text.len() + self.parcel.notes.len() < PARCEL_BYTES {
            return ControlFlow::Continue(());
        }
        self.flush()
    }

    pub(super) fn flush(&mut self) -> ControlFlow<()> {
        if self.parcel.text.is_empty() && self.parcel.notes.is_empty() {
            return ControlFlow::Continue(());
        }
        (self.sink)(std::mem::replace(&mut self.parcel, Parcel::roomy()))
    }
}

impl std::fmt::Debug for Output<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output")
            .field("parcel", &self.parcel)
            .finish_non_exhaustive()
    }
}

/// What is scanned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) log: &'a LogFile,
    pub(super) policy: Policy,
    /// Where the first entry begins.
    pub(super) start: u64,
    /// Where the file ends; entries behind it do not count.
    pub(super) end: u64,
}

/// Memory of a mapping is given back in steps of this many bytes.
const RELEASE_BYTES: u64 = 4 << 20;

/// A touch may map as much at once, before and behind.
const HUGE_PAGE_BYTES: u64 = 2 << 20;

/// Gives back the memory behind a reader, in large steps. Each begins with the huge page that the one before ended in:
/// touching its rest may have mapped all of it again.
#[derive(Debug)]
pub(super) struct Wake {
    from: u64,
}

impl Wake {
    /// Nothing before `position` has to be given back.
    pub(super) const fn starting_at(position: u64) -> Self {
        Self { from: position }
    }

    /// Nothing before `position` will be looked at any more.
    pub(super) fn pass(&mut self, log: &LogFile, position: u64) {
        if position.saturating_sub(self.from) >= RELEASE_BYTES {
            log.release(self.from..position);
            self.from = position / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
        }
    }
}

/// The buffers of a thread that scans.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) scratch: Scratch,
    pub(super) window: Vec<u8>,
}

impl Worker {
    pub(super) fn new(scratch: Scratch) -> Self {
        Self {
            scratch,
            window: Vec::new(),
        }
    }

    /// Shows `visitor` every span that begins in `range`, the first of which begins at its start. Returns where the
    /// last one ended; behind a fault that may be far beyond the range.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn scan(
        &mut self,
        job: Job<'_>,
        range: Range<u64>,
        visitor: &mut impl Visitor,
        out: &mut Output<'_>,
    ) -> Result<u64, Error> {
        let mut joined = Joined {
            visitor,
            held: None,
        };
        let end = self.spans(job, range, &mut joined, out)?;
        // Nobody being left to take it is the sink's to know.
        let _flow = joined.show_held(&mut self.scratch, out);
        Ok(end)
    }

    fn spans(
        &mut self,
        job: Job<'_>,
        range: Range<u64>,
        visitor: &mut Joined<'_, impl Visitor>,
        out: &mut Output<'_>,
    ) -> Result<u64, Error> {
        let mut walk = Walk::new(&[], job.policy).starting_at(range.start, job.end);
        let mut wanted = 0;
        let mut wake = Wake::starting_at(range.start);
        loop {
            let position = walk.reached();
            let mut reach = position.saturating_add(job.log.stride_bytes().max(wanted as u64));
            if reach >= job.end {
                // Kafka reads a header in full, even beyond what counts.
                reach = job.end.saturating_add(HEADER_BYTES as u64);
            }
            let bytes = job.log.window(position..reach, &mut self.window)?;
            let mut here = walk.resume(bytes, job.end);
            loop {
                if here.reached() >= range.end && !here.is_lost() {
                    return Ok(here.reached());
                }
                let Some(span) = here.next() else { break };
                let flow = visitor.span(span, &mut self.scratch, out);
                if flow.is_break() || out.poll().is_break() {
                    return Ok(here.reached());
                }
                wake.pass(job.log, here.reached());
            }
            let short = (bytes.len() as u64) < reach.min(job.end) - position;
            walk = here.resume(&[], job.end);
            match here.wanted() {
                Some(_) if short && here.reached() == position => {
                    return Err(job.log.shorter());
                }
                Some(bytes) => wanted = bytes,
                None => return Ok(here.reached()),
            }
        }
    }
}

/// Remembers whether a visitor has broken off.
pub(super) struct Watched<'v, V> {
    pub(super) visitor: &'v mut V,
    pub(super) flow: ControlFlow<()>,
}

impl<V: Visitor> Visitor for Watched<'_, V> {
    #[inline]
    fn span(
        &mut self,
        span: Span<'_>,
        scratch: &mut Scratch,
        out: &mut Output<'_>,
    ) -> ControlFlow<()> {
        self.flow = self.visitor.span(span, scratch, out);
        self.flow
    }
}

/// Shows gaps as they are in the file: a window may end in the middle of one.
struct Joined<'v, V> {
    visitor: &'v mut V,
    /// A gap that may go on.
    held: Option<Span<'static>>,
}

impl<V: Visitor> Joined<'_, V> {
    #[inline]
    fn span(
        &mut self,
        span: Span<'_>,
        scratch: &mut Scratch,
        out: &mut Output<'_>,
    ) -> ControlFlow<()> {
        let next = match span {
            Span::Frame(_) => {
                self.show_held(scratch, out)?;
                return self.visitor.span(span, scratch, out);
            }
            Span::Zeros(range) => Span::Zeros(range),
            Span::Damage { range, fault } => Span::Damage { range, fault },
        };
        match (&mut self.held, &next) {
            (Some(Span::Zeros(held)), Span::Zeros(range))
            | (Some(Span::Damage { range: held, .. }), Span::Damage { range, .. }) => {
                held.end = range.end;
                ControlFlow::Continue(())
            }
            _ => {
                let flow = self.show_held(scratch, out);
                self.held = Some(next);
                flow
            }
        }
    }

    #[inline]
    fn show_held(&mut self, scratch: &mut Scratch, out: &mut Output<'_>) -> ControlFlow<()> {
        match self.held.take() {
            Some(gap) => self.visitor.span(gap, scratch, out),
            None => ControlFlow::Continue(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Fault, FaultKind};

    /// Writes down the spans it is shown.
    struct Listener(Vec<Range<u64>>);

    impl Visitor for Listener {
        fn span(&mut self, span: Span<'_>, _: &mut Scratch, _: &mut Output<'_>) -> ControlFlow<()> {
            self.0.push(span.range());
            ControlFlow::Continue(())
        }
    }

    #[test]
    fn gaps_that_touch_are_shown_as_one_of_each_kind() {
        let fault = Fault::new(FaultKind::EndOfInput, 0);
        let damage = |range| Span::Damage { range, fault };
        let mut listener = Listener(Vec::new());
        let mut joined = Joined {
            visitor: &mut listener,
            held: None,
        };
        let (scratch, mut sink) = (&mut Scratch::default(), |_| ControlFlow::Continue(()));
        let out = &mut Output::new(&mut sink);
        for span in [
            Span::Zeros(0..70),
            Span::Zeros(70..80),
            damage(80..90),
            damage(90..99),
        ] {
            assert!(joined.span(span, scratch, out).is_continue());
        }
        assert!(joined.show_held(scratch, out).is_continue());
        assert_eq!(listener.0, [0..80, 80..99]);
    }

    #[test]
    fn a_parcel_is_handed_over_when_it_is_full_and_once() {
        let mut sizes = Vec::new();
        let mut sink = |parcel: Parcel| {
            sizes.push(parcel.text.len() + parcel.notes.len());
            ControlFlow::Continue(())
        };
        let mut out = Output::new(&mut sink);
        out.text().resize(PARCEL_BYTES - 1, 0);
        assert!(out.poll().is_continue());
        out.notes().push(0);
        assert!(out.poll().is_continue());
        assert!(out.poll().is_continue());
        assert!(out.flush().is_continue());
        assert_eq!(sizes, [PARCEL_BYTES]);
    }
}
