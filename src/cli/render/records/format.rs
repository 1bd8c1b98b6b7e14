//! The format of a run, and the renderer of the records of one log.

use anyhow::{Result, bail};
use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use kseg::decode::Decoder;

use super::columns::{Columns, Lossy, Rows};
use super::content::{Contents, Policy, View};
use super::entry::LocatedRecord;
use super::object::Objects;
use super::reveal::{Bytes, Reveal};
use super::schemas::{Schemas, TypedValues};
use super::serdes::Serde;
use super::template::Template;
use super::{csv, text};
use crate::cli::render::columns::{Field, ipc};
use crate::cli::render::{Page, Push};
use crate::cli::schema;

/// An output format of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Form {
    /// One line per record, for people
    Text,
    /// One JSON object per line
    Ndjson,
    /// One array of JSON objects
    Json,
    /// Comma-separated values with a header line
    Csv,
    /// An Arrow IPC stream, for DuckDB, pandas, polars or Spark
    Arrow,
    /// A Parquet file for each partition, for DuckDB, pandas, polars or Spark
    Parquet,
}

impl Form {
    /// Returns a parser of the forms that a command supports: its help lists no others.
    pub(crate) fn parser(forms: &'static [Self]) -> impl TypedValueParser<Value = Self> {
        let values = forms.iter().filter_map(ValueEnum::to_possible_value);
        PossibleValuesParser::new(values).try_map(|name| Self::from_str(&name, false))
    }

    /// Returns true if it consists of columns.
    pub(super) const fn is_columns(self) -> bool {
        matches!(self, Self::Arrow | Self::Parquet)
    }

    /// Returns true if it marks records of batches with a wrong checksum.
    pub(crate) const fn shows_checksum(self) -> bool {
        matches!(self, Self::Ndjson | Self::Json | Self::Csv)
    }

    /// Its name on the command line, and the suffix of its files.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Ndjson => "ndjson",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
        }
    }
}

/// The output format of records: the same for a whole run, shared by workers.
#[derive(Debug)]
pub(crate) struct RecordFormat {
    pub(super) shape: Shape,
    pub(super) contents: Contents,
    pub(super) decoding: Choice,
    pub(super) schemas: Option<Schemas>,
    /// The schema of a typed column: its name on the command line, and then the schema found.
    pub(super) value_columns: Option<String>,
    pub(super) typed: Option<TypedValues>,
}

/// The form of the output.
#[derive(Debug)]
pub(super) enum Shape {
    Form(Form),
    /// Columns, in a form that supports them.
    Columns(Form, Columns),
    /// A template, and the text of a null.
    Template(Template, Vec<u8>),
}

/// The records to decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// Those of internal topics, by topic.
    ByTopic,
    /// All, with this decoder.
    All(Decoder),
    /// None.
    Never,
}

impl Choice {
    /// Returns the decoder for the records of a topic; `own` is the topic's decoder.
    pub(super) fn of(self, own: Option<Decoder>) -> Option<Decoder> {
        match self {
            Self::ByTopic => own,
            Self::All(decoder) => Some(decoder),
            Self::Never => None,
        }
    }
}

impl RecordFormat {
    /// NDJSON with all fields.
    pub(crate) fn ndjson() -> Self {
        let whole = |embeds_json| Policy {
            reveal: Reveal::Full,
            read_as: None,
            embeds_json,
        };
        Self {
            shape: Shape::Form(Form::Ndjson),
            contents: Contents {
                key: whole(false),
                value: whole(false),
                bytes: Bytes::Utf8,
            },
            decoding: Choice::Never,
            schemas: None,
            value_columns: None,
            typed: None,
        }
    }

    /// Appends the text before the first record: the header line of a CSV file, the `[` of an
    /// array.
    pub(crate) fn header(&self, out: &mut Vec<u8>) {
        match self.shape {
            Shape::Form(Form::Json) => out.push(b'['),
            Shape::Form(Form::Csv) => csv::header(out),
            Shape::Columns(Form::Arrow, columns) => {
                let metadata = [("kseg.schema", schema::RECORD.id)];
                ipc::schema(&self.columns(columns), &metadata, out);
            }
            _ => {}
        }
    }

    /// Returns the part to write of the first rendered text, which must not be empty.
    ///
    /// Each record of an array brings the comma before it, so that texts of several workers can be
    /// written one after the other; the very first has none before it.
    pub(crate) fn first<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        match self.shape {
            Shape::Form(Form::Json) => text.strip_prefix(b",").unwrap_or(text),
            _ => text,
        }
    }

    /// Appends the text after the last record.
    pub(crate) fn footer(&self, out: &mut Vec<u8>) {
        match self.shape {
            Shape::Form(Form::Json) => out.extend_from_slice(b"\n]\n"),
            Shape::Columns(Form::Arrow, _) => ipc::end(out),
            _ => {}
        }
    }

    /// The same with schemas, for keys and values with a schema id.
    ///
    /// # Errors
    /// Schemas are requested, but missing.
    pub(crate) fn with_schemas(mut self, schemas: Option<Schemas>) -> Result<Self> {
        let policies = [self.contents.key, self.contents.value];
        if schemas.is_none() && policies.iter().any(|it| it.read_as == Some(Serde::Avro)) {
            bail!(
                "--value-as avro, --key-as avro: no schemas found (no _schemas-0 in the same log \
                 dir): give --schemas or --schema"
            );
        }
        self.schemas = schemas.filter(|_| self.decoding != Choice::Never);
        if let Some(name) = &self.value_columns {
            let Some(schemas) = &self.schemas else {
                bail!(
                    "--value-columns: no schemas; give --schemas or --schema, and not --no-decode"
                );
            };
            self.typed = Some(schemas.typed(name)?);
        }
        Ok(self)
    }

    /// The form of the records, unless there is a template.
    pub(crate) fn form(&self) -> Option<Form> {
        match self.shape {
            Shape::Form(form) | Shape::Columns(form, _) => Some(form),
            Shape::Template(..) => None,
        }
    }

    /// The columns, if the form has any.
    pub(crate) fn fields(&self) -> Option<Vec<Field>> {
        match self.shape {
            Shape::Columns(_, columns) => Some(self.columns(columns)),
            _ => None,
        }
    }

    /// The columns, with a typed value column if there is a schema.
    fn columns(&self, columns: Columns) -> Vec<Field> {
        let mut fields = columns.fields();
        let value = fields.iter_mut().find(|field| field.name == "value");
        if let (Some(value), Some(typed)) = (value, &self.typed) {
            value.kind = typed.kind().clone();
        }
        fields
    }

    /// Returns the renderer of the records of one log; `decoder` is that of its topic
    /// ([`Decoder::for_topic`]).
    pub(crate) fn renderer(&self, decoder: Option<Decoder>) -> RecordRenderer<'_> {
        RecordRenderer {
            format: self,
            decoder: self.decoding.of(decoder),
            objects: Objects::default(),
            rows: self.fields().map(Rows::new),
            scratch: Vec::new(),
            spare: Vec::new(),
        }
    }
}

/// Renders the records of a log.
#[derive(Debug)]
pub(crate) struct RecordRenderer<'a> {
    format: &'a RecordFormat,
    decoder: Option<Decoder>,
    objects: Objects,
    /// Rows of columns that are not written yet.
    rows: Option<Rows>,
    /// The buffer in which a key or a value is rendered.
    scratch: Vec<u8>,
    /// A spare buffer.
    spare: Vec<u8>,
}

impl RecordRenderer<'_> {
    /// Appends a record.
    pub(crate) fn record(&mut self, entry: LocatedRecord<'_, '_>, out: &mut impl Page) {
        let format = self.format;
        let view = View::new(
            format.contents,
            self.decoder,
            format.schemas.as_ref(),
            &entry,
        );
        let scratch = &mut self.scratch;
        match &format.shape {
            Shape::Form(Form::Ndjson) => {
                self.objects.record(&entry, &view, scratch, out);
                out.text("\n");
            }
            Shape::Form(Form::Json) => {
                out.text(",\n");
                self.objects.record(&entry, &view, scratch, out);
            }
            Shape::Form(Form::Text) => {
                text::record(&entry, &view, [scratch, &mut self.spare], out);
            }
            Shape::Form(Form::Csv) => csv::record(&entry, &view, scratch, out),
            Shape::Form(Form::Arrow | Form::Parquet) => {}
            Shape::Columns(form, _) => {
                if let Some(rows) = &mut self.rows {
                    rows.push(&entry, &view, format.typed.as_ref(), scratch);
                    if *form == Form::Arrow && rows.is_batch() {
                        rows.write_batch(out);
                    }
                }
            }
            Shape::Template(template, null) => template.record(null, &entry, &view, scratch, out),
        }
    }

    /// Appends the rest, after the last record of a piece. Returns the values that columns could
    /// not hold.
    pub(crate) fn finish(&mut self, out: &mut impl Page) -> Lossy {
        match (&self.format.shape, &mut self.rows) {
            (Shape::Columns(Form::Arrow, _), Some(rows)) => {
                rows.write_batch(out);
                rows.take_lossy()
            }
            _ => Lossy::default(),
        }
    }

    /// The rows of a form with columns.
    pub(crate) fn rows(&mut self) -> Option<&mut Rows> {
        self.rows.as_mut()
    }
}
