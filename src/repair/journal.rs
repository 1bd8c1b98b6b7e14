//! Journals: what a repair is about to do, doing, and has done.
//!
//! A journal is a file of lines. A line is a CRC-32C in eight digits, a word and its fields, with
//! tabs between them; a line whose checksum is wrong was truncated by a crash and is ignored. The
//! words:
//!
//! | line | means |
//! |---|---|
//! | `begin` mode, digest of the plan, scope, root | from here on the folder is ours |
//! | `time` seconds, nanoseconds, path | when the directory was last changed before; no path is the root |
//! | `times` number | so many of them; nothing is changed before this line is durable |
//! | `put` old, new, path | the path gets a content that is next to it |
//! | `drop` old, path | the path goes |
//! | `rmdir` path | the empty directory goes |
//! | `mvdir` path, path | the directory gets the other name |
//! | `commit` operations, CRC of their lines | all is prepared and saved; from here on it goes forward |
//! | `doing` number, `done` number | an operation begins, and is durable |
//! | `finished` | all of them are |
//! | `undoing`, `undone` | the way back begins, and is over |

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::disk::{Disk, DurableOutput};
use super::error::{At, Error};
use super::parts::{Crc, PlanPath};
use super::plan::{Scope, State};

/// The name of the journal in its folder.
const NAME: &str = "journal";

/// The first line of a journal.
const FORMAT: &str = "kseg.journal/1";

/// The mode of a repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Into a directory of its own.
    Into,
    /// In place.
    InPlace,
}

/// The beginning of a journal: the plan and the paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Begin {
    pub(super) mode: Mode,
    pub(super) digest: Crc,
    pub(super) scope: Scope,
    pub(super) root: PathBuf,
}

/// One change of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Op {
    Put {
        old: State,
        new: State,
        path: PlanPath,
    },
    Drop {
        old: State,
        path: PlanPath,
    },
    RemoveDir {
        path: PlanPath,
    },
    RenameDir {
        from: PlanPath,
        to: PlanPath,
    },
}

/// The modification time of a directory before the repair; `None` means the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DirTime {
    pub(super) modified: SystemTime,
    pub(super) dir: Option<PlanPath>,
}

/// The content of a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) begin: Begin,
    /// Empty as long as nothing was changed.
    pub(super) dirs: Vec<DirTime>,
    pub(super) ops: Vec<Op>,
    pub(super) stage: Stage,
}

/// The stage of a repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Nothing was changed yet.
    Begun,
    /// It goes forward.
    Committed,
    /// It is done.
    Finished,
    /// It goes back.
    Undoing,
    /// It is as if it had never been.
    Undone,
}

impl Op {
    /// The path that it is about.
    pub(super) const fn path(&self) -> &PlanPath {
        match self {
            Self::Put { path, .. } | Self::Drop { path, .. } | Self::RemoveDir { path } => path,
            Self::RenameDir { from, .. } => from,
        }
    }

    fn line(&self) -> String {
        match self {
            Self::Put { old, new, path } => {
                format!("put\t{}\t{}\t{path}", brief(*old), brief(*new))
            }
            Self::Drop { old, path } => format!("drop\t{}\t{path}", brief(*old)),
            Self::RemoveDir { path } => format!("rmdir\t{path}"),
            Self::RenameDir { from, to } => format!("mvdir\t{from}\t{to}"),
        }
    }

    fn parse(fields: &[&str]) -> Option<Self> {
        let path = |text: &str| text.parse().ok();
        Some(match *fields {
            ["put", old, new, at] => Self::Put {
                old: state(old)?,
                new: state(new)?,
                path: path(at)?,
            },
            ["drop", old, at] => Self::Drop {
                old: state(old)?,
                path: path(at)?,
            },
            ["rmdir", at] => Self::RemoveDir { path: path(at)? },
            ["mvdir", from, to] => Self::RenameDir {
                from: path(from)?,
                to: path(to)?,
            },
            _ => return None,
        })
    }
}

impl DirTime {
    fn line(&self) -> String {
        let since = self.modified.duration_since(SystemTime::UNIX_EPOCH);
        // Only a time that was set by hand is before 1970; it is not
        // restored to the second.
        let since = since.unwrap_or_default();
        let (seconds, nanos) = (since.as_secs(), since.subsec_nanos());
        let dir = self.dir.as_ref().map_or("", PlanPath::as_str);
        format!("time\t{seconds}\t{nanos}\t{dir}")
    }

    fn parse(seconds: &str, nanos: &str, dir: &str) -> Option<Self> {
        let nanos = nanos.parse().ok().filter(|nanos| *nanos < 1_000_000_000)?;
        let since = Duration::new(seconds.parse().ok()?, nanos);
        let dir = (!dir.is_empty()).then(|| dir.parse());
        Some(Self {
            modified: SystemTime::UNIX_EPOCH.checked_add(since)?,
            dir: dir.transpose().ok()?,
        })
    }
}

impl Begin {
    fn line(&self) -> String {
        let mode = match self.mode {
            Mode::Into => "into",
            Mode::InPlace => "in-place",
        };
        let (digest, scope, root) = (self.digest, self.scope.name(), self.root.display());
        format!("begin\t{FORMAT}\t{mode}\t{digest}\t{scope}\t{root}")
    }

    fn parse(fields: &[&str]) -> Option<Self> {
        let ["begin", FORMAT, mode, digest, scope, root] = *fields else {
            return None;
        };
        Some(Self {
            mode: match mode {
                "into" => Mode::Into,
                "in-place" => Mode::InPlace,
                _ => return None,
            },
            digest: digest.parse().ok()?,
            scope: [Scope::LogDir, Scope::Partition]
                .into_iter()
                .find(|known| known.name() == scope)?,
            root: root.into(),
        })
    }
}

/// The checksum that a commit carries over the operations before it.
fn sum(ops: &[Op]) -> Crc {
    let lines: Vec<String> = ops.iter().map(Op::line).collect();
    Crc::of(lines.join("\n").as_bytes())
}

impl Record {
    /// Parses the bytes of a journal; returns `None` if its beginning is missing. A commit whose
    /// operations are not all there is no reading.
    fn parse(bytes: &[u8]) -> Result<Option<Self>, ()> {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.lines().filter_map(|line| {
            let (crc, line) = line.split_once('\t')?;
            (crc.parse() == Ok(Crc::of(line.as_bytes()))).then_some(line)
        });
        let fields =
            |line: &'_ str| -> Vec<String> { line.split('\t').map(str::to_owned).collect() };
        let Some(begin) = lines.next() else {
            return Ok(None);
        };
        let begin: Vec<String> = fields(begin);
        let begin: Vec<&str> = begin.iter().map(String::as_str).collect();
        let mut record = Self {
            begin: Begin::parse(&begin).ok_or(())?,
            dirs: Vec::new(),
            ops: Vec::new(),
            stage: Stage::Begun,
        };
        let mut times = Vec::new();
        for line in lines {
            let fields: Vec<&str> = line.split('\t').collect();
            match *fields {
                ["time", seconds, nanos, dir] => {
                    let time = DirTime::parse(seconds, nanos, dir).ok_or(())?;
                    times.push(time);
                }
                ["times", count] if count.parse() == Ok(times.len()) => {
                    record.dirs = std::mem::take(&mut times);
                }
                ["times" | "doing" | "done", _] => {}
                ["commit", count, crc] => {
                    let is_whole = count.parse() == Ok(record.ops.len())
                        && crc.parse() == Ok(sum(&record.ops));
                    record.stage = is_whole.then_some(Stage::Committed).ok_or(())?;
                }
                ["finished"] => record.stage = Stage::Finished,
                ["undoing"] => record.stage = Stage::Undoing,
                ["undone"] => record.stage = Stage::Undone,
                _ => record.ops.push(Op::parse(&fields).ok_or(())?),
            }
        }
        Ok(Some(record))
    }

    /// Reads the journal in `folder`; `None` if there is none, or only the beginning of its first
    /// line.
    pub(super) fn read(disk: &dyn Disk, folder: &Path) -> Result<Option<Self>, Error> {
        let path = path(folder);
        let look = disk.look(&path).at(&path)?;
        if look.kind != super::disk::ItemKind::File {
            return Ok(None);
        }
        let input = disk.open(&path).at(&path)?;
        let mut bytes = Vec::new();
        super::splice::pump(&*input, 0..look.len_bytes, &mut Vec::new(), |part| {
            bytes.extend_from_slice(part);
            Ok(())
        })
        .at(&path)?;
        Self::parse(&bytes).map_err(|()| Error::Journal(folder.to_owned()))
    }
}

/// A journal being written.
pub(super) struct Journal<'a> {
    out: Box<dyn DurableOutput + 'a>,
    path: PathBuf,
}

impl<'a> Journal<'a> {
    /// Begins a journal in `folder`.
    pub(super) fn begin(
        disk: &'a dyn Disk,
        folder: &Path,
        begin: &Begin,
        dirs: &[DirTime],
    ) -> Result<Self, Error> {
        let path = path(folder);
        let out = disk.create(&path).at(&path)?;
        let mut journal = Self { out, path };
        journal.add(&begin.line())?;
        for time in dirs {
            journal.add(&time.line())?;
        }
        journal.add(&format!("times\t{}", dirs.len()))?;
        journal.sync()?;
        disk.sync_dir(folder).at(folder)?;
        Ok(journal)
    }

    /// Goes on with one.
    pub(super) fn resume(disk: &'a dyn Disk, folder: &Path) -> Result<Self, Error> {
        let path = path(folder);
        let out = disk.append(&path).at(&path)?;
        let mut journal = Self { out, path };
        // A line truncated by a crash ends here.
        journal.out.write_all(b"\n").at(&journal.path)?;
        Ok(journal)
    }

    fn add(&mut self, line: &str) -> Result<(), Error> {
        let line = format!("{}\t{line}\n", Crc::of(line.as_bytes()));
        self.out.write_all(line.as_bytes()).at(&self.path)
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.out.sync().at(&self.path)
    }

    /// Says that everything is ready for `ops`.
    pub(super) fn commit(&mut self, ops: &[Op]) -> Result<(), Error> {
        for op in ops {
            self.add(&op.line())?;
        }
        self.add(&format!("commit\t{}\t{}", ops.len(), sum(ops)))?;
        self.sync()
    }

    /// Says that operations begin.
    pub(super) fn doing(&mut self, numbers: impl Iterator<Item = usize>) -> Result<(), Error> {
        for number in numbers {
            self.add(&format!("doing\t{number}"))?;
        }
        self.sync()
    }

    /// Says that operations are durable. Nothing depends on it, so it may be made so later.
    pub(super) fn done(&mut self, numbers: impl Iterator<Item = usize>) -> Result<(), Error> {
        for number in numbers {
            self.add(&format!("done\t{number}"))?;
        }
        Ok(())
    }

    /// Says that everything is done.
    pub(super) fn finished(&mut self) -> Result<(), Error> {
        self.add("finished")?;
        self.sync()
    }

    /// Says that the way back begins.
    pub(super) fn undoing(&mut self) -> Result<(), Error> {
        self.add("undoing")?;
        self.sync()
    }

    /// Says that the way back is over.
    pub(super) fn undone(&mut self) -> Result<(), Error> {
        self.add("undone")?;
        self.sync()
    }
}

/// The journal of a folder.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

fn brief(state: State) -> String {
    match state {
        State::File { len_bytes, crc } => format!("{len_bytes}:{crc}"),
        _ => "absent".into(),
    }
}

fn state(text: &str) -> Option<State> {
    if text == "absent" {
        return Some(State::Absent);
    }
    let (len_bytes, crc) = text.split_once(':')?;
    Some(State::File {
        len_bytes: len_bytes.parse().ok()?,
        crc: crc.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(lines: &[String]) -> Vec<u8> {
        let line = |line: &String| format!("{}\t{line}\n", Crc::of(line.as_bytes()));
        lines.iter().map(line).collect::<String>().into_bytes()
    }

    fn record() -> (Begin, Vec<Op>) {
        let file = |len_bytes| State::File {
            len_bytes,
            crc: Crc(7),
        };
        let path = |text: &str| text.parse::<PlanPath>().unwrap();
        let begin = Begin {
            mode: Mode::InPlace,
            digest: Crc(1),
            scope: Scope::Partition,
            root: "/a b/t-0".into(),
        };
        let ops = vec![
            Op::Put {
                old: State::Absent,
                new: file(3),
                path: path("x y"),
            },
            Op::Drop {
                old: file(4),
                path: path("t-0/z"),
            },
            Op::RemoveDir { path: path("odd") },
            Op::RenameDir {
                from: path("a"),
                to: path("b"),
            },
        ];
        (begin, ops)
    }

    #[test]
    fn what_is_written_is_read_and_a_cut_off_line_counts_for_nothing() {
        let (begin, ops) = record();
        let modified = SystemTime::UNIX_EPOCH + Duration::new(3, 999_999_999);
        let dir = Some("odd".parse().unwrap());
        let dirs = vec![
            DirTime {
                modified,
                dir: None,
            },
            DirTime { modified, dir },
        ];
        let mut lines = vec![begin.line()];
        lines.extend(dirs.iter().map(DirTime::line));
        lines.push("times\t2".into());
        lines.extend(ops.iter().map(Op::line));
        lines.push(format!("commit\t{}\t{}", ops.len(), sum(&ops)));
        let whole = text(&lines);
        let expected = Record {
            begin,
            dirs: dirs.clone(),
            ops,
            stage: Stage::Committed,
        };
        assert_eq!(Record::parse(&whole), Ok(Some(expected)));
        for cut in 0..whole.len() {
            let record = Record::parse(&whole[..cut]).unwrap();
            let times = record.as_ref().map(|record| &record.dirs);
            assert!(times.is_none_or(|times| times.is_empty() || *times == dirs));
            let stage = record.map(|record| record.stage);
            // The last line end may be missing.
            let expected = if cut + 1 == whole.len() {
                Stage::Committed
            } else {
                Stage::Begun
            };
            assert!(stage.is_none_or(|stage| stage == expected), "{cut}");
        }
    }

    #[test]
    fn an_operation_lost_before_the_commit_is_told() {
        let (begin, ops) = record();
        let mut lines = vec![begin.line()];
        lines.extend(ops.iter().skip(1).map(Op::line));
        lines.push(format!("commit\t{}\t{}", ops.len(), sum(&ops)));
        assert_eq!(Record::parse(&text(&lines)), Err(()));
        assert_eq!(Record::parse(&text(&["commit".into()])), Err(()));
        assert_eq!(Record::parse(b"garbage\n"), Ok(None));
    }
}
