//! `kseg.toml`: settings of a project, inserted before the options of a command line.
//!
//! ```toml
//! [checks]                      # as --deny, --warn and --allow of kseg verify
//! B401 = "allow"
//! note = "warn"
//!
//! [verify]                      # options of a command, by their long names
//! baseline = "kseg.baseline.json"
//! fail-on = "warning"
//! topic = ["orders", "clicks"]
//! ```

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::ArgAction;
use toml::{Table, Value};

use super::input::read_given;

/// Its name, in the current directory or above.
const NAME: &str = "kseg.toml";

/// Commands whose options it may set. Commands that change something, and `dump`, which has the
/// options of Kafka's tool, take none from a file.
const COMMANDS: [&str; 7] = ["check", "ls", "show", "cat", "export", "verify", "predict"];

/// Options whose values are paths, which are relative to the folder of the file.
const PATHS: [&str; 2] = ["baseline", "config"];

/// The arguments with those of the file inserted after the command, so that typed ones win.
///
/// # Errors
/// The file cannot be read, or has an unknown option.
pub(crate) fn with_file(args: Vec<OsString>, cli: fn() -> clap::Command) -> Result<Vec<OsString>> {
    let Some((path, is_named)) = file(&args) else {
        return Ok(args);
    };
    let mut cli = cli();
    cli.build();
    let is_command = |arg: &OsString| cli.find_subcommand(arg).is_some();
    let Some(at) = args.iter().position(is_command) else {
        return Ok(args);
    };
    let shown = || path.display().to_string();
    let bytes = match read_given(&path, 1 << 20) {
        Ok(bytes) => bytes,
        // A file that is only found here may belong to another program.
        Err(_) if !is_named => return Ok(args),
        Err(error) => return Err(error),
    };
    let text = std::str::from_utf8(&bytes).with_context(shown)?;
    let table: Table = text.parse().with_context(shown)?;
    let (before, after) = args.split_at(at + 1);
    let command = before.last().and_then(|name| name.to_str());
    let command = command.unwrap_or_default();
    let own = options(&table, command, &cli, &path).with_context(shown)?;
    Ok([before, &own, after].concat())
}

/// The file of `--config-file`, or the one in the current directory or above, and true if it was
/// named.
fn file(args: &[OsString]) -> Option<(PathBuf, bool)> {
    let mut all = args.iter().skip(1);
    while let Some(arg) = all.next() {
        let Some(rest) = arg
            .to_str()
            .and_then(|arg| arg.strip_prefix("--config-file"))
        else {
            continue;
        };
        let named = match rest.strip_prefix('=') {
            Some(path) => Some(OsString::from(path)),
            None if rest.is_empty() => all.next().cloned(),
            None => None,
        };
        return named.map(|path| (path.into(), true));
    }
    let here = std::env::current_dir().ok()?;
    let mut above = here.ancestors().map(|dir| dir.join(NAME));
    above.find(|path| path.is_file()).map(|path| (path, false))
}

/// The arguments for a command.
fn options(
    table: &Table,
    command: &str,
    cli: &clap::Command,
    path: &Path,
) -> Result<Vec<OsString>> {
    let mut args = Vec::new();
    for (section, value) in table {
        let Value::Table(settings) = value else {
            bail!(
                "{section}: expected a section: [checks], or [{}]",
                COMMANDS.join("], [")
            );
        };
        match section.as_str() {
            "checks" if command == "verify" => levels(settings, &mut args)?,
            "checks" => {}
            name if COMMANDS.contains(&name) => {
                let known = cli.find_subcommand(name).context("unknown command")?;
                let dir = path.parent().unwrap_or(Path::new(""));
                let own = arguments(settings, known, dir).with_context(|| format!("[{name}]"))?;
                if name == command {
                    args.extend(own);
                }
            }
            other => bail!(
                "unknown section [{other}]: expected [checks], or [{}]",
                COMMANDS.join("], [")
            ),
        }
    }
    Ok(args)
}

/// Levels of checks.
fn levels(settings: &Table, args: &mut Vec<OsString>) -> Result<()> {
    for (check, level) in settings {
        let level = level.as_str().unwrap_or_default();
        if !["deny", "warn", "allow"].contains(&level) {
            bail!("[checks] {check}: expected \"deny\", \"warn\" or \"allow\"");
        }
        args.push(format!("--{level}={check}").into());
    }
    Ok(())
}

/// The options of a command.
fn arguments(settings: &Table, command: &clap::Command, dir: &Path) -> Result<Vec<OsString>> {
    let mut args = Vec::new();
    for (name, value) in settings {
        let known = command
            .get_arguments()
            .find(|known| known.get_long() == Some(name));
        let known = known.with_context(|| format!("unknown option {name}"))?;
        if known.get_action().takes_values() {
            let values = match value {
                Value::Array(values) => values.as_slice(),
                value => std::slice::from_ref(value),
            };
            for value in values {
                let value =
                    text(value).with_context(|| format!("{name}: expected a text or a number"))?;
                let value = if PATHS.contains(&name.as_str()) {
                    dir.join(value).into_os_string()
                } else {
                    value.into()
                };
                let mut arg = OsString::from(format!("--{name}="));
                arg.push(value);
                args.push(arg);
            }
        } else if matches!(known.get_action(), ArgAction::SetTrue) {
            match value {
                Value::Boolean(true) => args.push(format!("--{name}").into()),
                Value::Boolean(false) => {}
                _ => bail!("{name}: expected true or false"),
            }
        } else {
            bail!("{name}: cannot be set in the configuration file");
        }
    }
    Ok(args)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    fn of(text: &str, command: &str) -> Result<Vec<String>> {
        let mut cli = Cli::command();
        cli.build();
        let table: Table = text.parse()?;
        let args = options(&table, command, &cli, Path::new("/project/kseg.toml"))?;
        Ok(args
            .into_iter()
            .map(|arg| arg.into_string().unwrap())
            .collect())
    }

    #[test]
    fn settings_become_options_of_their_command() {
        let text = "[checks]\nB401 = \"allow\"\n[verify]\nbaseline = \"known.json\"\nnotes = true\n\
                    topic = [\"a\", \"b\"]\n[predict]\nkafka = \"3.9\"\n";
        let verify = of(text, "verify").unwrap();
        let expected = [
            "--allow=B401",
            "--baseline=/project/known.json",
            "--notes",
            "--topic=a",
            "--topic=b",
        ];
        assert_eq!(verify, expected);
        assert_eq!(of(text, "predict").unwrap(), ["--kafka=3.9"]);
        assert!(of(text, "ls").unwrap().is_empty());
    }

    #[test]
    fn what_there_is_no_option_for_is_refused() {
        for (text, says) in [
            ("verify = 1", "expected a section"),
            ("[repair]\naccept-lossy = true", "unknown section [repair]"),
            ("[verify]\nnonsense = 1", "unknown option nonsense"),
            ("[verify]\nnotes = 1", "expected true or false"),
            ("[checks]\nB101 = \"x\"", "expected \"deny\""),
        ] {
            let error = format!("{:#}", of(text, "verify").unwrap_err());
            assert!(error.contains(says), "{error}");
        }
    }
}
