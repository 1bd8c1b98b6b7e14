//! The options of showing records.

use anyhow::{Result, bail};
use kseg::decode::Decoder;
use kseg::format::topic;

use super::columns::Columns;
use super::content::{Contents, Policy};
use super::format::{Choice, Form, RecordFormat, Shape};
use super::reveal::{Bytes, Reveal};
use super::serdes::Serde;
use super::template::Template;

/// The options of rendering records.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Rendering")]
pub(crate) struct Rendering {
    /// Output format. Columns are those of Spark's Kafka source: keys and values as bytes, or as
    /// JSON if --value-as, --key-as or the topic gives their type
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Form>,

    /// Columns of --format arrow and parquet [default: spark]
    #[arg(long, value_enum, value_name = "WHICH")]
    columns: Option<Columns>,

    /// Make values of this Avro schema (or Protobuf, if kseg was built for it) a typed column of --format
    /// arrow and parquet, with columns of its own for fields inside; others become null, and are
    /// counted. A schema is named by its id, or by its subject for the latest version
    #[arg(long, value_name = "ID|SUBJECT")]
    value_columns: Option<String>,

    /// Write as kcat -f does: %t topic, %p partition, %o offset, %T timestamp, %k key, %s value, %h
    /// headers, %K and %S their sizes (-1: null), %R the size of the value as four bytes, %%, \n,
    /// \t, \r, \x41
    #[arg(
        long,
        value_name = "FMT",
        conflicts_with = "format",
        allow_hyphen_values = true
    )]
    template: Option<Template>,

    /// Text for a null key or value in a template; kcat's -Z is --null NULL
    #[arg(
        long,
        value_name = "TEXT",
        requires = "template",
        conflicts_with = "format",
        allow_hyphen_values = true
    )]
    null: Option<String>,

    /// Form of keys, values and headers of unknown type; those that are not text are marked, as
    /// {"base64":"/w=="} or {"hex":"ff"}
    #[arg(long, value_enum, value_name = "HOW", default_value = "utf8")]
    bytes: Bytes,

    /// Embed JSON values as JSON instead of text, so that jq sees .value.id
    #[arg(long)]
    json_values: bool,

    /// Decode values as this type; a value of another type is shown as bytes, with the reason
    #[arg(long, value_enum, value_name = "KIND", conflicts_with = "json_values")]
    value_as: Option<Serde>,

    /// Decode keys as this type
    #[arg(long, value_enum, value_name = "KIND")]
    key_as: Option<Serde>,

    /// Amount of values and header values to show; sha256 shows which are equal without showing
    /// them
    #[arg(long, value_enum, value_name = "HOW MUCH", default_value = "full")]
    values: Reveal,

    /// Amount of keys to show
    #[arg(long, value_enum, value_name = "HOW MUCH", default_value = "full")]
    keys: Reveal,

    /// Decode records of internal topics (the default); with a topic, decode all records as records
    /// of that topic
    #[arg(
        long,
        value_name = "TOPIC",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "",
        value_parser = internal_topic,
        overrides_with = "no_decode"
    )]
    decode: Option<Choice>,

    /// Show records of internal topics, and values whose schema is known, as bytes, including
    /// secrets
    #[arg(long, overrides_with = "decode")]
    no_decode: bool,
}

fn internal_topic(name: &str) -> Result<Choice, String> {
    if name.is_empty() {
        return Ok(Choice::ByTopic);
    }
    match Decoder::for_topic(name) {
        Some(decoder) => Ok(Choice::All(decoder)),
        None => Err(format!("takes {}", topic::INTERNAL.join(", "))),
    }
}

impl Rendering {
    /// Returns the format of the options, for a command that supports `forms`; the first is its
    /// default. Templates are for commands that write text.
    ///
    /// # Errors
    /// The options cannot be combined, or not with this command.
    pub(crate) fn format(&self, forms: &[Form]) -> Result<RecordFormat> {
        self.check()?;
        let usual = forms.first().copied().unwrap_or(Form::Ndjson);
        let form = self.format.unwrap_or(usual);
        let shape = match &self.template {
            Some(_) if !forms.contains(&Form::Text) => {
                bail!(
                    "--template: not supported by this command; use --format {}",
                    names(forms)
                )
            }
            Some(template) => {
                let null = self.null.clone().unwrap_or_default();
                Shape::Template(template.clone(), null.into_bytes())
            }
            None if form.is_columns() => {
                Shape::Columns(form, self.columns.unwrap_or(Columns::Spark))
            }
            None => Shape::Form(form),
        };
        let is_columns = matches!(shape, Shape::Columns(..));
        if self.columns.is_some() && !is_columns {
            bail!("--columns: only --format arrow and parquet have columns");
        }
        if self.value_columns.is_some() && !is_columns {
            bail!("--value-columns: only --format arrow and parquet have columns");
        }
        if self.bytes != Bytes::Utf8 && is_columns {
            bail!(
                "--bytes: columns of --format {} hold bytes as they are",
                form.name()
            );
        }
        Ok(RecordFormat {
            shape,
            schemas: None,
            value_columns: self.value_columns.clone(),
            typed: None,
            contents: Contents {
                key: Policy {
                    reveal: self.keys,
                    read_as: self.key_as,
                    embeds_json: false,
                },
                value: Policy {
                    reveal: self.values,
                    read_as: self.value_as,
                    embeds_json: self.json_values,
                },
                // Columns hold any bytes, so they are not checked for text.
                bytes: if is_columns {
                    Bytes::Base64
                } else {
                    self.bytes
                },
            },
            decoding: if self.no_decode {
                Choice::Never
            } else {
                self.decode.unwrap_or(Choice::ByTopic)
            },
        })
    }

    /// Refuses to decode hidden contents.
    fn check(&self) -> Result<()> {
        let hides_value = self.values != Reveal::Full;
        let hides_key = self.keys != Reveal::Full;
        for (given, hides, option, hiding) in [
            (self.value_as.is_some(), hides_value, "value-as", "values"),
            (self.json_values, hides_value, "json-values", "values"),
            (
                self.value_columns.is_some(),
                hides_value,
                "value-columns",
                "values",
            ),
            (self.key_as.is_some(), hides_key, "key-as", "keys"),
        ] {
            if given && hides {
                bail!("--{option} needs --{hiding} full");
            }
        }
        let Some(template) = &self.template else {
            return Ok(());
        };
        if self.values == Reveal::None && template.asks_for_value_size() {
            bail!(
                "--template: %S and %R are sizes of values, which --values none hides; use \
                 --values size"
            );
        }
        if self.keys == Reveal::None && template.asks_for_key_size() {
            bail!(
                "--template: %K is the size of the key, which --keys none hides; use --keys size"
            );
        }
        Ok(())
    }
}

fn names(forms: &[Form]) -> String {
    let names: Vec<&str> = forms.iter().map(|form| form.name()).collect();
    names.join(", ")
}
