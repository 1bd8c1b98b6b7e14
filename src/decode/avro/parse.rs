//! Schema texts to nodes.

use std::collections::BTreeMap;

use super::SchemaError;
use super::time::TimeUnit;
use crate::decode::json::write_text;
use crate::format::json::Json;

/// The maximum nesting of types.
const MOST_DEPTH: usize = 64;

/// A schema, ready to read values.
#[derive(Debug, Clone)]
pub struct Schema {
    pub(super) nodes: Vec<AvroType>,
    pub(super) root: usize,
}

/// A type; types inside it are indexes of nodes, because a type may contain itself.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum AvroType {
    /// A name whose definition is being read.
    Unfinished,
    /// `null`.
    Null,
    /// `boolean`.
    Boolean,
    /// `int`.
    Int(AvroNumber),
    /// `long`.
    Long(AvroNumber),
    /// `float`.
    Float,
    /// `double`.
    Double,
    /// `bytes`.
    Bytes(AvroBytes),
    /// `string`.
    String,
    /// `fixed`, of this many bytes.
    Fixed(usize, AvroBytes),
    /// Symbols, as JSON.
    Enum(Vec<Vec<u8>>),
    /// Items of a type.
    Array(usize),
    /// Values of a type by name.
    Map(usize),
    /// One of several types.
    Union(Vec<usize>),
    /// Fields in their order.
    Record(Vec<AvroField>),
}

/// A field of a record.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AvroField {
    /// Its name.
    pub name: String,
    /// Its type, for [`Schema::type_at`].
    pub at: usize,
    /// Its name as JSON, with the colon.
    pub(super) label: Vec<u8>,
}

/// The meaning of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AvroNumber {
    /// A plain number.
    Plain,
    /// Days since 1970.
    Date,
    /// A time of day.
    Time(TimeUnit),
    /// A point in time.
    Timestamp(TimeUnit),
    /// A time in an unknown time zone.
    LocalTimestamp(TimeUnit),
}

/// The meaning of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AvroBytes {
    /// Plain bytes.
    Plain,
    /// A number, two's complement and big-endian.
    Decimal {
        /// Its digits.
        precision: usize,
        /// Those after the point.
        scale: usize,
    },
    /// A UUID.
    Uuid,
    /// Months, days and milliseconds, little-endian.
    Duration,
}

impl Schema {
    /// Reads the text of a schema; `references` are the texts of schemas whose types it may use; a
    /// schema comes after those that it uses itself.
    ///
    /// # Errors
    /// It is not a schema, or one of them is not.
    pub fn parse(text: &str, references: &[&str]) -> Result<Self, SchemaError> {
        let mut builder = Builder {
            nodes: Vec::new(),
            names: BTreeMap::new(),
        };
        for reference in references {
            builder.text(reference)?;
        }
        let root = builder.text(text)?;
        Ok(Self {
            nodes: builder.nodes,
            root,
        })
    }

    /// The type of the values, for [`Schema::type_at`].
    #[must_use]
    pub fn root(&self) -> usize {
        self.root
    }

    /// The type at an index.
    #[must_use]
    pub fn type_at(&self, at: usize) -> &AvroType {
        self.nodes.get(at).unwrap_or(&AvroType::Unfinished)
    }
}

struct Builder {
    nodes: Vec<AvroType>,
    /// Full names of types.
    names: BTreeMap<String, usize>,
}

impl Builder {
    fn text(&mut self, text: &str) -> Result<usize, SchemaError> {
        // The name of a primitive type may be without quotes.
        if let Some(node) = primitive(text.trim(), None) {
            return Ok(self.add(node));
        }
        match Json::parse(text.as_bytes()) {
            Ok(json) => self.node(&json, "", MOST_DEPTH),
            Err(_) => Err(SchemaError::NotJson),
        }
    }

    fn add(&mut self, node: AvroType) -> usize {
        self.nodes.push(node);
        self.nodes.len().saturating_sub(1)
    }

    fn node(&mut self, json: &Json<'_>, space: &str, depth: usize) -> Result<usize, SchemaError> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(SchemaError::TooDeep);
        };
        match json {
            Json::String(name) => match primitive(name, None) {
                Some(node) => Ok(self.add(node)),
                None => self.named(name, space),
            },
            Json::Array(branches) => {
                let branches = branches.iter().map(|it| self.node(it, space, depth));
                let branches = branches.collect::<Result<_, _>>()?;
                Ok(self.add(AvroType::Union(branches)))
            }
            Json::Object(_) => match json.get("type") {
                Some(Json::String(kind)) => self.object(kind, json, space, depth),
                Some(inner) => self.node(inner, space, depth),
                None => Err(malformed("an object without a type")),
            },
            _ => Err(malformed("a number or a boolean")),
        }
    }

    fn object(
        &mut self,
        kind: &str,
        json: &Json<'_>,
        space: &str,
        depth: usize,
    ) -> Result<usize, SchemaError> {
        match kind {
            "array" | "map" => {
                let field = if kind == "array" { "items" } else { "values" };
                let Some(item) = json.get(field) else {
                    return Err(malformed(&format!("{kind} without {field}")));
                };
                let item = self.node(item, space, depth)?;
                let is_array = kind == "array";
                let node = if is_array {
                    AvroType::Array
                } else {
                    AvroType::Map
                };
                Ok(self.add(node(item)))
            }
            "record" | "error" | "enum" | "fixed" => self.define(kind, json, space, depth),
            _ => match primitive(kind, Some(json)) {
                Some(node) => Ok(self.add(node)),
                None => self.named(kind, space),
            },
        }
    }

    /// Defines a type that has a name.
    fn define(
        &mut self,
        kind: &str,
        json: &Json<'_>,
        space: &str,
        depth: usize,
    ) -> Result<usize, SchemaError> {
        let Some(name) = json.get("name").and_then(Json::string) else {
            return Err(malformed(&format!("{kind} without a name")));
        };
        let space = match name.rsplit_once('.') {
            Some((space, _)) => space.to_owned(),
            None => match json.get("namespace").and_then(Json::string) {
                Some(own) => own.to_owned(),
                None => space.to_owned(),
            },
        };
        let at = self.add(AvroType::Unfinished);
        self.names.insert(full(name, &space), at);
        let node = match kind {
            "enum" => AvroType::Enum(symbols(json)?),
            "fixed" => {
                let size = json.get("size").and_then(Json::int);
                let size = size.and_then(|size| usize::try_from(size).ok());
                let size = size.ok_or_else(|| malformed("fixed without a size"))?;
                AvroType::Fixed(size, blob(json, Some(size)))
            }
            _ => {
                let Some(Json::Array(fields)) = json.get("fields") else {
                    return Err(malformed("record without fields"));
                };
                let fields = fields.iter().map(|field| self.field(field, &space, depth));
                AvroType::Record(fields.collect::<Result<_, _>>()?)
            }
        };
        if let Some(place) = self.nodes.get_mut(at) {
            *place = node;
        }
        Ok(at)
    }

    fn field(
        &mut self,
        json: &Json<'_>,
        space: &str,
        depth: usize,
    ) -> Result<AvroField, SchemaError> {
        let name = json.get("name").and_then(Json::string);
        let (Some(name), Some(kind)) = (name, json.get("type")) else {
            return Err(malformed("a field without a name or a type"));
        };
        // A logical type next to the type of its field is ignored, as Avro does.
        let at = self.node(kind, space, depth)?;
        let mut label = Vec::new();
        write_text(name, &mut label);
        label.push(b':');
        Ok(AvroField {
            name: name.to_owned(),
            at,
            label,
        })
    }

    fn named(&self, name: &str, space: &str) -> Result<usize, SchemaError> {
        let found = self.names.get(&full(name, space));
        let found = found.or_else(|| self.names.get(name));
        found
            .copied()
            .ok_or_else(|| SchemaError::Undefined(name.to_owned()))
    }
}

fn full(name: &str, space: &str) -> String {
    if name.contains('.') || space.is_empty() {
        name.to_owned()
    } else {
        format!("{space}.{name}")
    }
}

fn malformed(what: &str) -> SchemaError {
    SchemaError::Malformed(what.to_owned())
}

fn symbols(json: &Json<'_>) -> Result<Vec<Vec<u8>>, SchemaError> {
    let Some(Json::Array(symbols)) = json.get("symbols") else {
        return Err(malformed("enum without symbols"));
    };
    let quoted = symbols.iter().map(|symbol| {
        let mut quoted = Vec::new();
        let text = symbol.string();
        write_text(
            text.ok_or_else(|| malformed("a symbol that is not text"))?,
            &mut quoted,
        );
        Ok(quoted)
    });
    quoted.collect()
}

fn primitive(name: &str, json: Option<&Json<'_>>) -> Option<AvroType> {
    let logical = json.and_then(|json| json.get("logicalType"));
    let logical = logical.and_then(Json::string).unwrap_or_default();
    Some(match name {
        "null" => AvroType::Null,
        "boolean" => AvroType::Boolean,
        "int" => AvroType::Int(match logical {
            "date" => AvroNumber::Date,
            "time-millis" => AvroNumber::Time(TimeUnit::Millis),
            _ => AvroNumber::Plain,
        }),
        "long" => AvroType::Long(match logical {
            "time-micros" => AvroNumber::Time(TimeUnit::Micros),
            "timestamp-millis" => AvroNumber::Timestamp(TimeUnit::Millis),
            "timestamp-micros" => AvroNumber::Timestamp(TimeUnit::Micros),
            "timestamp-nanos" => AvroNumber::Timestamp(TimeUnit::Nanos),
            "local-timestamp-millis" => AvroNumber::LocalTimestamp(TimeUnit::Millis),
            "local-timestamp-micros" => AvroNumber::LocalTimestamp(TimeUnit::Micros),
            "local-timestamp-nanos" => AvroNumber::LocalTimestamp(TimeUnit::Nanos),
            _ => AvroNumber::Plain,
        }),
        "float" => AvroType::Float,
        "double" => AvroType::Double,
        "bytes" => AvroType::Bytes(json.map_or(AvroBytes::Plain, |json| blob(json, None))),
        // A uuid is text already.
        "string" => AvroType::String,
        _ => return None,
    })
}

/// Returns the meaning of bytes, of a fixed size or not. A logical type that does not fit is
/// ignored, as in the specification.
fn blob(json: &Json<'_>, size: Option<usize>) -> AvroBytes {
    let logical = json.get("logicalType").and_then(Json::string);
    match (logical, size) {
        (Some("decimal"), _) => {
            let of = |name| json.get(name).map_or(Some(0), Json::int);
            match (of("scale"), of("precision")) {
                (Some(scale), Some(precision)) if (0..=precision).contains(&scale) => {
                    match (usize::try_from(scale), usize::try_from(precision)) {
                        (Ok(scale), Ok(precision)) => AvroBytes::Decimal { precision, scale },
                        _ => AvroBytes::Plain,
                    }
                }
                _ => AvroBytes::Plain,
            }
        }
        (Some("uuid"), Some(16)) => AvroBytes::Uuid,
        (Some("duration"), Some(12)) => AvroBytes::Duration,
        _ => AvroBytes::Plain,
    }
}
