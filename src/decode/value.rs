//! The content of a message: a tree of values that borrow the record's bytes.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

use crate::format::fault::FieldName;
use crate::wire::text::text;
use crate::wire::{Release, Uuid};

/// A value of a message.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value<'buf> {
    /// The field does not exist in this version, or it is a tagged structure that was not written.
    Absent,
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer of any width.
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// A UUID.
    Uuid(&'buf Uuid),
    /// A string as stored: UTF-8, but not checked.
    String(&'buf [u8]),
    /// Bytes.
    Bytes(&'buf [u8]),
    /// An array.
    Array(Vec<Value<'buf>>),
    /// A structure.
    Struct(Struct<'buf>),
}

impl Value<'_> {
    /// Returns true if it is the default of a field without an explicit one.
    fn is_blank(&self) -> bool {
        match self {
            Self::Absent => true,
            Self::Null => false,
            Self::Bool(it) => !it,
            Self::Int(n) => *n == 0,
            Self::Float(n) => n.to_bits() == 0,
            Self::Uuid(uuid) => **uuid == [0; 16],
            Self::String(bytes) | Self::Bytes(bytes) => bytes.is_empty(),
            Self::Array(elements) => elements.is_empty(),
            Self::Struct(body) => !body.unknown_tags && body.values.iter().all(Self::is_blank),
        }
    }
}

/// A structure of named values, in the order of its schema.
#[derive(Clone)]
pub struct Struct<'buf> {
    layout: &'static Layout,
    /// One for each field of the layout.
    values: Vec<Value<'buf>>,
    unknown_tags: bool,
}

impl<'buf> Struct<'buf> {
    pub(super) fn new(layout: &'static Layout, values: Vec<Value<'buf>>) -> Self {
        Self {
            layout,
            values,
            unknown_tags: false,
        }
    }

    pub(super) fn layout(&self) -> &'static Layout {
        self.layout
    }

    pub(super) fn set(&mut self, index: usize, value: Value<'buf>) {
        if let Some(slot) = self.values.get_mut(index) {
            *slot = value;
        }
    }

    pub(super) fn add_unknown_tag(&mut self) {
        self.unknown_tags = true;
    }

    /// The value of a field, if this version has it. The name is that of the JSON form: `groupId`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value<'buf>> {
        self.iter()
            .find(|(field, _)| *field == name)
            .map(|(_, value)| value)
    }

    /// The same, mutable.
    #[must_use]
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Value<'buf>> {
        self.layout
            .fields
            .iter()
            .zip(&mut self.values)
            .find(|(field, value)| field.name == name && **value != Value::Absent)
            .map(|(_, value)| value)
    }

    /// An integer field.
    #[must_use]
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.get(name)? {
            Value::Int(n) => Some(*n),
            _ => None,
        }
    }

    /// An integer field, as the type that its schema gives it.
    #[must_use]
    pub fn number<T: TryFrom<i64>>(&self, name: &str) -> Option<T> {
        self.int(name).and_then(|n| T::try_from(n).ok())
    }

    /// A string field that is not null; bytes that are not UTF-8 are replaced as Java does.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Cow<'buf, str>> {
        match self.get(name)? {
            Value::String(bytes) => Some(text(bytes)),
            _ => None,
        }
    }

    /// A field of bytes that is not null.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<&'buf [u8]> {
        match self.get(name)? {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A UUID field.
    #[must_use]
    pub fn uuid(&self, name: &str) -> Option<&'buf Uuid> {
        match self.get(name)? {
            Value::Uuid(uuid) => Some(uuid),
            _ => None,
        }
    }

    /// A structure that is not null.
    #[must_use]
    pub fn structure(&self, name: &str) -> Option<&Struct<'buf>> {
        match self.get(name)? {
            Value::Struct(body) => Some(body),
            _ => None,
        }
    }

    /// The elements of an array; `None` if it is null.
    #[must_use]
    pub fn array(&self, name: &str) -> &[Value<'buf>] {
        match self.get(name) {
            Some(Value::Array(elements)) => elements,
            _ => &[],
        }
    }

    /// The elements of an array of structures.
    pub fn structures(&self, name: &str) -> impl Iterator<Item = &Struct<'buf>> {
        self.array(name).iter().filter_map(|element| match element {
            Value::Struct(body) => Some(body),
            _ => None,
        })
    }

    /// The elements of an array of integers.
    pub fn numbers<T: TryFrom<i64>>(&self, name: &str) -> impl Iterator<Item = T> {
        self.array(name).iter().filter_map(|element| match element {
            Value::Int(n) => T::try_from(*n).ok(),
            _ => None,
        })
    }

    /// The elements of an array of strings.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = Cow<'buf, str>> {
        self.array(name).iter().filter_map(|element| match element {
            Value::String(bytes) => Some(text(bytes)),
            _ => None,
        })
    }

    /// The names and values that this version has, in the order of the schema.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value<'buf>)> {
        self.fields().map(|(field, value)| (field.name, value))
    }

    /// The fields that are shown: Kafka leaves out tagged ones that have their default.
    pub(super) fn shown(&self) -> impl Iterator<Item = (&'static str, &Value<'buf>)> {
        self.fields()
            .filter(|(field, value)| match (&field.tag, value) {
                (Some(_), Value::Struct(_)) => !value.is_blank(),
                (Some(tag), value) => tag.default != **value,
                (None, _) => true,
            })
            .map(|(field, value)| (field.name, value))
    }

    /// Returns true if it has tagged fields that the schema does not know, which are not shown.
    #[must_use]
    pub fn has_unknown_tags(&self) -> bool {
        self.unknown_tags
    }

    fn fields(&self) -> impl Iterator<Item = (&'static Field, &Value<'buf>)> {
        self.layout
            .fields
            .iter()
            .zip(&self.values)
            .filter(|(_, value)| !matches!(value, Value::Absent))
    }
}

impl fmt::Debug for Struct<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl PartialEq for Struct<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.layout, other.layout)
            && self.values == other.values
            && self.unknown_tags == other.unknown_tags
    }
}

/// The releases in which something exists.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Life {
    pub(super) since: Option<Release>,
    pub(super) until: Option<Release>,
}

impl Life {
    pub(super) fn covers(self, release: Release) -> bool {
        self.since.is_none_or(|since| release >= since)
            && self.until.is_none_or(|until| release < until)
    }
}

/// The fields of a message, or of a structure in one, in wire order.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) name: &'static str,
    /// Structures that messages share are read in any version.
    pub(super) is_shared: bool,
    pub(super) fields: Vec<Field>,
}

impl Layout {
    /// Adds the releases that changed the layout under an unchanged version.
    pub(super) fn changes(&self, out: &mut Vec<Release>) {
        for field in &self.fields {
            if field.tag.is_none() && *field.versions.start() <= 0 {
                out.extend(field.life.since);
                out.extend(field.life.until);
                if let FieldType::Struct(layout) = &field.kind {
                    layout.changes(out);
                }
            }
        }
    }
}

/// One field.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: FieldType,
    pub(super) is_array: bool,
    pub(super) is_nullable: bool,
    pub(super) versions: RangeInclusive<i16>,
    pub(super) life: Life,
    pub(super) tag: Option<Tag>,
}

impl Field {
    /// Returns the name of this field in a fault.
    pub(super) fn reported(&self, element: bool) -> FieldName {
        FieldName {
            name: self.name,
            element,
        }
    }
}

/// A tagged field: it is written only if it differs from its default.
#[derive(Debug, Clone)]
pub(super) struct Tag {
    pub(super) number: u32,
    /// [`Value::Absent`] for a structure.
    pub(super) default: Value<'static>,
}

/// The type of a field, or of the elements of an array.
#[derive(Debug, Clone)]
pub(super) enum FieldType {
    Bool,
    Int8,
    Int16,
    Uint16,
    Int32,
    Uint32,
    Int64,
    Float64,
    Uuid,
    String,
    Bytes,
    Struct(Layout),
}

#[cfg(test)]
mod tests {
    use crate::decode::{SchemaFamily, hex};

    #[test]
    fn fields_are_found_by_name_and_type() {
        let message = SchemaFamily::TransactionState.value(0).unwrap();
        let bytes = hex(
            "00000000000003e8 0003 0000ea60 01 00000001 0001 74 00000002 00000000 00000001 \
             0000000000000064 0000000000000000",
        );
        let (body, _) = message.read_any(0, &bytes).unwrap();
        assert_eq!(body.int("producerId"), Some(1000));
        assert_eq!(body.number::<i8>("producerId"), None);
        assert_eq!(body.number::<i16>("producerEpoch"), Some(3));
        assert_eq!(body.text("producerId"), None);
        assert_eq!(body.get("nextProducerId"), None);
        let topics: Vec<_> = body.structures("transactionPartitions").collect();
        assert_eq!(topics.len(), 1);
        assert_eq!(topics[0].text("topic").unwrap(), "t");
        assert_eq!(
            topics[0].numbers::<i32>("partitionIds").collect::<Vec<_>>(),
            [0, 1]
        );
        assert!(body.array("transactionStatus").is_empty());
        assert!(format!("{body:?}").contains("\"transactionStatus\": Int(1)"));
    }

    #[test]
    fn a_tagged_structure_of_defaults_is_not_shown_unless_it_hides_something() {
        let message = SchemaFamily::ConsumerOffsets.value(5).unwrap();
        let shown = |classic: &str| {
            let bytes = hex(&format!("00 00 01 01 01 00 00000000 00 01 {classic}"));
            let (body, rest) = message
                .read(0, crate::decode::schema::NEWEST, &bytes)
                .unwrap();
            assert!(rest.is_empty());
            body.shown()
                .any(|(name, _)| name == "classicMemberMetadata")
        };
        assert!(shown("00 01 00"));
        assert!(!shown("00 07 01 00000000 01 00"));
        assert!(shown("00 07 01 00000001 01 00"));
        assert!(shown("00 0a 01 00000000 01 01 63 01 ff"));
    }
}
