//! The options that select partitions of the paths.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use kseg::store::{Item, LogDir, Place};
use wildmatch::WildMatch;

use super::shell;

/// The selected partitions of the paths.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Which partitions")]
pub(crate) struct Selection {
    /// Only these topics: orders,clicks or 'orders*'; * matches any characters, ? one character,
    /// and !__* excludes; repeatable
    #[arg(long = "topic", value_name = "PATTERN", value_delimiter = ',')]
    topics: Vec<Pattern>,

    /// Only these partition numbers: 3, 0..4 (0 to 3), 0..=3 or 0,3..5; repeatable
    #[arg(
        long = "partition",
        value_name = "N",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    partitions: Vec<Numbers>,
}

/// A pattern for names of topics or groups to include or exclude.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    name: WildMatch,
    text: String,
    leaves_out: bool,
}

impl Pattern {
    /// Returns true if a name is selected: it matches one of the including patterns, if there are
    /// any, and none of the excluding ones.
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
                text: name.to_owned(),
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

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            return write!(f, "{}", self.first);
        }
        write!(f, "{}..={}", self.first, self.last)
    }
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
    /// Returns true if an internal topic is requested: a pattern begins with `__`.
    pub(crate) fn names_internal(&self) -> bool {
        let mut topics = self.topics.iter();
        topics.any(|pattern| !pattern.leaves_out && pattern.text.starts_with("__"))
    }

    /// Returns true if everything is selected.
    pub(crate) fn is_everything(&self) -> bool {
        self.topics.is_empty() && self.partitions.is_empty()
    }

    /// Returns true if a partition is selected. Without a name it is selected only if everything
    /// is.
    pub(crate) fn includes(&self, topic: Option<&str>, partition: Option<i32>) -> bool {
        let is_topic = |topic: &str| Pattern::means(&self.topics, topic);
        let is_number = |number: i32| {
            let mut ranges = self.partitions.iter();
            ranges.any(|range| (range.first..=range.last).contains(&number))
        };
        (self.topics.is_empty() || topic.is_some_and(is_topic))
            && (self.partitions.is_empty() || partition.is_some_and(is_number))
    }

    /// Returns true if a directory is selected, by the partition in its name.
    pub(crate) fn includes_dir(&self, item: &Item) -> bool {
        match item.partition_name() {
            Some((topic, partition, _)) => self.includes(Some(topic), Some(partition)),
            _ => self.includes(None, None),
        }
    }

    /// Returns the directories of the selected partitions at a place.
    pub(crate) fn paths(&self, place: &Place) -> Vec<PathBuf> {
        match place {
            Place::LogDir(dir) => {
                let chosen = self.partitions(dir).into_iter();
                chosen.map(|item| item.path().to_owned()).collect()
            }
            Place::Partition(one) if self.includes(one.topic(), one.number()) => {
                vec![one.path().to_owned()]
            }
            Place::Partition(_) | Place::File(_) => Vec::new(),
        }
    }

    /// Returns the options as words of a command line that selects the same.
    pub(crate) fn words(&self) -> Vec<String> {
        let topics = self.topics.iter().map(|pattern| {
            let not = if pattern.leaves_out { "!" } else { "" };
            shell::word(Path::new(&format!("{not}{}", pattern.text)))
        });
        let topics = topics.flat_map(|topic| ["--topic".to_owned(), topic]);
        let numbers = self.partitions.iter().map(Numbers::to_string);
        let numbers = numbers.flat_map(|number| ["--partition".to_owned(), number]);
        topics.chain(numbers).collect()
    }

    /// The directories of the selected partitions of a log dir, in any state, by topic and number.
    pub(crate) fn partitions(&self, dir: &LogDir) -> Vec<Item> {
        let mut chosen: Vec<Item> = dir
            .partitions()
            .filter(|item| self.includes_dir(item))
            .cloned()
            .collect();
        chosen.sort_by_cached_key(|item| match item.partition_name() {
            Some((topic, partition, _)) => (topic.to_owned(), partition, item.name().to_owned()),
            _ => (String::new(), 0, item.name().to_owned()),
        });
        chosen
    }
}

/// The partitions of a log dir that are read besides those in use.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
#[command(next_help_heading = "Which partitions")]
pub(crate) struct Others {
    /// Include folders marked for deletion (-delete): --deleted --topic orders
    #[arg(long)]
    pub(super) deleted: bool,

    /// True if internal topics have to be named.
    #[arg(skip)]
    pub(super) own_only: bool,
}

impl Others {
    /// The same without internal topics of log dirs, unless they are named.
    pub(crate) fn own_only(self) -> Self {
        Self {
            own_only: true,
            ..self
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
    fn a_selection_can_be_typed_again() {
        let selection = Selection {
            topics: vec!["ord*".parse().unwrap(), "!__*".parse().unwrap()],
            partitions: vec!["1".parse().unwrap(), "4..6".parse().unwrap()],
        };
        let words = "--topic 'ord*' --topic '!__*' --partition 1 --partition 4..=5";
        assert_eq!(selection.words().join(" "), words);
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
