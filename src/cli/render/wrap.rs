//! Sentences in lines that fit a terminal.

/// Blanks before the second line of a sentence and all after it, beyond those of the first: more
/// than any list is indented by, so that a continued line is not read as a new one.
const HANG: usize = 4;

/// Breaks a text at blanks into lines of at most `room` columns. The blanks at its beginning are
/// its indentation. A word that is wider than a line, such as a path, is not broken.
pub(crate) fn wrapped(text: &str, room: Option<usize>) -> String {
    let indent = text.len() - text.trim_start_matches(' ').len();
    indented(text.trim_start_matches(' '), indent, indent + HANG, room)
}

/// The same with `first` blanks before the first line, and `rest` before all others.
pub(crate) fn indented(text: &str, first: usize, rest: usize, room: Option<usize>) -> String {
    let mut lines = " ".repeat(first);
    let mut taken = first;
    for (nth, word) in text.split(' ').enumerate() {
        let width = width(word);
        if nth == 0 {
            taken += width;
        } else if room.is_some_and(|room| taken + 1 + width > room) {
            lines.push('\n');
            lines.push_str(&" ".repeat(rest));
            taken = rest + width;
        } else {
            lines.push(' ');
            taken += 1 + width;
        }
        lines.push_str(word);
    }
    lines
}

/// `path: text`; if both do not fit on a line, the path has one of its own.
pub(crate) fn titled(path: &str, text: &str, room: Option<usize>) -> String {
    let line = format!("{path}: {text}");
    match room {
        Some(room) if width(&line) > room => {
            format!("{path}:\n{}", indented(text, HANG, HANG, Some(room)))
        }
        _ => line,
    }
}

/// Columns of a terminal that a text takes up.
pub(crate) fn width(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_broken_at_blanks_and_its_words_are_kept() {
        for (text, room, expected) in [
            ("one two three", None, "one two three"),
            ("one two three", Some(13), "one two three"),
            ("one two three", Some(12), "one two\n    three"),
            ("  one two three", Some(9), "  one two\n      three"),
            ("/a/long/path fails", Some(5), "/a/long/path\n    fails"),
            ("", Some(5), ""),
        ] {
            assert_eq!(wrapped(text, room), expected);
        }
    }

    #[test]
    fn a_path_without_room_for_its_text_has_a_line_of_its_own() {
        let text = "log dir, clean shutdown";
        assert_eq!(titled("/a", text, Some(27)), "/a: log dir, clean shutdown");
        let broken = "/a:\n    log dir, clean\n    shutdown";
        assert_eq!(titled("/a", text, Some(20)), broken);
    }
}
