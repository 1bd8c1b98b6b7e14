//! The options that select records.

use std::str::FromStr;

use anyhow::{Result, bail};
use kseg::format::Record;
use kseg::scan::Filter;
use kseg::wire::{LeaderEpoch, Offset, ProducerId, Timestamp};
use regex::bytes::Regex;

use crate::cli::args::whole;
use crate::cli::range::{Moment, OffsetRange};

/// The wanted records; all options have to match.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Which records")]
#[expect(clippy::doc_markdown, reason = "the doc comments are the help text")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Picking {
    /// Only these offsets: 42, 42.., ..42, 42..50 or 42..=50; -5.. for the last five of each
    /// partition
    #[arg(
        long,
        value_name = "A..B",
        allow_hyphen_values = true,
        default_value = "..",
        hide_default_value = true
    )]
    offset: OffsetRange,

    /// Only records with this timestamp or later: 2026-11-20, "2026-11-20 10:00" (UTC, unless a
    /// zone follows), 2026-11-20T10:00:00Z, @seconds or milliseconds since 1970, yesterday, or 2h
    /// for two hours before now
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<Moment>,

    /// Only records with an earlier timestamp, in the same forms
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<Moment>,

    /// Only records with this key
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    key: Option<String>,

    /// Only records whose key matches this regular expression
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true)]
    key_regex: Option<Regex>,

    /// Only records whose value matches this regular expression
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true)]
    value_regex: Option<Regex>,

    /// Only records with a header of this name and value; repeatable
    #[arg(long = "header", value_name = "NAME=VALUE", allow_hyphen_values = true)]
    headers: Vec<HeaderIs>,

    /// Only records of this producer
    #[arg(long, value_name = "ID", allow_hyphen_values = true, value_parser = whole(0..=i64::MAX))]
    producer_id: Option<i64>,

    /// Only records with this leader epoch
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = whole(0..=i32::MAX))]
    epoch: Option<i32>,

    /// Show what a consumer with isolation.level=read_committed gets: no aborted transactions, and
    /// nothing from the last stable offset on
    #[arg(long)]
    committed: bool,

    /// Show control records too, such as transaction markers
    #[arg(long)]
    control: bool,

    /// Continue after damage at the next valid batch instead of stopping there. A flipped bit is
    /// corrected if that makes the checksum right; readable records with a wrong checksum are
    /// marked "crc":"bad", and left out of formats that cannot mark them
    #[arg(long)]
    salvage: bool,

    /// Show every record, also duplicates of an offset, which a consumer skips
    #[arg(long)]
    raw: bool,
}

/// A header that a record has to have.
#[derive(Debug, Clone, PartialEq, Eq)]
struct HeaderIs {
    name: String,
    value: String,
}

impl FromStr for HeaderIs {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok(Self {
                name: name.into(),
                value: value.into(),
            }),
            _ => Err("expected NAME=VALUE, such as trace=17".into()),
        }
    }
}

impl Picking {
    /// Returns the number N of `--offset -N..`, the records at the end of each partition.
    pub(crate) fn tail(&self) -> Option<u64> {
        self.offset.tail()
    }

    /// Returns the selection; `shows_checksum` is true if the output marks records of batches with
    /// a wrong checksum.
    ///
    /// # Errors
    /// The options exclude all records.
    pub(crate) fn pick(&self, shows_checksum: bool) -> Result<Pick> {
        if let (Some(since), Some(until)) = (self.since, self.until)
            && since >= until
        {
            bail!("--until is not after --since: no record can match");
        }
        Ok(Pick {
            filter: Filter {
                first_offset: Offset::new(self.offset.first()),
                last_offset: Offset::new(self.offset.last()),
                since: self.since.map(|moment| Timestamp::new(moment.0)),
                until: self.until.map(|moment| Timestamp::new(moment.0)),
                producer_id: self.producer_id.map(ProducerId::new),
                leader_epoch: self.epoch.map(LeaderEpoch::new),
            },
            key: self.key.clone(),
            key_regex: self.key_regex.clone(),
            value_regex: self.value_regex.clone(),
            headers: self.headers.clone(),
            committed: self.committed,
            control: self.control,
            salvage: self.salvage,
            suspects: self.salvage && shows_checksum,
            raw: self.raw,
        })
    }
}

/// The options of picking records.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Pick {
    /// The filter by numbers.
    pub(crate) filter: Filter,
    key: Option<String>,
    key_regex: Option<Regex>,
    value_regex: Option<Regex>,
    headers: Vec<HeaderIs>,
    /// Only committed records.
    pub(crate) committed: bool,
    /// Control records too.
    pub(crate) control: bool,
    /// Continue after damage.
    pub(crate) salvage: bool,
    /// Records of batches with a wrong checksum, if they can be read.
    pub(crate) suspects: bool,
    /// Records with the offset of an earlier record, too.
    pub(crate) raw: bool,
}

impl Pick {
    /// Returns true if a record matches by its contents.
    #[inline]
    pub(crate) fn wants(&self, record: &Record<'_>) -> bool {
        if let Some(key) = &self.key
            && record.key() != Some(key.as_bytes())
        {
            return false;
        }
        let matches = |regex: &Option<Regex>, bytes: Option<&[u8]>| match regex {
            Some(regex) => bytes.is_some_and(|bytes| regex.is_match(bytes)),
            None => true,
        };
        matches(&self.key_regex, record.key())
            && matches(&self.value_regex, record.value())
            && self.headers.iter().all(|wanted| {
                record.headers().any(|header| {
                    header.key == wanted.name.as_bytes()
                        && header.value == Some(wanted.value.as_bytes())
                })
            })
    }
}
