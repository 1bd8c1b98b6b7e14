//! The command as a process.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A process that takes longer hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a process did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// The command in a folder, its streams piped.
pub(crate) fn command(dir: &Path, args: &[&OsStr]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kseg"));
    command
        .args(args)
        .current_dir(dir)
        .env_remove("COLUMNS")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs the command in a folder.
pub(crate) fn kseg(dir: &Path, args: &[&str]) -> Ran {
    let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
    end(command(dir, &args).spawn().expect("a process"))
}

/// Waits for the process and everything that it says.
pub(crate) fn end(mut child: Child) -> Ran {
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let (out, err, status) = thread::scope(|scope| {
        let out = scope.spawn(|| all(&mut out));
        let err = scope.spawn(|| all(&mut err));
        let status = status(&mut child, |_| {});
        (out.join().expect("text"), err.join().expect("text"), status)
    });
    Ran { status, out, err }
}

/// What is left in a pipe.
pub(crate) fn all(from: &mut Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        from.read_to_end(&mut bytes).expect("an open pipe");
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits for the process, looking at it now and then; ends it if it takes too long.
pub(crate) fn status(child: &mut Child, mut look: impl FnMut(u32)) -> Option<i32> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a process of ours") {
            return status.code();
        }
        if begun.elapsed() > PATIENCE {
            child.kill().expect("a process of ours");
            panic!("no end in {PATIENCE:?}");
        }
        look(child.id());
        thread::sleep(Duration::from_millis(5));
    }
}

/// The most memory that a process had so far, where Linux tells.
pub(crate) fn peak_kib(id: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
