//! The options of `dump`, checked against the release, as late as in the original.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Result, bail};
use kseg::decode::Decoder;
use kseg::wire::Release;

use crate::cli::args::Reading;
use crate::cli::render::coordinators::Coordinators;
use crate::cli::render::dump_log_segments::{
    Contents, NEWEST, OLDEST, Options, Style, TextDecoder,
};

/// The decoder of an option without a value.
pub(crate) const DEFAULT_DECODER: &str = "org.apache.kafka.tools.api.StringDecoder";

/// The former package of the standard decoders, for releases that accept old names.
const OLD_PACKAGE: &str = "kafka.serializer.";
const NEW_PACKAGE: &str = "org.apache.kafka.tools.api.";

/// The original's default for `--max-message-size`.
const LARGEST_MESSAGE: i32 = 5 << 20;

/// The value that means no limit in the original.
const NO_LIMIT: i32 = i32::MAX;

/// The default of `--max-message-size`.
const MAX_MESSAGE_SIZE: i32 = 5 << 20;

impl Dump {
    /// Refuses options that the release does not have.
    pub(crate) fn check(&self) -> Result<()> {
        let release = self.kafka;
        if !release.since(OLDEST) {
            bail!("the output of Kafka {release} is unknown; expected {OLDEST} to {NEWEST}");
        }
        let too_new = |given: bool, option: &str, since: Release| {
            if given && !release.since(since) {
                bail!("Kafka {release} has no --{option}; it exists since {since}");
            }
            Ok(())
        };
        too_new(
            self.skip_record_metadata,
            "skip-record-metadata",
            Release::new(2, 8, 0),
        )?;
        too_new(
            !self.max_bytes.is_empty(),
            "max-bytes",
            Release::new(3, 3, 0),
        )?;
        too_new(
            self.index_sanity_check,
            "index-sanity-check",
            Release::old(10, 0, 0),
        )?;
        too_new(
            self.cluster_metadata_decoder,
            "cluster-metadata-decoder",
            Release::new(2, 8, 0),
        )?;
        too_new(
            self.remote_log_metadata_decoder,
            "remote-log-metadata-decoder",
            Release::new(3, 9, 0),
        )?;
        too_new(
            self.share_group_state_decoder,
            "share-group-state-decoder",
            Release::new(4, 0, 0),
        )?;
        if self.files.len() > 1 {
            bail!("--files is given more than once; separate the files by commas");
        }
        if self.files.is_empty() && self.paths.is_empty() {
            bail!("no files: give them with --files or after the options; see kseg dump --help");
        }
        Ok(())
    }

    /// Returns the parts of a `.log` to show. Like the original, this checks decoder classes only
    /// when there is a `.log`.
    pub(crate) fn shown(&self, style: &Style) -> Result<Options> {
        let contents = self.contents()?;
        Ok(Options {
            deep: self.deep_iteration || (!contents.is_none() && style.data_implies_deep),
            skip_record_metadata: self.skip_record_metadata,
            contents,
            largest_message: self.largest_message()?,
        })
    }

    /// From 0.9 to 0.10.2 `--max-message-size` limited the reading of `.log` files too.
    fn largest_message(&self) -> Result<Option<i32>> {
        if !self.kafka.since(Release::old(9, 0, 0)) || self.kafka.since(Release::old(11, 0, 0)) {
            return Ok(None);
        }
        let given = int("max-message-size", &self.max_message_size)?;
        Ok(Some(given.unwrap_or(LARGEST_MESSAGE)))
    }

    /// The first requested decoder of internal topics, which is used.
    fn topic(&self) -> Option<Decoder> {
        [
            (self.offsets_decoder, Decoder::Offsets),
            (self.transaction_log_decoder, Decoder::Transactions),
            (self.cluster_metadata_decoder, Decoder::ClusterMetadata),
            (self.remote_log_metadata_decoder, Decoder::RemoteLogMetadata),
            (self.share_group_state_decoder, Decoder::ShareState),
        ]
        .into_iter()
        .find_map(|(given, decoder)| given.then_some(decoder))
    }

    fn contents(&self) -> Result<Contents> {
        // Before 0.10.1 a decoder did not imply --print-data-log.
        if !self.print_data_log && !self.kafka.since(Release::old(10, 1, 0)) {
            return Ok(Contents::Hidden);
        }
        if let Some(topic) = self.topic() {
            return Ok(Contents::Topic(Coordinators::new(topic, self.kafka)));
        }
        if !self.print_data_log
            && self.key_decoder_class.is_none()
            && self.value_decoder_class.is_none()
        {
            return Ok(Contents::Hidden);
        }
        Ok(Contents::Text {
            key: text_decoder(self.kafka, self.key_decoder_class.as_deref())?,
            value: text_decoder(self.kafka, self.value_decoder_class.as_deref())?,
        })
    }

    /// The old class names among the decoders, about which 3.8 and 3.9 print a warning.
    pub(crate) fn deprecated_classes(&self) -> impl Iterator<Item = &str> {
        let complains =
            self.kafka.since(Release::new(3, 8, 0)) && !self.kafka.since(Release::new(4, 0, 0));
        [
            self.key_decoder_class.as_deref(),
            self.value_decoder_class.as_deref(),
        ]
        .into_iter()
        .flatten()
        .filter_map(|class| class.strip_prefix(OLD_PACKAGE))
        .filter(move |_| complains)
    }

    /// Returns the number of bytes of each `.log` to read; `None` for all.
    pub(crate) fn limit(&self) -> Result<Option<i32>> {
        let limit = int("max-bytes", &self.max_bytes)?;
        Ok(limit.filter(|&bytes| bytes != NO_LIMIT))
    }
}

impl Dump {
    /// Returns the maximum size of a batch that an entry of an `.index` points at.
    pub(crate) fn max_message_size(&self) -> Result<u64> {
        let size = int("max-message-size", &self.max_message_size)?;
        match u64::try_from(size.unwrap_or(MAX_MESSAGE_SIZE)) {
            Ok(size) => Ok(size),
            Err(_) => bail!("--max-message-size: cannot be negative"),
        }
    }
}

/// A stock decoder by its class.
fn text_decoder(release: Release, class: Option<&str>) -> Result<TextDecoder> {
    let Some(class) = class else {
        return Ok(TextDecoder::String);
    };
    let old = class.strip_prefix(OLD_PACKAGE);
    let known = match old.or_else(|| class.strip_prefix(NEW_PACKAGE)) {
        Some("StringDecoder") => TextDecoder::String,
        Some("IntegerDecoder") => TextDecoder::Integer,
        Some("LongDecoder") => TextDecoder::Long,
        Some("DefaultDecoder") => bail!(
            "{class}: prints the address of a Java object, which differs in every run; use \
             {DEFAULT_DECODER} instead"
        ),
        _ => bail!(
            "{class}: kseg cannot load Java classes; expected StringDecoder, IntegerDecoder or \
             LongDecoder of {}",
            NEW_PACKAGE.trim_end_matches('.')
        ),
    };
    if let Some(name) = old
        && release.since(Release::new(4, 0, 0))
    {
        bail!("{class}: removed in Kafka 4.0; use {NEW_PACKAGE}{name} instead");
    }
    Ok(known)
}

/// The value of an option as Java's `Integer.valueOf` reads it. The original reports an option that
/// is repeated or invalid only when it uses it.
fn int(option: &str, given: &[String]) -> Result<Option<i32>> {
    match given {
        [] => Ok(None),
        [text] => match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => bail!("--{option} {text:?}: not a whole number of at most 2147483647"),
        },
        _ => bail!("--{option} is given more than once"),
    }
}

/// Prints log segments exactly as Kafka's own kafka-dump-log.sh does
///
/// The options and every byte of the output are those of the original. Where the original stops
/// with an exception, kseg dump reports the damage on standard error, continues after it, and exits
/// with 1.
#[derive(Debug, clap::Args)]
#[command(
    disable_help_flag = true,
    disable_version_flag = true,
    after_help = "Examples:
  kseg dump --print-data-log --files orders-3/00000000000000000000.log
  kseg dump --kafka 2.8 --deep-iteration orders-3/*.log
  kseg dump --print-data-log orders-3

Exit status:
  0  no damage, as the original
  1  damage, invalid arguments, or --help, as the original
  2  the output could not be written"
)]
#[expect(clippy::struct_excessive_bools, reason = "the original's flags")]
#[expect(clippy::doc_markdown, reason = "the doc comments are the help text")]
pub(crate) struct Dump {
    /// The files to dump, separated by commas: .log, .index, .timeindex, .txnindex, .snapshot and
    /// .checkpoint. Indexes are compared with the .log beside them
    #[arg(long, value_name = "FILES")]
    pub(super) files: Vec<OsString>,

    /// Files to dump, if --files is not given; a directory means the segments in it
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,

    /// Print the keys and payloads of records; implies --deep-iteration (from Kafka 1.1 on)
    #[arg(long)]
    pub(super) print_data_log: bool,

    /// Print a line for each record, not only for each batch
    #[arg(long)]
    pub(super) deep_iteration: bool,

    /// Print only keys and payloads of records, not the fields before them
    #[arg(long)]
    pub(super) skip_record_metadata: bool,

    /// Dump only whole batches within the first BYTES bytes of each file
    #[arg(long, value_name = "BYTES")]
    pub(super) max_bytes: Vec<String>,

    /// The largest batch that an entry of a .index is compared with [default: 5242880]
    #[arg(long, value_name = "BYTES")]
    pub(super) max_message_size: Vec<String>,

    /// Compare indexes with the log without printing their entries
    #[arg(long)]
    pub(super) verify_index_only: bool,

    /// Check indexes as brokers up to 2.2 did when they opened them, and nothing else
    #[arg(long)]
    pub(super) index_sanity_check: bool,

    /// Decoder of keys: org.apache.kafka.tools.api.StringDecoder, IntegerDecoder or LongDecoder;
    /// implies --print-data-log
    #[arg(long, value_name = "CLASS", num_args = 0..=1, default_missing_value = DEFAULT_DECODER)]
    pub(super) key_decoder_class: Option<String>,

    /// Decoder of values, in the same form
    #[arg(long, value_name = "CLASS", num_args = 0..=1, default_missing_value = DEFAULT_DECODER)]
    pub(super) value_decoder_class: Option<String>,

    /// Decode __consumer_offsets; implies --print-data-log, as the next four do
    #[arg(long)]
    pub(super) offsets_decoder: bool,

    /// Decode __transaction_state
    #[arg(long)]
    pub(super) transaction_log_decoder: bool,

    /// Decode __cluster_metadata
    #[arg(long)]
    pub(super) cluster_metadata_decoder: bool,

    /// Decode __remote_log_metadata
    #[arg(long)]
    pub(super) remote_log_metadata_decoder: bool,

    /// Decode __share_group_state
    #[arg(long)]
    pub(super) share_group_state_decoder: bool,

    /// Print as this Kafka release does
    #[arg(long, value_name = "VERSION", default_value_t = NEWEST)]
    pub(super) kafka: Release,

    /// Print this help, and exit with 1 as the original does
    #[arg(short = 'h', long)]
    pub(super) help: bool,

    /// Print the release whose output is imitated
    #[arg(long)]
    pub(super) version: bool,

    #[command(flatten)]
    pub(super) reading: Reading,
}
