//! Which few flipped bits explain a wrong CRC-32C: a burst, or two bits anywhere.
//!
//! A CRC is linear: what flipped bits do to a checksum is the sum (xor) of what each does alone. Undoing the checksum bit by bit from the
//! end shows, at each place, the one pattern of 32 bits before it that would explain the difference; a pattern with few bits between its
//! first and its last is a burst. Two bits are found by looking up, for each bit, what the other one would have to do.

use crate::wire::crc::{CASTAGNOLI, back, forth};

/// Bits of a checksum.
pub(super) const CRC_BITS: usize = 32;

/// Flipped bits of a message and its checksum: the message's bits from 0 on, in the order in which a CRC takes them (the lowest of a byte
/// first), then those of the checksum, the lowest first.
pub(super) type Flips = Vec<usize>;

/// Returns the bursts of at most `most_bits` bits, from the first flipped one to the last, that change the CRC-32C of a message of
/// `len_bytes` by `syndrome` (stored xor actual); the shortest first, at most `limit`.
#[must_use]
pub(super) fn bursts(
    len_bytes: usize,
    syndrome: u32,
    most_bits: usize,
    limit: usize,
) -> Vec<Flips> {
    let mut found: Vec<(usize, Flips)> = Vec::new();
    let bits = len_bytes.saturating_mul(8);
    // What 32 bits, of which the last is right before the place looked at, would have to be.
    let mut pattern = (0..CRC_BITS).fold(syndrome, |pattern, _| back(CASTAGNOLI, pattern));
    for end in (0..bits).rev() {
        let first = usize::try_from(pattern.trailing_zeros()).unwrap_or(CRC_BITS);
        let span = CRC_BITS.saturating_sub(first);
        // A burst is seen once: where its last bit is the last of the pattern.
        if pattern >> 31 == 1
            && span <= most_bits
            && let Some(start) = end
                .checked_add(1)
                .and_then(|end| end.checked_sub(CRC_BITS - first))
        {
            let flipped = (0..span).filter(|bit| pattern >> (first + bit) & 1 == 1);
            found.push((span, flipped.map(|bit| start + bit).collect()));
        }
        pattern = back(CASTAGNOLI, pattern);
    }
    let stored = burst_of_checksum(bits, syndrome, most_bits);
    found.extend(stored);
    found.sort();
    found.truncate(limit);
    found.into_iter().map(|(_, flips)| flips).collect()
}

/// The same within the stored checksum.
fn burst_of_checksum(bits: usize, syndrome: u32, most_bits: usize) -> Option<(usize, Flips)> {
    let first = usize::try_from(syndrome.trailing_zeros()).ok()?;
    let after = usize::try_from(syndrome.leading_zeros()).ok()?;
    let span = CRC_BITS.checked_sub(first)?.checked_sub(after)?;
    let flipped = (0..CRC_BITS).filter(|bit| syndrome >> bit & 1 == 1);
    (0 < span && span <= most_bits).then(|| (span, flipped.map(|bit| bits + bit).collect()))
}

/// Returns the pairs of bits that change the CRC-32C of a message of `len_bytes` by `syndrome`, at most `limit`. Takes memory for 8 bytes a bit.
#[must_use]
pub(super) fn pairs(len_bytes: usize, syndrome: u32, limit: usize) -> Vec<Flips> {
    let bits = len_bytes.saturating_mul(8);
    let mut effects: Vec<(u32, usize)> = Vec::with_capacity(bits.saturating_add(CRC_BITS));
    let mut effect = 1;
    for bit in (0..bits).rev() {
        effect = forth(CASTAGNOLI, effect);
        effects.push((effect, bit));
    }
    effects.extend((0..CRC_BITS).map(|bit| (1_u32 << bit, bits + bit)));
    effects.sort_unstable();
    let mut found = Vec::new();
    for (effect, bit) in &effects {
        let wanted = syndrome ^ effect;
        let first = effects.partition_point(|(other, _)| *other < wanted);
        let others = effects.iter().skip(first);
        let others = others.take_while(|(other, _)| *other == wanted);
        let rising = others.filter(|(_, other)| bit < other);
        found.extend(rising.map(|(_, other)| vec![*bit, *other]));
        if found.len() >= limit {
            break;
        }
    }
    found.truncate(limit);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::crc::crc32c;

    fn flip(bytes: &mut [u8], bit: usize) {
        bytes[bit / 8] ^= 1 << (bit % 8);
    }

    #[test]
    fn two_flipped_bits_are_found_wherever_they_are() {
        let whole: Vec<u8> = (0..90_u8).collect();
        for (a, b) in [(0, 1), (3, 719), (100, 101), (8, 400)] {
            let mut damaged = whole.clone();
            flip(&mut damaged, a);
            flip(&mut damaged, b);
            let syndrome = crc32c(&whole) ^ crc32c(&damaged);
            assert_eq!(pairs(90, syndrome, 9), [vec![a, b]]);
        }
        // One in the message, one in its checksum.
        let mut damaged = whole.clone();
        flip(&mut damaged, 77);
        let syndrome = crc32c(&whole) ^ 1 << 5 ^ crc32c(&damaged);
        assert_eq!(pairs(90, syndrome, 9), [vec![77, 725]]);
    }

    #[test]
    fn bursts_are_found_at_both_ends_and_between() {
        let whole: Vec<u8> = (0..60_u8).collect();
        for flipped in [
            vec![0, 3, 7],
            vec![9],
            vec![200, 201, 202, 203, 204, 205, 206, 207],
            vec![470, 475, 479],
            vec![31, 32, 33, 40],
        ] {
            let mut damaged = whole.clone();
            for bit in &flipped {
                flip(&mut damaged, *bit);
            }
            let syndrome = crc32c(&whole) ^ crc32c(&damaged);
            assert_eq!(bursts(60, syndrome, 10, 9), [flipped]);
        }
        assert_eq!(bursts(60, 0b1011 << 7, 10, 9), [vec![487, 488, 490]]);
        assert!(bursts(0, 0, 32, 9).is_empty());
    }
}
