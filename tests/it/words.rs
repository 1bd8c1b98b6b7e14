//! Words that nobody who knows Kafka would use: held out of everything that people read.

use std::path::Path;

use crate::process::kseg;

/// What is not said, as it would be said.
const BANNED: [&str; 26] = [
    "is told",
    "are told",
    "told from",
    "told on",
    "told where",
    "nobody",
    "given again",
    "asks no",
    "goes on",
    " go on",
    "went on",
    " anew",
    "is none",
    "are none",
    "taken for",
    "take for",
    "Take for",
    "makes no sense",
    "not done",
    "something to see",
    "was asked for",
    "behind",
    "for ever,",
    "gives up",
    "half-made",
    "stands where",
];

/// Where a phrase is meant as it is.
const MEANT: [&str; 3] = [
    "gives up on the partition",
    "or there is none",
    "it is not done in place",
];

const COMMANDS: [&[&str]; 18] = [
    &["check"],
    &["ls"],
    &["show"],
    &["cat"],
    &["export"],
    &["groups"],
    &["txns"],
    &["dump"],
    &["verify"],
    &["explain"],
    &["predict"],
    &["repair"],
    &["repair", "plan"],
    &["repair", "show"],
    &["repair", "apply"],
    &["repair", "undo"],
    &["generate"],
    &["help"],
];

const TOPICS: [&str; 6] = [
    "times",
    "paths",
    "exit-status",
    "pipes",
    "worst-day",
    "schemas",
];

fn banned(text: &str) -> Vec<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = MEANT
        .iter()
        .fold(text, |text, meant| text.replace(meant, ""));
    let found = BANNED.iter().filter_map(|phrase| {
        let at = text.find(phrase)?;
        let before = text.char_indices().take_while(|(place, _)| *place < at);
        let skipped = before.count().saturating_sub(40);
        let around: String = text.chars().skip(skipped).take(100).collect();
        Some(format!("{phrase:?} in: …{around}…"))
    });
    found.collect()
}

#[test]
fn tidy_no_help_or_manual_or_page_has_a_banned_phrase() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = vec![("kseg --help".to_owned(), kseg(here, &["--help"]).out)];
    for words in COMMANDS {
        let help = kseg(here, &[&["help"], words].concat());
        assert_eq!(help.status, Some(0), "{words:?}: {}", help.err);
        texts.push((words.join(" "), help.out));
    }
    texts.extend(TOPICS.map(|topic| (topic.to_owned(), kseg(here, &["help", topic]).out)));
    for page in [
        "README.md",
        "src/guide/checks.md",
        "src/guide/ci.md",
        "src/guide/changes.md",
    ] {
        let text = std::fs::read_to_string(here.join(page)).unwrap();
        texts.push((page.to_owned(), text));
    }
    let mut broken = Vec::new();
    for (name, text) in texts {
        broken.extend(
            banned(&text)
                .into_iter()
                .map(|found| format!("{name}: {found}")),
        );
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn help_fits_80_columns() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for words in COMMANDS {
        for help in ["-h", "--help"] {
            let args: Vec<&std::ffi::OsStr> = words
                .iter()
                .chain([&help])
                .map(std::ffi::OsStr::new)
                .collect();
            let mut command = crate::process::command(here, &args);
            command.env("COLUMNS", "80");
            let ran = crate::process::end(command.spawn().unwrap());
            for line in ran.out.lines() {
                assert!(line.chars().count() <= 80, "{words:?} {help}: {line}");
            }
        }
    }
}
