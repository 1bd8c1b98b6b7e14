//! `kseg dump` of index files without the files they are compared with: entries are shown, nothing is created.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The first segment of a partition of several.
const BASE: &str = "00000000000000000000";
const PARTITION: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/testdata/kafka-4.3.1/segments/files/orders-by-size-0"
);

/// A folder with copies of the files of a segment, and gone in the end.
struct Folder(PathBuf);

impl Folder {
    fn with(name: &str, suffixes: &[&str]) -> Self {
        let folder = std::env::temp_dir().join(format!("kseg-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for suffix in suffixes {
            let file = format!("{BASE}{suffix}");
            fs::copy(Path::new(PARTITION).join(&file), folder.join(&file)).unwrap();
        }
        Self(folder)
    }

    fn dump(&self, suffix: &str, options: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_kseg"))
            .arg("dump")
            .args(options)
            .arg(self.0.join(format!("{BASE}{suffix}")))
            .output()
            .unwrap()
    }

    fn files(&self) -> Vec<(PathBuf, u64)> {
        let mut files: Vec<_> = fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.path(), entry.metadata().unwrap().len()))
            .collect();
        files.sort();
        files
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn lines(output: &Output) -> Vec<&str> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().skip(1).collect()
}

#[test]
fn an_index_without_its_log_is_shown_and_noted() {
    let whole = Folder::with("whole", &[".log", ".index", ".timeindex"]);
    let alone = Folder::with("alone", &[".index", ".timeindex"]);
    let before = alone.files();
    for suffix in [".index", ".timeindex"] {
        let (compared, shown) = (whole.dump(suffix, &[]), alone.dump(suffix, &[]));
        assert_eq!(compared.status.code(), Some(0));
        assert!(!lines(&compared).is_empty());
        assert_eq!(lines(&compared), lines(&shown));
        assert_eq!(shown.status.code(), Some(1));
        let note = String::from_utf8(shown.stderr).unwrap();
        assert!(note.contains(".log: no such file or directory"), "{note}");
    }
    assert_eq!(alone.files(), before);
}

#[test]
fn a_time_index_without_its_index_is_compared_all_the_same() {
    let folder = Folder::with("no-index", &[".log", ".timeindex"]);
    let before = folder.files();
    let shown = folder.dump(".timeindex", &[]);
    assert_eq!(shown.status.code(), Some(1));
    let note = String::from_utf8(shown.stderr.clone()).unwrap();
    assert_eq!(note.lines().count(), 1, "{note}");
    let log = folder.0.join(format!("{BASE}.log"));
    File::options()
        .write(true)
        .truncate(true)
        .open(&log)
        .unwrap();
    let missing = folder.dump(".timeindex", &[]);
    assert_eq!(lines(&missing), lines(&shown));
    let note = String::from_utf8(missing.stderr).unwrap();
    assert!(note.contains("found log offset: -1"), "{note}");
    assert_eq!(folder.files().len(), before.len());
}

#[test]
fn an_index_of_an_odd_length_stays_as_long_as_it_is() {
    let folder = Folder::with("odd", &[".log", ".index"]);
    let index = folder.0.join(format!("{BASE}.index"));
    let mut bytes = fs::read(&index).unwrap();
    let whole = folder.dump(".index", &[]);
    bytes.extend([1, 2, 3]);
    let mut file = File::options().append(true).open(&index).unwrap();
    file.write_all(&[1, 2, 3]).unwrap();
    let odd = folder.dump(".index", &[]);
    assert_eq!((odd.status.code(), lines(&odd)), (Some(0), lines(&whole)));
    let sanity = folder.dump(".index", &["--index-sanity-check"]);
    assert_eq!((sanity.status.code(), lines(&sanity).len()), (Some(1), 0));
    assert_eq!(fs::read(&index).unwrap(), bytes);
}
