//! Records as rows of comma-separated values (RFC 4180).
//!
//! | column | is |
//! |---|---|
//! | `topic`, `partition`, `offset` | empty where unknown |
//! | `timestamp`, `timestamp_type` | ms; −1 is none |
//! | `leader_epoch` | empty: none |
//! | `key`, `key_encoding`, `value`, `value_encoding` | text, and what it is: `utf8`, `utf8-lossy`, `base64`, `base64-unread` (not what `--value-as` says), `hex`, `json`, `null`, `redacted`, `size`, `sha256` |
//! | `headers` | JSON, as in the objects |
//! | `serialized_key_size`, `serialized_value_size` | −1: null; empty: hidden |
//! | `position` to `magic` | as in the objects; empty where those have null |
//!
//! Lines end with CR LF, as they may also inside of quotes. A text that is empty is `""`, what is not there is empty.

use super::content::View;
use super::entry::{Facts, LocatedRecord, crc_name};
use super::object::write_headers;
use super::shown::Shown;
use crate::cli::render::{PIECE, Page, Push};

/// The names of the columns.
const COLUMNS: [&str; 26] = [
    "topic",
    "partition",
    "offset",
    "timestamp",
    "timestamp_type",
    "leader_epoch",
    "key",
    "key_encoding",
    "value",
    "value_encoding",
    "headers",
    "serialized_key_size",
    "serialized_value_size",
    "position",
    "batch_base_offset",
    "codec",
    "producer_id",
    "producer_epoch",
    "sequence",
    "transactional",
    "control",
    "crc",
    "magic",
    "control_type",
    "type",
    "version",
];

/// Appends the header line.
pub(super) fn header(out: &mut Vec<u8>) {
    out.text(&COLUMNS.join(",")).text("\r\n");
}

/// Appends a record.
pub(super) fn record(
    entry: &LocatedRecord<'_, '_>,
    view: &View<'_>,
    scratch: &mut Vec<u8>,
    out: &mut impl Page,
) {
    let (record, facts) = (entry.record, Facts::of(entry.batch));
    cell(out, false, &|out| {
        out.text(entry.topic.unwrap_or_default());
    });
    number(entry.partition, out);
    number(Some(record.offset().get()), out);
    number(Some(record.timestamp().get()), out);
    word(Some(entry.batch.timestamp_type().name()), out);
    number(facts.leader_epoch, out);
    shown(view.key(scratch), out);
    shown(view.value(scratch), out);
    let sizes = view.headers();
    let sizes = sizes.map(|(name, value)| name.len_bytes().saturating_add(value.len_bytes()));
    let is_large = sizes.fold(0, usize::saturating_add) > PIECE;
    cell(out, is_large, &|out| write_headers(view, out));
    number(view.key_size(), out);
    number(view.value_size(), out);
    number(Some(entry.batch.position().get()), out);
    number(facts.base_offset, out);
    word(facts.codec, out);
    number(facts.producer_id, out);
    number(facts.producer_epoch, out);
    number(Some(record.sequence()).filter(|n| *n != -1), out);
    out.bool(facts.is_transactional).text(",");
    out.bool(entry.batch.is_control()).text(",");
    word(crc_name(entry.is_sound), out);
    number(Some(facts.magic), out);
    word(view.control_type(), out);
    word(view.type_name(), out);
    number(view.version(), out);
    out.page().pop();
    out.text("\r\n");
}

/// A text and its encoding.
fn shown(shown: Shown<'_>, out: &mut impl Page) {
    match shown {
        Shown::Text("") | Shown::Lossy(b"") => drop(out.text("\"\",")),
        _ => cell(out, shown.is_large(), &|out| shown.write_plain(out)),
    }
    word(Some(shown.kind()), out);
}

fn number(number: Option<impl itoa::Integer>, out: &mut impl Page) {
    if let Some(number) = number {
        out.int(number);
    }
    out.text(",");
}

/// A word that needs no quotes.
fn word(word: Option<&str>, out: &mut impl Page) {
    out.text(word.unwrap_or_default()).text(",");
}

/// Appends the output of `write`, in quotes if necessary. Large output is written twice: only its
/// end shows if quotes are necessary.
fn cell(out: &mut impl Page, is_large: bool, write: &dyn Fn(&mut dyn Page)) {
    let mut probe = Probe::default();
    if is_large {
        write(&mut probe);
        probe.turn();
    }
    let start = out.page().len();
    if probe.needs_quotes || matches!(probe.last, Some(b' ' | b'\t')) {
        out.text("\"");
        let start = start + 1;
        let quoted = &mut Quoted { out, start };
        write(quoted);
        quoted.double();
        out.text("\"");
    } else if is_large {
        write(out);
    } else {
        // Nothing is passed on before it is quoted, even if a page is turned inside.
        write(out.page());
        let written = out.page().get(start..).unwrap_or_default();
        if needs_quotes(written) {
            let quotes = memchr::memchr_iter(b'"', written).count();
            quote(out.page(), start, quotes);
        }
    }
    out.text(",");
}

/// Examines output without writing it.
#[derive(Default)]
struct Probe {
    page: Vec<u8>,
    needs_quotes: bool,
    last: Option<u8>,
}

impl Page for Probe {
    fn page(&mut self) -> &mut Vec<u8> {
        &mut self.page
    }

    fn turn(&mut self) {
        let first = self.page.first();
        let is_blank = self.last.is_none() && matches!(first, Some(b' ' | b'\t'));
        self.needs_quotes |= is_blank || has_special(&self.page);
        self.last = self.page.last().copied().or(self.last);
        self.page.clear();
    }
}

/// A cell in quotes, without them.
struct Quoted<'o, P> {
    out: &'o mut P,
    /// The start of the cell on the page.
    start: usize,
}

impl<P: Page> Quoted<'_, P> {
    /// Doubles the quotes.
    fn double(&mut self) {
        let page = self.out.page();
        let written = page.split_off(self.start.min(page.len()));
        for (index, part) in written.split(|&byte| byte == b'"').enumerate() {
            page.text(if index > 0 { "\"\"" } else { "" });
            page.extend_from_slice(part);
        }
    }
}

impl<P: Page> Page for Quoted<'_, P> {
    fn page(&mut self) -> &mut Vec<u8> {
        self.out.page()
    }

    fn turn(&mut self) {
        self.double();
        self.out.turn();
        self.start = self.out.page().len();
    }
}

/// Commas, quotes, line ends; blanks at the ends, which some readers drop.
fn needs_quotes(text: &[u8]) -> bool {
    has_special(text) || matches!(text, [b' ' | b'\t', ..] | [.., b' ' | b'\t'])
}

fn has_special(text: &[u8]) -> bool {
    memchr::memchr3(b',', b'"', b'\n', text).is_some() || memchr::memchr(b'\r', text).is_some()
}

/// Puts the text after `start` in quotes, and doubles the quotes in it, from the end so that
/// nothing is moved twice.
fn quote(out: &mut Vec<u8>, start: usize, quotes: usize) {
    let mut from = out.len();
    out.resize(from + quotes + 2, b'"');
    // The closing quote is written; there is room for each doubled quote and the opening one.
    let mut to = out.len() - 1;
    while from > start {
        let piece = out.get(start..from).unwrap_or_default();
        let plain = memchr::memrchr(b'"', piece).map_or(piece.len(), |at| piece.len() - at - 1);
        out.copy_within(from - plain..from, to - plain);
        (from, to) = (from - plain, to - plain);
        if from > start {
            from -= 1;
            to -= 2;
            for slot in out.iter_mut().skip(to).take(2) {
                *slot = b'"';
            }
        }
    }
    if let Some(slot) = out.get_mut(start) {
        *slot = b'"';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Passes the page on when it is turned.
    #[derive(Clone, Default)]
    struct Handed {
        page: Vec<u8>,
        done: Vec<u8>,
    }

    impl Page for Handed {
        fn page(&mut self) -> &mut Vec<u8> {
            &mut self.page
        }

        fn turn(&mut self) {
            self.done.append(&mut self.page);
        }
    }

    #[test]
    fn cells_are_quoted_where_they_must() {
        let table = [
            ("a", "a"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("\"", "\"\"\"\""),
            ("\"a\"\"b", "\"\"\"a\"\"\"\"b\""),
            ("a\nb", "\"a\nb\""),
            ("a\rb", "\"a\rb\""),
            (" a", "\" a\""),
            ("a\"", "\"a\"\"\""),
        ];
        for (text, expected) in table {
            let mut out = Handed::default();
            out.text("before,");
            let mut large = out.clone();
            let write = |out: &mut dyn Page| {
                for letter in text.bytes() {
                    out.page().push(letter);
                    out.turn();
                }
            };
            cell(&mut out, false, &write);
            cell(&mut large, true, &write);
            for out in [out, large] {
                let cell = String::from_utf8([out.done, out.page].concat()).unwrap();
                assert_eq!(cell, format!("before,{expected},"));
            }
        }
    }
}
