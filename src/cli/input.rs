//! The files and directories at the paths of a command line.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use kseg::format::DirName;
use kseg::format::name::DirState;
use kseg::predict::Settings;
use kseg::store::{Item, LogDir, Partition, Place};

use super::output::said;
pub(crate) use super::places::{DistinctPlaces, no_log};
use super::places::{is_settings, places};
pub(crate) use super::selection::{Others, Pattern, Selection};

/// A log: a partition, or a single file.
#[derive(Debug, Clone)]
pub(crate) enum LogSource {
    /// The directory of a partition.
    Partition(Partition),
    /// A file.
    File(Item),
}

/// The logs at the paths.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    pub(crate) found: Vec<LogSource>,
    /// The errors of paths or partitions that cannot be read.
    pub(crate) lost: Vec<anyhow::Error>,
    /// Partitions left out because they are marked for deletion.
    marked: usize,
    /// Partitions of internal topics left out because they were not named.
    pub(crate) internal: usize,
}

/// The log dirs of some logs, each once, as far as they can be listed.
pub(crate) fn log_dirs_of(logs: &[LogSource]) -> Vec<LogDir> {
    let partitions = logs.iter().filter_map(|log| match log {
        LogSource::Partition(partition) => partition.log_dir(),
        LogSource::File(_) => None,
    });
    let dirs: std::collections::BTreeSet<&Path> = partitions.collect();
    dirs.into_iter()
        .filter_map(|dir| LogDir::open(dir).ok())
        .collect()
}

/// Returns the partitions, for a command that needs whole ones.
///
/// # Errors
/// A single file is among the logs.
pub(crate) fn only_partitions(logs: Vec<LogSource>) -> Result<Vec<Partition>> {
    let partitions = logs.into_iter().map(|log| match log {
        LogSource::Partition(partition) => Ok(partition),
        LogSource::File(item) => {
            let path = item.path().display();
            bail!("{path}: a file; give the folder of its partition")
        }
    });
    partitions.collect()
}

/// Returns the log dirs and folders of partitions at the paths, and the errors of the other paths.
///
/// # Errors
/// No path leads to a log dir or to the folder of a partition.
pub(crate) fn folders(paths: &[PathBuf]) -> Result<(Vec<Place>, Vec<anyhow::Error>)> {
    let (mut folders, mut lost) = (Vec::new(), Vec::new());
    let mut distinct = DistinctPlaces::default();
    for path in paths {
        let places = distinct.at(path).unwrap_or_else(|error| {
            lost.push(error);
            Vec::new()
        });
        for place in places {
            match place {
                Place::File(item) => lost.push(anyhow!(
                    "{}: a file; expected a log dir or the folder of a partition",
                    item.path().display()
                )),
                place => folders.push(place),
            }
        }
    }
    if let Some(error) = lost.pop_if(|_| folders.is_empty()) {
        return Err(error);
    }
    Ok((folders, lost))
}

/// The log dirs of a view of a cluster, and its partitions.
#[derive(Debug, Default)]
pub(crate) struct Disks {
    /// The log dirs, each once.
    pub(crate) dirs: Vec<LogDir>,
    /// The partitions whose folders were given instead of a log dir; `None` if a log dir was.
    pub(crate) chosen: Vec<(String, i32)>,
    /// The errors of paths without a log dir.
    pub(crate) lost: Vec<anyhow::Error>,
}

impl Disks {
    /// Finds the log dirs at the paths. For the folder of a partition it is the log dir around it,
    /// which has further facts about the partition.
    ///
    /// # Errors
    /// No path leads to a log dir.
    pub(crate) fn at(paths: &[PathBuf]) -> Result<Self> {
        let mut disks = Self::default();
        let mut is_whole = false;
        let mut distinct = DistinctPlaces::default();
        for path in paths {
            let found = distinct.at(path).and_then(|places| {
                places.into_iter().try_for_each(|place| match place {
                    Place::LogDir(dir) if dir.is_likely() => {
                        is_whole = true;
                        disks.add(dir);
                        Ok(())
                    }
                    Place::Partition(partition) => disks.choose(&partition),
                    _ => Err(no_log(path)),
                })
            });
            disks.lost.extend(found.err());
        }
        if is_whole {
            disks.chosen.clear();
        }
        if disks.dirs.is_empty()
            && let Some(error) = disks.lost.pop()
        {
            return Err(error);
        }
        Ok(disks)
    }

    fn add(&mut self, dir: LogDir) {
        if self.dirs.iter().all(|known| known.path() != dir.path()) {
            self.dirs.push(dir);
        }
    }

    fn choose(&mut self, partition: &Partition) -> Result<()> {
        let id = partition.topic().zip(partition.number());
        let (Some((topic, number)), Some(around)) = (id, partition.log_dir()) else {
            bail!(
                "{}: contains segments, but is not named like a partition: rename it, for example \
                 to __consumer_offsets-3, or give the log dir",
                partition.path().display()
            );
        };
        self.chosen.push((topic.to_owned(), number));
        self.add(LogDir::open(around)?);
        Ok(())
    }

    /// Returns true if the view is about a partition.
    pub(crate) fn includes(&self, topic: &str, number: i32) -> bool {
        let mut chosen = self.chosen.iter();
        self.chosen.is_empty() || chosen.any(|it| it.0 == topic && it.1 == number)
    }

    /// The partitions of an internal topic to read: those chosen if there are any, else all.
    pub(crate) fn of_internal<T>(&self, topic: &str, mut copies: Vec<(i32, T)>) -> Vec<(i32, T)> {
        if self.chosen.iter().any(|it| it.0 == topic) {
            copies.retain(|(number, _)| self.includes(topic, *number));
        }
        copies
    }

    /// Returns true if only partitions of this topic were chosen.
    pub(crate) fn is_about(&self, topic: &str) -> bool {
        !self.chosen.is_empty() && self.chosen.iter().all(|it| it.0 == topic)
    }
}

/// Reads a file of at most `most` bytes that was given by name. It may be a pipe.
///
/// # Errors
/// The file cannot be read, or is larger.
pub(crate) fn read_given(path: &Path, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(most + 1).read_to_end(&mut bytes))
        .map_err(|error| said(path, &error))?;
    if bytes.len() as u64 > most {
        bail!("{}: larger than {} MiB", path.display(), most >> 20);
    }
    Ok(bytes)
}

/// The settings of a broker: from the given file, or from the one among `paths`, or the defaults.
///
/// # Errors
/// The file cannot be read, or a value is invalid.
pub(crate) fn settings(file: Option<&Path>, paths: &[PathBuf]) -> Result<Settings> {
    let mut among = paths.iter().map(PathBuf::as_path);
    let Some(path) = file.or_else(|| among.find(|path| is_settings(path) && path.is_file())) else {
        return Ok(Settings::default());
    };
    let shown = || path.display().to_string();
    let bytes = read_given(path, 1 << 20)?;
    Settings::of_file(&bytes).with_context(shown)
}

/// Returns the logs at the paths, in the order of the paths and, in a log dir, by topic and number.
/// From a log dir those in use, and those of `others`; a `-future` folder has to be named.
///
/// # Errors
/// There is no log at the paths, or the selection is empty.
pub(crate) fn logs(paths: &[PathBuf], selection: &Selection, others: Others) -> Result<Logs> {
    let mut logs = Logs::default();
    let mut distinct = DistinctPlaces::default();
    for path in paths {
        let places = match distinct.at(path) {
            Ok(places) => places,
            Err(error) => {
                logs.lost.push(error);
                continue;
            }
        };
        for place in places {
            match place {
                Place::File(item) => logs.found.push(LogSource::File(item)),
                Place::Partition(partition) => logs.found.push(LogSource::Partition(partition)),
                Place::LogDir(dir) if dir.partitions().next().is_none() => {
                    logs.lost.push(no_log(path));
                }
                Place::LogDir(dir) => in_use(&dir, selection, others, &mut logs),
            }
        }
    }
    logs.found.retain(|log| match log {
        LogSource::Partition(partition) => {
            selection.includes(partition.topic(), partition.number())
        }
        LogSource::File(_) => true,
    });
    if let Some(error) = logs
        .lost
        .pop_if(|_| logs.found.is_empty() && paths.len() == 1)
    {
        return Err(error);
    }
    if !logs.found.is_empty() || !logs.lost.is_empty() {
        return Ok(logs);
    }
    if logs.marked > 0 {
        bail!(
            "all matching partitions are marked for deletion (-delete): read them with \
               --deleted"
        );
    }
    if logs.internal > 0 {
        bail!(
            "all partitions here are of internal topics: select them with --topic, for example \
               --topic '__*'"
        );
    }
    if selection.is_everything() {
        bail!(
            "no partition here is in use: give the folder of a -future or -stray partition itself"
        );
    }
    Err(no_match(paths))
}

/// Appends the selected partitions of a log dir that are in use.
fn in_use(dir: &LogDir, selection: &Selection, others: Others, logs: &mut Logs) {
    let own_only = others.own_only && !selection.names_internal();
    for item in selection.partitions(dir) {
        let partition = match Partition::open(item.path()) {
            Ok(partition) => partition,
            // A running broker has removed it since.
            Err(error) if error.is_not_found() && !item.path().exists() => continue,
            Err(error) => {
                logs.lost.push(error.into());
                continue;
            }
        };
        let is_internal = partition
            .topic()
            .is_some_and(|topic| topic.starts_with("__"));
        match partition.state() {
            DirState::Current | DirState::Delete if own_only && is_internal => logs.internal += 1,
            DirState::Delete if !others.deleted => logs.marked += 1,
            DirState::Current | DirState::Delete => {
                logs.found.push(LogSource::Partition(partition));
            }
            _ => {}
        }
    }
}

/// Returns the error for a selection without a partition; it names the topics at the paths.
pub(crate) fn no_match(paths: &[PathBuf]) -> anyhow::Error {
    const NAMED: usize = 10;
    let topics = topics(paths);
    let mut named: Vec<&str> = topics.iter().take(NAMED).map(String::as_str).collect();
    let more = format!("{} more", topics.len().saturating_sub(NAMED));
    if topics.len() > NAMED {
        named.push(&more);
    }
    match named.as_slice() {
        [] => anyhow!("no partition matches --topic and --partition"),
        named => anyhow!(
            "no partition matches --topic and --partition; topics here: {}",
            named.join(", ")
        ),
    }
}

/// Returns the topics of the partitions at the paths.
fn topics(paths: &[PathBuf]) -> BTreeSet<String> {
    let places = paths.iter().filter_map(|path| places(path).ok()).flatten();
    let mut topics = BTreeSet::new();
    for place in places {
        match place {
            Place::LogDir(dir) => {
                let names = dir.partitions().filter_map(Item::dir_name);
                topics.extend(names.filter_map(|name| match name {
                    DirName::Partition { topic, .. } => Some(topic.to_owned()),
                    _ => None,
                }));
            }
            Place::Partition(partition) => topics.extend(partition.topic().map(str::to_owned)),
            Place::File(_) => {}
        }
    }
    topics
}
