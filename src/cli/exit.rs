//! Outcomes and errors to messages and exit codes.

use std::process::ExitCode;

use super::output::error_text;
use super::render::table::plain;

/// The exit status of an interrupted command, as in a shell for `SIGINT`.
pub(crate) const INTERRUPTED: u8 = 130;

/// The outcome of a command that succeeded or was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// Done, nothing found: exit status 0.
    Clean,
    /// Done, and something was found: exit status 1.
    Seen,
    /// Interrupted: exit status 130.
    Interrupted,
}

impl ExitStatus {
    /// The outcome of a command that may have found something.
    pub(crate) const fn of(is_seen: bool) -> Self {
        if is_seen { Self::Seen } else { Self::Clean }
    }
}

/// The exit status of a command line with `--help` or an error. Kafka's tool, and so `dump`, exits
/// with 1.
pub(crate) fn usage(error: &clap::Error, is_dump: bool) -> ExitCode {
    let _shown = error.print();
    match error.exit_code() {
        0 => ExitCode::SUCCESS,
        _ if is_dump => ExitCode::from(1),
        _ => ExitCode::from(2),
    }
}

/// Errors after which a command continues: the last of several is its result.
#[derive(Debug, Default)]
pub(crate) struct Failures(Option<anyhow::Error>);

impl Failures {
    /// Adds an error, and returns the message for the one before it.
    #[must_use]
    pub(crate) fn add(&mut self, error: anyhow::Error) -> Option<String> {
        let earlier = self.0.replace(error);
        earlier.map(|error| format!("{}\n", shown(&error)))
    }

    /// Ends the work.
    ///
    /// # Errors
    /// The last error.
    pub(crate) fn result(self) -> anyhow::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

/// An error on one line.
fn shown(error: &anyhow::Error) -> String {
    let texts = error.chain().map(|cause| match cause.downcast_ref() {
        Some(error) => error_text(error),
        None => cause.to_string(),
    });
    let texts: Vec<String> = texts.collect();
    plain(&format!("error: {}", texts.join(": ")))
}

/// Reports an error: exit status 2.
#[expect(clippy::print_stderr, reason = "the last words")]
pub(crate) fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("{}", shown(error));
    ExitCode::from(2)
}
