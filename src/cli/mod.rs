//! The command line: one file a command, and what they share.

mod args;
mod cat;
mod dump;
mod exit;
mod explain;
mod export;
mod input;
mod ls;
mod output;
mod pick;
mod predict;
mod progress;
mod range;
mod render;
mod repair;
mod show;
mod verify;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use exit::Outcome;

/// Reads and repairs Kafka's log segments without a broker.
///
/// Nothing is ever created, locked or changed on the disk that is read; only repair apply and repair undo change anything.
#[derive(Debug, Parser)]
#[command(
    name = "kseg",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Cat(cat::Cat),
    Dump(dump::Dump),
    Explain(explain::Explain),
    Export(export::Export),
    Ls(ls::Ls),
    Repair(repair::Repair),
    Predict(predict::Predict),
    Show(show::Show),
    Verify(verify::Verify),
}

/// Where commands write.
pub(crate) struct Context {
    /// Data. Not buffered: what arrives is large.
    out: File,
    /// Everything else.
    err: io::Stderr,
    /// How many characters fit into a line, if data goes to a terminal or `COLUMNS` says so.
    columns: Option<usize>,
}

/// As much as anybody may ask for a pipe.
const PIPE_BYTES: usize = 1 << 20;

/// Runs the command that `args` ask for.
pub(crate) fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args = dump::translate(args);
    let is_dump = args.get(1).is_some_and(|command| command == "dump");
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error, is_dump),
    };
    let out = match io::stdout().as_fd().try_clone_to_owned() {
        Ok(out) => File::from(out),
        Err(error) => return exit::failed(&error.into()),
    };
    // A pipe that holds more wakes its reader less often. What is no pipe refuses, and nothing depends on it.
    let _refused = rustix::pipe::fcntl_setpipe_size(&out, PIPE_BYTES);
    let mut context = Context {
        columns: columns(&out),
        out,
        err: io::stderr(),
    };
    let outcome = match cli.command {
        Command::Cat(command) => command.run(&mut context),
        Command::Dump(command) => command.run(&mut context),
        Command::Explain(command) => command.run(&mut context),
        Command::Export(command) => command.run(&mut context),
        Command::Ls(command) => command.run(&mut context),
        Command::Repair(command) => command.run(&mut context),
        Command::Predict(command) => command.run(&mut context),
        Command::Show(command) => command.run(&mut context),
        Command::Verify(command) => command.run(&mut context),
    };
    match outcome {
        Ok(Outcome::Clean) => ExitCode::SUCCESS,
        Ok(Outcome::Seen) => ExitCode::from(1),
        Ok(Outcome::Interrupted) => ExitCode::from(exit::INTERRUPTED),
        Err(error) => exit::failed(&error),
    }
}

/// How many characters fit into a line of `out`.
fn columns(out: &File) -> Option<usize> {
    let named = std::env::var("COLUMNS").ok();
    let named = named.and_then(|columns| columns.parse().ok());
    // What is no terminal refuses, and some terminals do not know.
    let shown = || rustix::termios::tcgetwinsize(out).ok();
    named
        .or_else(|| shown().map(|size| usize::from(size.ws_col)))
        .filter(|columns| *columns > 0)
}

/// The help of a command.
fn help_of(command: &str) -> String {
    let mut cli = Cli::command();
    cli.build();
    cli.find_subcommand_mut(command)
        .map(|command| command.render_long_help().to_string())
        .unwrap_or_default()
}

impl Context {
    /// Says something that is not data. That nobody listens is no reason to stop.
    fn say(&mut self, text: &[u8]) {
        let _heard = self.err.write_all(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
