//! The command as a process: standard output, standard error and exit status together.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::forge::damage::{flip, overwrite};
use crate::forge::{BatchSpec, Codec, Frame, Rec, field};
use crate::process::{Ran, all, command, end, kseg, peak_kib, status};
use crate::temp::Temp;

/// Zeros of a lost file, of which all but a few bytes must not be in memory at once.
const SPARSE_BYTES: u64 = 160 << 20;
const SPARSE_MEMORY_KIB: u64 = 64 << 10;

const FIRST: &str = "00000000000000000000.log";
const SECOND: &str = "00000000000000000042.log";
const MISSING: &str = "00000000000000000099.log";

/// A segment of as many batches of a record.
fn segment(batches: i64) -> Vec<u8> {
    let batch = |offset| BatchSpec::at(offset).then(Rec::new(Some(b"key"), Some(b"value")));
    (0..batches)
        .flat_map(|offset| batch(offset).bytes())
        .collect()
}

/// Two segments in a folder.
fn partition() -> Temp {
    let temp = Temp::new();
    temp.file(FIRST, &segment(2));
    temp.file(SECOND, &segment(1));
    temp
}

fn assert_ran(ran: &Ran, status: i32, out: &str, err: &str) {
    assert_eq!((ran.out.as_str(), ran.err.as_str()), (out, err));
    assert_eq!(ran.status, Some(status));
}

/// The dump of one sound file.
fn dump_of(temp: &Temp, name: &str) -> String {
    let ran = kseg(temp.path(), &["dump", "--print-data-log", name]);
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{name}");
    assert!(ran.out.contains("payload: value"), "{}", ran.out);
    ran.out
}

#[test]
fn a_path_that_cannot_be_read_is_named_and_the_next_one_dumped() {
    let temp = partition();
    let second = dump_of(&temp, SECOND);
    let head = |name: &str, offset| format!("Dumping {name}\nLog starting offset: {offset}\n");
    fs::create_dir(temp.path().join("00000000000000000007.log")).expect("a folder");
    for (name, offset, why) in [
        (MISSING, 99, "no such file or directory"),
        ("00000000000000000007.log", 7, "is a directory"),
    ] {
        let ran = kseg(temp.path(), &["dump", "--print-data-log", name, SECOND]);
        let err = format!("kseg: {name}: {why}\n");
        assert_ran(&ran, 1, &(head(name, offset) + &second), &err);
        let list = format!("{name},{SECOND}");
        assert_eq!(
            kseg(temp.path(), &["dump", "--print-data-log", "--files", &list]),
            ran
        );
    }
    let ran = kseg(temp.path(), &["dump", "abc.log"]);
    let err = "kseg: abc.log: the name does not begin with a base offset, as 00000000000000000042.log does\n";
    assert_ran(&ran, 1, "Dumping abc.log\n", err);
}

#[test]
fn a_file_that_may_not_be_read_is_named() {
    let temp = partition();
    let path = temp.path().join(FIRST);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o0)).expect("a file of ours");
    if File::open(&path).is_ok() {
        // Whoever runs this may read everything.
        return;
    }
    let ran = kseg(temp.path(), &["dump", FIRST]);
    let out = format!("Dumping {FIRST}\nLog starting offset: 0\n");
    assert_ran(
        &ran,
        1,
        &out,
        &format!("kseg: {FIRST}: permission denied\n"),
    );
}

#[test]
fn a_directory_stands_for_its_segments_in_order() {
    let temp = partition();
    temp.file("leader-epoch-checkpoint", b"0\n0\n");
    temp.file("00000000000000000005.log.deleted", b"");
    let dump = |name: &str| kseg(temp.path(), &["dump", name]).out;
    let each = format!("./{FIRST}");
    let second = format!("./{SECOND}");
    let both = dump(&each) + &dump(&second);
    assert_ran(&kseg(temp.path(), &["dump", "."]), 0, &both, "");
    // Without segments it is what it is to the original.
    let empty = Temp::new();
    fs::create_dir(empty.path().join("orders-3")).expect("a folder");
    let ran = kseg(empty.path(), &["dump", "orders-3"]);
    assert_ran(
        &ran,
        0,
        "Dumping orders-3\n",
        "Ignoring unknown file orders-3\n",
    );
}

#[test]
fn a_reader_that_goes_away_ends_the_command_quietly() {
    let temp = Temp::new();
    temp.file(FIRST, &segment(40_000));
    for jobs in ["-j1", "-j8"] {
        let args = ["dump", jobs, "--print-data-log", FIRST, FIRST].map(OsStr::new);
        let mut child = command(temp.path(), &args).spawn().expect("a process");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        out.read_line(&mut line).expect("an open pipe");
        assert_eq!(line, format!("Dumping {FIRST}\n"));
        drop(out);
        let ran = end(child);
        assert_ran(&ran, 0, "", "");
    }
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let Ok(full) = File::options().write(true).open("/dev/full") else {
        return;
    };
    let temp = partition();
    let mut command = command(temp.path(), &["dump", FIRST].map(OsStr::new));
    let ran = end(command.stdout(full).spawn().expect("a process"));
    assert_eq!(ran.status, Some(2));
    let why = "error: standard output: no space left on device\n";
    assert_eq!(ran.err, why);
}

#[test]
fn help_is_data_and_fits_the_terminal() {
    let temp = Temp::new();
    for (args, status) in [
        (&["--help"][..], 0),
        (&["dump", "--help"], 1),
        (&["help", "dump"], 0),
    ] {
        for columns in [60, 80] {
            let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
            let mut command = command(temp.path(), &args);
            let child = command.env("COLUMNS", columns.to_string()).spawn();
            let ran = end(child.expect("a process"));
            assert_eq!(
                (ran.status, ran.err.as_str()),
                (Some(status), ""),
                "{args:?}"
            );
            assert!(ran.out.contains("Usage: kseg"), "{args:?}: {}", ran.out);
            let mut lines = ran.out.lines();
            let long = lines.find(|line| line.chars().count() > columns);
            assert_eq!(long, None, "{args:?} in {columns} columns");
        }
    }
    let ran = kseg(temp.path(), &["dump", "--version"]);
    assert_ran(&ran, 0, "4.3.1\n", "");
}

#[test]
fn what_the_command_line_gets_wrong_is_refused_without_output() {
    let temp = partition();
    for (args, status, says) in [
        (
            &["dump", "--frob", FIRST][..],
            1,
            "unexpected argument '--frob'",
        ),
        (
            &["dump"],
            1,
            "no files: give them with --files or after the options",
        ),
        (
            &["dump", "--files"],
            1,
            "a value is required for '--files <FILES>'",
        ),
        (
            &["dump", "--files", FIRST, "--files", SECOND],
            1,
            "--files is given more than once",
        ),
        (
            &["dump", "-j0", FIRST],
            1,
            "invalid value '0' for '--jobs <N>'",
        ),
        (
            &["dump", "-j", "many", FIRST],
            1,
            "invalid value 'many' for '--jobs <N>'",
        ),
        (
            &["dump", "--kafka", "new", FIRST],
            1,
            "expected a form like 4.3, 2.8.2 or 0.11.0.3",
        ),
        (&["dump", "--kafka", "0.7", FIRST], 1, "expected 0.8"),
        (
            &["dump", "--kafka", "3.2", "--max-bytes", "9", FIRST],
            1,
            "it exists since 3.3",
        ),
        (
            &["dump", "--kafka", "2.7", "--skip-record-metadata", FIRST],
            1,
            "it exists since 2.8",
        ),
        (&["frob"], 2, "unrecognized subcommand 'frob'"),
        (&["--frob"], 2, "unexpected argument '--frob'"),
    ] {
        let ran = kseg(temp.path(), args);
        assert_eq!(
            (ran.status, ran.out.as_str()),
            (Some(status), ""),
            "{args:?}"
        );
        assert!(ran.err.starts_with("error: "), "{args:?}: {}", ran.err);
        assert!(ran.err.contains(says), "{args:?}: {}", ran.err);
    }
    let ran = kseg(temp.path(), &[]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains("Usage: kseg"), "{}", ran.err);
}

/// The original, too, looks at these only when it has a file before it.
#[test]
fn options_that_cannot_be_followed_are_refused_with_what_can() {
    let temp = partition();
    let old = "kafka.serializer.";
    let new = "org.apache.kafka.tools.api.";
    for (args, says) in [
        (
            vec!["--value-decoder-class", "com.example.Ours"],
            "com.example.Ours: kseg cannot load Java classes; expected StringDecoder, IntegerDecoder or LongDecoder"
                .to_owned(),
        ),
        (
            vec!["--key-decoder-class", "kafka.serializer.LongDecoder"],
            format!("removed in Kafka 4.0; use {new}LongDecoder instead"),
        ),
        (
            vec!["--kafka", "2.8", "--value-decoder-class", "kafka.serializer.DefaultDecoder"],
            format!("use {new}StringDecoder instead"),
        ),
        (
            vec!["--max-bytes", "5", "--max-bytes", "6"],
            "--max-bytes is given more than once".to_owned(),
        ),
        (vec!["--max-bytes", "1k"], "--max-bytes \"1k\": not a whole number".to_owned()),
        (vec!["--max-bytes", "-1"], "--max-bytes: cannot be negative".to_owned()),
    ] {
        let args = [vec!["dump"], args, vec![FIRST]].concat();
        let ran = kseg(temp.path(), &args);
        assert_eq!(ran.status, Some(1), "{args:?}");
        assert!(ran.out.starts_with(&format!("Dumping {FIRST}\n")), "{}", ran.out);
        assert!(!ran.out.contains("baseOffset"), "{args:?}: {}", ran.out);
        assert!(ran.err.starts_with("kseg: ") && ran.err.contains(&says), "{}", ran.err);
    }
    let args = [
        "dump",
        "--kafka",
        "3.9",
        "--value-decoder-class",
        &format!("{old}StringDecoder"),
        FIRST,
    ];
    let ran = kseg(temp.path(), &args);
    assert_eq!(ran.status, Some(0));
    assert!(ran.out.contains("payload: value"), "{}", ran.out);
}

#[test]
fn names_need_not_be_utf_8() {
    let temp = partition();
    let folder = OsString::from_vec(b"orders\xff-3".to_vec());
    let path = Path::new(&folder).join(FIRST);
    if fs::create_dir(temp.path().join(&folder)).is_err() {
        // Not every file system takes such names.
        return;
    }
    temp.file(&path, &segment(1));
    let shown = format!("Dumping orders\u{fffd}-3/{FIRST}\n");
    for args in [
        vec![OsStr::new("dump"), path.as_os_str()],
        vec![OsStr::new("dump"), &folder],
        vec![OsStr::new("dump"), OsStr::new("--files"), path.as_os_str()],
        vec![
            OsStr::new("dump"),
            OsStr::from_bytes(b"--files=orders\xff-3/00000000000000000000.log"),
        ],
    ] {
        let ran = end(command(temp.path(), &args).spawn().expect("a process"));
        assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{args:?}");
        assert!(
            ran.out.starts_with(&shown) && ran.out.contains("baseOffset: 0"),
            "{}",
            ran.out
        );
    }
}

/// What a folder holds: names, sizes, times.
fn state(folder: &Path) -> Vec<(PathBuf, u64, std::time::SystemTime)> {
    let mut state: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| {
            let entry = entry.expect("an entry");
            let meta = entry.metadata().expect("what it is");
            (entry.path(), meta.len(), meta.modified().expect("a time"))
        })
        .collect();
    state.sort();
    state
}

#[test]
fn a_read_only_directory_is_read_and_left_as_it_is() {
    let temp = partition();
    let before = state(temp.path());
    let mode = |mode| fs::set_permissions(temp.path(), fs::Permissions::from_mode(mode));
    mode(0o555).expect("a folder of ours");
    let ran = kseg(temp.path(), &["dump", "--print-data-log", "."]);
    let after = state(temp.path());
    mode(0o755).expect("a folder of ours");
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""));
    assert_eq!(before, after);
}

/// Segments that are sound, torn, broken, and full of zeros.
fn awkward() -> Vec<Vec<u8>> {
    let sound = segment(9_000);
    let middle = sound.len() / 2;
    let torn = sound.get(..middle).expect("a half").to_vec();
    let mut broken = sound.clone();
    for at in [1_000, 400_000] {
        overwrite(&mut broken, at, &[0xff; 300]);
    }
    let mut flipped = sound.clone();
    flip(&mut flipped, field::CRC);
    let mut zeros = sound.clone();
    zeros.resize(sound.len() + 700_000, 0);
    let huge = vec![b'x'; 3 << 20];
    let batch = BatchSpec::at(0).then(Rec::new(None, Some(&huge)));
    let packed = batch.clone().codec(Codec::ZSTD).bytes();
    vec![
        sound,
        torn,
        broken,
        flipped,
        zeros,
        batch.bytes(),
        packed,
        Vec::new(),
    ]
}

#[test]
fn the_output_is_the_same_however_files_are_read() {
    for (nth, bytes) in awkward().iter().enumerate() {
        let temp = Temp::new();
        temp.file(FIRST, bytes);
        for options in [&["--deep-iteration"][..], &["--max-bytes", "300000"]] {
            let dump =
                |more: &[&str]| kseg(temp.path(), &[&["dump", FIRST], options, more].concat());
            let mapped = dump(&["-j1"]);
            for more in [
                &["--no-mmap", "-j1"][..],
                &["--no-mmap", "-j8"],
                &["-j8"],
                &[],
            ] {
                let other = dump(more);
                assert_eq!(
                    other.err, mapped.err,
                    "segment {nth}, {options:?}, {more:?}"
                );
                assert!(other == mapped, "segment {nth}, {options:?}, {more:?}");
            }
        }
    }
}

#[test]
fn a_broker_s_lock_does_not_keep_readers_out() {
    let temp = partition();
    let lock = temp.file(".lock", b"");
    let hold = "import fcntl, sys\n\
                lock = open(sys.argv[1], 'r+')\n\
                fcntl.lockf(lock, fcntl.LOCK_EX)\n\
                print('held', flush=True)\n\
                sys.stdin.read()\n";
    let holder = Command::new("python3")
        .args([OsStr::new("-c"), OsStr::new(hold), lock.as_os_str()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut holder) = holder else {
        // Nobody here can hold a lock as a broker does.
        return;
    };
    let mut line = String::new();
    let mut says = BufReader::new(holder.stdout.take().expect("piped"));
    says.read_line(&mut line).expect("an open pipe");
    let ran = kseg(temp.path(), &["dump", "."]);
    drop(holder.stdin.take());
    holder.wait().expect("a process of ours");
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""));
    assert_eq!(ran, kseg(temp.path(), &["dump", "."]));
}

#[test]
fn behind_what_the_original_crashes_at_the_dump_goes_on() {
    let temp = partition();
    let second = dump_of(&temp, SECOND);
    let whole = segment(3);
    let frame = whole.len() / 3;
    let mut sizes = whole.clone();
    overwrite(&mut sizes, frame + field::LENGTH, &13_i32.to_be_bytes());
    let mut codec = whole.clone();
    overwrite(&mut codec, frame + field::ATTRIBUTES, &7_i16.to_be_bytes());
    let mut record = whole;
    overwrite(&mut record, frame + field::RECORDS, &[0x7e]);
    for (bytes, says) in [
        (sizes, "batch size 13 is below the smallest possible"),
        (codec, "unknown compression codec 7"),
        (record, "record of 63 bytes, but only"),
    ] {
        temp.file(FIRST, &bytes);
        let ran = kseg(temp.path(), &["dump", "--print-data-log", FIRST, SECOND]);
        assert_eq!(ran.status, Some(1), "{}", ran.err);
        let place = format!("kseg: {FIRST}: position {frame}: ");
        assert!(
            ran.err.starts_with(&place) && ran.err.contains(says),
            "{}",
            ran.err
        );
        // The third batch of the first file, and the second file.
        assert!(ran.out.contains("offset: 2 "), "{}", ran.out);
        assert!(ran.out.ends_with(&second), "{}", ran.out);
    }
}

#[test]
fn a_lost_file_of_zeros_costs_little_memory() {
    let temp = Temp::new();
    let path = temp.file(FIRST, b"");
    #[expect(clippy::disallowed_methods, reason = "a file of our own")]
    File::options()
        .write(true)
        .open(path)
        .and_then(|file| file.set_len(SPARSE_BYTES))
        .expect("a sparse file");
    for more in ["--no-mmap", "-j2"] {
        let mut child = command(temp.path(), &["dump", more, FIRST].map(OsStr::new))
            .spawn()
            .expect("a process");
        let mut most = 0;
        let status = status(&mut child, |id| most = most.max(peak_kib(id).unwrap_or(0)));
        assert_eq!(status, Some(1));
        assert!(most <= SPARSE_MEMORY_KIB, "{more}: {most} KiB");
        let err = all(&mut child.stderr.take());
        assert!(
            err.starts_with(&format!(
                "kseg: {FIRST}: position 0: {SPARSE_BYTES} zero bytes"
            )),
            "{err}"
        );
    }
}
