//! What people see, in terminals of 60, 80 and 160 columns. `BLESS=1` rewrites the files.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;

use crate::process;
use crate::schemas::golden;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

const COLUMNS: [&str; 3] = ["60", "80", "160"];

/// A file of `testdata/golden`, and the commands whose output it has.
type Golden = (&'static str, &'static [&'static str]);

/// `@RELEASE/CASE` is the log dir of a case of testdata.
const TABLES: [Golden; 11] = [
    (
        "ls",
        &[
            "ls --exact @1.1.1/kill9-111",
            "ls @4.3.1/segments/orders-by-size-0",
            "ls --topics @4.3.1/segments",
            "ls @4.3.1/tmp-leftovers",
        ],
    ),
    (
        "show",
        &[
            "show @4.3.1/zero-page-512-mid/orders143-0/00000000000000000026.log",
            "show --records --limit 3 @4.3.1/transactions-tv2/audit.log-tv2-committed-0/00000000000000000000.log",
            "show @4.3.1/segments/orders-by-size-0/00000000000000000022.timeindex",
            "show --image @4.3.1/classic-4.3.1/__consumer_offsets-0",
            "show @1.1.1/kill9-111/meta.properties @1.1.1/kill9-111/replication-offset-checkpoint",
        ],
    ),
    (
        "stats",
        &[
            "stats @4.3.1/segments",
            "stats --by key --top 3 @4.3.1/segments/orders-by-size-0",
        ],
    ),
    (
        "groups",
        &[
            "groups --now 2026-11-30 @4.3.1/classic-4.3.1",
            "groups --now 2026-11-30 --state @4.3.1/classic-4.3.1",
            "groups --now 2026-11-30 --members @4.3.1/classic-4.3.1",
        ],
    ),
    (
        "txns",
        &[
            "txns --now 2026-12-30 @4.3.1/txns-4.3.1",
            "txns --now 2026-12-30 --ids @4.3.1/txns-4.3.1",
            "txns --now 2026-12-30 --producers --topic audit* @4.3.1/transactions-tv2",
        ],
    ),
    (
        "diff",
        &[
            "diff @4.3.1/zero-page-512-mid/orders143-0 @4.3.1/index-missing-and-flip/orders269-0",
            "diff @4.3.1/zero-page-512-mid @4.3.1/zero-page-512-mid",
        ],
    ),
    (
        "retention",
        &["retention --now 2023-11-29 @4.3.1/segments/orders-by-size-0"],
    ),
    (
        "compaction",
        &["compaction --now 2026-11-30 --set cleanup.policy=compact @4.3.1/compact-flip-last"],
    ),
    ("fingerprint", &["fingerprint @4.3.1/segments"]),
    ("schemas", &["schemas testdata/golden/registry.ndjson"]),
    ("explain", &["explain B101"]),
];

const REPORTS: [Golden; 4] = [
    (
        "check",
        &["check @4.3.1/segments", "check @4.3.1/compact-flip-last"],
    ),
    (
        "verify",
        &[
            "verify @4.3.1/zero-page-512-mid",
            "verify --notes @4.3.1/tmp-leftovers",
        ],
    ),
    (
        "predict",
        &[
            "predict --now 2026-11-22 @4.3.1/index-missing-and-flip",
            "predict --unclean --now 2026-11-22 @4.3.1/zero-page-512-mid/orders143-0",
            "predict --now 2026-11-22 @4.3.1/log-bad-name",
        ],
    ),
    (
        "repair-plan",
        &[
            "repair plan @4.3.1/zero-page-512-mid",
            "repair plan @4.3.1/index-missing-and-flip",
            "repair plan @4.3.1/kraft-quorum-garbage",
        ],
    ),
];

/// The path of the case `@RELEASE/CASE`, or the word itself.
fn path(word: &str) -> String {
    let Some((release, rest)) = word.strip_prefix('@').and_then(|case| case.split_once('/')) else {
        return word.to_owned();
    };
    match rest.split_once('/') {
        Some((case, inside)) => format!("testdata/kafka-{release}/{case}/files/{inside}"),
        None => format!("testdata/kafka-{release}/{rest}/files"),
    }
}

#[track_caller]
fn check(goldens: &[Golden]) {
    for (name, commands) in goldens {
        let mut text = String::new();
        for line in *commands {
            for columns in COLUMNS {
                let words: Vec<String> = line.split(' ').map(path).collect();
                let args: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
                let mut command = process::command(Path::new(ROOT), &args);
                command.env("COLUMNS", columns);
                let ran = process::end(command.spawn().unwrap());
                let out = masked(&ran.out.replace(&format!("{ROOT}/"), ""));
                write!(text, "$ kseg {line}  # {columns} columns\n{out}").unwrap();
                if !ran.err.is_empty() {
                    write!(text, "--- standard error\n{}", ran.err).unwrap();
                }
                text.push('\n');
            }
        }
        golden(&format!("{name}.txt"), &text);
    }
}

/// The text without what depends on the file system: bytes on the disk, and times of files.
fn masked(text: &str) -> String {
    let mut ranges: Vec<std::ops::Range<usize>> = Vec::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        let heads = [("On disk", 10), ("Modified", 24)];
        let found = heads.into_iter().filter_map(|(head, width)| {
            let start = line.find(head)?;
            let end = start + head.len();
            Some(if head == "Modified" {
                start..start + width
            } else {
                end.saturating_sub(width)..end
            })
        });
        let found: Vec<_> = found.collect();
        let is_heads = !found.is_empty();
        if is_heads {
            ranges = found;
        }
        if line.starts_with("(no room for: ") {
            ranges.clear();
        }
        let is_row = line.contains("  ") || !line.contains(' ');
        let mut shown: Vec<char> = line.chars().collect();
        for range in ranges.iter().filter(|_| is_row && !is_heads) {
            let end = range.end.min(shown.len());
            let cells = shown.get_mut(range.start.min(end)..end).unwrap_or_default();
            for cell in cells.iter_mut().filter(|cell| **cell != ' ') {
                *cell = '~';
            }
        }
        let shown: String = shown.into_iter().collect();
        lines.push(shown);
    }
    let text = total_masked(&(lines.join("\n") + "\n"));
    // The line of a partition, in which each number has its name.
    let mut parts = text.split("on disk ");
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.split_once(',').map_or(part, |(_, rest)| rest);
        masked.push_str("on disk ~,");
        masked.push_str(rest);
    }
    masked
}

/// The text without the size on the disk in the last line of a list, which may be continued on the
/// next line.
fn total_masked(text: &str) -> String {
    let mut masked = String::new();
    for part in text.split_inclusive(" on disk\n") {
        match part
            .strip_suffix(" on disk\n")
            .and_then(|part| part.rsplit_once(','))
        {
            Some((before, _)) => {
                masked.push_str(before);
                masked.push_str(", ~ on disk\n");
            }
            None => masked.push_str(part),
        }
    }
    masked
}

#[test]
fn tables_give_way_at_60_columns_and_use_160() {
    check(&TABLES);
}

#[test]
fn reports_read_well_at_60_columns_and_at_160() {
    check(&REPORTS);
}

#[test]
fn no_line_is_wider_than_a_terminal_of_60() {
    for (name, _) in TABLES.iter().chain(&REPORTS) {
        let path = Path::new(ROOT).join(format!("testdata/golden/{name}.txt"));
        let text = std::fs::read_to_string(&path).unwrap();
        let mut is_narrow = false;
        for line in text.lines() {
            if line.starts_with("$ ") {
                is_narrow = line.ends_with(" 60 columns");
            } else if line.starts_with("---") {
                is_narrow = false;
            }
            // A path, a command and a digest stay whole.
            let is_whole = !line.trim_start().contains(' ')
                || line.contains("kseg ")
                || line.starts_with("! ")
                || *name == "fingerprint";
            let is_wide = is_narrow && !is_whole && line.chars().count() > 60;
            assert!(!is_wide, "{name}: {line}");
        }
    }
}
