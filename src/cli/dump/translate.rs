//! The original's command line to ours.
//!
//! The original uses jopt-simple, which reads `-files x` as `--files x`, ignores the value in
//! `--help=x`, allows repeated flags, and gives an option that needs a value any next word. Scripts
//! may rely on this.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};

/// Options without a value.
const FLAGS: [&str; 12] = [
    "offsets-decoder",
    "transaction-log-decoder",
    "cluster-metadata-decoder",
    "remote-log-metadata-decoder",
    "share-group-state-decoder",
    "print-data-log",
    "deep-iteration",
    "skip-record-metadata",
    "verify-index-only",
    "index-sanity-check",
    "help",
    "version",
];

/// Options that need a value.
const VALUES: [&str; 3] = ["files", "max-bytes", "max-message-size"];

/// Options whose value is the next word unless it begins with a dash.
const OPTIONAL: [&str; 2] = ["key-decoder-class", "value-decoder-class"];

/// Rewrites the arguments of `dump`, and of no other command.
pub(crate) fn translate(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut args = args.peekable();
    let mut out: Vec<_> = args.by_ref().take(2).collect();
    if out.get(1).is_none_or(|command| command != "dump") {
        out.extend(args);
        return out;
    }
    let mut flags = HashSet::new();
    while let Some(arg) = args.next() {
        if arg == "--" {
            out.push(arg);
            break;
        }
        let Some((name, value)) = split(&arg) else {
            out.push(arg);
            continue;
        };
        if FLAGS.contains(&name) {
            if flags.insert(name.to_owned()) {
                out.push(long(name, None));
            }
        } else if VALUES.contains(&name) {
            let value = value.map(OsString::from).or_else(|| args.next());
            out.push(long(name, value.as_deref()));
        } else if OPTIONAL.contains(&name) {
            let next = || args.next_if(|next| !next.as_encoded_bytes().starts_with(b"-"));
            let value = value.map(OsString::from).or_else(next);
            out.push(long(name, value.as_deref()));
        } else {
            out.push(arg);
        }
    }
    out.extend(args);
    out
}

/// The name and the value of `-name=value`, with one dash or two.
fn split(arg: &OsStr) -> Option<(&str, Option<&str>)> {
    let text = arg.to_str()?.strip_prefix('-')?;
    let text = text.strip_prefix('-').unwrap_or(text);
    Some(match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    })
}

fn long(name: &str, value: Option<&OsStr>) -> OsString {
    let mut out = OsString::from("--");
    out.push(name);
    if let Some(value) = value {
        out.push("=");
        out.push(value);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(line: &str) -> String {
        let words = line.split(' ').map(OsString::from);
        let out = translate(words);
        out.join(OsStr::new(" ")).into_string().unwrap()
    }

    #[test]
    fn the_original_s_ways_become_ours() {
        for (line, expected) in [
            (
                "kseg dump -files a.log -deep-iteration",
                "kseg dump --files=a.log --deep-iteration",
            ),
            (
                "kseg dump --files=a.log --help=foo",
                "kseg dump --files=a.log --help",
            ),
            (
                "kseg dump --files --print-data-log",
                "kseg dump --files=--print-data-log",
            ),
            (
                "kseg dump --deep-iteration --deep-iteration",
                "kseg dump --deep-iteration",
            ),
            (
                "kseg dump --value-decoder-class --files a",
                "kseg dump --value-decoder-class --files=a",
            ),
            (
                "kseg dump --value-decoder-class C a",
                "kseg dump --value-decoder-class=C a",
            ),
            (
                "kseg dump --files a -- --deep-iteration",
                "kseg dump --files=a -- --deep-iteration",
            ),
            (
                "kseg dump -j 4 --kafka 2.8 x",
                "kseg dump -j 4 --kafka 2.8 x",
            ),
            ("kseg ls -files x", "kseg ls -files x"),
        ] {
            assert_eq!(translated(line), expected);
        }
    }
}
