//! JSON inside JSON: checked, and without blanks between its tokens, so that it stays on one line.
//!
//! Everything else stays as it was: numbers of any length, names that repeat, escapes. Valid JSON
//! that common readers refuse is not embedded either: halves of surrogate pairs, numbers beyond a
//! double.

/// The maximum depth of arrays and objects: that of common readers, less the levels of the record
/// around it.
const DEPTH: u8 = 100;

/// The maximum number of digits of a number that is certainly a double.
const DIGITS: usize = 300;

/// Appends the JSON in `bytes`; returns `None` if they are not JSON.
pub(super) fn compact(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let is_json = simdutf8::basic::from_utf8(bytes).is_ok() && {
        let mut reader = JsonScanner { rest: bytes, out };
        reader.value(0).is_some() && reader.peek().is_none()
    };
    if !is_json {
        out.truncate(start);
    }
    is_json
}

/// Reads from front to back, and copies.
struct JsonScanner<'a, 'o> {
    rest: &'a [u8],
    out: &'o mut Vec<u8>,
}

impl JsonScanner<'_, '_> {
    /// Skips blanks.
    fn peek(&mut self) -> Option<u8> {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
        self.rest.first().copied()
    }

    /// Copies a number of bytes.
    fn copy(&mut self, bytes: usize) -> Option<()> {
        let (copied, rest) = self.rest.split_at_checked(bytes)?;
        self.out.extend_from_slice(copied);
        self.rest = rest;
        Some(())
    }

    /// Copies `byte` if it comes next, after blanks.
    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek() == Some(byte)).then(|| self.copy(1))?
    }

    fn value(&mut self, depth: u8) -> Option<()> {
        if depth > DEPTH {
            return None;
        }
        match self.peek()? {
            b'{' => self.list(b'}', |reader| {
                (reader.peek()? == b'"').then(|| reader.string())??;
                reader.take(b':')?;
                reader.value(depth + 1)
            }),
            b'[' => self.list(b']', |reader| reader.value(depth + 1)),
            b'"' => self.string(),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number(),
        }
    }

    /// Elements between commas, from the opening bracket to `end`.
    fn list(&mut self, end: u8, mut element: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.copy(1)?;
        if self.take(end).is_some() {
            return Some(());
        }
        loop {
            element(self)?;
            if self.take(end).is_some() {
                return Some(());
            }
            self.take(b',')?;
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.rest.starts_with(word).then(|| self.copy(word.len()))?
    }

    fn string(&mut self) -> Option<()> {
        self.copy(1)?;
        loop {
            let is_special = |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\';
            let plain = self.rest.iter().position(is_special)?;
            self.copy(plain)?;
            match self.rest {
                [b'"', ..] => return self.copy(1),
                [b'\\', b'u', ..] => self.unit()?,
                [
                    b'\\',
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
                    ..,
                ] => self.copy(2)?,
                _ => return None,
            }
        }
    }

    /// A character by its number, or by two numbers of a surrogate pair.
    fn unit(&mut self) -> Option<()> {
        let first = unit(self.rest)?;
        match first {
            0xd800..=0xdbff => {
                let second = unit(self.rest.get(6..)?)?;
                (0xdc00..=0xdfff).contains(&second).then(|| self.copy(12))?
            }
            0xdc00..=0xdfff => None,
            _ => self.copy(6),
        }
    }

    fn number(&mut self) -> Option<()> {
        let mut rest = self.rest.strip_prefix(b"-").unwrap_or(self.rest);
        rest = match rest {
            [b'0', rest @ ..] => rest,
            _ => digits(rest)?,
        };
        if let [b'.', fraction @ ..] = rest {
            rest = digits(fraction)?;
        }
        let mantissa = self.rest.len() - rest.len();
        if let [b'e' | b'E', exponent @ ..] = rest {
            let unsigned = exponent
                .split_first()
                .filter(|(sign, _)| b"+-".contains(sign));
            let exponent = unsigned.map_or(exponent, |(_, exponent)| exponent);
            rest = digits(exponent)?;
        }
        let length = self.rest.len() - rest.len();
        if length > mantissa || length > DIGITS {
            let text = std::str::from_utf8(self.rest.get(..length)?).ok()?;
            text.parse().ok().filter(|n: &f64| n.is_finite())?;
        }
        self.copy(length)
    }
}

/// Skips digits, at least one.
fn digits(bytes: &[u8]) -> Option<&[u8]> {
    let count = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    bytes.get(count..).filter(|_| count > 0)
}

/// The number in `\uXXXX`.
fn unit(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.strip_prefix(b"\\u")?.first_chunk::<4>()?;
    digits.iter().try_fold(0, |unit, digit| {
        Some(unit << 4 | char::from(*digit).to_digit(16)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embedded(bytes: &[u8]) -> Option<String> {
        let mut out = b"before".to_vec();
        let is_json = compact(bytes, &mut out);
        let text = String::from_utf8(out.split_off(6)).unwrap();
        assert!(is_json || text.is_empty());
        assert_eq!(out, b"before");
        is_json.then_some(text)
    }

    #[test]
    fn json_is_embedded_on_one_line_and_otherwise_as_it_is() {
        let table = [
            ("{}", "{}"),
            ("\r\n[ ]\t", "[]"),
            ("{\"a\" : 1,\n\"a\":2}", "{\"a\":1,\"a\":2}"),
            ("[1.50e+3, -0, -0.0]", "[1.50e+3,-0,-0.0]"),
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
            (r#""\u00e9\/\ud83d\ude00 x""#, r#""\u00e9\/\ud83d\ude00 x""#),
            ("\"\u{2028}é\"", "\"\u{2028}é\""),
            (" null ", "null"),
            ("[true,false]", "[true,false]"),
        ];
        for (given, expected) in table {
            assert_eq!(embedded(given.as_bytes()).as_deref(), Some(expected));
        }
        let deep = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert!(embedded(deep(101).as_bytes()).is_some());
        assert_eq!(embedded(deep(102).as_bytes()), None);
        assert_eq!(embedded(&vec![b'['; 1 << 20]), None);
    }

    #[test]
    fn what_a_reader_would_refuse_is_not_embedded() {
        let table: [&[u8]; 26] = [
            b"",
            b" ",
            b"{",
            b"[1,]",
            b"{\"a\":1,}",
            b"{a:1}",
            b"{\"a\" 1}",
            b"[1 2]",
            b"1 2",
            b"01",
            b"+1",
            b"1.",
            b".5",
            b"1e",
            b"-",
            b"1e400",
            b"nul",
            b"\"\\q\"",
            b"\"\\ud800\"",
            b"\"\\udc00x\"",
            b"\"\\ud800\\u0041\"",
            b"\"a\nb\"",
            b"\"\xff\"",
            b"\"abc",
            b"NaN",
            b"\"\\u12g4\"",
        ];
        for bytes in table {
            assert_eq!(embedded(bytes), None, "{}", bytes.escape_ascii());
        }
        assert_eq!(embedded("9".repeat(400).as_bytes()), None);
    }

    #[test]
    fn another_reader_agrees() {
        let mut seed = 11_u64;
        let tokens = [
            "{", "}", "[", "]", ",", ":", "\"a\"", "\"\\n\"", "1", "-2.5", "1e3", "true", "null",
            " ",
        ];
        for _ in 0..50_000 {
            let mut text = String::new();
            for _ in 0..=seed % 9 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text += tokens[(seed >> 33) as usize % tokens.len()];
            }
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            let ours = embedded(text.as_bytes());
            assert_eq!(theirs.is_ok(), ours.is_some(), "{text}");
            if let (Ok(theirs), Some(ours)) = (theirs, ours) {
                assert_eq!(
                    serde_json::from_str::<serde_json::Value>(&ours).unwrap(),
                    theirs
                );
            }
        }
    }
}
