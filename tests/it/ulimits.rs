//! Under limits of the shell: memory, open files, file size. Whatever is not enough is said; no signal ends a command.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::forge::{BatchSpec, Codec, Frame, Rec};
use crate::process::{Ran, all, command, end, kseg, peak_kib, status};
use crate::temp::Temp;

/// Runs the command in a shell that has set a limit.
fn limited(dir: &Path, limit: &str, args: &[&str]) -> Ran {
    let script = format!("ulimit {limit} && exec \"$0\" \"$@\"");
    let child = Command::new("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_kseg")])
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    end(child.expect("a shell"))
}

fn log(offset: i64) -> Vec<u8> {
    let batch = BatchSpec::at(offset).timestamp(1_700_000_000_000);
    batch.then(Rec::new(Some(b"k"), Some(b"v"))).bytes()
}

/// A log dir of as many partitions of a segment.
fn partitions(count: usize) -> Temp {
    let temp = Temp::new();
    for number in 0..count {
        temp.file(format!("d/t-{number}/00000000000000000000.log"), &log(0));
    }
    temp
}

const READERS: [&[&str]; 9] = [
    &["verify", "--format", "json"],
    &["ls"],
    &["cat", "--format", "ndjson"],
    &["stats"],
    &["fingerprint"],
    &["predict", "--format", "json"],
    &["repair", "plan"],
    &["retention"],
    &["check"],
];

#[test]
fn few_open_files_are_enough_for_many_partitions() {
    let temp = partitions(100);
    for args in READERS {
        let args = [args, &["d", "-j8"]].concat();
        let free = kseg(temp.path(), &args);
        let ran = limited(temp.path(), "-n 32", &args);
        assert_eq!((ran.status, &ran.err), (free.status, &free.err), "{args:?}");
        // Predictions and plans tell times.
        assert_eq!(ran.out.len(), free.out.len(), "{args:?}");
    }
}

#[test]
fn half_a_gibibyte_of_address_space_is_enough() {
    let temp = partitions(20);
    for args in READERS {
        let args = [args, &["d", "-j2"]].concat();
        let ran = limited(temp.path(), "-v 524288", &args);
        let free = kseg(temp.path(), &args);
        assert_eq!((ran.status, &ran.err), (free.status, &free.err), "{args:?}");
    }
}

#[test]
fn where_no_thread_can_be_started_one_does_all_the_work() {
    let temp = partitions(20);
    let large: Vec<u8> = (0..60_000).flat_map(log).collect();
    temp.file("d/large-0/00000000000000000000.log", &large);
    for args in READERS {
        let args = [args, &["d"]].concat();
        let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
        let free = end(command(temp.path(), &args).spawn().expect("a process"));
        // A stack for which there is no room.
        let mut alone = command(temp.path(), &args);
        alone.env("RUST_MIN_STACK", (1_u64 << 46).to_string());
        let ran = end(alone.spawn().expect("a process"));
        assert_eq!((ran.status, &ran.err), (free.status, &free.err), "{args:?}");
        assert_eq!(ran.out.len(), free.out.len(), "{args:?}");
    }
    let export = ["export", "-j4", "--format", "parquet", "-o", "out", "d"].map(OsStr::new);
    let mut alone = command(temp.path(), &export);
    alone.env("RUST_MIN_STACK", (1_u64 << 46).to_string());
    let ran = end(alone.spawn().expect("a process"));
    assert_eq!(ran.status, Some(0), "{}", ran.err);
}

/// Claims more than fits into the address space, in a file that has as many zeros.
const CLAIM: u32 = 120 << 20;

#[test]
fn a_header_that_claims_more_than_there_is_room_for_is_not_believed() {
    let temp = Temp::new();
    let mut claim = log(0);
    claim.extend(1_i64.to_be_bytes());
    claim.extend((CLAIM - 12).to_be_bytes());
    claim.extend([0, 0, 0, 9, 2]);
    let path = temp.file("d/t-0/00000000000000000000.log", &claim);
    temp.file("d/u-0/00000000000000000000.log", &log(0));
    let file = fs::OpenOptions::new().append(true).open(path);
    let len = log(0).len() as u64 + u64::from(CLAIM);
    #[expect(clippy::disallowed_methods, reason = "a folder of our own")]
    let grown = file.and_then(|file| file.set_len(len));
    grown.expect("a sparse file");
    for args in READERS {
        let ran = limited(temp.path(), "-v 180000", &[args, &["d", "-j2"]].concat());
        let said = format!("{}{}", ran.out, ran.err);
        assert!(matches!(ran.status, Some(0..=2)), "{args:?}: {said}");
        assert!(!said.contains("memory"), "{args:?}: {said}");
    }
    let cat = limited(
        temp.path(),
        "-v 180000",
        &["cat", "--template", "%t%o ", "d"],
    );
    assert_eq!(cat.out, "t0 u0 ", "{}", cat.err);
    assert!(cat.err.contains("checksum mismatch"), "{}", cat.err);
}

#[test]
fn a_file_that_may_not_grow_so_large_is_an_error_of_the_write() {
    let temp = Temp::new();
    let bytes: Vec<u8> = (0..4_000).flat_map(log).collect();
    temp.file("t-0/00000000000000000000.log", &bytes);
    for args in [
        &["cat", "--format", "ndjson", "t-0", "-o", "all"][..],
        &["export", "--format", "ndjson", "t-0", "-o", "out"],
    ] {
        let ran = limited(temp.path(), "-f 8", args);
        assert_eq!(ran.status, Some(2), "{args:?}: {}", ran.err);
        assert!(ran.err.contains("file too large"), "{args:?}: {}", ran.err);
    }
    assert!(!temp.path().join("all").exists());
    // Standard output is a file as well.
    let script = "ulimit -f 8 && exec \"$0\" cat --format ndjson t-0 > all";
    let shell = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_kseg")])
        .current_dir(temp.path())
        .stderr(Stdio::piped())
        .spawn();
    let ran = end(shell.expect("a shell"));
    assert_eq!(ran.status, Some(2), "{}", ran.err);
    assert!(ran.err.contains("file too large"), "{}", ran.err);
}

#[test]
fn links_that_lead_in_a_circle_end_nothing() {
    let temp = partitions(2);
    symlink("..", temp.path().join("d/up-0")).expect("a link");
    symlink("self-0", temp.path().join("d/self-0")).expect("a link");
    for args in READERS {
        let ran = kseg(temp.path(), &[args, &["d"]].concat());
        assert!(ran.status.is_some_and(|status| status <= 2), "{args:?}");
    }
    let cat = kseg(temp.path(), &["cat", "--template", "%t%p ", "d"]);
    assert_eq!(cat.out, "t0 t1 ");
}

#[test]
#[ignore = "makes 100,000 files"]
fn as_many_files_as_there_are_cost_little_each() {
    let temp = partitions(1);
    let dir = temp.path().join("d/t-0");
    for number in 0..100_000 {
        #[expect(clippy::disallowed_methods, reason = "a folder of our own")]
        fs::write(dir.join(format!("x{number}.txt")), b"").expect("a file");
    }
    for args in READERS {
        let args = [args, &["d"]].concat();
        let mut child = command(
            temp.path(),
            &args.iter().map(OsStr::new).collect::<Vec<_>>(),
        )
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a process");
        let mut most = 0;
        let status = status(&mut child, |id| most = most.max(peak_kib(id).unwrap_or(0)));
        assert!(status.is_some_and(|status| status <= 2), "{args:?}");
        assert!(most < 600 << 10, "{args:?}: {most} KiB");
    }
}

/// What a batch of the bombs below unpacks to, and how many there are.
const BOMB_BYTES: usize = 40 << 20;
const BOMBS: i64 = 6;

/// What six threads may hold beside one large batch: their windows, and what they render.
const REST_KIB: u64 = 96 << 10;

#[test]
fn threads_share_the_memory_for_batches_that_unpack_to_a_lot() {
    let temp = Temp::new();
    let zeros = vec![0; BOMB_BYTES];
    let bomb = BatchSpec::at(0).codec(Codec::GZIP);
    let bomb = bomb.then(Rec::new(None, Some(&zeros))).bytes();
    for number in 0..BOMBS {
        let mut log = bomb.clone();
        log[..8].copy_from_slice(&number.to_be_bytes());
        // A segment, so that threads share files, and a file with all, so that they share that.
        temp.file(format!("d/t-{number}/{number:020}.log"), &log);
    }
    // Far enough apart that they lie in pieces of their own.
    let filler = vec![7; 2 << 20];
    let apart = |offset| {
        BatchSpec::at(offset)
            .then(Rec::new(None, Some(&filler)))
            .bytes()
    };
    let whole: Vec<u8> = (0..BOMBS)
        .flat_map(|number| {
            let own = (2 * number).to_be_bytes();
            [&own[..], &bomb[8..], &apart(2 * number + 1)].concat()
        })
        .collect();
    temp.file("w-0/00000000000000000000.log", &whole);
    for args in [
        &["verify", "--depth", "deep", "d"][..],
        &["verify", "--depth", "deep", "w-0"],
        &["stats", "d"],
        &["stats", "w-0"],
        &[
            "show",
            "--records",
            "--format",
            "ndjson",
            "w-0/00000000000000000000.log",
        ],
        &["cat", "--values", "size", "w-0"],
    ] {
        let args = [args, &["-j6"]].concat();
        let mut child = command(
            temp.path(),
            &args.iter().map(OsStr::new).collect::<Vec<_>>(),
        )
        .stdout(Stdio::null())
        .spawn()
        .expect("a process");
        let mut most = 0;
        let status = status(&mut child, |id| most = most.max(peak_kib(id).unwrap_or(0)));
        assert!(
            status.is_some_and(|status| status <= 1),
            "{args:?}: {}",
            all(&mut child.stderr.take())
        );
        let bound = (BOMB_BYTES as u64 >> 10) + REST_KIB;
        assert!(most <= bound, "{args:?}: {most} KiB of {bound}");
    }
}
