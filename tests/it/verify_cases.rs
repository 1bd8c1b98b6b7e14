//! What verification finds in what brokers left.

use std::path::Path;

use kseg::format::Limits;
use kseg::scan::Jobs;
use kseg::store::{LogDir, LogFile, Stream};
use kseg::verify::segment::OnBytes;
use kseg::verify::{Depth, Finding, Suite};

use crate::cases;

/// The log dirs of a case: one, or several side by side.
fn dirs_of(case: &Path) -> Vec<Vec<LogDir>> {
    let files = case.join("files");
    let open = |path: &Path| LogDir::open(path).unwrap();
    let dir = open(&files);
    let inner: Vec<LogDir> = dir
        .items()
        .iter()
        .filter(|item| item.is_dir() && item.dir_name().is_none())
        .map(|item| open(item.path()))
        .collect();
    let is_row = dir.partitions().next().is_none() && !inner.is_empty();
    match (
        is_row,
        case.file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("two-nodes"),
    ) {
        (false, _) => vec![vec![dir]],
        (true, true) => inner.into_iter().map(|dir| vec![dir]).collect(),
        (true, false) => vec![inner],
    }
}

fn verify(dirs: &[LogDir]) -> Vec<Finding> {
    let suite = Suite {
        depth: Depth::Cross,
        jobs: Jobs::available(),
        limits: Limits::default(),
        now_ms: Some(1_795_300_000_000),
        open: &|path| Ok(LogFile::Windowed(Stream::open(path)?)),
        on_bytes: OnBytes::default(),
    };
    suite.log_dirs(dirs).findings.into_sorted().0
}

#[test]
fn list_all() {
    let filter = std::env::var("CASE").unwrap_or_default();
    for case in cases::cases() {
        let name = case.dir.file_name().unwrap().to_str().unwrap().to_owned();
        if !case.dir.to_str().unwrap().contains(&filter)
            || case.is_damaged() != std::env::var_os("DAMAGED").is_some()
        {
            continue;
        }
        println!("CASE {name} {}", case.dir.display());
        for f in dirs_of(&case.dir).iter().flat_map(|dirs| verify(dirs)) {
            let root = case.dir.join("files");
            let rel = f.path.strip_prefix(&root).unwrap_or(&f.path);
            println!(
                "FIND {name} {} {} {} {:?} {:?} {}",
                f.severity,
                f.check.code(),
                rel.display(),
                f.position,
                f.offset,
                f.message
            );
        }
    }
}
