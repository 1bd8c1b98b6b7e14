//! The options that say how records are shown.

use anyhow::{Result, bail};

use super::RecordFormat;
use super::content::Contents;

/// How records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Form {
    /// A line a record, for people
    Text,
    /// A JSON object a line
    Ndjson,
    /// One array of JSON objects
    Json,
    /// Comma-separated values with a header line
    Csv,
}

impl Form {
    /// Its name on the command line, and the end of the name of its files.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Ndjson => "ndjson",
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }
}

/// What is shown of records, and how.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Rendering")]
pub(crate) struct Rendering {
    /// How records are written
    #[arg(long, value_enum)]
    format: Option<Form>,
}

impl Rendering {
    /// What the options amount to, for a command that writes `forms`, of which the first is the usual one.
    ///
    /// # Errors
    /// Options that make no sense together, or with this command.
    pub(crate) fn format(&self, forms: &[Form]) -> Result<RecordFormat> {
        let usual = forms.first().copied().unwrap_or(Form::Ndjson);
        let form = self.format.unwrap_or(usual);
        if !forms.contains(&form) {
            let names: Vec<&str> = forms.iter().map(|form| form.name()).collect();
            bail!(
                "--format {}: not here; takes {}",
                form.name(),
                names.join(", ")
            );
        }
        Ok(RecordFormat {
            form,
            contents: Contents,
        })
    }
}
