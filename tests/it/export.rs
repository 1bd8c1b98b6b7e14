//! `kseg export`: files, their manifest, and going on.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use kseg::wire::crc::crc32c;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::cases::{TESTDATA, text};
use crate::cat::cat;
use crate::temp::Temp;

fn export(dir: &Path, args: &[&str], paths: &[&Path]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kseg"));
    command.arg("export").arg("-o").arg(dir);
    command.args(args).args(paths).output().expect("kseg runs")
}

fn source() -> PathBuf {
    Path::new(TESTDATA).join("kafka-4.3.1/log-start/files")
}

fn manifest(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("kseg.manifest.json")).unwrap()).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let entries = dir.read_dir().unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// What is in a file, by what it begins with.
fn unpack(packed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    match packed {
        [0x1f, 0x8b, ..] => {
            let mut decoder = flate2::read::GzDecoder::new(packed);
            decoder.read_to_end(&mut bytes).unwrap();
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => bytes = zstd::stream::decode_all(packed).unwrap(),
        plain => bytes.extend(plain),
    }
    bytes
}

#[test]
fn files_hold_what_cat_shows_and_the_manifest_says_so() {
    let temp = Temp::new();
    for (args, suffix) in [
        (&["--format", "ndjson"][..], "ndjson"),
        (&["--format", "csv", "-j1"], "csv"),
        (&["--compress", "gzip", "-j8"], "ndjson.gz"),
        (&["--compress", "zstd", "-j2"], "ndjson.zst"),
    ] {
        let dir = temp.path().join(suffix);
        let output = export(&dir, args, &[&source()]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let manifest = manifest(&dir);
        assert_eq!(manifest["schema"], "kseg.manifest/1");
        let files = manifest["files"].as_array().unwrap();
        assert_eq!(names(&dir).len(), files.len() + 1, "{:?}", names(&dir));
        for file in files {
            let name = file["file"].as_str().unwrap();
            assert!(name.ends_with(suffix), "{name}");
            let packed = fs::read(dir.join(name)).unwrap();
            assert_eq!(file["size_bytes"], packed.len());
            assert_eq!(file["crc32c"], format!("{:08x}", crc32c(&packed)));
            let sha256 = Sha256::digest(&packed);
            let hex = sha256
                .iter()
                .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
            assert_eq!(file["sha256"], hex);
            let bytes = unpack(&packed);
            let format = suffix.split('.').next().unwrap();
            let shown = cat(
                &["--format", format],
                &[Path::new(file["source"].as_str().unwrap())],
            );
            assert!(bytes == shown.stdout, "{name}");
            if format == "ndjson" {
                let lines: Vec<Value> = text(&bytes)
                    .lines()
                    .map(|line| serde_json::from_str(line).unwrap())
                    .collect();
                assert_eq!(file["records"], lines.len());
                assert_eq!(file["first_offset"], lines[0]["offset"]);
                assert_eq!(file["last_offset"], lines[lines.len() - 1]["offset"]);
            }
            assert_eq!(file["complete"], true);
        }
    }
}

#[test]
fn going_on_keeps_what_is_whole_and_makes_the_rest() {
    let temp = Temp::new();
    let dir = temp.path().join("out");
    export(&dir, &[], &[&source()]);
    let whole = manifest(&dir);
    let files = names(&dir);
    let again = export(&dir, &[], &[&source()]);
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("use --resume or another folder"));
    let first = dir.join(&files[0]);
    let kept = fs::metadata(&first).unwrap().modified().unwrap();
    temp.file(dir.join(&files[1]), b"somebody wrote here");
    let resumed = export(&dir, &["--resume"], &[&source()]);
    assert_eq!(resumed.status.code(), Some(0));
    assert_eq!(manifest(&dir), whole);
    assert_eq!(fs::metadata(&first).unwrap().modified().unwrap(), kept);
    assert_eq!(names(&dir), files);
    // Another question has another answer.
    export(&dir, &["--resume", "--key-regex", "7$"], &[&source()]);
    assert_ne!(
        manifest(&dir)["files"][0]["records"],
        whole["files"][0]["records"]
    );
}

#[test]
fn going_on_with_the_same_words_keeps_the_files_although_time_goes_by() {
    let temp = Temp::new();
    let dir = temp.path().join("out");
    let args = ["--resume", "--since", "5000w", "--until", "1h"];
    let written = |args: &[&str]| {
        let output = export(&dir, args, &[&source()]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let file = dir.join(&names(&dir)[0]);
        fs::metadata(file).unwrap().modified().unwrap()
    };
    let first = written(&args);
    assert_eq!(written(&args), first);
    assert_eq!(written(&[&args[..], &["-j2"]].concat()), first);
    assert_ne!(written(&["--resume", "--since", "5000w"]), first);
}

#[test]
fn damage_is_in_the_manifest() {
    let temp = Temp::new();
    let from = source().join("iot-readings-log-start-0");
    let name = names(&from)
        .into_iter()
        .find(|name| Path::new(name).extension().is_some_and(|end| end == "log"))
        .unwrap();
    let mut bytes = fs::read(from.join(&name)).unwrap();
    bytes[100] ^= 0xff;
    temp.file(format!("t-0/{name}"), &bytes);
    let log = temp.path().join("t-0");
    for args in [&["--resume"][..], &["--resume", "--salvage"]] {
        let dir = temp.path().join("out");
        let output = export(&dir, args, &[&log]);
        assert_eq!(output.status.code(), Some(1));
        let file = &manifest(&dir)["files"][0];
        assert_eq!(file["damage"][0]["start"], 0);
        assert_eq!(file["complete"], false);
    }
}

#[test]
fn what_cannot_be_written_is_refused_before_anything_is() {
    let temp = Temp::new();
    let dir = temp.path().join("out");
    for (args, paths, says) in [
        (&["--compress", "lz4"][..], vec![source()], "--compress"),
        (
            &["--format", "text"],
            vec![source()],
            "[possible values: ndjson, csv, parquet]",
        ),
        (&["--offset", "x"], vec![source()], "--offset"),
        (
            &[],
            vec![source(), source().join("iot-readings-log-start-0")],
            "both would be written to",
        ),
    ] {
        let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
        let output = export(&dir, args, &paths);
        assert_eq!(output.status.code(), Some(2));
        let said = text(&output.stderr);
        assert!(said.contains(says), "{said}");
        assert!(!dir.exists());
    }
}
