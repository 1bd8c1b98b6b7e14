//! Retention: segments that a broker deletes because they are too old, beyond the size limit, or
//! before the log start offset.
//!
//! A broker checks the segments from the oldest on and stops at the first that stays, even if the
//! next one is older. The last segment is deleted too: a new, empty one replaces it.
//!
//! # References
//! `UnifiedLog.deleteOldSegments`, `deletableSegments`; `LogManager.cleanupLogs`.

/// The facts of a segment that retention uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Its base offset.
    pub base: i64,
    /// Bytes of its `.log`.
    pub bytes: u64,
    /// Its largest timestamp as the broker sees it: the last entry of its time index, or its
    /// modification time.
    pub largest_timestamp_ms: i64,
}

/// The retention rules for the segments of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// True if `cleanup.policy` has `delete`; otherwise only the log start offset counts.
    pub deletes: bool,
    /// `retention.ms`; negative means no limit.
    pub retention_ms: i64,
    /// `retention.bytes`; negative means no limit.
    pub retention_bytes: i64,
    /// The log start offset.
    pub log_start: i64,
    /// The log end offset.
    pub log_end: i64,
    /// The high watermark: segments that are not replicated stay.
    pub high_watermark: i64,
    /// True if the time is checked first and the log start offset last, as in 2.8, and not the
    /// other way round.
    pub time_first: bool,
    /// For a topic in tiered storage, the offset after the last that was copied there: segments
    /// beyond it stay.
    pub copied_to: Option<i64>,
}

/// The limit that a segment exceeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Breach {
    /// The next segment begins at or before the log start offset.
    LogStart,
    /// The partition is larger than the limit.
    Size,
    /// Its largest timestamp is too old.
    Time,
}

/// The segments that one retention check deletes, from the first on, and why; `segments` are in
/// order.
#[must_use]
pub fn deleted(segments: &[Candidate], rules: &Rules, now_ms: i64) -> Vec<Breach> {
    // Each pass continues where the previous one stopped.
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

/// The fate of a segment if no more records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// The next retention check deletes it.
    Goes(Breach),
    /// It is too old from this time on, in milliseconds since 1970.
    GoesAt(i64),
    /// It is too old, or will be from this time on, but stays as long as the segment at this index.
    After(usize, i64),
    /// It stays.
    Stays(Stay),
}

/// The reason why a segment is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stay {
    /// `cleanup.policy` has no `delete`.
    CompactOnly,
    /// `retention.ms` is −1, and the partition is not too large.
    NoTimeLimit,
    /// It reaches beyond the high watermark.
    NotReplicated,
    /// It is not yet copied to tiered storage.
    NotCopied,
    /// It is the last one, and it is empty.
    Empty,
    /// The segment at this index, which is before it, stays.
    Behind(usize),
}

/// Predicts the fate of each segment if no more records are written; `segments` are in order.
#[must_use]
pub fn fates(segments: &[Candidate], rules: &Rules, now_ms: i64) -> Vec<Fate> {
    let mut fates: Vec<Fate> = deleted(segments, rules, now_ms)
        .into_iter()
        .map(Fate::Goes)
        .collect();
    // The segment that keeps the following ones: one that stays, or the one that is deleted last.
    let (mut stays, mut last): (Option<usize>, Option<(usize, i64)>) = (None, None);
    for (index, segment) in segments.iter().enumerate().skip(fates.len()) {
        let next = segments.get(index.saturating_add(1)).map(|next| next.base);
        if let Some(before) = stays {
            fates.push(Fate::Stays(Stay::Behind(before)));
            continue;
        }
        if let Some(stay) = stay(segment, next, rules) {
            stays = Some(index);
            fates.push(Fate::Stays(stay));
            continue;
        }
        let due = segment
            .largest_timestamp_ms
            .saturating_add(rules.retention_ms);
        let due = due.saturating_add(1);
        match last {
            Some((before, later)) if later > due => fates.push(Fate::After(before, later)),
            _ => {
                last = Some((index, due));
                fates.push(Fate::GoesAt(due));
            }
        }
    }
    fates
}

/// Returns the reason why a segment is kept at any time.
fn stay(segment: &Candidate, next: Option<i64>, rules: &Rules) -> Option<Stay> {
    let end = next.unwrap_or(rules.log_end);
    Some(match () {
        () if !rules.deletes => Stay::CompactOnly,
        () if rules.high_watermark < end => Stay::NotReplicated,
        () if rules.copied_to.is_some_and(|copied| copied < end) => Stay::NotCopied,
        () if next.is_none() && segment.bytes == 0 => Stay::Empty,
        () if rules.retention_ms < 0 => Stay::NoTimeLimit,
        () => return None,
    })
}

/// Returns the number of leading segments for which `breaches` is true; it also gets the base
/// offset of the next segment.
fn prefix(
    segments: &[Candidate],
    rules: &Rules,
    mut breaches: impl FnMut(&Candidate, Option<i64>) -> bool,
) -> usize {
    let nexts = segments.iter().skip(1).map(|next| Some(next.base));
    let pairs = segments.iter().zip(nexts.chain([None]));
    let goes = |(segment, next): &(&Candidate, Option<i64>)| {
        let is_last_and_empty = next.is_none() && segment.bytes == 0;
        let end = next.unwrap_or(rules.log_end);
        rules.high_watermark >= end
            && rules.copied_to.is_none_or(|copied| copied >= end)
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
        copied_to: None,
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

    #[test]
    fn a_segment_goes_when_it_and_all_before_it_are_too_old() {
        let of = |times, rules: &Rules| fates(&segments(times), rules, 1_000);
        let goes = Fate::Goes(Breach::Time);
        assert_eq!(
            of([0, 950, 920], &RULES),
            [goes, Fate::GoesAt(1_051), Fate::After(1, 1_051)]
        );
        assert_eq!(
            of([5_000, 0, 6_000], &RULES),
            [
                Fate::GoesAt(5_101),
                Fate::After(0, 5_101),
                Fate::GoesAt(6_101)
            ]
        );
        let uncopied = Rules {
            copied_to: Some(10),
            ..RULES
        };
        assert_eq!(
            of([0; 3], &uncopied),
            [
                goes,
                Fate::Stays(Stay::NotCopied),
                Fate::Stays(Stay::Behind(1))
            ]
        );
        let compacted = Rules {
            deletes: false,
            ..RULES
        };
        assert_eq!(of([0; 3], &compacted)[0], Fate::Stays(Stay::CompactOnly));
        let forever = Rules {
            retention_ms: -1,
            ..RULES
        };
        assert_eq!(of([0; 3], &forever)[0], Fate::Stays(Stay::NoTimeLimit));
    }

    /// The segments of ten partitions of six segments that a broker 4.3.1 kept at a check at this
    /// time.
    #[test]
    fn what_a_broker_deleted_goes_and_what_it_left_stays() {
        const NOW_MS: i64 = 1_795_964_276_000;
        const BASES: [i64; 6] = [0, 976, 1951, 2926, 3901, 4876];
        const BYTES: [u64; 6] = [
            1_048_114, 1_048_101, 1_048_125, 1_048_125, 1_048_125, 133_300,
        ];
        /// Ages in milliseconds at that time.
        type Ages = [i64; 6];
        const STEADY: Ages = [8_150_318, 6_200_318, 4_250_318, 2_300_318, 350_318, 102_318];
        const FUTURE: Ages = [
            8_150_318,
            -86_299_682,
            4_250_318,
            2_300_318,
            350_318,
            102_318,
        ];
        const MIXED: Ages = [296_144, 115_541, 156_940, 288_140, 126_205, 102_318];
        const APPENDED: Ages = [64_563, 64_272, 64_140, 63_848, 63_523, 63_481];
        const RANDOM: Ages = [254_358, 108_431, 111_587, 101_050, 150_494, 102_318];
        let week = 604_800_000;
        let cases: [(Ages, i64, i64, usize); 10] = [
            (STEADY, 3_600_000, -1, 3),
            (STEADY, week, 2_500_000, 2),
            (FUTURE, 3_600_000, -1, 1),
            (STEADY, -1, -1, 0),
            (MIXED, 7_200_000, -1, 0),
            (STEADY, week, 0, 6),
            (STEADY, 1_000, -1, 6),
            (APPENDED, 3_600_000, -1, 0),
            (RANDOM, week, 1_048_576, 4),
            (STEADY, 5_400_000, -1, 2),
        ];
        for (nth, (ages, retention_ms, retention_bytes, gone)) in cases.into_iter().enumerate() {
            let rules = Rules {
                retention_ms,
                retention_bytes,
                log_end: 5_000,
                high_watermark: 5_000,
                ..RULES
            };
            let candidates = (0..6).map(|at| Candidate {
                base: BASES[at],
                bytes: BYTES[at],
                largest_timestamp_ms: NOW_MS - ages[at],
            });
            let candidates: Vec<_> = candidates.collect();
            let fates = fates(&candidates, &rules, NOW_MS);
            let found = fates.iter().filter(|fate| matches!(fate, Fate::Goes(_)));
            assert_eq!(found.count(), gone, "case {nth}");
        }
    }
}
