//! The outputs and common options of commands.

use std::fs::File;
use std::io::{self, IsTerminal as _, Write};

use kseg::report::DamagedPlace;

use super::common::Common;
use super::render::table::TableStyle;
use super::{output, render};

/// The outputs and options of a command.
pub(crate) struct Context {
    /// Data. Not buffered: writes are large.
    pub(super) out: File,
    /// Everything else.
    pub(super) err: io::Stderr,
    /// The number of characters in a line, if data goes to a terminal or `COLUMNS` is set.
    pub(super) columns: Option<usize>,
    /// True if the output is coloured.
    pub(super) colour: bool,
    /// True if everything is shown, not only what matters first.
    pub(super) verbose: bool,
    pub(super) no_progress: bool,
    cli: fn() -> clap::Command,
}

/// The maximum size of a pipe without privileges.
const PIPE_BYTES: usize = 1 << 20;

/// Returns the number of characters in a line of `out`.
fn columns(out: &File) -> Option<usize> {
    let named = std::env::var("COLUMNS").ok();
    let named = named.and_then(|columns| columns.parse().ok());
    // The call fails without a terminal, and some terminals return nothing.
    let shown = || rustix::termios::tcgetwinsize(out).ok();
    named
        .or_else(|| shown().map(|size| usize::from(size.ws_col)))
        .filter(|columns| *columns > 0)
}

impl Context {
    /// A context that writes data to `out`.
    pub(super) fn new(out: File, common: &Common, cli: fn() -> clap::Command) -> Self {
        // A larger pipe wakes its reader less often. The call fails without a pipe, which does not
        // matter.
        let _refused = rustix::pipe::fcntl_setpipe_size(&out, PIPE_BYTES);
        Self {
            columns: columns(&out),
            colour: common.is_coloured(&out),
            verbose: common.verbose,
            no_progress: common.no_progress,
            cli,
            out,
            err: io::stderr(),
        }
    }

    /// The definition of the whole command line, made for the few commands that need it.
    pub(super) fn cli(&self) -> clap::Command {
        let mut cli = (self.cli)();
        cli.build();
        cli
    }

    /// The look of tables.
    pub(super) fn look(&self) -> TableStyle {
        TableStyle {
            room: self.columns,
            colour: self.colour,
            ..TableStyle::default()
        }
    }

    /// Returns true if data goes to a terminal.
    pub(super) fn is_terminal(&self) -> bool {
        self.out.is_terminal()
    }

    /// Writes to standard error. A failure there does not stop the command.
    pub(super) fn say(&mut self, text: &[u8]) {
        let _heard = self.err.write_all(text);
    }

    /// Writes a complete text to standard output. A closed pipe is not an error.
    pub(super) fn print(&mut self, text: &(impl AsRef<[u8]> + ?Sized)) -> anyhow::Result<()> {
        match self.out.write_all(text.as_ref()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(output::unwritten(&error))
            }
            _ => Ok(()),
        }
    }

    /// Reports damaged places of files.
    pub(super) fn say_damage(&mut self, damage: &[DamagedPlace]) {
        for place in damage {
            let (path, position) = (place.path.display(), place.position);
            let line = format!("{path}: position {position}: {}", place.what);
            self.say(format!("kseg: {}\n", render::plain(&line)).as_bytes());
        }
    }
}
