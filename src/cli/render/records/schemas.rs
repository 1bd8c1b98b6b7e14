//! Keys and values decoded by the schemas of a registry.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use anyhow::{anyhow, bail};
use kseg::decode::avro::{self, Undecodable};
use kseg::decode::protobuf;
use kseg::decode::registry::{Registered, Registry, SchemaKind};
use kseg::format::Record;

use super::embed;
use super::protobuf::Messages;
use super::protobuf_columns::MessageColumn;
use crate::cli::render::columns::avro::ValueColumn;
use crate::cli::render::columns::{Array, ColumnType};

/// Headers that contain the id, if it is not before the payload (Confluent 8).
const KEY_HEADER: &[u8] = b"__key_schema_id";
const VALUE_HEADER: &[u8] = b"__value_schema_id";

/// The schemas whose values can be columns.
const COLUMN_SCHEMAS: &str = if cfg!(feature = "protobuf") {
    "Avro or Protobuf"
} else {
    "Avro"
};

/// The maximum depth of references between schemas.
const MOST_REFERENCES: usize = 16;

/// Schemas, each parsed when it is first needed.
#[derive(Debug)]
pub(crate) struct Schemas {
    registry: Registry,
    ready: Vec<OnceLock<Option<PayloadReader>>>,
    by_guid: BTreeMap<[u8; 16], usize>,
}

/// A reader of the payloads of a schema.
#[derive(Debug)]
enum PayloadReader {
    Avro(avro::Schema),
    Json,
    /// By field numbers if `None`.
    Protobuf(Option<Messages>),
}

/// A part of a record: key or value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Key,
    Value,
}

/// A payload, and its schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Framed<'b> {
    payload: &'b [u8],
    place: usize,
    /// The message indexes of Protobuf, unless the payload begins with them.
    indexes: Option<&'b [u8]>,
}

impl<'b> Framed<'b> {
    /// The message indexes of Protobuf, and the message.
    fn message(self) -> Option<(Vec<usize>, &'b [u8])> {
        Some(match self.indexes {
            None => protobuf::split_indexes(self.payload)?,
            Some([]) => (Vec::new(), self.payload),
            Some(indexes) => (protobuf::split_indexes(indexes)?.0, self.payload),
        })
    }
}

/// The schema whose values are a typed column.
#[derive(Debug)]
pub(crate) struct TypedValues {
    place: usize,
    column: TypedColumn,
}

#[derive(Debug)]
enum TypedColumn {
    Avro(ValueColumn),
    Protobuf(MessageColumn),
}

impl TypedValues {
    /// The type of the column.
    pub(super) fn kind(&self) -> &ColumnType {
        match &self.column {
            TypedColumn::Avro(column) => column.kind(),
            TypedColumn::Protobuf(column) => column.kind(),
        }
    }

    /// Appends a payload; null, and `None`, if it does not match the schema. Returns about how many
    /// bytes it takes.
    pub(super) fn push(&self, framed: Framed<'_>, array: &mut Array) -> Option<usize> {
        match &self.column {
            TypedColumn::Avro(column) => column.push(framed.payload, array).ok(),
            TypedColumn::Protobuf(column) => {
                if let Some((indexes, message)) = framed.message() {
                    return column.push(&indexes, message, array);
                }
                array.push_null();
                None
            }
        }
    }
}

/// The reason why a payload could not be decoded with a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SchemaProblem {
    /// There is no id before the payload or in a header.
    Unframed,
    /// The id is in none of the registries.
    Unknown(i32),
    /// The GUID in a header is in none of the registries.
    UnknownGuid,
    /// The id has several schemas, and the subject does not determine one.
    Ambiguous(i32),
    /// The schema itself cannot be read.
    Broken(i32),
    /// The payload is not a value of the schema.
    Value(i32, Undecodable),
    /// The payload is not JSON, or not a message.
    Payload(i32, SchemaKind),
}

impl fmt::Display for SchemaProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unframed => f.write_str("no schema id before it or in a header"),
            Self::Unknown(id) => write!(
                f,
                "schema {id} is unknown: give it with --schemas or --schema"
            ),
            Self::UnknownGuid => f.write_str("the schema id in the header is unknown"),
            Self::Ambiguous(id) => write!(f, "schema id {id} has several schemas"),
            Self::Broken(id) => write!(f, "schema {id} is invalid"),
            Self::Value(id, why) => write!(f, "schema {id}: {why}"),
            Self::Payload(id, kind) => write!(f, "schema {id}: not a payload of {}", kind.name()),
        }
    }
}

impl Schemas {
    /// The schemas of a registry.
    pub(crate) fn new(registry: Registry) -> Self {
        let count = registry.schemas().len();
        let with_guid = registry.schemas().iter().enumerate();
        Self {
            by_guid: with_guid
                .filter_map(|(place, schema)| Some((schema.guid?, place)))
                .collect(),
            ready: (0..count).map(|_| OnceLock::new()).collect(),
            registry,
        }
    }

    /// Finds the schema of a part of a record.
    ///
    /// # Errors
    /// There is no id, or no schema for it.
    pub(super) fn find<'b>(
        &self,
        record: &Record<'b>,
        topic: Option<&str>,
        side: Side,
        bytes: &'b [u8],
    ) -> Result<Framed<'b>, SchemaProblem> {
        if let [0, a, b, c, d, payload @ ..] = bytes {
            let id = i32::from_be_bytes([*a, *b, *c, *d]);
            return match self.with_id(id, topic, side) {
                Ok(place) => Ok(Framed {
                    payload,
                    place,
                    indexes: None,
                }),
                Err(why) => self.in_header(record, topic, side, bytes, why),
            };
        }
        self.in_header(record, topic, side, bytes, SchemaProblem::Unframed)
    }

    fn in_header<'b>(
        &self,
        record: &Record<'b>,
        topic: Option<&str>,
        side: Side,
        payload: &'b [u8],
        otherwise: SchemaProblem,
    ) -> Result<Framed<'b>, SchemaProblem> {
        let name = match side {
            Side::Key => KEY_HEADER,
            Side::Value => VALUE_HEADER,
        };
        let header = record.headers().find(|header| header.key == name);
        let (place, indexes) = match header.and_then(|header| header.value) {
            Some([1, rest @ ..]) => {
                let (guid, indexes) = rest.split_first_chunk().unwrap_or((&[0; 16], &[]));
                let place = self.by_guid.get(guid).copied();
                (place.ok_or(SchemaProblem::UnknownGuid)?, indexes)
            }
            Some([0, a, b, c, d, indexes @ ..]) => {
                let id = i32::from_be_bytes([*a, *b, *c, *d]);
                (self.with_id(id, topic, side)?, indexes)
            }
            _ => return Err(otherwise),
        };
        Ok(Framed {
            payload,
            place,
            indexes: Some(indexes),
        })
    }

    /// The schema with an id; if there are several, the one under the subject of the topic.
    fn with_id(&self, id: i32, topic: Option<&str>, side: Side) -> Result<usize, SchemaProblem> {
        let places = self.registry.with_id(id);
        let Some(first) = places.first() else {
            return Err(SchemaProblem::Unknown(id));
        };
        if places.len() == 1 {
            return Ok(*first);
        }
        let end = if side == Side::Key { "-key" } else { "-value" };
        let is_own = |place: &&usize| {
            let schema = self.registry.schemas().get(**place);
            let subject = schema.and_then(|schema| schema.subject.strip_suffix(end));
            subject.is_some() && subject == topic
        };
        // A later registration under the same subject replaces an earlier one.
        if let Some(own) = places.iter().rev().find(is_own) {
            return Ok(*own);
        }
        let all = places
            .iter()
            .filter_map(|place| self.registry.schemas().get(*place));
        let mut texts = all.map(|schema| (schema.kind, &schema.text));
        let one = texts.next();
        if texts.all(|text| Some(text) == one) {
            Ok(*first)
        } else {
            Err(SchemaProblem::Ambiguous(id))
        }
    }

    /// The only schema, for bytes without an id.
    pub(super) fn only<'b>(&self, bytes: &'b [u8]) -> Option<Framed<'b>> {
        (self.registry.schemas().len() == 1).then_some(Framed {
            payload: bytes,
            place: 0,
            indexes: Some(&[]),
        })
    }

    /// The schema with the id or subject `name`, in its latest version, as a typed column.
    ///
    /// # Errors
    /// No schema has this name, or it cannot be a column.
    pub(super) fn typed(&self, name: &str) -> anyhow::Result<TypedValues> {
        let all = self.registry.schemas();
        let place = if let Ok(id) = name.parse() {
            let found = self.with_id(id, None, Side::Value);
            found.map_err(|why| anyhow!("--value-columns {name}: {why}"))?
        } else {
            let own = all.iter().enumerate().filter(|(_, it)| it.subject == name);
            let latest = own.max_by_key(|(_, it)| (!it.deleted, it.version));
            let Some((place, _)) = latest else {
                bail!("--value-columns {name}: no schema has this subject; see kseg schemas");
            };
            place
        };
        let reader = all.get(place).and_then(|schema| self.reader(schema));
        let column = match reader {
            Some(PayloadReader::Avro(schema)) => ValueColumn::new(&schema).map(TypedColumn::Avro),
            Some(PayloadReader::Protobuf(Some(messages))) => {
                MessageColumn::new(messages).map(TypedColumn::Protobuf)
            }
            _ => bail!("--value-columns {name}: not a valid {COLUMN_SCHEMAS} schema"),
        };
        match column {
            Ok(column) => Ok(TypedValues { place, column }),
            Err(why) => {
                bail!("--value-columns {name}: {why}; leave the option out: values are JSON then")
            }
        }
    }

    /// Returns true if a payload has the schema of a column, or one with the same text.
    pub(super) fn is_same(&self, framed: Framed<'_>, typed: &TypedValues) -> bool {
        let text = |place: usize| {
            let schema = self.registry.schemas().get(place);
            schema.map(|it| (it.kind, &it.text, &it.references))
        };
        framed.place == typed.place || text(framed.place) == text(typed.place)
    }

    /// The schema that was found.
    pub(super) fn schema(&self, framed: Framed<'_>) -> Option<&Registered> {
        self.registry.schemas().get(framed.place)
    }

    /// Appends a payload as JSON. The caller removes what was appended before an error.
    ///
    /// # Errors
    /// It does not match its schema.
    pub(super) fn write_json(
        &self,
        framed: Framed<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), SchemaProblem> {
        let Some(schema) = self.schema(framed) else {
            return Err(SchemaProblem::Unframed);
        };
        let id = schema.id;
        let ready = self.ready.get(framed.place);
        let reader = ready.and_then(|ready| ready.get_or_init(|| self.reader(schema)).as_ref());
        match reader {
            None => Err(SchemaProblem::Broken(id)),
            Some(PayloadReader::Avro(schema)) => schema
                .write_json(framed.payload, out)
                .map_err(|why| SchemaProblem::Value(id, why)),
            Some(PayloadReader::Json) if embed::compact(framed.payload, out) => Ok(()),
            Some(PayloadReader::Protobuf(messages))
                if message(framed, messages.as_ref(), out) == Some(true) =>
            {
                Ok(())
            }
            Some(_) => Err(SchemaProblem::Payload(id, schema.kind)),
        }
    }

    fn reader(&self, schema: &Registered) -> Option<PayloadReader> {
        let mut named = Vec::new();
        let is_whole = self.references(schema, MOST_REFERENCES, &mut named);
        match schema.kind {
            SchemaKind::Avro => {
                is_whole?;
                let texts: Vec<&str> = named.into_iter().map(|(_, text)| text).collect();
                let parsed = avro::Schema::parse(&schema.text, &texts);
                parsed.ok().map(PayloadReader::Avro)
            }
            SchemaKind::Json => Some(PayloadReader::Json),
            SchemaKind::Protobuf => Some(PayloadReader::Protobuf(
                Messages::compile(&schema.text, &named).ok(),
            )),
            _ => None,
        }
    }

    /// The names and texts of the schemas that a schema references, in the order of their
    /// dependencies.
    fn references<'s>(
        &'s self,
        schema: &'s Registered,
        depth: usize,
        named: &mut Vec<(&'s str, &'s str)>,
    ) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        for reference in &schema.references {
            let found = self
                .registry
                .version(&reference.subject, reference.version)?;
            let own = (reference.name.as_str(), found.text.as_str());
            if !named.contains(&own) {
                self.references(found, depth, named)?;
                named.push(own);
            }
        }
        Some(())
    }
}

/// Appends a Protobuf message as JSON, by its schema if there is one. Returns `None` or false if it
/// is not a message.
fn message(framed: Framed<'_>, messages: Option<&Messages>, out: &mut Vec<u8>) -> Option<bool> {
    let (indexes, message) = framed.message()?;
    Some(match messages {
        Some(messages) => messages.write_json(&indexes, message, out),
        None => protobuf::write_json(message, out),
    })
}
