//! Reads `schemas.txt`, which explains its notation at the top.

use std::ops::RangeInclusive;
use std::sync::OnceLock;

use super::schema::{MessageSchema, SchemaFamily};
use super::value::{Field, FieldType, Layout, Life, Tag, Value};
use crate::wire::Release;

/// Facts from Kafka's public message definitions.
const SCHEMAS: &str = include_str!("schemas.txt");

/// Every message of `schemas.txt`; those after a mistake in it are missing, which a test rules out.
pub(super) fn catalogue() -> Vec<MessageSchema> {
    let mut parser = Parser::new(SCHEMAS);
    while parser.item().is_some() {}
    parser.messages
}

/// The text that is not yet read, and the definitions so far.
struct Parser {
    rest: &'static str,
    family: SchemaFamily,
    /// Structures for later messages; the last one of a name counts.
    shared: Vec<Layout>,
    messages: Vec<MessageSchema>,
}

impl Parser {
    fn new(rest: &'static str) -> Self {
        Self {
            rest,
            family: SchemaFamily::ConsumerOffsets,
            shared: Vec::new(),
            messages: Vec::new(),
        }
    }

    /// Reads a top-level item: a family, a structure or a message.
    fn item(&mut self) -> Option<()> {
        match self.word()? {
            "family" => {
                self.family = family(self.word()?)?;
                self.shared.clear();
            }
            "struct" => {
                let name = self.word()?;
                let fields = self.fields()?;
                self.shared.push(Layout {
                    name,
                    is_shared: true,
                    fields,
                });
            }
            name => {
                let message = self.message(name)?;
                self.messages.push(message);
            }
        }
        Some(())
    }

    fn message(&mut self, name: &'static str) -> Option<MessageSchema> {
        self.expect("[")?;
        let id = self.word()?.parse().ok()?;
        self.expect("]")?;
        let versions = versions(self.word()?)?;
        let mut earlier = Vec::new();
        let mut more = self.accept("(");
        while more {
            let known = self.word()?;
            self.expect("before")?;
            earlier.push((self::versions(known)?, self.release()?));
            more = self.accept(",");
            if !more {
                self.expect(")")?;
            }
        }
        let flexible = if self.accept("flexible") {
            Some(*from_the_first(self::versions(self.word()?)?).start())
        } else {
            None
        };
        let life = self.life()?;
        let layout = if self.peek() == Some("{") {
            Layout {
                name,
                is_shared: false,
                fields: self.fields()?,
            }
        } else {
            let shared = self.word()?;
            self.shared(shared)?
        };
        Some(MessageSchema {
            family: self.family,
            name,
            id,
            is_key: name.ends_with("Key"),
            versions,
            earlier,
            flexible,
            life,
            layout,
        })
    }

    fn shared(&self, name: &str) -> Option<Layout> {
        self.shared.iter().rev().find(|s| s.name == name).cloned()
    }

    fn fields(&mut self) -> Option<Vec<Field>> {
        self.expect("{")?;
        let mut fields = Vec::new();
        while !self.accept("}") {
            fields.push(self.field()?);
            if !self.accept(",") && self.peek() != Some("}") {
                return None;
            }
        }
        Some(fields)
    }

    fn field(&mut self) -> Option<Field> {
        let name = self.word()?;
        self.expect(":")?;
        let is_array = self.accept("[");
        if is_array {
            self.expect("]")?;
        }
        let kind = self.kind()?;
        let is_nullable = self.accept("?");
        let versions = match self.peek()? {
            word if word.starts_with(|c: char| c.is_ascii_digit()) => {
                from_the_first(versions(self.word()?)?)
            }
            _ => i16::MIN..=i16::MAX,
        };
        let tag = if self.accept("tag") {
            let number = self.word()?.parse().ok()?;
            let default = if self.accept("default") {
                default(self.word()?)?
            } else {
                blank(&kind, is_array)
            };
            Some(Tag { number, default })
        } else {
            None
        };
        let life = self.life()?;
        Some(Field {
            name,
            kind,
            is_array,
            is_nullable,
            versions,
            life,
            tag,
        })
    }

    fn kind(&mut self) -> Option<FieldType> {
        Some(match self.word()? {
            "bool" => FieldType::Bool,
            "int8" => FieldType::Int8,
            "int16" => FieldType::Int16,
            "uint16" => FieldType::Uint16,
            "int32" => FieldType::Int32,
            "uint32" => FieldType::Uint32,
            "int64" => FieldType::Int64,
            "float64" => FieldType::Float64,
            "uuid" => FieldType::Uuid,
            "string" => FieldType::String,
            "bytes" => FieldType::Bytes,
            name if self.peek() == Some("{") => FieldType::Struct(Layout {
                name,
                is_shared: false,
                fields: self.fields()?,
            }),
            name => FieldType::Struct(self.shared(name)?),
        })
    }

    fn life(&mut self) -> Option<Life> {
        let mut life = Life::default();
        if self.accept("since") {
            life.since = Some(self.release()?);
        }
        if self.accept("until") {
            life.until = Some(self.release()?);
        }
        Some(life)
    }

    fn release(&mut self) -> Option<Release> {
        self.word()?.parse().ok()
    }

    fn expect(&mut self, word: &str) -> Option<()> {
        self.accept(word).then_some(())
    }

    /// Takes the next word if it is `word`.
    fn accept(&mut self, word: &str) -> bool {
        let fits = self.peek() == Some(word);
        if fits {
            self.word();
        }
        fits
    }

    fn peek(&self) -> Option<&'static str> {
        next(self.rest).map(|(word, _)| word)
    }

    fn word(&mut self) -> Option<&'static str> {
        let (word, rest) = next(self.rest)?;
        self.rest = rest;
        Some(word)
    }
}

/// The first token after blanks and comments, a punctuation mark or a word; and the text after it.
fn next(text: &'static str) -> Option<(&'static str, &'static str)> {
    let text = text.trim_start();
    let first = text.chars().next()?;
    if first == '#' {
        return next(text.split_once('\n')?.1);
    }
    let end = if is_mark(first) {
        first.len_utf8()
    } else {
        text.find(|c: char| c.is_whitespace() || is_mark(c))
            .unwrap_or(text.len())
    };
    text.split_at_checked(end)
}

fn is_mark(c: char) -> bool {
    "{}[](),:?".contains(c)
}

fn family(word: &str) -> Option<SchemaFamily> {
    Some(match word {
        "consumer_offsets" => SchemaFamily::ConsumerOffsets,
        "transaction_state" => SchemaFamily::TransactionState,
        "share_group_state" => SchemaFamily::ShareGroupState,
        "cluster_metadata" => SchemaFamily::ClusterMetadata,
        "remote_log_metadata" => SchemaFamily::RemoteLogMetadata,
        "control" => SchemaFamily::Control,
        "consumer_protocol" => SchemaFamily::ConsumerProtocol,
        "mirror_maker" => SchemaFamily::MirrorMaker,
        _ => return None,
    })
}

/// `1`, `0-4` or `3+`.
fn versions(word: &str) -> Option<RangeInclusive<i16>> {
    if let Some(from) = word.strip_suffix('+') {
        return Some(from.parse().ok()?..=i16::MAX);
    }
    let (from, to) = word.split_once('-').unwrap_or((word, word));
    Some(from.parse().ok()?..=to.parse().ok()?)
}

/// Extends versions from 0 on to negative ones, since Kafka compares with the upper bound only.
fn from_the_first(versions: RangeInclusive<i16>) -> RangeInclusive<i16> {
    match versions.into_inner() {
        (0, to) => i16::MIN..=to,
        (from, to) => from..=to,
    }
}

fn default(word: &str) -> Option<Value<'static>> {
    match word {
        "null" => Some(Value::Null),
        number => number.parse().ok().map(Value::Int),
    }
}

/// The default of a type without an explicit one.
fn blank(kind: &FieldType, is_array: bool) -> Value<'static> {
    match kind {
        _ if is_array => Value::Array(Vec::new()),
        FieldType::Bool => Value::Bool(false),
        FieldType::Float64 => Value::Float(0.0),
        FieldType::Uuid => Value::Uuid(&[0; 16]),
        FieldType::String => Value::String(b""),
        FieldType::Bytes => Value::Bytes(b""),
        FieldType::Struct(_) => Value::Absent,
        _ => Value::Int(0),
    }
}

impl SchemaFamily {
    /// The message of a key of record type `id`.
    #[must_use]
    pub fn key(self, id: i16) -> Option<&'static MessageSchema> {
        self.message(id, true)
    }

    /// The message of a value of record type `id`.
    #[must_use]
    pub fn value(self, id: i16) -> Option<&'static MessageSchema> {
        self.message(id, false)
    }

    fn message(self, id: i16, is_key: bool) -> Option<&'static MessageSchema> {
        static CATALOGUE: OnceLock<Vec<MessageSchema>> = OnceLock::new();
        CATALOGUE
            .get_or_init(catalogue)
            .iter()
            .find(|m| m.id == id && m.is_key == is_key && m.family == self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schemas_are_read_to_the_end() {
        let mut parser = Parser::new(SCHEMAS);
        while parser.item().is_some() {}
        assert_eq!(parser.peek(), None, "stopped at {:.60}", parser.rest);
        let keys = parser.messages.iter().filter(|m| m.is_key).count();
        assert_eq!((parser.messages.len(), keys), (98, 29));
    }

    #[test]
    fn a_type_occurs_once_in_a_family() {
        let messages = catalogue();
        for (index, a) in messages.iter().enumerate() {
            for b in messages.iter().skip(index + 1) {
                assert!(
                    (a.family, a.id, a.is_key) != (b.family, b.id, b.is_key),
                    "{} and {}",
                    a.name,
                    b.name
                );
            }
        }
    }

    #[test]
    fn a_mistake_ends_the_reading() {
        for text in [
            "M [x] 0 {}",
            "M [0] 0 { a int8 }",
            "M [0] 0 { a: int9 }",
            "M [0] 0 { a: int8 b: int8 }",
            "M [0] 0 { a: int8",
            "M [0] 0 (1 after 2.0.0) {}",
            "M [0] 0 Elsewhere",
            "family nowhere",
        ] {
            assert!(Parser::new(text).item().is_none(), "{text}");
        }
    }

    #[test]
    fn a_field_says_all_about_itself() {
        let text = "# a comment\nM [7] 1-3 (1-2 before 2.0.0) flexible 2+ since 1.0.0 \
                    { a: []int32? 2+ tag 1 default -1 since 1.1.0 until 2.0.0, }";
        let mut parser = Parser::new(text);
        parser.item().unwrap();
        let message = &parser.messages[0];
        assert_eq!((message.id, message.flexible), (7, Some(2)));
        assert_eq!(message.versions(Release::new(1, 9, 0)), 1..=2);
        assert_eq!(message.versions(Release::new(2, 0, 0)), 1..=3);
        let field = &message.layout.fields[0];
        assert!(field.is_array && field.is_nullable);
        assert_eq!(field.versions, 2..=i16::MAX);
        assert_eq!(field.tag.as_ref().unwrap().default, Value::Int(-1));
        assert_eq!(field.life.until, Some(Release::new(2, 0, 0)));
    }
}
