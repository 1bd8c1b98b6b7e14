//! `kseg help`: a command's help, and topics that no command has to itself.

use std::io::Write as _;

use anyhow::{Context as _, Result, bail};

use super::exit::Outcome;
use super::{Context, schema};

/// Shows the help of a command, or of a topic: times, paths, exit-status, pipes, schemas, worst-day
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kseg help verify
  kseg help repair plan
  kseg help times")]
pub(crate) struct Help {
    /// A command, or a topic
    #[arg(value_name = "TOPIC")]
    topic: Vec<String>,
}

const TIMES: &str = "\
Times
  2026-11-20                 midnight UTC
  \"2026-11-20 10:00\"         UTC; seconds and milliseconds may follow
  \"2026-11-20 10:00+02:00\"   in that zone
  2026-11-20T10:00:00Z       RFC 3339
  @1795600000                seconds since 1970
  1795600000000              milliseconds since 1970
  today, yesterday, now      days begin at midnight UTC
  2h, 1d12h, 1w, 90s         that long before now

Offsets
  42          one offset             42..        from there on
  42..50      without the last       42..=50     with the last
  ..42        up to there            -5..        the last five (cat)

Sizes
  50M, 50MiB (2^20 bytes), 50MB (10^6 bytes), 1G, 4K

Topics and partitions
  --topic orders,clicks      --topic 'orders*'      --topic '!__*'
  --partition 0,3..5         --partition 0..=3
";

const PATHS: &str = "\
A path is a log dir, the folder of a partition, or a file of Kafka's.
  /var/lib/kafka/data                     a log dir: one entry of log.dirs
  /var/lib/kafka/data/orders-3            a partition, whatever its folder has at the end (-delete, -future, -stray)
  orders-3/00000000000000000000.log       a file
Several paths may be given. Nothing that is read is created, locked or changed.
";

const EXIT_STATUS: &str = "\
  0    done, nothing found
  1    done, and something was found: damage, a finding, a loss
  2    failed: invalid arguments, a file that could not be read or written
  130  interrupted
kseg dump exits as kafka-dump-log.sh does.
";

const PIPES: &str = "\
Data goes to standard output, everything else to standard error.
  --format ndjson   a JSON object a line, the first one out before the last is read; each has a field schema
  --format json     one JSON document
  --format csv      the rows of a table, with the names of their fields in the first line
Bytes that are not UTF-8 are {\"base64\":\"...\"}. A closed pipe ends kseg quietly.
  kseg cat --format ndjson orders-3 | jq .value
  kseg ls --format csv /var/lib/kafka | cut -d, -f1,9
";

const WORST_DAY: &str = "\
1. Stop the broker, or keep it stopped. A start truncates a damaged log at the first bad batch, and keeps no copy.
2. Are there healthy replicas? Then delete the damaged partition's folder and let the broker replicate it again.
3. kseg verify DIR               what is damaged
4. kseg predict DIR              what a start would lose
5. kseg repair plan DIR -o plan.json
6. kseg repair apply plan.json --into NEW      a repaired copy; DIR is not changed
7. Point log.dirs at NEW and start the broker.
If reads fail with an I/O error, copy the disk with ddrescue first, and use the copy.
";

const TOPICS: [(&str, &str); 5] = [
    ("times", TIMES),
    ("paths", PATHS),
    ("exit-status", EXIT_STATUS),
    ("pipes", PIPES),
    ("worst-day", WORST_DAY),
];

impl Help {
    /// Shows it.
    pub(crate) fn run(self, context: &mut Context) -> Result<Outcome> {
        let text = self.text(&context.cli)?;
        context
            .out
            .write_all(text.as_bytes())
            .context("standard output")?;
        Ok(Outcome::Clean)
    }

    fn text(&self, cli: &clap::Command) -> Result<String> {
        let [name] = self.topic.as_slice() else {
            return self.command(cli);
        };
        if name == "schemas" {
            let line = |schema: &schema::Schema| format!("{:<30}  {}\n", schema.id, schema.what);
            return Ok(schema::ALL.iter().map(line).collect());
        }
        match TOPICS.iter().find(|(topic, _)| topic == name) {
            Some((_, text)) => Ok((*text).to_owned()),
            None => self.command(cli),
        }
    }

    /// The help of the command that the words lead to.
    fn command(&self, cli: &clap::Command) -> Result<String> {
        let mut cli = cli.clone();
        let mut command = &mut cli;
        for word in &self.topic {
            let Some(below) = command.find_subcommand_mut(word) else {
                let topics: Vec<&str> = TOPICS.iter().map(|(topic, _)| *topic).collect();
                bail!(
                    "no help on {word:?}: expected a command or a topic ({}, schemas)",
                    topics.join(", ")
                );
            };
            command = below;
        }
        Ok(command.render_long_help().to_string())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn help(words: &[&str]) -> Result<String> {
        let topic = words.iter().map(ToString::to_string).collect();
        let mut cli = crate::cli::Cli::command();
        cli.build();
        Help { topic }.text(&cli)
    }

    #[test]
    fn every_topic_and_command_has_help_that_fits_a_terminal() {
        for (topic, text) in TOPICS {
            assert_eq!(help(&[topic]).unwrap(), text);
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(120), "{topic}");
        }
        assert!(help(&["schemas"]).unwrap().contains("kseg.batch/1"));
        assert!(help(&["repair", "plan"]).unwrap().contains("repair plan"));
        assert!(help(&[]).unwrap().contains("Examples:"));
        let error = help(&["nothing"]).unwrap_err().to_string();
        assert!(error.contains("worst-day"), "{error}");
    }
}
