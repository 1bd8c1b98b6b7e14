//! Words of command lines that people copy.

use std::path::Path;

/// A path as a word of a command line, quoted if a shell needs it.
pub(crate) fn word(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_bare = |letter: char| letter.is_alphanumeric() || "/._-+,:=@%".contains(letter);
    if text.is_empty() || !text.chars().all(is_bare) {
        return format!("'{}'", text.replace('\'', "'\\''"));
    }
    match text.strip_prefix('-') {
        Some(_) => format!("./{text}"),
        None => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        for (path, expected) in [
            ("/disk1/kafka", "/disk1/kafka"),
            ("my data", "'my data'"),
            ("it's", "'it'\\''s'"),
            ("-x", "./-x"),
            ("$HOME/*", "'$HOME/*'"),
        ] {
            assert_eq!(word(Path::new(path)), expected);
        }
    }
}
