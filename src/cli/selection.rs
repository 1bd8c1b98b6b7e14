//! The options that say which partitions of the paths are meant.

use anyhow::Result;
use kseg::store::{Item, LogDir};
use wildmatch::WildMatch;

/// Which partitions of the paths are meant.
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

/// A pattern for names of topics or groups that are meant, or left out.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    name: WildMatch,
    text: String,
    leaves_out: bool,
}

impl Pattern {
    /// Returns true if a name is meant by patterns: by one of them, if any says what is meant, and
    /// left out by none.
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

    /// Returns true if nothing is left out.
    pub(crate) fn is_everything(&self) -> bool {
        self.topics.is_empty() && self.partitions.is_empty()
    }

    /// Returns true if a partition is meant. What has no name is meant only if everything is.
    pub(crate) fn includes(&self, topic: Option<&str>, partition: Option<i32>) -> bool {
        let is_topic = |topic: &str| Pattern::means(&self.topics, topic);
        let is_number = |number: i32| {
            let mut ranges = self.partitions.iter();
            ranges.any(|range| (range.first..=range.last).contains(&number))
        };
        (self.topics.is_empty() || topic.is_some_and(is_topic))
            && (self.partitions.is_empty() || partition.is_some_and(is_number))
    }

    /// Returns true if a directory is meant, by the partition in its name.
    pub(crate) fn includes_dir(&self, item: &Item) -> bool {
        match item.partition_name() {
            Some((topic, partition, _)) => self.includes(Some(topic), Some(partition)),
            _ => self.includes(None, None),
        }
    }

    /// The directories of the partitions of a log dir that are meant, in any state, by topic and
    /// number.
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

/// Which partitions of a log dir are read beside those in use.
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
