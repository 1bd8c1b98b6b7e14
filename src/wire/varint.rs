//! Variable-length integers: base 128, least significant group first (`ByteUtils`).
//!
//! Signed ones are zig-zag coded. Encodings longer than necessary are accepted, and so are surplus
//! bits in the last byte, which are shifted out: Kafka reads both.

use super::parser::{NumberFault, Parsed, Wrong};

/// A signed 32-bit varint of at most 5 bytes (`ByteUtils.readVarint`).
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "measured: the leaf of every record field"
)]
pub(crate) fn varint<K: From<NumberFault>>(input: &[u8]) -> Parsed<'_, i32, K> {
    let (rest, n) = unsigned_varint(input)?;
    Ok((
        rest,
        (n >> 1).cast_signed() ^ 0_i32.wrapping_sub((n & 1).cast_signed()),
    ))
}

/// A signed 64-bit varint of at most 10 bytes (`ByteUtils.readVarlong`).
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "measured: the leaf of every record field"
)]
pub(crate) fn varlong<K: From<NumberFault>>(input: &[u8]) -> Parsed<'_, i64, K> {
    let (rest, n) = match *input {
        [a, ref rest @ ..] if a < 0x80 => (rest, u64::from(a)),
        [a, b, ref rest @ ..] if b < 0x80 => (rest, u64::from(a & 0x7f) | u64::from(b) << 7),
        _ => long(input, 10)?,
    };
    Ok((
        rest,
        (n >> 1).cast_signed() ^ 0_i64.wrapping_sub((n & 1).cast_signed()),
    ))
}

/// An unsigned 32-bit varint of at most 5 bytes (`ByteUtils.readUnsignedVarint`).
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "measured: the leaf of every record field"
)]
pub(crate) fn unsigned_varint<K: From<NumberFault>>(input: &[u8]) -> Parsed<'_, u32, K> {
    match *input {
        [a, ref rest @ ..] if a < 0x80 => Ok((rest, u32::from(a))),
        [a, b, ref rest @ ..] if b < 0x80 => Ok((rest, u32::from(a & 0x7f) | u32::from(b) << 7)),
        _ => {
            let (rest, n) = long(input, 5)?;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "surplus bits are shifted out, as in Kafka"
            )]
            Ok((rest, n as u32))
        }
    }
}

/// The general case: up to `width` bytes.
#[cold]
fn long<K: From<NumberFault>>(input: &[u8], width: usize) -> Parsed<'_, u64, K> {
    let mut n = 0_u64;
    let mut rest = input;
    for group in 0..width {
        let Some((&byte, after)) = rest.split_first() else {
            return Err(Wrong::at(rest, NumberFault::EndOfInput));
        };
        n |= u64::from(byte & 0x7f)
            .unbounded_shl(7_u32.wrapping_mul(u32::try_from(group).unwrap_or(u32::MAX)));
        rest = after;
        if byte < 0x80 {
            return Ok((rest, n));
        }
    }
    Err(Wrong::at(input, NumberFault::VarintTooLong { width }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(hex: &[u8]) -> i32 {
        let (rest, n) = varint::<NumberFault>(hex).unwrap();
        assert!(rest.is_empty());
        n
    }

    fn long_of(hex: &[u8]) -> i64 {
        let (rest, n) = varlong::<NumberFault>(hex).unwrap();
        assert!(rest.is_empty());
        n
    }

    #[test]
    fn the_table_of_the_reference_decodes() {
        let table: [(&[u8], i32); 12] = [
            (&[0], 0),
            (&[1], -1),
            (&[2], 1),
            (&[3], -2),
            (&[0x7e], 63),
            (&[0x7f], -64),
            (&[0x80, 1], 64),
            (&[0x81, 1], -65),
            (&[0xfe, 0x7f], 8191),
            (&[0x80, 0x80, 1], 8192),
            (&[0xfe, 0xff, 0xff, 0xff, 0x0f], i32::MAX),
            (&[0xff, 0xff, 0xff, 0xff, 0x0f], i32::MIN),
        ];
        for (bytes, n) in table {
            assert_eq!(int(bytes), n);
            if n.unsigned_abs() < 1 << 30 {
                assert_eq!(long_of(bytes), i64::from(n));
            }
        }
        assert_eq!(
            long_of(&[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
            i64::MAX
        );
        assert_eq!(
            long_of(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
            i64::MIN
        );
        assert_eq!(long_of(&[0xff, 0xef, 0xb2, 0x52]), -86_400_000);
        assert_eq!(
            long_of(&[0x80, 0xa0, 0xab, 0xfe, 0xf9, 0x62]),
            1_700_000_000_000
        );
    }

    #[test]
    fn longer_encodings_than_needed_are_read() {
        assert_eq!(int(&[0x82, 0x80, 0x80, 0x80, 0]), 1);
        assert_eq!(
            long_of(&[0x82, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0]),
            1
        );
    }

    #[test]
    fn surplus_bits_of_the_last_byte_are_dropped() {
        assert_eq!(int(&[0xff, 0xff, 0xff, 0xff, 0x7f]), i32::MIN);
        assert_eq!(
            long_of(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
            i64::MIN
        );
    }

    #[test]
    fn too_many_bytes_and_too_few_are_faults_that_say_where() {
        let of = |wrong| match wrong {
            nom::Err::Error(Wrong { rest, kind }) => (kind, rest.len()),
            other => panic!("{other:?}"),
        };
        let endless = [0x80; 12];
        assert_eq!(
            varint(&endless).map_err(of),
            Err((NumberFault::VarintTooLong { width: 5 }, 12))
        );
        let end = (NumberFault::EndOfInput, 0);
        assert_eq!(varlong(&[0x80, 0x80]).map_err(of), Err(end));
        assert_eq!(varint(&[]).map_err(of), Err(end));
    }
}
