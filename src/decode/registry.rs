//! The schemas in the topic of a schema registry, by id, and by subject and version.
//!
//! A log is compacted by the bytes of its keys, and registries have written the same key in several
//! ways, so every record of a log is kept: records that were written with a deleted schema still
//! need it, and an id may have more than one text.
//!
//! # References
//! Confluent's `KafkaStore`, `SchemaKey`, `SchemaValue`, `DeleteSubjectKey`; Karapace and Redpanda
//! write the same.

use std::collections::BTreeMap;

use super::json::write_base64;
use crate::format::json::Json;

/// The usual name of the topic.
pub const TOPIC: &str = "_schemas";

/// The suffix of files with Protobuf schemas.
const PROTOBUF_SUFFIX: &str = ".proto";

/// The kind of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SchemaKind {
    /// Avro.
    Avro,
    /// JSON Schema: the payload is JSON.
    Json,
    /// Protobuf.
    Protobuf,
    /// Of an unknown name.
    Unknown,
}

impl SchemaKind {
    fn of(name: Option<&str>) -> Self {
        match name {
            None | Some("AVRO") => Self::Avro,
            Some("JSON") => Self::Json,
            Some("PROTOBUF") => Self::Protobuf,
            Some(_) => Self::Unknown,
        }
    }

    /// Its name in the registry.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Avro => "AVRO",
            Self::Json => "JSON",
            Self::Protobuf => "PROTOBUF",
            Self::Unknown => "unknown",
        }
    }
}

/// A reference to another schema.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaReference {
    /// The name in the referencing schema: a type in Avro, an import in Protobuf.
    pub name: String,
    /// Its subject.
    pub subject: String,
    /// Its version in the subject.
    pub version: i32,
}

/// A schema under a subject and version.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Registered {
    /// Its id.
    pub id: i32,
    /// The id in headers (`__value_schema_id`), where it is known.
    pub guid: Option<[u8; 16]>,
    /// Its subject.
    pub subject: String,
    /// Its version in the subject.
    pub version: i32,
    /// The kind.
    pub kind: SchemaKind,
    /// Its text.
    pub text: String,
    /// The schemas that it references.
    pub references: Vec<SchemaReference>,
    /// True if it was deleted.
    pub deleted: bool,
}

impl Registered {
    /// A schema from a file instead of a registry: Protobuf if the name ends in `.proto`, else Avro.
    #[must_use]
    pub fn of_file(id: i32, name: &str, text: &str) -> Self {
        let kind = if name.ends_with(PROTOBUF_SUFFIX) {
            SchemaKind::Protobuf
        } else {
            SchemaKind::Avro
        };
        Self {
            id,
            guid: None,
            subject: name.to_owned(),
            version: 0,
            kind,
            text: text.to_owned(),
            references: Vec::new(),
            deleted: false,
        }
    }
}

/// All schemas of a registry.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    schemas: Vec<Registered>,
    by_id: BTreeMap<i32, Vec<usize>>,
    /// The newest under a subject and version.
    by_version: BTreeMap<String, BTreeMap<i32, usize>>,
    malformed: u64,
}

impl Registry {
    /// Adds a record of the topic; records come in the order of the log.
    pub fn take(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) {
        let Some(key) = key.and_then(|key| Json::parse(key).ok()) else {
            self.malformed = self.malformed.saturating_add(1);
            return;
        };
        let value = value.map(Json::parse);
        let subject = key.get("subject").and_then(Json::string);
        match (key.get("keytype").and_then(Json::string), subject) {
            (Some("SCHEMA"), Some(subject)) => match value {
                Some(Ok(value)) => match registered(&value) {
                    Some(schema) => self.add(schema),
                    None => self.malformed = self.malformed.saturating_add(1),
                },
                Some(Err(_)) => self.malformed = self.malformed.saturating_add(1),
                None => {
                    let version = key.get("version").and_then(Json::int).unwrap_or(-1);
                    self.delete(subject, |it| i64::from(it) == version);
                }
            },
            (Some("DELETE_SUBJECT" | "CLEAR_SUBJECT"), Some(subject)) => {
                let Some(Ok(value)) = value else { return };
                let up_to = value.get("version").and_then(Json::int);
                self.delete(subject, |it| i64::from(it) <= up_to.unwrap_or(i64::MAX));
            }
            _ => {}
        }
    }

    /// Adds a schema.
    pub fn add(&mut self, schema: Registered) {
        let versions = self.by_version.entry(schema.subject.clone()).or_default();
        let known = versions.get(&schema.version).copied();
        if let Some(same) = known.and_then(|at| self.schemas.get_mut(at))
            && (same.id, &same.text) == (schema.id, &schema.text)
        {
            same.deleted = schema.deleted;
            return;
        }
        let at = self.schemas.len();
        versions.insert(schema.version, at);
        self.by_id.entry(schema.id).or_default().push(at);
        self.schemas.push(schema);
    }

    fn delete(&mut self, subject: &str, is_meant: impl Fn(i32) -> bool) {
        for schema in &mut self.schemas {
            if schema.subject == subject && is_meant(schema.version) {
                schema.deleted = true;
            }
        }
    }

    /// The schemas, in the order in which they were first seen.
    #[must_use]
    pub fn schemas(&self) -> &[Registered] {
        &self.schemas
    }

    /// The indexes in [`Registry::schemas`] of the schemas with an id.
    #[must_use]
    pub fn with_id(&self, id: i32) -> &[usize] {
        self.by_id.get(&id).map(Vec::as_slice).unwrap_or_default()
    }

    /// The schema under a subject and version.
    #[must_use]
    pub fn version(&self, subject: &str, version: i32) -> Option<&Registered> {
        let at = self.by_version.get(subject)?.get(&version)?;
        self.schemas.get(*at)
    }

    /// Ids that have more than one text: the meaning of such an id depends on the registry.
    pub fn ambiguous(&self) -> impl Iterator<Item = i32> {
        self.by_id.iter().filter_map(|(id, places)| {
            let mut texts = places.iter().filter_map(|at| self.schemas.get(*at));
            let first = texts.next()?;
            texts
                .any(|it| (it.kind, &it.text) != (first.kind, &first.text))
                .then_some(*id)
        })
    }

    /// Returns the number of records that could not be parsed.
    #[must_use]
    pub fn malformed(&self) -> u64 {
        self.malformed
    }
}

/// A value of the topic.
fn registered(value: &Json<'_>) -> Option<Registered> {
    let number = |name| value.get(name).and_then(Json::int);
    let references = value.get("references").map(Json::elements);
    let references = references.unwrap_or_default().iter();
    Some(Registered {
        id: i32::try_from(number("id")?).ok()?,
        guid: guid(value),
        subject: value.get("subject")?.string()?.to_owned(),
        version: i32::try_from(number("version")?).ok()?,
        kind: SchemaKind::of(value.get("schemaType").and_then(Json::string)),
        text: value.get("schema")?.string()?.to_owned(),
        references: references
            .filter_map(|it| {
                let version = i32::try_from(it.get("version")?.int()?).ok()?;
                let name = it.get("name").and_then(Json::string);
                Some(SchemaReference {
                    name: name.unwrap_or_default().to_owned(),
                    subject: it.get("subject")?.string()?.to_owned(),
                    version,
                })
            })
            .collect(),
        deleted: value.get("deleted") == Some(&Json::Bool(true)),
    })
}

/// The GUID: as stored, or computed as the MD5 that it is.
fn guid(value: &Json<'_>) -> Option<[u8; 16]> {
    if let Some(text) = value.get("guid").and_then(Json::string) {
        let digits: String = text.chars().filter(|it| *it != '-').collect();
        let number = u128::from_str_radix(&digits, 16).ok()?;
        return (digits.len() == 32).then(|| number.to_be_bytes());
    }
    let text = value.get("md5").and_then(Json::string)?;
    from_base64(text)?.try_into().ok()
}

/// Bytes of canonical base64 with padding.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for group in text.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for letter in group {
            let sextet = match letter {
                b'A'..=b'Z' => letter.wrapping_sub(b'A'),
                b'a'..=b'z' => letter.wrapping_sub(b'a').wrapping_add(26),
                b'0'..=b'9' => letter.wrapping_sub(b'0').wrapping_add(52),
                b'+' => 62,
                b'/' => 63,
                b'=' => 0,
                _ => return None,
            };
            bits = bits << 6 | u32::from(sextet);
        }
        let [_, three @ ..] = bits.to_be_bytes();
        bytes.extend(three);
    }
    let padding = text.bytes().rev().take_while(|it| *it == b'=').count();
    bytes.truncate(bytes.len().saturating_sub(padding));
    let mut again = Vec::new();
    write_base64(&bytes, &mut again);
    (again == text.as_bytes()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(subject: &str, version: i32) -> Vec<u8> {
        format!(r#"{{"keytype":"SCHEMA","subject":"{subject}","version":{version},"magic":1}}"#)
            .into_bytes()
    }

    fn value(subject: &str, version: i32, id: i32, text: &str) -> Vec<u8> {
        format!(
            r#"{{"subject":"{subject}","version":{version},"id":{id},"schema":"{text}","deleted":false,"md5":"AAECAwQFBgcICQoLDA0ODw=="}}"#
        )
        .into_bytes()
    }

    #[test]
    fn what_was_deleted_still_has_its_text() {
        let mut registry = Registry::default();
        registry.take(Some(&key("a", 1)), Some(&value("a", 1, 7, "int")));
        registry.take(Some(&key("b", 1)), Some(&value("b", 1, 8, "long")));
        registry.take(Some(&key("a", 1)), None);
        let gone = br#"{"keytype":"DELETE_SUBJECT","subject":"b","magic":0}"#;
        registry.take(Some(gone), Some(br#"{"subject":"b","version":1}"#));
        let all = registry.schemas();
        assert!(all.iter().all(|it| it.deleted) && all.len() == 2);
        assert_eq!(registry.version("b", 1).unwrap().text, "long");
        assert_eq!(all[0].guid.unwrap()[..3], [0, 1, 2]);
    }

    #[test]
    fn an_id_with_two_texts_is_ambiguous_and_with_two_subjects_is_not() {
        let mut registry = Registry::default();
        for (subject, id, text) in [
            ("a", 1, "int"),
            ("b", 1, "int"),
            ("a", 2, "int"),
            ("b", 2, "long"),
        ] {
            registry.take(Some(&key(subject, id)), Some(&value(subject, id, id, text)));
        }
        assert_eq!(registry.ambiguous().collect::<Vec<_>>(), [2]);
        assert_eq!(registry.with_id(1).len(), 2);
        assert_eq!(registry.malformed(), 0);
        registry.take(None, None);
        registry.take(Some(b"x"), Some(b"x"));
        assert_eq!(registry.malformed(), 2);
    }
}
