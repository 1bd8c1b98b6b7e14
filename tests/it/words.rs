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

/// Modules whose functions say what they do with a verb, or name what they return.
const VERBS: [&str; 11] = [
    "wire",
    "format",
    "decode",
    "records",
    "cli/dump",
    "cli/export",
    "cli/ls",
    "cli/pick",
    "cli/render",
    "cli/show",
    "cli/verify",
];

#[test]
fn tidy_the_doc_comment_of_a_function_does_not_begin_with_a_clause() {
    let clauses = ["What ", "Whether ", "Where ", "When ", "Why ", "How "];
    let (mut broken, mut seen) = (Vec::new(), 0);
    for module in VERBS {
        for (name, text) in texts(
            &Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("src")
                .join(module),
        ) {
            let mut first = None;
            for line in text.lines().map(str::trim_start) {
                if let Some(doc) = line.strip_prefix("/// ") {
                    first.get_or_insert(doc);
                } else if line.contains("fn ") && line.contains("-> ") {
                    seen += usize::from(first.is_some());
                    let clause = first.filter(|doc| clauses.iter().any(|it| doc.starts_with(it)));
                    broken.extend(clause.map(|doc| format!("{name}: {doc}")));
                    first = None;
                } else if !line.starts_with("#[") && !line.starts_with("///") {
                    first = None;
                }
            }
        }
    }
    assert!(seen > 200, "only {seen} functions");
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// The source files below a folder.
fn texts(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(texts(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path.display().to_string(), text));
        }
    }
    found
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
