//! Decimals: two's complement, big-endian, of any length.

/// The maximum size; longer ones are left as bytes, because converting a number into decimal digits
/// takes time quadratic in its length.
const MOST_BYTES: usize = 1 << 10;

/// The maximum number of digits after the point; more are not readable.
const MOST_SCALE: usize = 4 << 10;

/// The largest scale of a number of one word that is written digit by digit.
const MOST_SMALL_SCALE: usize = 20;

/// The divisor of one step.
const BILLION: u64 = 1_000_000_000;

/// Appends a number of big-endian bytes as JSON. Returns false if it is too long; nothing is
/// appended then.
pub(super) fn write(bytes: &[u8], scale: usize, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    out.push(b'"');
    let is_written = write_digits(bytes, scale, out);
    if is_written {
        out.push(b'"');
    } else {
        out.truncate(start);
    }
    is_written
}

/// Appends a number of big-endian bytes as text with `scale` digits after the point. Returns false
/// if it is too long; nothing is appended then.
pub fn write_digits(bytes: &[u8], scale: usize, out: &mut Vec<u8>) -> bool {
    if bytes.len() > MOST_BYTES || scale > MOST_SCALE {
        return false;
    }
    let is_negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    if bytes.len() <= 8 && scale <= MOST_SMALL_SCALE {
        small(bytes, is_negative, scale, out);
        return true;
    }
    let mut limbs = magnitude(bytes, is_negative);
    // The lowest digit first.
    let mut digits = Vec::new();
    while limbs.iter().any(|limb| *limb != 0) {
        let mut rest = divide(&mut limbs);
        for _ in 0..9 {
            digits.push(b'0' | u8::try_from(rest % 10).unwrap_or_default());
            rest /= 10;
        }
    }
    while digits.last() == Some(&b'0') {
        digits.pop();
    }
    let length = digits.len().max(scale.saturating_add(1));
    digits.resize(length, b'0');
    if is_negative {
        out.push(b'-');
    }
    let (fraction, whole) = digits.split_at_checked(scale).unwrap_or((&[], &digits));
    out.extend(whole.iter().rev());
    if scale > 0 {
        out.push(b'.');
        out.extend(fraction.iter().rev());
    }
    true
}

/// Appends a number of at most eight bytes.
fn small(bytes: &[u8], is_negative: bool, scale: usize, out: &mut Vec<u8>) {
    let sign = if is_negative { u64::MAX } else { 0 };
    let number = bytes
        .iter()
        .fold(sign, |number, byte| number << 8 | u64::from(*byte));
    if is_negative {
        out.push(b'-');
    }
    let mut buffer = itoa::Buffer::new();
    let digits = buffer
        .format(number.cast_signed().unsigned_abs())
        .as_bytes();
    let whole = digits.len().saturating_sub(scale);
    let (whole, fraction) = digits.split_at_checked(whole).unwrap_or((digits, &[]));
    out.extend_from_slice(if whole.is_empty() { b"0" } else { whole });
    if scale > 0 {
        out.push(b'.');
        let zeros = scale.saturating_sub(fraction.len());
        out.extend(std::iter::repeat_n(b'0', zeros));
        out.extend_from_slice(fraction);
    }
}

/// The number without its sign, in limbs of 32 bits, the highest first.
fn magnitude(bytes: &[u8], is_negative: bool) -> Vec<u32> {
    let sign = if is_negative { 0xff } else { 0 };
    let mut limbs: Vec<u32> = bytes
        .rchunks(4)
        .rev()
        .map(|chunk| {
            chunk
                .iter()
                .fold(0, |limb: u32, byte| limb << 8 | u32::from(byte ^ sign))
        })
        .collect();
    if is_negative {
        for limb in limbs.iter_mut().rev() {
            let (sum, carries) = limb.overflowing_add(1);
            *limb = sum;
            if !carries {
                return limbs;
            }
        }
        // All limbs overflowed: the number is a power of 2³².
        limbs.insert(0, 1);
    }
    limbs
}

/// Divides by a billion; returns the remainder.
fn divide(limbs: &mut [u32]) -> u64 {
    let mut rest = 0;
    for limb in limbs {
        let whole = rest << 32 | u64::from(*limb);
        *limb = u32::try_from(whole / BILLION).unwrap_or_default();
        rest = whole % BILLION;
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_the_number() {
        let table: [(&[u8], usize, &str); 15] = [
            (b"", 0, "0"),
            (b"", 2, "0.00"),
            (b"\x00", 2, "0.00"),
            (b"\x04\xe2", 2, "12.50"),
            (b"\xfb\x1e", 2, "-12.50"),
            (b"\xff", 3, "-0.001"),
            (b"\x80\0\0\0\0\0\0\0", 19, "-0.9223372036854775808"),
            (b"\x80\0\0\0\0\0\0\0", 21, "-0.009223372036854775808"),
            (
                b"\x7f\xff\xff\xff\xff\xff\xff\xff",
                1,
                "922337203685477580.7",
            ),
            (b"\x80", 0, "-128"),
            (b"\x00\x80", 0, "128"),
            (b"\x80\x00\x00\x00", 0, "-2147483648"),
            (b"\xff\x00\x00\x00\x00", 0, "-4294967296"),
            (
                b"\x0d\xe0\xb6\xb3\xa7\x64\x00\x00",
                18,
                "1.000000000000000000",
            ),
            (
                b"\x4b\x3b\x4c\xa8\x5a\x86\xc4\x7a\x09\x8a\x22\x40\x00\x00\x00\x00",
                0,
                "100000000000000000000000000000000000000",
            ),
        ];
        for (bytes, scale, expected) in table {
            let mut out = Vec::new();
            assert!(write(bytes, scale, &mut out));
            assert_eq!(String::from_utf8(out).unwrap(), format!("\"{expected}\""));
        }
        assert!(!write(&[1; MOST_BYTES + 1], 0, &mut Vec::new()));
    }
}
