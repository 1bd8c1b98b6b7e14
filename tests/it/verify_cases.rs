//! What verification finds in what brokers left.

use std::path::Path;

use kseg::format::Limits;
use kseg::scan::Jobs;
use kseg::store::{LogFile, Partition, Stream};
use kseg::verify::{Around, Depth, Finding, Stop, Suite};

use crate::cases;

fn suite_partition(path: &Path, stop: Stop) -> Vec<Finding> {
    let suite = Suite {
        depth: Depth::Cross,
        jobs: Jobs::available(),
        limits: Limits::default(),
        open: &|path| Ok(LogFile::Windowed(Stream::open(path)?)),
    };
    let partition = Partition::open(path).unwrap();
    let around = Around {
        stop,
        recovery_point: None,
        log_start: None,
    };
    let (outcome, _) = suite.partition_in(&partition, around);
    assert!(outcome.findings.kept().len() < 5000);
    outcome.findings.into_sorted().0
}

#[test]
fn list_all() {
    let filter = std::env::var("CASE").unwrap_or_default();
    for case in cases::cases() {
        let name = case.dir.file_name().unwrap().to_str().unwrap().to_owned();
        if !case.dir.to_str().unwrap().contains(&filter) || case.is_damaged() != std::env::var_os("DAMAGED").is_some() {
            continue;
        }
        let mut dirs: Vec<_> = Vec::new();
        let mut stack = vec![case.dir.join("files")];
        while let Some(dir) = stack.pop() {
            let Ok(list) = dir.read_dir() else { continue };
            let mut has_log = false;
            for entry in list {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    stack.push(path);
                } else if path.extension().is_some_and(|e| e == "log") {
                    has_log = true;
                }
            }
            if has_log {
                dirs.push(dir);
            }
        }
        dirs.sort();
        for dir in dirs {
            let clean = dir.parent().unwrap().join(".kafka_cleanshutdown").exists();
            let stop = if clean { Stop::Clean } else { Stop::Unclean };
            for f in suite_partition(&dir, stop) {
                let rel = f.path.strip_prefix(&case.dir.join("files")).unwrap_or(&f.path);
                println!("FIND {name} {} {} {} {:?} {:?} {}", f.severity, f.check.code(), rel.display(), f.position, f.offset, f.message);
            }
        }
    }
}
