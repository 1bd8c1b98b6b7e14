//! What commands are to look at: paths, and which of the partitions there.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use kseg::format::name::DirState;
use kseg::store::{Error, Item, LogDir, Partition, Place};
use wildmatch::WildMatch;

/// Which partitions of the paths are meant.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Which partitions")]
pub(crate) struct Selection {
    /// Only topics of this name; * stands for any characters and ? for one; may be given again
    #[arg(long = "topic", value_name = "PATTERN")]
    topics: Vec<Pattern>,

    /// Only partitions of this number: 3, 0..4 or 0..=3; may be given again
    #[arg(long = "partition", value_name = "N", allow_hyphen_values = true)]
    partitions: Vec<Numbers>,
}

/// A pattern for names of topics or groups.
#[derive(Debug, Clone)]
pub(crate) struct Pattern(WildMatch);

impl Pattern {
    /// Whether a name is one that it stands for.
    pub(crate) fn matches(&self, name: &str) -> bool {
        self.0.matches(name)
    }
}

impl std::str::FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err(
                "the name of a topic, in which * and ? stand for others, is not empty".into(),
            );
        }
        Ok(Self(WildMatch::new(text)))
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
            _ => Err(format!("{text:?} is no partition; 3, 0..4 and 0..=3 are")),
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
        let is_topic = |topic: &str| self.topics.iter().any(|pattern| pattern.matches(topic));
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
        match Place::at(path)? {
            Place::File(item) => logs.push(Log::File(item)),
            Place::Partition(partition) => logs.push(Log::Partition(partition)),
            Place::LogDir(dir) => {
                if dir.partitions().next().is_none() {
                    return Err(no_log(path));
                }
                for item in selection.partitions(&dir) {
                    match Partition::open(item.path()) {
                        Ok(partition) if partition.state() == DirState::Current => {
                            logs.push(Log::Partition(partition));
                        }
                        Ok(_) => {}
                        Err(error) => lost.push(error),
                    }
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
    fn what_is_no_partition_is_refused_with_the_accepted_forms() {
        for text in ["", "x", "-1", "3..", "5..5", "2..=1"] {
            assert!(text.parse::<Numbers>().is_err(), "{text}");
        }
        assert_eq!("0..4".parse(), Ok(Numbers { first: 0, last: 3 }));
    }
}
