//! Things to bytes: what commands print.

pub(crate) mod coordinators;
pub(crate) mod csv;
pub(crate) mod dump_log_segments;
mod fields;
pub(crate) mod json;
pub(crate) mod records;
pub(crate) mod rows;
pub(crate) mod table;
pub(crate) mod time;

use std::borrow::Cow;

/// Whether a letter does something to a terminal, or to the order of other letters, instead of being seen: control characters,
/// and those that turn the direction of text (U+202E makes `gol.exe` of `exe.log`) or end a line.
pub(crate) fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text in which what is hidden is escaped, so that it changes nothing on a terminal but where it stands.
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

/// Appends text and numbers to a line in the making.
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

impl Push for Vec<u8> {
    #[inline]
    fn text(&mut self, text: &str) -> &mut Self {
        self.extend_from_slice(text.as_bytes());
        self
    }

    #[inline]
    fn int(&mut self, number: impl itoa::Integer) -> &mut Self {
        self.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
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
