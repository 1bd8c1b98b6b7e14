//! `kseg help`: a command's help, and topics that no command has to itself.

use std::io::Write as _;

use anyhow::{Context as _, Result, bail};

use super::exit::Outcome;
use super::{Context, schema};

/// Shows the help of a command, or of a topic: words, times, paths, exit-status, pipes, ci, schemas, worst-day
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
  /var/lib/kafka                          the folder of several log dirs
  /var/lib/kafka/data                     a log dir: one entry of log.dirs
  /etc/kafka/server.properties            the log dirs that it names
  /var/lib/kafka/data/orders-3            a partition, also as -delete, -future, -stray or of tiered storage
  orders-3/00000000000000000000.log       a file
  00000000000000000000.log.gz             a compressed segment: .gz or .zst
  'orders-*'                              a glob, if the shell left it as it is
  -                                       a segment on standard input
Several paths may be given. Reading commands never create, lock or change a file.
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
2. Does a read fail with an I/O error? Copy the disk with ddrescue, and continue with the copy.
3. kseg check DIR                what is damaged, what a start would lose, what a repair would save
4. Are there healthy replicas? Move the damaged partition's folder away, and the broker replicates it again.
5. kseg repair plan DIR -o plan.json           add --from REPLICA for each damaged replica: together they may be whole
6. kseg repair apply plan.json --into NEW      a repaired copy; DIR is not changed
7. kseg diff DIR NEW             what changed; records set aside are in NEW.lost+found
8. Point log.dirs at NEW and start the broker.
";

const WORDS: &str = "\
Kafka's words mean what they mean in Kafka. These are kseg's own:

  shape, sum, cross, deep   depths of verify: names and headers; checksums; files against each other; records
  error                     data is lost or wrong, or a broker will make it so
  warning                   works, but not as it should, or not for long
  note                      worth knowing; nothing is wrong

  proven      a step of a plan whose result a checksum covers, or that only rebuilds files from intact data
  likely      the damage is located, and independent evidence agrees; the odds are given
  suspect     records that can be read, although nothing says which of their bytes are right
  lossy       records or knowledge are lost: a log start offset, an epoch, the end of a transaction
  manual      only a person can decide

  lost+found  the folder with the records that a repair set aside, raw and as NDJSON
  quarantine  the folder with the originals of a repair --in-place, for repair undo
  gap         bytes of a segment that are not a valid batch
";

const CI: &str = "\
kseg verify exits with 1 if there is a finding at --fail-on (error by default) that is not in the baseline.
  kseg verify --format github fixtures                     annotations in GitHub Actions
  kseg verify --sarif kseg.sarif --junit kseg.xml fixtures files for code scanning and test reports
  kseg verify --summary \"$GITHUB_STEP_SUMMARY\" fixtures   a Markdown table
  kseg verify --write-baseline known.json fixtures         accept what is there, once
  kseg verify --baseline known.json fixtures               fail for what is new
  kseg verify -A D102 -D time-index-missing fixtures       ignore a check; treat one as an error
  kseg fingerprint fixtures                                a digest of the records, for a golden file
kseg.toml, here or in a folder above, holds levels of checks, the baseline and the broker's settings.
";

const TOPICS: [(&str, &str); 7] = [
    ("words", WORDS),
    ("ci", CI),
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
