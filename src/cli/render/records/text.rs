//! Records as lines for people: time, partition, offset, key, value, headers, between tabs.
//!
//! Keys and values are shown as in JSON, so that null, `"null"` and `""` differ. Characters that
//! act on a terminal, or change the direction of text, are escaped.

use kseg::decode::json::write_text;

use super::content::View;
use super::entry::LocatedRecord;
use super::shown::Shown;
use crate::cli::render::time::write_rfc3339;
use crate::cli::render::{Page, Push};

/// Appends a record.
pub(super) fn record(
    entry: &LocatedRecord<'_, '_>,
    view: &View<'_>,
    [scratch, spare]: [&mut Vec<u8>; 2],
    out: &mut impl Page,
) {
    match entry.record.timestamp().get() {
        -1 => drop(out.text("-")),
        ms => write_rfc3339(ms, out.page()),
    }
    out.text("\t");
    let start = out.page().len();
    let line = &mut Disarmed { out, start, spare };
    match entry.topic {
        Some(topic) if is_bare(topic) => drop(line.text(topic)),
        Some(topic) => write_text(topic, line.page()),
        None => drop(line.text("?")),
    }
    if let Some(partition) = entry.partition {
        line.text("-").int(partition);
    }
    line.text("\t").int(entry.record.offset().get()).text("\t");
    if let Some(control) = view.control_type() {
        line.text(control);
    } else {
        view.key(scratch).write_json(line);
    }
    line.text("\t");
    if let Some(name) = view.type_name() {
        line.text(name).text(" ");
    }
    view.value(scratch).write_json(line);
    for (index, (name, value)) in view.headers().enumerate() {
        line.text(if index > 0 { " " } else { "\t" });
        match name {
            Shown::Text(name) if is_bare(name) => drop(line.text(name)),
            _ => name.write_json(line),
        }
        line.text("=");
        value.write_json(line);
    }
    line.disarm();
    out.text("\n");
}

/// A line whose control characters are escaped before it is passed on.
struct Disarmed<'o, P> {
    out: &'o mut P,
    /// The start of the cell on the page.
    start: usize,
    spare: &'o mut Vec<u8>,
}

impl<P: Page> Disarmed<'_, P> {
    fn disarm(&mut self) {
        disarm(self.out.page(), self.start, self.spare);
    }
}

impl<P: Page> Page for Disarmed<'_, P> {
    #[inline]
    fn page(&mut self) -> &mut Vec<u8> {
        self.out.page()
    }

    fn turn(&mut self) {
        self.disarm();
        self.out.turn();
        self.start = self.out.page().len();
    }
}

/// Returns true if a name needs no quotes.
fn is_bare(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte);
    !name.is_empty() && name.bytes().all(is_plain)
}

/// Escapes, in the text after `start`, characters that terminals act on or do not show. They are in
/// JSON strings, where `\u009b` means the same.
fn disarm(out: &mut Vec<u8>, start: usize, scratch: &mut Vec<u8>) {
    let line = out.get(start..).unwrap_or_default();
    if line.is_ascii() && memchr::memchr(0x7f, line).is_none() {
        return;
    }
    // All of them begin with one of these, and ordinary text has few.
    let is_suspect = |byte: &u8| matches!(byte, 0x7f | 0xc2 | 0xd8 | 0xe2 | 0xef | 0xf3);
    let Some(first) = line.iter().position(is_suspect) else {
        return;
    };
    scratch.clear();
    scratch.extend_from_slice(line.get(first..).unwrap_or_default());
    out.truncate(start + first);
    for chunk in scratch.utf8_chunks() {
        for c in chunk.valid().chars() {
            if acts(c) {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.text("\\u");
                    super::shown::write_hex(&unit.to_be_bytes(), out);
                }
            } else {
                out.text(c.encode_utf8(&mut [0; 4]));
            }
        }
    }
}

/// Returns true for control characters, direction marks, Unicode line ends, and characters without
/// width.
fn acts(c: char) -> bool {
    matches!(c,
        '\u{7f}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_terminals_act_on_is_escaped() {
        let table = [
            ("plain \"é\" ✓ 日本 £", "plain \"é\" ✓ 日本 £"),
            ("a\u{7f}b", "a\\u007fb"),
            ("\u{9b}31m", "\\u009b31m"),
            ("x\u{202e}y\u{2066}z", "x\\u202ey\\u2066z"),
            ("\u{2028}\u{feff}\u{ad}", "\\u2028\\ufeff\\u00ad"),
            ("\u{61c}\u{e0041}", "\\u061c\\udb40\\udc41"),
        ];
        for (text, expected) in table {
            let mut out = b"\x7f".to_vec();
            out.text(text);
            disarm(&mut out, 1, &mut Vec::new());
            assert_eq!(String::from_utf8(out).unwrap(), format!("\x7f{expected}"));
        }
    }
}
