//! What commands are to look at: paths, and which of the partitions there.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use kseg::format::name::{DirState, file_name};
use kseg::format::{FileName, Properties};
use kseg::store::{Error, Item, LogDir, Partition, Place, Source, Standing};
use wildmatch::WildMatch;

/// Which partitions of the paths are meant.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Which partitions")]
pub(crate) struct Selection {
    /// Only topics of these names: orders,clicks; * stands for any characters and ? for one, and !__* leaves out; may be given
    /// again
    #[arg(long = "topic", value_name = "PATTERN", value_delimiter = ',')]
    topics: Vec<Pattern>,

    /// Only partitions of these numbers: 3, 0..4, 0..=3 or 0,3..5; may be given again
    #[arg(
        long = "partition",
        value_name = "N",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    partitions: Vec<Numbers>,
}

/// A pattern for names of topics or groups that are meant, or left out.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    name: WildMatch,
    leaves_out: bool,
}

impl Pattern {
    /// Whether a name is meant by patterns: by one of them, if any says what is meant, and left out by none.
    pub(crate) fn means(patterns: &[Self], name: &str) -> bool {
        let (out, within): (Vec<_>, Vec<_>) =
            patterns.iter().partition(|pattern| pattern.leaves_out);
        let matches = |pattern: &&Self| pattern.name.matches(name);
        !out.iter().any(matches) && (within.is_empty() || within.iter().any(matches))
    }
}

impl std::str::FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.strip_prefix('!');
        let leaves_out = name.is_some();
        match name.unwrap_or(text) {
            "" => Err("expected the name of a topic, or a pattern: orders, orders*, !__*".into()),
            name => Ok(Self {
                name: WildMatch::new(name),
                leaves_out,
            }),
        }
    }
}

/// Numbers of partitions from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Numbers {
    first: i32,
    last: i32,
}

impl std::str::FromStr for Numbers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| match text.parse::<i32>() {
            Ok(number) if number >= 0 => Ok(number),
            _ => Err("expected N, A..B or A..=B".to_owned()),
        };
        let Some((first, last)) = text.split_once("..") else {
            let first = number(text)?;
            return Ok(Self { first, last: first });
        };
        let last = match last.strip_prefix('=') {
            Some(last) => number(last)?,
            None => number(last)? - 1,
        };
        let first = number(first)?;
        if first > last {
            return Err("the range is empty".into());
        }
        Ok(Self { first, last })
    }
}

impl Selection {
    /// Whether nothing is left out.
    pub(crate) fn is_everything(&self) -> bool {
        self.topics.is_empty() && self.partitions.is_empty()
    }

    /// Whether a partition is meant. What has no name is meant only if everything is.
    pub(crate) fn includes(&self, topic: Option<&str>, partition: Option<i32>) -> bool {
        let is_topic = |topic: &str| Pattern::means(&self.topics, topic);
        let is_number = |number: i32| {
            let mut ranges = self.partitions.iter();
            ranges.any(|range| (range.first..=range.last).contains(&number))
        };
        (self.topics.is_empty() || topic.is_some_and(is_topic))
            && (self.partitions.is_empty() || partition.is_some_and(is_number))
    }

    /// Whether a directory is meant, by the partition in its name.
    pub(crate) fn includes_dir(&self, item: &Item) -> bool {
        match item.dir_name() {
            Some(kseg::format::DirName::Partition {
                topic, partition, ..
            }) => self.includes(Some(topic), Some(partition)),
            _ => self.includes(None, None),
        }
    }

    /// The directories of the partitions of a log dir that are meant, in any state, by topic and number.
    pub(crate) fn partitions(&self, dir: &LogDir) -> Vec<Item> {
        let mut chosen: Vec<Item> = dir
            .partitions()
            .filter(|item| self.includes_dir(item))
            .cloned()
            .collect();
        chosen.sort_by_cached_key(|item| match item.dir_name() {
            Some(kseg::format::DirName::Partition {
                topic, partition, ..
            }) => (topic.to_owned(), partition, item.name().to_owned()),
            _ => (String::new(), 0, item.name().to_owned()),
        });
        chosen
    }
}

/// A row of records: a partition, or a single file.
#[derive(Debug, Clone)]
pub(crate) enum Log {
    /// The directory of a partition.
    Partition(Partition),
    /// A file.
    File(Item),
}

/// What paths lead to.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    pub(crate) found: Vec<Log>,
    /// Why partitions of a log dir cannot be read.
    pub(crate) lost: Vec<Error>,
}

/// What is said of a directory in which there are no logs.
pub(crate) fn no_log(path: &Path) -> anyhow::Error {
    anyhow!(
        "{}: neither a log dir nor a partition: no folder here is named like orders-3 and no file like 00000000000000000000.log",
        path.display()
    )
}

/// What a path leads to. A folder that holds log dirs stands for these, and `server.properties` for the `log.dirs` in it.
///
/// # Errors
/// The path leads nowhere, or to a directory without logs.
pub(crate) fn places(path: &Path) -> Result<Vec<Place>> {
    match Place::at(path)? {
        Place::File(item) if is_settings(path) => {
            let text = Source::read(item.path())?;
            let settings = Properties::parse(&text);
            let dirs = settings
                .get("log.dirs")
                .or_else(|| settings.get("log.dir"))
                .ok_or_else(|| anyhow!("{}: no log.dirs in it", path.display()))?;
            let dirs = dirs.value.split(',').map(str::trim);
            dirs.filter(|dir| !dir.is_empty())
                .map(|dir| Ok(Place::at(dir)?))
                .collect()
        }
        Place::LogDir(dir) if !is_log_dir(&dir) => {
            let inside = dir.items().iter().filter(|item| item.is_dir());
            let inside = inside.filter_map(|item| Place::at(item.path()).ok());
            let inside: Vec<Place> = inside
                .filter(|place| matches!(place, Place::LogDir(dir) if is_log_dir(dir)))
                .collect();
            if inside.is_empty() {
                return Err(no_log(path));
            }
            Ok(inside)
        }
        place => Ok(vec![place]),
    }
}

/// The log dirs that paths lead to.
///
/// # Errors
/// A path leads nowhere, or to something else.
pub(crate) fn log_dirs(paths: &[PathBuf]) -> Result<Vec<LogDir>> {
    let mut dirs = Vec::new();
    for path in paths {
        for place in places(path)? {
            match place {
                Place::LogDir(dir) if dir.is_likely() => dirs.push(dir),
                _ => return Err(no_log(path)),
            }
        }
    }
    Ok(dirs)
}

/// Whether a file of log dirs lies here, or a partition with a file of Kafka's or nothing in it: `/etc/dbus-1` has the name of a partition.
fn is_log_dir(dir: &LogDir) -> bool {
    let is_at_home = |item: &Item| item.is_file() && LogDir::standing(item) == Standing::Current;
    let is_kafkas = |partition: Partition| {
        let items = partition.items();
        items.is_empty() || items.iter().any(|item| item.file_name().is_some())
    };
    dir.items().iter().any(is_at_home)
        || dir
            .partitions()
            .any(|item| Partition::open(item.path()).map_or(true, is_kafkas))
}

/// Whether a file has the name of a broker's settings.
fn is_settings(path: &Path) -> bool {
    let name = file_name(path);
    name.ends_with(".properties") && FileName::parse(name).is_none()
}

/// The logs that `paths` lead to, in the order of the paths and, in a log dir, by topic and number. Of a log dir those in
/// use: what is to be deleted or not yet moved there has to be named.
///
/// # Errors
/// A path leads nowhere or to no log, or the selection leaves nothing.
pub(crate) fn logs(paths: &[PathBuf], selection: &Selection) -> Result<Logs> {
    let Logs {
        found: mut logs,
        mut lost,
    } = Logs::default();
    for path in paths {
        for place in places(path)? {
            match place {
                Place::File(item) => logs.push(Log::File(item)),
                Place::Partition(partition) => logs.push(Log::Partition(partition)),
                Place::LogDir(dir) => {
                    if dir.partitions().next().is_none() {
                        return Err(no_log(path));
                    }
                    in_use(&dir, selection, &mut logs, &mut lost);
                }
            }
        }
    }
    logs.retain(|log| match log {
        Log::Partition(partition) => selection.includes(partition.topic(), partition.number()),
        Log::File(_) => true,
    });
    if !lost.is_empty() {
        return Ok(Logs { found: logs, lost });
    }
    if logs.is_empty() && selection.is_everything() {
        bail!("no partition here is in use; what is to be deleted or moved there has to be named");
    }
    if logs.is_empty() {
        bail!("no partition here is one that --topic and --partition ask for");
    }
    Ok(Logs { found: logs, lost })
}

/// Appends the partitions of a log dir that are meant and in use.
fn in_use(dir: &LogDir, selection: &Selection, logs: &mut Vec<Log>, lost: &mut Vec<Error>) {
    for item in selection.partitions(dir) {
        match Partition::open(item.path()) {
            Ok(partition) if partition.state() == DirState::Current => {
                logs.push(Log::Partition(partition));
            }
            Ok(_) => {}
            Err(error) => lost.push(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_chosen_by_pattern_and_number() {
        let selection = Selection {
            topics: vec!["ord*".parse().unwrap(), "x?z".parse().unwrap()],
            partitions: vec!["1".parse().unwrap(), "4..=5".parse().unwrap()],
        };
        for (topic, number, expected) in [
            ("orders", 1, true),
            ("orders", 5, true),
            ("orders", 3, false),
            ("xyz", 4, true),
            ("xz", 4, false),
        ] {
            assert_eq!(selection.includes(Some(topic), Some(number)), expected);
        }
        assert!(!selection.includes(None, Some(1)));
        assert!(Selection::default().includes(None, None));
    }

    #[test]
    fn topics_are_left_out_by_pattern() {
        let selection = |topics: &[&str]| Selection {
            topics: topics.iter().map(|topic| topic.parse().unwrap()).collect(),
            partitions: Vec::new(),
        };
        let own = selection(&["!__*"]);
        assert!(own.includes(Some("orders"), Some(0)));
        assert!(!own.includes(Some("__consumer_offsets"), Some(0)));
        let some = selection(&["ord*", "!orders"]);
        assert!(some.includes(Some("ordered"), None));
        assert!(!some.includes(Some("orders"), None) && !some.includes(Some("x"), None));
        assert!("!".parse::<Pattern>().is_err());
    }

    #[test]
    fn what_is_no_partition_is_refused_with_the_accepted_forms() {
        for text in ["", "x", "-1", "3..", "5..5", "2..=1"] {
            assert!(text.parse::<Numbers>().is_err(), "{text}");
        }
        assert_eq!("0..4".parse(), Ok(Numbers { first: 0, last: 3 }));
    }
}
