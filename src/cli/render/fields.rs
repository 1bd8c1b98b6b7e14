//! The fields of a record, written directly to their final position.
//!
//! A line has a dozen fields of a few bytes each. Appended one by one, each is written, read back
//! and copied, and reading back bytes that were just written in smaller pieces stalls a processor
//! for longer than all the rest takes.

/// Room for the fields of any record except its header keys and contents.
const BYTES: usize = 224;

/// The two digits of every number below 100.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut n = 0;
    while n < 100 {
        #[expect(clippy::indexing_slicing, reason = "checked by the compiler")]
        #[expect(clippy::cast_possible_truncation, reason = "below 100")]
        {
            pairs[n] = [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8];
        }
        n += 1;
    }
    pairs
};

/// Fields that are being written at the end of a line. Fields that do not fit are left out; in
/// practice all fit.
pub(crate) struct Fields<'a> {
    line: &'a mut Vec<u8>,
    end: usize,
}

impl<'a> Fields<'a> {
    /// Continues at the end of `line`.
    #[inline]
    pub(crate) fn at_end_of(line: &'a mut Vec<u8>) -> Self {
        let end = line.len();
        line.resize(end + BYTES, 0);
        Self { line, end }
    }

    /// Ends the fields.
    #[inline]
    pub(crate) fn finish(self) {
        self.line.truncate(self.end);
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the lengths of literals fold away")]
    fn take(&mut self, bytes: usize) -> &mut [u8] {
        let start = self.end;
        let room = self.line.get_mut(start..start + bytes);
        debug_assert!(room.is_some(), "a field too many");
        if room.is_some() {
            self.end += bytes;
        }
        room.unwrap_or_default()
    }

    /// Appends `text`.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the lengths of literals fold away")]
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        let room = self.take(text.len());
        if room.len() == text.len() {
            room.copy_from_slice(text.as_bytes());
        }
        self
    }

    /// Appends `number` in decimal.
    #[inline]
    pub(crate) fn int(&mut self, number: impl Into<i64>) -> &mut Self {
        let number = number.into();
        if number < 0 {
            self.text("-");
        }
        let mut rest = number.unsigned_abs();
        let digits = rest.checked_ilog10().unwrap_or(0) as usize + 1;
        let mut pairs = self.take(digits).rchunks_exact_mut(2);
        for room in &mut pairs {
            if let Some(pair) = usize::try_from(rest % 100)
                .ok()
                .and_then(|pair| PAIRS.get(pair))
            {
                room.copy_from_slice(pair);
            }
            rest /= 100;
        }
        if let [first] = pairs.into_remainder() {
            *first = b'0' + (rest % 10) as u8;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn fields_are_what_formatting_makes_of_them() {
        let mut line = b"line:".to_vec();
        let mut expected = String::from("line:");
        for number in [0, 7, -1, 42, 99, 100, 999, 1_000_000, i64::MAX, i64::MIN] {
            let mut fields = Fields::at_end_of(&mut line);
            fields.text(" n: ").int(number).text(".");
            fields.finish();
            write!(expected, " n: {number}.").unwrap();
        }
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }
}
