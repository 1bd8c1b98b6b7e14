//! The visible form of keys, values and headers.
//!
//! Formats get a record's bytes only through a [`View`], so hidden bytes reach none of them.

use kseg::decode::registry::Registered;
use kseg::decode::{Decoder, Entry as Meaning, EntryPart, Unread};
use kseg::format::control::ControlType;
use kseg::format::{Header, Record};
use kseg::report::secrets;

use super::embed;
use super::entry::LocatedRecord;
use super::reveal::{Bytes, Reveal};
use super::schemas::{Framed, SchemaProblem, Schemas, Side, TypedValues};
use super::serdes::Serde;
use super::shown::{Shown, Why};

/// The visible contents, and their form.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contents {
    pub(super) key: Policy,
    pub(super) value: Policy,
    pub(super) bytes: Bytes,
}

/// The redaction policy of keys or values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    pub(super) reveal: Reveal,
    /// The given type.
    pub(super) read_as: Option<Serde>,
    /// True if JSON is embedded as JSON.
    pub(super) embeds_json: bool,
}

/// A value, for a column of one schema.
#[derive(Debug)]
pub(super) enum Payload<'b> {
    /// A null value.
    Null,
    /// It matches the schema, by its id.
    Own(Framed<'b>),
    /// It has another schema, or none.
    Other,
}

/// The visible parts of one record.
#[derive(Debug)]
pub(super) struct View<'r> {
    contents: Contents,
    record: &'r Record<'r>,
    is_control: bool,
    /// The decoded record of an internal topic.
    meaning: Option<Meaning<'r>>,
    is_keyed: bool,
    schemas: Option<(&'r Schemas, Option<&'r str>)>,
}

impl<'r> View<'r> {
    /// The view of a record; `decoder` is that of its topic.
    #[inline]
    pub(super) fn new(
        contents: Contents,
        decoder: Option<Decoder>,
        schemas: Option<&'r Schemas>,
        entry: &LocatedRecord<'r, 'r>,
    ) -> Self {
        let LocatedRecord { batch, record, .. } = *entry;
        let is_control = batch.is_control();
        Self {
            contents,
            record,
            is_control,
            meaning: decoder
                .filter(|_| !is_control)
                .map(|decoder| meaning(decoder, record)),
            is_keyed: decoder.is_some_and(Decoder::is_keyed),
            schemas: schemas.map(|schemas| (schemas, entry.topic)),
        }
    }

    /// The key.
    #[inline]
    pub(super) fn key<'s>(&'s self, scratch: &'s mut Vec<u8>) -> Shown<'s> {
        let part = self.meaning.as_ref().map(|meaning| &meaning.key);
        self.part(Side::Key, self.record.key(), part, scratch)
    }

    /// The value.
    #[inline]
    pub(super) fn value<'s>(&'s self, scratch: &'s mut Vec<u8>) -> Shown<'s> {
        let part = self.meaning.as_ref().map(|meaning| &meaning.value);
        self.part(Side::Value, self.record.value(), part, scratch)
    }

    /// The headers: names, which are not secret, and values, which are shown like record values.
    pub(super) fn headers(&self) -> impl Iterator<Item = (Shown<'r>, Shown<'r>)> {
        let (reveal, bytes) = (self.contents.value.reveal, self.contents.bytes);
        self.record.headers().map(move |Header { key, value }| {
            let value = value.map_or(Shown::Null, |value| {
                let instead = reveal.instead(value);
                instead.unwrap_or_else(|| bytes.show(value))
            });
            (Bytes::Utf8.show(key), value)
        })
    }

    /// The headers with the bytes of their names, which columns hold as UTF-8 in any case.
    pub(super) fn headers_in_columns(&self) -> impl Iterator<Item = (&'r [u8], Shown<'r>)> {
        let names = self.record.headers().map(|header| header.key);
        names.zip(self.headers().map(|(_, value)| value))
    }

    /// The size of the key: −1 for null; `None` if it is hidden.
    pub(super) fn key_size(&self) -> Option<i64> {
        self.contents.key.reveal.size(self.record.key())
    }

    /// The size of the value: −1 for null; `None` if it is hidden.
    pub(super) fn value_size(&self) -> Option<i64> {
        self.contents.value.reveal.size(self.record.value())
    }

    /// Returns the type of a control record.
    pub(super) fn control_type(&self) -> Option<&'static str> {
        let key = self.is_control.then(|| self.record.key())?;
        let kind = ControlType::parse(key);
        Some(kind.map_or("invalid-control", ControlType::name))
    }

    /// The type of a record of an internal topic, unless the field with it is hidden.
    pub(super) fn type_name(&self) -> Option<&'static str> {
        let meaning = self.meaning.as_ref()?;
        let (part, policy) = if self.is_keyed {
            (&meaning.key, self.contents.key)
        } else {
            (&meaning.value, self.contents.value)
        };
        let decoded = part.decoded().filter(|_| policy.reveal == Reveal::Full);
        decoded.map(kseg::decode::Decoded::type_name)
    }

    /// The version of its value.
    pub(super) fn version(&self) -> Option<i16> {
        let decoded = self.meaning.as_ref()?.value.decoded();
        decoded
            .filter(|_| self.contents.value.reveal == Reveal::Full)
            .map(|decoded| decoded.version)
    }

    #[inline]
    fn part<'s>(
        &'s self,
        side: Side,
        bytes: Option<&'s [u8]>,
        part: Option<&'s EntryPart<'r>>,
        scratch: &'s mut Vec<u8>,
    ) -> Shown<'s> {
        let Some(bytes) = bytes else {
            return Shown::Null;
        };
        let policy = self.policy(side);
        if let Some(instead) = policy.reveal.instead(bytes) {
            return instead;
        }
        let is_plain = part.is_none() && policy.read_as.is_none() && !policy.embeds_json;
        if is_plain && self.schemas.is_none() || self.is_control {
            return self.contents.bytes.show(bytes);
        }
        self.read(side, bytes, part, scratch)
    }

    fn policy(&self, side: Side) -> Policy {
        match side {
            Side::Key => self.contents.key,
            Side::Value => self.contents.value,
        }
    }

    /// Appends bytes decoded by their schema.
    fn read_by_schema(
        &self,
        side: Side,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), SchemaProblem> {
        let Some((schemas, topic)) = self.schemas else {
            return Err(SchemaProblem::Unframed);
        };
        let is_asked = self.policy(side).read_as == Some(Serde::Avro);
        let framed = match schemas.find(self.record, topic, side, bytes) {
            Err(why) if is_asked => schemas.only(bytes).ok_or(why)?,
            found => found?,
        };
        schemas.write_json(framed, out)
    }

    /// The schema of the key, if it is decoded by one.
    pub(super) fn key_schema(&self) -> Option<&Registered> {
        self.schema(Side::Key, self.record.key()?)
    }

    /// The schema of the value, if it is decoded by one.
    pub(super) fn value_schema(&self) -> Option<&Registered> {
        self.schema(Side::Value, self.record.value()?)
    }

    fn schema(&self, side: Side, bytes: &[u8]) -> Option<&Registered> {
        let policy = self.policy(side);
        let is_read = self.meaning.is_none() && !self.is_control;
        let is_shown =
            policy.reveal == Reveal::Full && matches!(policy.read_as, None | Some(Serde::Avro));
        let (schemas, topic) = self.schemas.filter(|_| is_read && is_shown)?;
        let framed = schemas.find(self.record, topic, side, bytes).ok()?;
        schemas.schema(framed)
    }

    /// The value, for a column of one schema.
    pub(super) fn payload(&self, typed: &TypedValues) -> Payload<'_> {
        let Some(bytes) = self.record.value() else {
            return Payload::Null;
        };
        let Some((schemas, topic)) = self.schemas.filter(|_| !self.is_control) else {
            return Payload::Null;
        };
        let is_asked = self.policy(Side::Value).read_as == Some(Serde::Avro);
        let found = schemas.find(self.record, topic, Side::Value, bytes);
        let found = found.ok().filter(|it| schemas.is_same(*it, typed));
        match found.or_else(|| schemas.only(bytes).filter(|_| is_asked)) {
            Some(framed) => Payload::Own(framed),
            None => Payload::Other,
        }
    }

    /// The visible form of some bytes.
    #[cold]
    fn read<'s>(
        &'s self,
        side: Side,
        bytes: &'s [u8],
        part: Option<&'s EntryPart<'r>>,
        scratch: &'s mut Vec<u8>,
    ) -> Shown<'s> {
        scratch.clear();
        let policy = self.policy(side);
        // A type given by the user overrides that of the topic.
        if let Some(serde) = policy.read_as {
            if serde == Serde::Avro {
                return match self.read_by_schema(side, bytes, scratch) {
                    Ok(()) => Shown::Json(scratch),
                    Err(why) => Shown::Unread(bytes, Why::Schema(why)),
                };
            }
            return serde.show(bytes, self.contents.bytes, scratch);
        }
        match part {
            Some(EntryPart::Decoded(decoded)) => {
                decoded.body.write_json(scratch);
                return Shown::Json(scratch);
            }
            Some(EntryPart::Unread { why, .. }) if *why != Unread::NoMeaning => {
                return Shown::Unread(bytes, Why::Meaning(*why));
            }
            _ => {}
        }
        if part.is_none() && self.read_by_schema(side, bytes, scratch).is_ok() {
            return Shown::Json(scratch);
        }
        scratch.clear();
        if policy.embeds_json && embed::compact(bytes, scratch) {
            return Shown::Json(scratch);
        }
        self.contents.bytes.show(bytes)
    }
}

/// Returns the decoded record, without secrets.
fn meaning<'r>(decoder: Decoder, record: &'r Record<'r>) -> Meaning<'r> {
    let mut meaning = decoder.decode(record.key(), record.value());
    for part in [&mut meaning.key, &mut meaning.value] {
        if let EntryPart::Decoded(decoded) = part {
            secrets::redact(decoded);
        }
    }
    meaning
}
