//! The options of every command.

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::path::PathBuf;

use clap::ColorChoice;

/// The options of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Common")]
#[expect(clippy::doc_markdown, reason = "the doc comments are the help text")]
pub(crate) struct Common {
    /// Use colour: --color never; auto means on a terminal, unless NO_COLOR is set, or if
    /// CLICOLOR_FORCE is set
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = ColorChoice::Auto, global = true)]
    color: ColorChoice,

    /// Print errors only; the exit status tells the result
    #[arg(short, long, global = true)]
    quiet: bool,

    /// Show everything: all findings with all evidence (verify), all partitions (check)
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,

    /// Read settings from this file: --config-file ci/kseg.toml [default: kseg.toml here or in a
    /// folder above]
    #[arg(long, value_name = "FILE", global = true)]
    config_file: Option<PathBuf>,

    /// Don't show progress
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
}

impl Common {
    /// Opens the output of data.
    ///
    /// # Errors
    /// There is no standard output.
    pub(crate) fn output(&self) -> io::Result<File> {
        if self.quiet {
            return File::options().write(true).open("/dev/null");
        }
        io::stdout().as_fd().try_clone_to_owned().map(File::from)
    }

    /// Returns true if the output is coloured.
    pub(crate) fn is_coloured(&self, out: &File) -> bool {
        // By no-color.org and bixense.com/clicolors, an empty variable counts as not set.
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if is_set("NO_COLOR") => false,
            ColorChoice::Auto => is_set("CLICOLOR_FORCE") || out.is_terminal(),
        }
    }
}
