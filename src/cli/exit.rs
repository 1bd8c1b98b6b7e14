//! Outcomes and errors to messages and exit codes.

use std::process::ExitCode;

use super::render::table::plain;

/// The exit status of a command that was stopped, as a shell counts it for `SIGINT`.
pub(crate) const INTERRUPTED: u8 = 130;

/// The outcome of a command that succeeded or was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// There is nothing more to say: exit status 0.
    Clean,
    /// There is something to see: exit status 1.
    Seen,
    /// Somebody stopped it: exit status 130.
    Interrupted,
}

impl Outcome {
    /// The end of a command that may have met something to see.
    pub(crate) const fn of(is_seen: bool) -> Self {
        if is_seen { Self::Seen } else { Self::Clean }
    }
}

/// A command line that asks for help, or for what does not exist. Kafka's tool, and so `dump`, exits with 1.
pub(crate) fn usage(error: &clap::Error, is_dump: bool) -> ExitCode {
    let _shown = error.print();
    match error.exit_code() {
        0 => ExitCode::SUCCESS,
        _ if is_dump => ExitCode::from(1),
        _ => ExitCode::from(2),
    }
}

/// Errors that do not keep a command from the rest of its work: the last of several is what it ends with.
#[derive(Debug, Default)]
pub(crate) struct Failures(Option<anyhow::Error>);

impl Failures {
    /// Takes an error in, and gives what is to be said of the one before it.
    #[must_use]
    pub(crate) fn add(&mut self, error: anyhow::Error) -> Option<String> {
        let earlier = self.0.replace(error);
        earlier.map(|error| format!("{}\n", shown(&error)))
    }

    /// Ends the work.
    ///
    /// # Errors
    /// There was one.
    pub(crate) fn result(self) -> anyhow::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

/// An error on one line.
fn shown(error: &anyhow::Error) -> String {
    plain(&format!("error: {error:#}"))
}

/// Work that could not be done: exit status 2.
#[expect(clippy::print_stderr, reason = "the last words")]
pub(crate) fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("{}", shown(error));
    ExitCode::from(2)
}
