//! `kseg help`: the help of commands, and of topics that several commands share.

use anyhow::{Result, bail};

use super::exit::ExitStatus;
use super::{Context, schema};

/// Shows the help of a command, or of a topic; kseg help topics lists the topics
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

const TIMES: &str = r#"Times
  2026-11-20                 midnight UTC
  "2026-11-20 10:00"         UTC; seconds and milliseconds may follow
  "2026-11-20 10:00+02:00"   in this time zone
  2026-11-20T10:00:00Z       RFC 3339
  @1795600000                seconds since 1970
  1795600000000              milliseconds since 1970
  today, yesterday, now      days begin at midnight UTC
  2h, 1d12h, 1w, 90s         that long before now

Offsets
  42          one offset                   42..      42 and all after it
  42..50      42 to 49                     42..=50   42 to 50
  ..42        all before 42                -5..      the last five (cat)

Sizes
  50M, 50MiB (2^20 bytes), 50MB (10^6 bytes), 1G, 4K

Topics and partitions
  --topic orders,clicks      --topic 'orders*'      --topic '!__*' (not these)
  --partition 0,3..5         0, 3 and 4             --partition 0..=3
"#;

const PATHS: &str = "Paths
  /var/lib/kafka                     a folder of several log dirs
  /var/lib/kafka/data                a log dir: one entry of log.dirs
  /etc/kafka/server.properties       the log dirs in its log.dirs
  /var/lib/kafka/data/orders-3       a partition, also -delete, -future, -stray,
                                     or a folder of tiered storage
  orders-3/00000000000000000000.log  a file
  00000000000000000000.log.gz        a compressed segment: .gz or .zst
  'orders-*'                         a pattern that the shell did not expand
  -                                  a segment on standard input

Give one path or several. Reading commands never create, lock or change a file.
";

const EXIT_STATUS: &str = "Exit status
  0    done, nothing found
  1    done, and something was found: damage, a finding, a loss
  2    failed: invalid arguments, a file that could not be read or written
  130  interrupted

kseg dump exits as kafka-dump-log.sh does. kseg COMMAND --help has the details.
";

const PIPES: &str = r#"Data goes to standard output, everything else to standard error.

  --format ndjson   one JSON object per line, written while reading;
                    its field "schema" names its form (kseg help schemas)
  --format json     one JSON document
  --format csv      the rows of a table; the first line has the field names

Bytes that are not UTF-8 are {"base64":"..."}. A closed pipe ends kseg quietly.

  kseg cat --format ndjson orders-3 | jq .value
  kseg ls --format csv /var/lib/kafka | cut -d, -f1,9
"#;

const WORST_DAY: &str =
    "1. Keep the broker stopped. A start truncates a damaged log at the first invalid
   batch, and keeps no copy.
2. Other replicas are healthy and in sync? Move the folder of the damaged
   partition out of the log dir and start the broker: it replicates the
   partition again. You are done.
3. Reads fail with an I/O error? Copy the disk with ddrescue, and use the copy
   from here on.
4. kseg check DIR
   shows the damage, what a start would lose, and what a repair would lose.
5. kseg repair plan DIR -o plan.json
   Add --from REPLICA for each other replica, even a damaged one: batches that
   are damaged here are copied from it.
6. kseg repair apply plan.json --into NEW
   writes a repaired copy; DIR is not changed.
7. kseg diff DIR NEW
   shows the changes; removed records are in NEW.lost+found.
8. Point log.dirs at NEW and start the broker.
";

const WORDS: &str = "Kafka's words mean what they mean in Kafka. These are kseg's own.

Depths of verify
  shape       names of files and headers of batches
  sum         and checksums of batches
  cross       and indexes, snapshots and checkpoints, compared with the log
  deep        and records, decompressed and decoded

Severities of findings
  error       data is lost or wrong, or a broker start will cause that
  warning     a broker repairs it or works around it
  note        information; nothing is wrong

Safety of the steps of a plan
  proven      a checksum covers the result, or intact data proves it
  likely      the damage is located, and independent evidence agrees; the odds
              are given
  suspect     the records are readable, but nothing shows which bytes are right
  lossy       something is lost: records, a log start offset, an epoch, the end
              of a transaction
  manual      kseg cannot decide; the step says what to do

Repairs
  lost+found  the folder with the records that a repair removed from the log
  quarantine  the folder with the originals of a repair --in-place, for undo
  gap         bytes of a segment that are not a valid batch
";

const CI: &str = r#"kseg verify exits with 1 if there is a finding at --fail-on (default: error)
that is not in the baseline.

  kseg verify --format github fixtures
      annotations in GitHub Actions
  kseg verify --sarif kseg.sarif --junit kseg.xml fixtures
      files for code scanning and test reports
  kseg verify --summary "$GITHUB_STEP_SUMMARY" fixtures
      a Markdown table
  kseg verify --write-baseline known.json fixtures
      accept the current findings, once
  kseg verify --baseline known.json fixtures
      fail only for new findings
  kseg verify -A D102 -D time-index-missing fixtures
      ignore one check; treat another as an error
  kseg fingerprint fixtures
      a digest of the records, for a golden file

kseg.toml, here or in a folder above, sets the levels of checks, the baseline
and the settings of the broker.
"#;

/// The topics: name, text and description.
const TOPICS: [(&str, &str, &str); 7] = [
    (
        "words",
        WORDS,
        "kseg's own words: depths, severities, safety",
    ),
    (
        "times",
        TIMES,
        "forms of times, offsets, sizes and patterns",
    ),
    ("paths", PATHS, "paths that commands accept"),
    ("exit-status", EXIT_STATUS, "exit status of commands"),
    ("pipes", PIPES, "output for other programs"),
    ("ci", CI, "verify in continuous integration"),
    (
        "worst-day",
        WORST_DAY,
        "a broker is down, and data is damaged",
    ),
];

/// The topic of the schema ids of JSON output.
const SCHEMAS: (&str, &str) = ("schemas", "schema ids of JSON output");

impl Help {
    /// Writes the help.
    pub(crate) fn run(self, context: &mut Context) -> Result<ExitStatus> {
        let text = self.text(&context.cli())?;
        context.print(&text)?;
        Ok(ExitStatus::Clean)
    }

    fn text(&self, cli: &clap::Command) -> Result<String> {
        let [name] = self.topic.as_slice() else {
            return self.command(cli);
        };
        if name == SCHEMAS.0 {
            let line = |schema: &schema::Schema| format!("{:<30}  {}\n", schema.id, schema.what);
            return Ok(schema::ALL.iter().map(line).collect());
        }
        if name == "topics" {
            let topics = TOPICS.iter().map(|(name, _, about)| (*name, *about));
            let line = |(name, about)| format!("  kseg help {name:<12}  {about}\n");
            return Ok(topics.chain([SCHEMAS]).map(line).collect());
        }
        match TOPICS.iter().find(|(topic, ..)| topic == name) {
            Some((_, text, _)) => Ok((*text).to_owned()),
            None => self.command(cli),
        }
    }

    /// Returns the help of the command with these words.
    fn command(&self, cli: &clap::Command) -> Result<String> {
        let mut cli = cli.clone();
        let mut command = &mut cli;
        for word in &self.topic {
            let Some(below) = command.find_subcommand_mut(word) else {
                let topics = TOPICS.iter().map(|(topic, ..)| *topic);
                let topics: Vec<&str> = topics.chain([SCHEMAS.0]).collect();
                bail!(
                    "no help on {word:?}: expected a command or a topic ({})",
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
        for (topic, text, _) in TOPICS {
            assert_eq!(help(&[topic]).unwrap(), text);
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(80), "{topic}");
        }
        assert!(help(&["schemas"]).unwrap().contains("kseg.batch/1"));
        assert!(help(&["repair", "plan"]).unwrap().contains("repair plan"));
        assert!(help(&[]).unwrap().contains("Examples:"));
        let error = help(&["nothing"]).unwrap_err().to_string();
        assert!(error.contains("worst-day"), "{error}");
    }
}
