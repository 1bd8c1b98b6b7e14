//! Words that nobody who knows Kafka would use: held out of everything that people read.

use std::path::Path;

use crate::process::kseg;

/// What is not said, as it would be said.
const BANNED: [&str; 34] = [
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
    "beside its partitions",
    "as they lie",
    "in the making",
    "no file of",
    "somebody",
    " no one ",
    "the reader stops",
    "is sound",
];

/// Where a phrase is meant as it is.
const MEANT: [&str; 3] = [
    "gives up on the partition",
    "or there is none",
    "it is not done in place",
];

/// The words of every command, as the help lists them.
fn commands() -> Vec<Vec<String>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut commands: Vec<Vec<String>> = vec![Vec::new()];
    let mut next = 0;
    while let Some(words) = commands.get(next).cloned() {
        let args: Vec<&str> = words.iter().map(String::as_str).chain(["-h"]).collect();
        let help = kseg(here, &args).out;
        let list = help.split_once("Commands:\n").map_or("", |(_, list)| list);
        let names = list.lines().take_while(|line| line.starts_with("  "));
        let names = names.filter(|line| !line.starts_with("   "));
        for name in names.filter_map(|line| line.split_whitespace().next()) {
            commands.push([words.clone(), vec![name.to_owned()]].concat());
        }
        next += 1;
    }
    assert!(commands.len() > 25, "{commands:?}");
    commands
}

/// The topics, as `kseg help topics` lists them.
fn topics() -> Vec<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = kseg(here, &["help", "topics"]).out;
    let names = list
        .lines()
        .filter_map(|line| line.split_whitespace().nth(2));
    let names: Vec<String> = names.map(str::to_owned).collect();
    assert!(names.len() > 6, "{list}");
    names
}

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
    for words in commands() {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let help = kseg(here, &[&["help"], &words[..]].concat());
        assert_eq!(help.status, Some(0), "{words:?}: {}", help.err);
        texts.push((words.join(" "), help.out));
    }
    let topics = topics().into_iter();
    texts.extend(topics.map(|topic| (topic.clone(), kseg(here, &["help", &topic]).out)));
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
fn tidy_no_transcript_counts_one_of_a_plural() {
    let plurals = [
        "batches",
        "bytes",
        "entries",
        "errors",
        "files",
        "findings",
        "groups",
        "notes",
        "offsets",
        "partitions",
        "places",
        "producers",
        "records",
        "segments",
        "steps",
        "warnings",
    ];
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/golden");
    let (mut broken, mut seen) = (Vec::new(), 0);
    for entry in goldens.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let Ok(bytes) = std::fs::read(&path) else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        let words: Vec<&str> = text.split_whitespace().collect();
        for pair in words.windows(2) {
            let [count, noun] = pair else { continue };
            let count = count.trim_start_matches('(');
            let noun = noun.trim_end_matches(|c: char| !c.is_alphanumeric());
            seen += usize::from(count == "1");
            if count == "1" && plurals.contains(&noun) {
                broken.push(format!("{}: {count} {noun}", path.display()));
            }
        }
    }
    assert!(seen > 100, "only {seen}");
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// Phrases that no comment of the source has, its documentation included.
const BANNED_IN_COMMENTS: [&str; 36] = [
    " anew",
    "nobody",
    "Nobody",
    "lies beside",
    "lie beside",
    "is told",
    "are told",
    "told apart",
    "goes on",
    " go on",
    "taken for",
    "asked for",
    "behind",
    "in front of",
    "given up",
    "gives up",
    "half-made",
    "unpack",
    "likewise",
    "stands for",
    "stands in ",
    "cut off",
    "as they lie",
    "Tells of",
    "reported of",
    "on paper",
    "held out",
    "let alone",
    "such a one",
    "of its own accord",
    "omebody",
    "anybody",
    "speaks",
    "Behind",
    "whoever",
    "vouch",
];

#[test]
fn tidy_no_comment_has_a_banned_phrase() {
    let (mut broken, mut seen) = (Vec::new(), 0);
    for (name, text) in texts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        for line in text.lines().map(str::trim_start) {
            let Some(comment) = line.strip_prefix("//") else {
                continue;
            };
            seen += 1;
            let found = BANNED_IN_COMMENTS.iter();
            let found = found.filter(|phrase| comment.contains(**phrase));
            broken.extend(found.map(|phrase| format!("{name}: {phrase:?} in:{comment}")));
        }
    }
    assert!(seen > 10_000, "only {seen} lines");
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// Identifiers that hide what they are.
const BANNED_NAMES: [&str; 12] = [
    "Knot", "Yard", "Shelf", "Paper", "Around", "Unsound", "Wake", "Parcel", "Track", "doomed",
    "beheaded", "is_told",
];

#[test]
fn tidy_no_identifier_hides_what_it_is() {
    let mut broken = Vec::new();
    for (name, text) in texts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            let found = words.find(|word| BANNED_NAMES.contains(word));
            broken.extend(found.map(|word| format!("{name}: {word}")));
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn tidy_no_doc_comment_begins_with_a_clause() {
    let clauses = [
        "What", "Whether", "Where", "When", "Why", "How", "Who", "Whom",
    ];
    let (mut broken, mut seen) = (Vec::new(), 0);
    for (name, text) in texts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let mut is_first = true;
        for line in text.lines().map(str::trim_start) {
            let Some(doc) = line.strip_prefix("/// ") else {
                is_first = !line.starts_with("///");
                continue;
            };
            seen += usize::from(is_first);
            let word = doc.split(' ').next().unwrap_or_default();
            if is_first && clauses.contains(&word.trim_end_matches(['.', ',', ':'])) {
                broken.push(format!("{name}: {doc}"));
            }
            is_first = false;
        }
    }
    assert!(seen > 5_000, "only {seen} doc comments");
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
    for words in commands() {
        for help in ["-h", "--help"] {
            let args = words.iter().map(String::as_str).chain([help]);
            let args: Vec<&std::ffi::OsStr> = args.map(std::ffi::OsStr::new).collect();
            let mut command = crate::process::command(here, &args);
            command.env("COLUMNS", "80");
            let ran = crate::process::end(command.spawn().unwrap());
            for line in ran.out.lines() {
                assert!(line.chars().count() <= 80, "{words:?} {help}: {line}");
            }
        }
    }
    for topic in topics() {
        for line in kseg(here, &["help", &topic]).out.lines() {
            assert!(line.chars().count() <= 80, "{topic}: {line}");
        }
    }
}
