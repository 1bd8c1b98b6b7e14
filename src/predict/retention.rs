//! Retention: which segments a broker deletes because they are too old, too many, or before the log's start.
//!
//! It looks at the segments from the oldest on and stops at the first that may stay; one that was deleted is gone even if
//! the next is older. The last segment goes too: a new, empty one takes its place.
//!
//! # References
//! `UnifiedLog.deleteOldSegments`, `deletableSegments`; `LogManager.cleanupLogs`.

/// What retention asks of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Its base offset.
    pub base: i64,
    /// Bytes of its `.log`.
    pub bytes: u64,
    /// Its largest timestamp as the broker takes it: the last entry of its time index, or the time of its last change.
    pub largest_timestamp_ms: i64,
}

/// What a partition's segments are held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Whether `cleanup.policy` has `delete`; else only the log's start counts.
    pub deletes: bool,
    /// `retention.ms`; below 0 is without end.
    pub retention_ms: i64,
    /// `retention.bytes`; below 0 is without end.
    pub retention_bytes: i64,
    /// The log start offset.
    pub log_start: i64,
    /// The log end offset.
    pub log_end: i64,
    /// The high watermark: what is not replicated stays.
    pub high_watermark: i64,
    /// Whether time is asked first and the log's start last, as 2.8 does, and not the other way round.
    pub time_first: bool,
}

/// Why a segment is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Breach {
    /// The next segment begins at or before the log's start.
    LogStart,
    /// The partition is larger than it may be.
    Size,
    /// Its largest timestamp is too long ago.
    Time,
}

/// The segments that one retention check deletes, from the first on, and why; `segments` are in order.
#[must_use]
pub fn deleted(segments: &[Candidate], rules: &Rules, now_ms: i64) -> Vec<Breach> {
    // Each pass goes on where the one before stopped.
    let passes = if rules.time_first {
        [Breach::Time, Breach::Size, Breach::LogStart]
    } else {
        [Breach::LogStart, Breach::Size, Breach::Time]
    };
    let mut gone = Vec::new();
    for breach in passes {
        if breach != Breach::LogStart && !rules.deletes {
            continue;
        }
        let rest = segments.get(gone.len()..).unwrap_or_default();
        let count = match breach {
            Breach::LogStart => before_start(rest, rules),
            Breach::Size => above_size(rest, rules),
            Breach::Time => too_old(rest, rules, now_ms),
        };
        gone.extend(std::iter::repeat_n(breach, count));
    }
    gone
}

/// How many segments from the first on may go, and `breaches` says so of each; it is shown where the next one begins.
fn prefix(
    segments: &[Candidate],
    rules: &Rules,
    mut breaches: impl FnMut(&Candidate, Option<i64>) -> bool,
) -> usize {
    let nexts = segments.iter().skip(1).map(|next| Some(next.base));
    let pairs = segments.iter().zip(nexts.chain([None]));
    let goes = |(segment, next): &(&Candidate, Option<i64>)| {
        let is_last_and_empty = next.is_none() && segment.bytes == 0;
        rules.high_watermark >= next.unwrap_or(rules.log_end)
            && breaches(segment, *next)
            && !is_last_and_empty
    };
    pairs.take_while(goes).count()
}

fn before_start(segments: &[Candidate], rules: &Rules) -> usize {
    prefix(segments, rules, |_, next| {
        next.is_some_and(|next| next <= rules.log_start)
    })
}

fn above_size(segments: &[Candidate], rules: &Rules) -> usize {
    let Ok(most) = u64::try_from(rules.retention_bytes) else {
        return 0;
    };
    let size: u64 = segments.iter().map(|segment| segment.bytes).sum();
    let mut above = size.checked_sub(most);
    prefix(segments, rules, |segment, _| {
        above = above.and_then(|above| above.checked_sub(segment.bytes));
        above.is_some()
    })
}

fn too_old(segments: &[Candidate], rules: &Rules, now_ms: i64) -> usize {
    if rules.retention_ms < 0 {
        return 0;
    }
    prefix(segments, rules, |segment, _| {
        now_ms.saturating_sub(segment.largest_timestamp_ms) > rules.retention_ms
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        deletes: true,
        retention_ms: 100,
        retention_bytes: -1,
        log_start: 0,
        log_end: 30,
        high_watermark: 30,
        time_first: false,
    };

    fn segments(times: [i64; 3]) -> Vec<Candidate> {
        let of = |(base, time)| Candidate {
            base,
            bytes: 50,
            largest_timestamp_ms: time,
        };
        [0, 10, 20].into_iter().zip(times).map(of).collect()
    }

    #[test]
    fn the_first_segment_that_may_stay_keeps_the_rest() {
        let of = |times| deleted(&segments(times), &RULES, 1_000);
        assert_eq!(of([0, 899, 900]), [Breach::Time; 2]);
        assert_eq!(of([900, 0, 0]), []);
        assert_eq!(of([0, 0, 0]), [Breach::Time; 3]);
        assert_eq!(of([5_000, 0, 0]), [], "in the future");
    }

    #[test]
    fn size_counts_whole_segments_and_the_log_start_needs_no_policy() {
        let kept = segments([1_000; 3]);
        let of = |rules: Rules| deleted(&kept, &rules, 1_000);
        let sized = |bytes| {
            of(Rules {
                retention_bytes: bytes,
                ..RULES
            })
        };
        assert_eq!(sized(150), []);
        assert_eq!(sized(101), []);
        assert_eq!(sized(100), [Breach::Size]);
        assert_eq!(sized(0), [Breach::Size; 3]);
        let from = |log_start| Rules {
            log_start,
            deletes: false,
            retention_bytes: 0,
            ..RULES
        };
        assert_eq!(of(from(9)), []);
        assert_eq!(of(from(20)), [Breach::LogStart; 2]);
    }

    #[test]
    fn where_size_is_asked_first_time_goes_on_behind_what_it_took() {
        let of = |time_first| {
            let rules = Rules {
                retention_bytes: 100,
                time_first,
                ..RULES
            };
            deleted(&segments([950, 0, 950]), &rules, 1_000)
        };
        assert_eq!(of(false), [Breach::Size, Breach::Time]);
        assert_eq!(of(true), [Breach::Size]);
    }

    #[test]
    fn what_is_not_replicated_and_an_empty_last_segment_stay() {
        let behind = Rules {
            high_watermark: 19,
            ..RULES
        };
        assert_eq!(deleted(&segments([0; 3]), &behind, 1_000), [Breach::Time]);
        let mut last = segments([0; 3]);
        last[2].bytes = 0;
        assert_eq!(deleted(&last, &RULES, 1_000), [Breach::Time; 2]);
    }
}
