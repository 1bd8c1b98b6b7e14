//! `kseg generate`: completions for shells, and man pages.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap_complete::{Generator, Shell as Known};
use clap_complete_nushell::Nushell;

use super::Context;
use super::exit::ExitStatus;
use super::output::{self, OutputFile};

/// Generates shell completions and man pages
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg generate completions bash > /etc/bash_completion.d/kseg
  kseg generate man /usr/local/share/man/man1

Exit status:
  0  done
  2  a file could not be written, or the arguments are invalid")]
pub(crate) struct Generate {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Prints completions for a shell
    #[command(after_help = "Examples:
  kseg generate completions bash > /etc/bash_completion.d/kseg
  kseg generate completions zsh > ~/.zfunc/_kseg
  kseg generate completions fish > ~/.config/fish/completions/kseg.fish
  kseg generate completions nushell > ~/.config/nushell/kseg.nu
  kseg generate completions pwsh >> ~/.config/powershell/profile.ps1")]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },

    /// Writes man pages into a directory: kseg.1, kseg-ls.1 and so on
    #[command(after_help = "Examples:
  kseg generate man /usr/local/share/man/man1")]
    Man {
        /// The directory; created if it does not exist
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
}

/// A shell.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Shell {
    Bash,
    Elvish,
    Fish,
    Nushell,
    #[value(alias = "pwsh")]
    Powershell,
    Zsh,
}

impl Shell {
    /// Returns the completion script.
    fn script(self, cli: &mut clap::Command) -> Vec<u8> {
        fn of(shell: impl Generator, cli: &mut clap::Command) -> Vec<u8> {
            let mut script = Vec::new();
            clap_complete::generate(shell, cli, "kseg", &mut script);
            script
        }
        match self {
            Self::Bash => of(Known::Bash, cli),
            Self::Elvish => of(Known::Elvish, cli),
            Self::Fish => of(Known::Fish, cli),
            Self::Nushell => of(Nushell, cli),
            Self::Powershell => of(Known::PowerShell, cli),
            Self::Zsh => of(Known::Zsh, cli),
        }
    }
}

impl Generate {
    /// Prints or writes it.
    pub(crate) fn run(self, context: &mut Context) -> Result<ExitStatus> {
        match self.what {
            What::Completions { shell } => {
                let script = shell.script(&mut context.cli());
                context.print(&script)?;
            }
            What::Man { dir } => {
                output::make_dir(&dir)?;
                pages(&context.cli(), "kseg", &dir)?;
            }
        }
        Ok(ExitStatus::Clean)
    }
}

/// Writes the page of a command, and those of the commands below it.
fn pages(command: &clap::Command, name: &str, dir: &Path) -> Result<()> {
    let mut page = Vec::new();
    let man = clap_mangen::Man::new(command.clone());
    man.title(name.to_uppercase()).render(&mut page)?;
    let path = dir.join(format!("{name}.1"));
    let mut file = OutputFile::create(&path)?;
    let written = file.write_all(&page);
    written.map_err(|error| file.failed(&error))?;
    file.finish()?;
    for below in command.get_subcommands() {
        pages(below, &format!("{name}-{}", below.get_name()), dir)?;
    }
    Ok(())
}
