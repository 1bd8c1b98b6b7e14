//! The options about a broker besides its disks: its release and its settings.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use kseg::predict::{Conditions, Kafka, Settings};

use super::input;

/// The options of a broker.
#[derive(Debug, clap::Args)]
pub(crate) struct Given {
    /// The Kafka release of the broker: 2.8 (with ZooKeeper), 3.0 to 3.9 or 4.0 to 4.4
    #[arg(long, value_name = "VERSION", default_value_t)]
    pub(crate) kafka: Kafka,

    /// The broker's server.properties: node.id, log.dirs and log settings are read from it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Override a stored setting, for all topics or for the broker: --set retention.ms=-1;
    /// repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
}

/// Reads `NAME=VALUE`.
fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or("expected NAME=VALUE, such as retention.ms=-1")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

impl Given {
    /// The settings of the given file, or of one among `paths`, and of `--set`.
    fn settings(&self, paths: &[PathBuf]) -> Result<Settings> {
        let mut settings = input::settings(self.config.as_deref(), paths)?;
        for (name, value) in &self.set {
            settings.set(name, value).context("--set")?;
        }
        Ok(settings)
    }

    /// The conditions with this release and these settings, and defaults for the rest.
    ///
    /// # Errors
    /// The file cannot be read, or a value is invalid.
    pub(crate) fn conditions(&self, paths: &[PathBuf]) -> Result<Conditions> {
        Ok(Conditions {
            kafka: self.kafka,
            settings: self.settings(paths)?,
            ..Conditions::default()
        })
    }
}
