//! `kseg dump`: what Kafka's `kafka-dump-log.sh` prints.

mod beside;
mod index;
mod kind;
mod look;
mod options;
mod run;
mod time_index;
mod translate;

use std::ffi::OsString;
use std::path::PathBuf;

use kseg::wire::Release;

use super::args::Reading;
use super::render::dump_log_segments::NEWEST;
use run::Run;
pub(crate) use translate::translate;

/// Prints log segments exactly as Kafka's own kafka-dump-log.sh does
///
/// The options are those of the original, and so is every byte of the output. Where the original breaks off, this goes on
/// behind the damage, says on standard error what is wrong and where, and exits with 1.
#[derive(Debug, clap::Args)]
#[command(
    disable_help_flag = true,
    disable_version_flag = true,
    after_help = "Examples:
  kseg dump --print-data-log --files orders-3/00000000000000000000.log
  kseg dump --kafka 2.8 --deep-iteration orders-3/*.log
  kseg dump --print-data-log orders-3

Exit status:
  0  the original would have ended normally too
  1  it would have broken off, or refused, or shown its help
  2  the output could not be written"
)]
#[expect(clippy::struct_excessive_bools, reason = "the original's flags")]
#[expect(clippy::doc_markdown, reason = "the doc comments are the help text")]
pub(crate) struct Dump {
    /// The files to dump, separated by commas: .log, .index, .timeindex, .txnindex, .snapshot and .checkpoint. Indexes are
    /// compared with the .log beside them
    #[arg(long, value_name = "FILES")]
    files: Vec<OsString>,

    /// Files to dump, if --files is not given; a directory stands for the segments in it
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Print the keys and payloads of records; implies --deep-iteration (from Kafka 1.1 on)
    #[arg(long)]
    print_data_log: bool,

    /// Print a line for each record, not only for each batch
    #[arg(long)]
    deep_iteration: bool,

    /// Print only keys and payloads of records, not the fields before them
    #[arg(long)]
    skip_record_metadata: bool,

    /// Dump only whole batches within the first BYTES bytes of each file
    #[arg(long, value_name = "BYTES")]
    max_bytes: Vec<String>,

    /// The largest batch that an entry of a .index is compared with [default: 5242880]
    #[arg(long, value_name = "BYTES")]
    max_message_size: Vec<String>,

    /// Compare indexes with the log without printing their entries
    #[arg(long)]
    verify_index_only: bool,

    /// Only check of an index what brokers up to 2.2 checked when they opened it
    #[arg(long)]
    index_sanity_check: bool,

    /// How to show keys: org.apache.kafka.tools.api.StringDecoder, IntegerDecoder or LongDecoder; implies --print-data-log
    #[arg(long, value_name = "CLASS", num_args = 0..=1, default_missing_value = options::DEFAULT_DECODER)]
    key_decoder_class: Option<String>,

    /// How to show values, likewise
    #[arg(long, value_name = "CLASS", num_args = 0..=1, default_missing_value = options::DEFAULT_DECODER)]
    value_decoder_class: Option<String>,

    /// Decode __consumer_offsets; implies --print-data-log, as the next four do
    #[arg(long)]
    offsets_decoder: bool,

    /// Decode __transaction_state
    #[arg(long)]
    transaction_log_decoder: bool,

    /// Decode __cluster_metadata
    #[arg(long)]
    cluster_metadata_decoder: bool,

    /// Decode __remote_log_metadata
    #[arg(long)]
    remote_log_metadata_decoder: bool,

    /// Decode __share_group_state
    #[arg(long)]
    share_group_state_decoder: bool,

    /// Print as this release of Kafka did
    #[arg(long, value_name = "VERSION", default_value_t = NEWEST)]
    kafka: Release,

    /// Print this help, and exit with 1 as the original does
    #[arg(short = 'h', long)]
    help: bool,

    /// Print the release whose output is imitated
    #[arg(long)]
    version: bool,

    #[command(flatten)]
    reading: Reading,
}
