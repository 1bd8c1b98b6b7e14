//! The command line: a file for each command, and shared code.

mod args;
mod brokers;
mod cat;
mod check;
mod common;
mod compaction;
mod config;
mod context;
mod damage;
mod diff;
mod dump;
mod exit;
mod explain;
mod export;
mod fingerprint;
mod generate;
mod given;
mod groups;
mod help;
mod input;
mod internal;
mod latest;
mod ls;
mod output;
mod pick;
mod places;
mod predict;
mod progress;
mod range;
mod registry;
mod render;
mod repair;
mod retention;
mod schema;
mod schemas;
mod selection;
mod shell;
mod show;
mod spill;
mod spool;
mod stats;
mod txns;
mod typed;
mod verify;
mod writer;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, Parser, Subcommand};
use common::Common;
pub(crate) use context::Context;
use exit::ExitStatus;

/// Reads, checks and repairs Kafka's log segments without a broker
///
/// Reading commands never create, lock or change a file. Only repair apply --in-place and repair
/// undo change a log dir.
#[derive(Debug, Parser)]
#[command(
    name = "kseg",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    args_override_self = true,
    after_help = "Examples:
  kseg check /var/lib/kafka            the state on one screen
  kseg ls /var/lib/kafka               what is here
  kseg verify /var/lib/kafka           what is wrong with it
  kseg predict /var/lib/kafka          what a broker start will lose
  kseg repair plan /var/lib/kafka      what a repair would save
  kseg cat orders-3                    the records of a partition
  kseg cat --help                      every option of a command
  kseg help topics                     times, paths, exit status, the worst day

Exit status:
  0  done, nothing found
  1  done, and something was found: damage, a finding, a loss
  2  failed"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Check),
    Ls(ls::Ls),
    Show(show::Show),
    Cat(cat::Cat),
    Export(export::Export),
    Groups(groups::Groups),
    Txns(txns::Txns),
    Retention(retention::Retention),
    Compaction(compaction::Compaction),
    Stats(stats::StatsCommand),
    Diff(diff::Diff),
    Fingerprint(fingerprint::Fingerprint),
    Dump(dump::Dump),
    Verify(verify::Verify),
    Explain(explain::Explain),
    Predict(predict::Predict),
    Repair(repair::Repair),
    Schemas(schemas::SchemasCommand),
    Generate(generate::Generate),
    Help(help::Help),
}

/// Runs the command of `args`.
pub(crate) fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    // A file that grows beyond its limit (ulimit -f) is an error of the write, not the end of the
    // process.
    let _kept = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    let args = match config::with_file(dump::translate(args), Cli::command) {
        Ok(args) => args,
        Err(error) => return exit::failed(&error),
    };
    let is_dump = args.get(1).is_some_and(|command| command == "dump");
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return exit::usage(&error, is_dump),
    };
    let out = match cli.common.output() {
        Ok(out) => out,
        Err(error) => return exit::failed(&error.into()),
    };
    let mut context = Context::new(out, &cli.common, Cli::command);
    let outcome = match cli.command {
        Command::Cat(command) => command.run(&mut context),
        Command::Check(command) => command.run(&mut context),
        Command::Dump(command) => command.run(&mut context),
        Command::Explain(command) => command.run(&mut context),
        Command::Export(command) => command.run(&mut context),
        Command::Generate(command) => command.run(&mut context),
        Command::Help(command) => command.run(&mut context),
        Command::Groups(command) => command.run(&mut context),
        Command::Ls(command) => command.run(&mut context),
        Command::Repair(command) => command.run(&mut context),
        Command::Predict(command) => command.run(&mut context),
        Command::Schemas(command) => command.run(&mut context),
        Command::Show(command) => command.run(&mut context),
        Command::Txns(command) => command.run(&mut context),
        Command::Retention(command) => command.run(&mut context),
        Command::Compaction(command) => command.run(&mut context),
        Command::Stats(command) => command.run(&mut context),
        Command::Diff(command) => command.run(&mut context),
        Command::Fingerprint(command) => command.run(&mut context),
        Command::Verify(command) => command.run(&mut context),
    };
    match outcome {
        Ok(ExitStatus::Clean) => ExitCode::SUCCESS,
        Ok(ExitStatus::Seen) => ExitCode::from(1),
        Ok(ExitStatus::Interrupted) => ExitCode::from(exit::INTERRUPTED),
        Err(error) => exit::failed(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The default number of columns of a terminal.
    const COLUMNS: usize = 80;

    /// Every command and subcommand, with the words before its own options.
    fn commands() -> Vec<clap::Command> {
        let mut cli = Cli::command();
        cli.build();
        let mut commands = vec![cli];
        let mut next = 0;
        while let Some(command) = commands.get(next) {
            let below: Vec<_> = command.get_subcommands().cloned().collect();
            commands.extend(below.into_iter().filter(|it| it.get_name() != "help"));
            next += 1;
        }
        commands
    }

    /// The lines of a command's help that show how it is called.
    fn examples(command: &clap::Command) -> Vec<String> {
        let help = command.get_after_help().map(ToString::to_string);
        let help = help.unwrap_or_default();
        let lines = help.lines().filter(|line| line.starts_with("  kseg "));
        lines.map(ToOwned::to_owned).collect()
    }

    /// Splits an example into words like a shell, up to a pipe, a redirection or a comment.
    fn words(example: &str) -> Vec<String> {
        let example = [" | ", " > ", " >> ", "   "]
            .into_iter()
            .fold(example.trim(), |rest, end| {
                rest.split_once(end).map_or(rest, |(command, _)| command)
            });
        let mut words = vec![String::new()];
        for (nth, part) in example.split('\'').enumerate() {
            let is_quoted = nth % 2 == 1;
            for letter in part.chars() {
                match letter {
                    ' ' if !is_quoted => words.push(String::new()),
                    _ => words.last_mut().unwrap().push(letter),
                }
            }
        }
        words
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples_that_are_understood() {
        for command in commands() {
            let examples = examples(&command);
            assert!(!examples.is_empty(), "{}", command.get_name());
            for example in examples {
                if example.contains("--help") {
                    continue;
                }
                let words = dump::translate(words(&example).into_iter().map(OsString::from));
                if let Err(error) = Cli::try_parse_from(words) {
                    panic!("{example}\n{error}");
                }
            }
        }
    }

    #[test]
    fn every_option_has_an_example_in_the_help_of_its_command() {
        // The options of dump are those of Kafka's tool, and so are their descriptions.
        let commands = commands().into_iter();
        for command in commands.filter(|command| command.get_name() != "dump") {
            let examples = examples(&command).join(" ");
            let options = command.get_opts();
            let options = options.filter(|it| !it.is_hide_set());
            for option in options.filter(|it| !["help", "version"].contains(&it.get_id().as_str()))
            {
                let (long, short) = (option.get_long().unwrap(), option.get_short());
                let help = option.get_long_help().or(option.get_help());
                let text = format!("{examples} {}", help.unwrap());
                let mut shown = text.split([' ', '=', ':', ';', ',']);
                let is_shown = shown.any(|word| {
                    word.strip_prefix("--") == Some(long)
                        || short.is_some_and(|short| word == format!("-{short}"))
                });
                assert!(is_shown, "{} --{long}", command.get_name());
            }
        }
    }

    /// An option that commands share: its name, its short form and its heading in the help.
    type Shared = (&'static str, Option<char>, Option<&'static str>);

    const SHARED: [Shared; 10] = [
        ("topic", None, Some("Which partitions")),
        ("partition", None, Some("Which partitions")),
        ("format", None, None),
        ("output", Some('o'), None),
        ("limit", None, None),
        ("jobs", Some('j'), Some("Reading")),
        ("color", None, Some("Common")),
        ("quiet", Some('q'), Some("Common")),
        ("verbose", Some('v'), Some("Common")),
        ("no-progress", None, Some("Common")),
    ];

    /// The commands without a shared option, with the reason.
    const WITHOUT: [(&str, &str, &str); 17] = [
        (
            "topic partition",
            "dump",
            "has the options of kafka-dump-log.sh",
        ),
        ("partition", "show", "shows files, which their paths name"),
        (
            "partition",
            "groups",
            "shows groups, whose offsets are by topic",
        ),
        (
            "topic partition",
            "repair show, repair apply, repair undo",
            "repair plan selects",
        ),
        (
            "topic partition format limit jobs",
            "explain, generate completions, generate man",
            "reads no log dir",
        ),
        ("format", "dump", "has the format of kafka-dump-log.sh"),
        ("format", "repair apply, repair undo", "says what was done"),
        (
            "output",
            "check, ls, show, groups, txns, retention, compaction, stats, diff, fingerprint",
            "standard output is redirected",
        ),
        (
            "output",
            "dump, explain, predict, schemas, repair show",
            "standard output is redirected",
        ),
        (
            "output",
            "verify",
            "has --json, --sarif, --junit and --summary",
        ),
        ("output", "repair apply", "writes with --into"),
        (
            "output",
            "repair undo, generate completions, generate man",
            "has no rows",
        ),
        ("limit", "check", "has one screen; -v shows all"),
        (
            "limit",
            "ls, groups, txns, retention, compaction, stats, diff, fingerprint, predict, schemas",
            "has one row for each thing selected; stats has --top",
        ),
        (
            "limit",
            "export, dump, repair plan, repair show",
            "is complete or wrong",
        ),
        ("limit", "repair apply, repair undo", "has no rows"),
        (
            "jobs",
            "predict, repair show, repair undo",
            "follows one order, that of a broker or a plan",
        ),
    ];

    /// Options of the same name that mean something else, or the same in their own words.
    const OWN: [(&str, &str); 3] = [
        ("show", "topic"),
        ("groups", "topic"),
        ("groups", "verbose"),
    ];

    #[test]
    fn the_same_options_are_in_the_same_place_in_every_command() {
        let mut lacking = std::collections::BTreeSet::new();
        for command in commands() {
            if command.get_subcommands().next().is_some() {
                continue;
            }
            let name = command.get_bin_name().unwrap_or_default();
            let name = name.strip_prefix("kseg ").unwrap_or(name).to_owned();
            for (long, short, heading) in SHARED {
                let mut options = command.get_arguments();
                let Some(option) = options.find(|it| it.get_long() == Some(long)) else {
                    lacking.insert((long.to_owned(), name.clone()));
                    continue;
                };
                if OWN.contains(&(&name, long)) {
                    continue;
                }
                assert_eq!(option.get_short(), short, "{name} --{long}");
                if heading.is_some() {
                    assert_eq!(option.get_help_heading(), heading, "{name} --{long}");
                }
            }
        }
        let listed = WITHOUT.iter().flat_map(|(options, names, reason)| {
            assert!(!reason.is_empty());
            let pairs = options.split(' ');
            pairs.flat_map(move |option| names.split(", ").map(move |name| (option, name)))
        });
        let listed = listed.map(|(option, name)| (option.to_owned(), name.to_owned()));
        assert_eq!(lacking, listed.collect());
    }

    #[test]
    fn texts_after_the_options_fit_a_terminal() {
        for command in commands() {
            let text = command.get_after_help().map(ToString::to_string);
            for line in text.unwrap_or_default().lines() {
                assert!(line.len() <= COLUMNS, "{line}");
            }
        }
    }
}
