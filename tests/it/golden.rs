//! What people see, in terminals of 60, 80 and 160 columns. `BLESS=1` rewrites the files.

use std::ffi::OsStr;
use std::path::Path;

use crate::process;
use crate::schemas::golden;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Names of files, and what is run for them.
const SHOWN: [(&str, &[&str]); 9] = [
    (
        "ls-log-dir",
        &["ls", "--exact", "testdata/kafka-1.1.1/kill9-111/files"],
    ),
    (
        "ls-partition",
        &["ls", "testdata/kafka-4.3.1/segments/files/orders-by-size-0"],
    ),
    (
        "ls-topics",
        &["ls", "--topics", "testdata/kafka-4.3.1/segments/files"],
    ),
    (
        "ls-leftovers",
        &["ls", "testdata/kafka-4.3.1/tmp-leftovers/files"],
    ),
    (
        "show-segment",
        &[
            "show",
            "testdata/kafka-4.3.1/zero-page-512-mid/files/orders143-0/00000000000000000026.log",
        ],
    ),
    (
        "show-records",
        &[
            "show",
            "--records",
            "--limit",
            "3",
            "testdata/kafka-4.3.1/transactions-tv2/files/audit.log-tv2-committed-0/00000000000000000000.log",
        ],
    ),
    (
        "show-index",
        &[
            "show",
            "testdata/kafka-4.3.1/segments/files/orders-by-size-0/00000000000000000022.timeindex",
        ],
    ),
    (
        "show-image",
        &[
            "show",
            "--image",
            "testdata/kafka-4.3.1/classic-4.3.1/files/__consumer_offsets-0",
        ],
    ),
    (
        "show-small",
        &[
            "show",
            "testdata/kafka-1.1.1/kill9-111/files/meta.properties",
            "testdata/kafka-1.1.1/kill9-111/files/replication-offset-checkpoint",
        ],
    ),
];

/// The same for commands that report.
const SAID: [(&str, &[&str]); 5] = [
    (
        "verify",
        &["verify", "testdata/kafka-4.3.1/zero-page-512-mid/files"],
    ),
    (
        "predict",
        &[
            "predict",
            "--now",
            "2026-11-22",
            "testdata/kafka-4.3.1/index-missing-and-flip/files",
        ],
    ),
    (
        "predict-partition",
        &[
            "predict",
            "--unclean",
            "--now",
            "2026-11-22",
            "testdata/kafka-4.3.1/zero-page-512-mid/files/orders143-0",
        ],
    ),
    (
        "repair-plan",
        &[
            "repair",
            "plan",
            "testdata/kafka-4.3.1/zero-page-512-mid/files",
        ],
    ),
    (
        "repair-plan-flip",
        &[
            "repair",
            "plan",
            "testdata/kafka-4.3.1/index-missing-and-flip/files",
        ],
    ),
];

#[track_caller]
fn check(commands: &[(&str, &[&str])]) {
    for (name, args) in commands {
        for columns in ["60", "80", "160"] {
            let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
            let mut command = process::command(Path::new(ROOT), &args);
            command.env("COLUMNS", columns);
            let ran = process::end(command.spawn().unwrap());
            let mut text = masked(&ran.out.replace(&format!("{ROOT}/"), ""));
            if !ran.err.is_empty() {
                text = format!("{text}--- standard error\n{}", ran.err);
            }
            golden(&format!("{name}-{columns}.txt"), &text);
        }
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
        lines.push(match shown.split_once(" apparent size, ") {
            Some((before, after)) if after.ends_with(" on disk") => {
                format!("{before} apparent size, ~ on disk")
            }
            _ => shown,
        });
    }
    let text = lines.join("\n");
    // The line of a partition, in which each number has its name.
    let mut parts = text.split("on disk ");
    let mut masked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.split_once(',').map_or(part, |(_, rest)| rest);
        masked.push_str("on disk ~,");
        masked.push_str(rest);
    }
    masked + "\n"
}

#[test]
fn tables_give_way_at_60_columns_and_use_160() {
    check(&SHOWN);
}

#[test]
fn reports_read_well_at_60_columns_and_at_160() {
    check(&SAID);
}

#[test]
fn nothing_that_people_see_is_wider_than_a_terminal_of_60_but_for_long_names() {
    let folder = Path::new(ROOT).join("testdata/golden");
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.starts_with("ls-") && !name.starts_with("show-") || !name.ends_with("-60.txt") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let rows = text.lines().take_while(|line| !line.starts_with("---"));
        // Headings and remarks are sentences, which a terminal wraps as it likes.
        for line in rows.filter(|line| line.contains("   ")) {
            assert!(line.chars().count() <= 60, "{name}: {line}");
        }
    }
}
