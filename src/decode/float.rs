//! Binary floating-point numbers as JSON.

use std::io::Write as _;

/// Appends a number in its shortest form; as text if it is not finite: `"NaN"`, `"inf"`, `"-inf"`.
pub fn write_f64(n: f64, out: &mut Vec<u8>) {
    write(n, n.is_finite(), out);
}

/// Appends a number in its shortest form; as text if it is not finite: `"NaN"`, `"inf"`, `"-inf"`.
pub fn write_f32(n: f32, out: &mut Vec<u8>) {
    write(n, n.is_finite(), out);
}

/// The form is that of `core::fmt`. Where `zmij` has the same one, it takes a fraction of the time:
/// with an exponent, and in small numbers, the two differ. Of two shortest texts that are equally
/// near, `zmij` has the one with an even digit, as `serde_json` and Python do; `core::fmt` has the
/// larger one.
fn write<F>(n: F, is_finite: bool, out: &mut Vec<u8>)
where
    F: zmij::Float + std::fmt::Debug + Into<f64> + Copy,
{
    let size = n.into().abs();
    if (1e-4..1e12).contains(&size) || size == 0.0 {
        out.extend_from_slice(zmij::Buffer::new().format_finite(n).as_bytes());
        return;
    }
    let quote = if is_finite { "" } else { "\"" };
    let _infallible = write!(out, "{quote}{n:?}{quote}");
}

#[cfg(test)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the high bits, or the nearest number"
)]
mod tests {
    use super::*;

    fn check(bits: u64) {
        let (double, float) = (f64::from_bits(bits), f32::from_bits((bits >> 32) as u32));
        let (mut own, mut other) = (Vec::new(), Vec::new());
        write_f64(double, &mut own);
        write_f32(float, &mut other);
        compare(own, &format!("{double:?}"), double.is_finite(), |it| {
            it.parse() == Ok(double)
        });
        compare(other, &format!("{float:?}"), float.is_finite(), |it| {
            it.parse() == Ok(float)
        });
    }

    fn compare(own: Vec<u8>, expected: &str, is_finite: bool, is_read: impl Fn(&str) -> bool) {
        let own = String::from_utf8(own).unwrap();
        if !is_finite {
            assert_eq!(own, format!("\"{expected}\""));
        } else if own != expected {
            assert!(
                own.len() == expected.len() && is_read(&own),
                "{own} {expected}"
            );
            assert!(own.ends_with(['0', '2', '4', '6', '8']), "{own} {expected}");
        }
    }

    #[test]
    fn the_text_is_that_of_core_fmt_but_for_ties() {
        let edges = [
            0.0,
            -0.0,
            1.0,
            1e-5,
            1e-4,
            1e12,
            1e15,
            1e16,
            1e17,
            1e300,
            -1e300,
            0.1 + 0.2,
            5e-324,
            f64::MAX,
            f64::MIN_POSITIVE,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            536_870_912.0 + 1.0 / 256.0,
        ];
        for n in edges {
            for near in -2..=2 {
                check(n.to_bits().wrapping_add_signed(near));
                check(u64::from((n as f32).to_bits()).wrapping_add_signed(near) << 32);
            }
        }
        // Any bits, and numbers of everyday sizes: so many digits before and after the point.
        let mut bits = 1_u64;
        for round in 0..200_000_u32 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let mixed = bits ^ bits >> 29;
            check(mixed);
            let whole = f64::from((mixed >> 32) as u32);
            let n = whole / 10_f64.powi(i32::try_from(round % 15).unwrap());
            check(n.to_bits());
            check(u64::from((n as f32).to_bits()) << 32);
        }
    }
}
