//! Rendering: values to the bytes that commands print.

pub(crate) mod columns;
pub(crate) mod coordinators;
pub(crate) mod csv;
pub(crate) mod dump_log_segments;
mod fields;
pub(crate) mod json;
pub(crate) mod kafka_table;
pub(crate) mod records;
pub(crate) mod rows;
pub(crate) mod table;
pub(crate) mod time;
pub(crate) mod wrap;

use std::borrow::Cow;

use kseg::scan::Output;
use kseg::wire::text::push_utf8;

/// Returns true if a character acts on a terminal, or on the order of other characters, instead of
/// being visible: control characters, and those that change the direction of text (U+202E shows
/// `exe.log` as `gol.exe`) or end a line.
pub(crate) fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text with hidden characters escaped, so that it has no effect on a terminal.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_hidden(letter) {
            out.extend(letter.escape_default());
        } else {
            out.push(letter);
        }
    }
    out.into()
}

/// Appends text and numbers to a line.
pub(crate) trait Push {
    /// Appends `text` as it is.
    fn text(&mut self, text: &str) -> &mut Self;

    /// Appends `number` in decimal.
    fn int(&mut self, number: impl itoa::Integer) -> &mut Self;

    /// Appends `true` or `false`.
    fn bool(&mut self, value: bool) -> &mut Self {
        self.text(if value { "true" } else { "false" })
    }
}

/// Text that is being written, whose finished part can be passed on, so that no large value is ever
/// held completely.
pub(crate) trait Page {
    /// Returns the text that is not yet passed on.
    fn page(&mut self) -> &mut Vec<u8>;

    /// Marks everything on the page as finished.
    fn turn(&mut self);
}

/// Text that is held until the end.
impl Page for Vec<u8> {
    #[inline]
    fn page(&mut self) -> &mut Vec<u8> {
        self
    }

    fn turn(&mut self) {}
}

/// Text that a scan passes on.
impl Page for Pages<'_, '_> {
    #[inline]
    fn page(&mut self) -> &mut Vec<u8> {
        self.0.text()
    }

    fn turn(&mut self) {
        // The end of the output is noticed after the record.
        let _flow = self.0.poll();
    }
}

/// Bytes of a value that are written at once: whole groups of base64.
const PIECE: usize = 48 << 10;

/// Returns the end of the first piece of a text, between two characters.
fn end_of_piece(text: &[u8]) -> usize {
    let continues = |at: &usize| text.get(*at).is_some_and(|byte| byte & 0xc0 == 0x80);
    let mut ends = (PIECE - 3..=PIECE).rev();
    ends.find(|at| !continues(at)).unwrap_or(PIECE)
}

/// Appends the text of `bytes`, piece by piece. Bytes that are not UTF-8 are replaced as in Java.
#[inline]
fn write_lossy(mut bytes: &[u8], out: &mut impl Page) {
    while bytes.len() > PIECE {
        let (piece, rest) = bytes
            .split_at_checked(end_of_piece(bytes))
            .unwrap_or((bytes, &[]));
        push_utf8(out.page(), piece);
        out.turn();
        bytes = rest;
    }
    push_utf8(out.page(), bytes);
}

/// The output of a scan, as pages.
#[derive(Debug)]
pub(crate) struct Pages<'o, 's>(pub(crate) &'o mut Output<'s>);

impl<P: Page + ?Sized> Push for P {
    #[inline]
    fn text(&mut self, text: &str) -> &mut Self {
        self.page().extend_from_slice(text.as_bytes());
        self
    }

    #[inline]
    fn int(&mut self, number: impl itoa::Integer) -> &mut Self {
        let mut buffer = itoa::Buffer::new();
        self.page()
            .extend_from_slice(buffer.format(number).as_bytes());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_is_hidden_is_escaped() {
        let table = [
            ("orders-3", "orders-3"),
            ("a\u{1b}[2J", "a\\u{1b}[2J"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("gol\u{202e}exe", "gol\\u{202e}exe"),
            ("\u{2066}\n", "\\u{2066}\\n"),
            ("Århus é", "Århus é"),
        ];
        for (text, shown) in table {
            assert_eq!(plain(text), shown);
        }
    }
}
