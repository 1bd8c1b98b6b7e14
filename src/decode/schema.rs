//! Kafka's message schemas, and the one interpreter that reads messages by them.
//!
//! A schema is data: `schemas.txt` beside this file, which states its notation, its source and how
//! to refresh it; it is read once. What a message looks like depends on its version, which is
//! stored with it, and on the release that reads it: fields were added and removed under an
//! unchanged version number, and a release ignores the tagged fields of later ones.
//!
//! # References
//! `MessageDataGenerator` and `ByteBufferAccessor` of Kafka.

use std::ops::RangeInclusive;

use nom::Parser;
use nom::number::complete::{be_f64, be_i8, be_i16, be_i32, be_i64, be_u8, be_u16, be_u32};

use super::value::{Field, FieldType, Layout, Life, Struct, Value};
use crate::format::fault::{Parsed, SchemaFault, finish};
use crate::format::{Fault, FaultKind};
use crate::wire::varint::unsigned_varint;
use crate::wire::{NumberFault, Release, Wrong};

/// A release that knows every schema here.
pub(super) const NEWEST: Release = Release::new(u16::MAX, 0, 0);

/// A release older than every schema here.
const OLDEST: Release = Release::old(0, 0, 0);

/// The longest string a message may hold, in bytes.
const MAX_STRING: i32 = i16::MAX as i32;

/// The messages of one internal topic, or of another place with messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemaFamily {
    /// `__consumer_offsets`.
    ConsumerOffsets,
    /// `__transaction_state`.
    TransactionState,
    /// `__share_group_state`.
    ShareGroupState,
    /// `__cluster_metadata`.
    ClusterMetadata,
    /// `__remote_log_metadata`.
    RemoteLogMetadata,
    /// The values of control records, in any topic.
    Control,
    /// The consumer protocol: subscriptions (0) and assignments (1).
    ConsumerProtocol,
    /// The internal topics of `MirrorMaker` 2: offset syncs (0), checkpoints (1) and heartbeats
    /// (2).
    MirrorMaker,
}

/// A message: a record type of a topic.
#[derive(Debug)]
pub struct MessageSchema {
    pub(super) family: SchemaFamily,
    pub(super) name: &'static str,
    pub(super) id: i16,
    pub(super) is_key: bool,
    /// The versions known now.
    pub(super) versions: RangeInclusive<i16>,
    /// The versions known before a release, newest first.
    pub(super) earlier: Vec<(RangeInclusive<i16>, Release)>,
    /// The first version with compact lengths and tagged fields.
    pub(super) flexible: Option<i16>,
    pub(super) life: Life,
    pub(super) layout: Layout,
}

impl MessageSchema {
    /// The name in Kafka's definitions: `OffsetCommitValue`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns its family.
    #[must_use]
    pub fn family(&self) -> SchemaFamily {
        self.family
    }

    /// The record type.
    #[must_use]
    pub fn id(&self) -> i16 {
        self.id
    }

    /// Returns true if `release` can read it.
    #[must_use]
    pub fn known_to(&self, release: Release) -> bool {
        self.life.covers(release)
    }

    /// The versions that `release` knows.
    #[must_use]
    pub fn versions(&self, release: Release) -> RangeInclusive<i16> {
        self.earlier
            .iter()
            .rev()
            .find(|(_, before)| release < *before)
            .map_or(&self.versions, |(versions, _)| versions)
            .clone()
    }

    /// Returns true if any release knew `version`.
    pub(super) fn ever_had(&self, version: i16) -> bool {
        let earlier = self.earlier.iter().map(|(versions, _)| versions);
        earlier
            .chain([&self.versions])
            .any(|versions| versions.contains(&version))
    }

    /// Reads `input` as `release` would; returns the bytes after the message too. A version above
    /// all known ones is read like the highest, as Kafka does.
    ///
    /// # Errors
    /// The bytes are not such a message; the position is counted from the start of `input`.
    pub fn read<'buf>(
        &'static self,
        version: i16,
        release: Release,
        input: &'buf [u8],
    ) -> Result<(Struct<'buf>, &'buf [u8]), Fault> {
        let reader = MessageReader {
            version,
            release,
            highest: *self.versions(release).end(),
            flexible: self.flexible.is_some_and(|from| version >= from),
        };
        let (rest, body) = finish(input, reader.fields(input, &self.layout))?;
        Ok((body, rest))
    }

    /// Reads `input` of any release: as the newest release would or, if that fails or leaves bytes,
    /// by the layouts that older releases wrote under the same version. An older layout is used
    /// only if it leaves no bytes.
    ///
    /// # Errors
    /// That of the newest layout.
    pub fn read_any<'buf>(
        &'static self,
        version: i16,
        input: &'buf [u8],
    ) -> Result<(Struct<'buf>, &'buf [u8]), Fault> {
        let newest = self.read(version, NEWEST, input);
        if matches!(newest, Ok((_, []))) {
            return newest;
        }
        let mut changes = Vec::new();
        self.layout.changes(&mut changes);
        changes.sort_unstable();
        changes.dedup();
        // The last change made the newest layout.
        if changes.pop().is_none() {
            return newest;
        }
        changes.insert(0, OLDEST);
        changes
            .into_iter()
            .rev()
            .find_map(|release| {
                self.read(version, release, input)
                    .ok()
                    .filter(|(_, rest)| rest.is_empty())
            })
            .map_or(newest, Ok)
    }
}

/// Reads one message of one version as one release would.
#[derive(Debug, Clone, Copy)]
struct MessageReader {
    version: i16,
    release: Release,
    /// The highest version that the release knows.
    highest: i16,
    flexible: bool,
}

impl MessageReader {
    /// The fields of a structure, and after them the tagged ones.
    fn fields<'buf>(
        self,
        input: &'buf [u8],
        layout: &'static Layout,
    ) -> Parsed<'buf, Struct<'buf>> {
        let mut rest = input;
        let mut values = Vec::with_capacity(layout.fields.len());
        for field in &layout.fields {
            values.push(match &field.tag {
                _ if !self.has(field) => Value::Absent,
                Some(tag) => tag.default.clone(),
                None => {
                    let (after, value) = self.field(rest, field)?;
                    rest = after;
                    value
                }
            });
        }
        let mut body = Struct::new(layout, values);
        if self.flexible {
            (rest, ()) = self.tagged(rest, &mut body)?;
        }
        Ok((rest, body))
    }

    fn has(self, field: &Field) -> bool {
        field.versions.contains(&self.version) && field.life.covers(self.release)
    }

    /// The tagged fields. The size of a known field is ignored, as in Kafka.
    fn tagged<'buf>(self, input: &'buf [u8], body: &mut Struct<'buf>) -> Parsed<'buf, ()> {
        let (mut rest, count) = unsigned_varint(input)?;
        for _ in 0..count.cast_signed().max(0) {
            let (payload, (tag, size)) = (unsigned_varint, unsigned_varint).parse(rest)?;
            let known = body.layout().fields.iter().enumerate().find(|(_, field)| {
                field.tag.as_ref().is_some_and(|t| t.number == tag)
                    && field.life.covers(self.release)
            });
            if let Some((index, field)) = known {
                if !self.has(field) {
                    let version = self.version;
                    return Err(Wrong::at(rest, SchemaFault::TagVersion { tag, version }));
                }
                let (after, value) = self.field(payload, field)?;
                body.set(index, value);
                rest = after;
            } else {
                body.add_unknown_tag();
                (rest, _) = bytes(payload, size.cast_signed())?;
            }
        }
        Ok((rest, ()))
    }

    /// One field that is present.
    fn field<'buf>(self, input: &'buf [u8], field: &'static Field) -> Parsed<'buf, Value<'buf>> {
        if !field.is_array {
            return self.value(input, field, false);
        }
        let (mut rest, length) = self.length(input, be_i32)?;
        let Ok(count) = usize::try_from(length) else {
            return null(input, rest, field, false);
        };
        let left = rest.len();
        if count > left {
            return Err(Wrong::at(rest, SchemaFault::ArrayLength { length, left }));
        }
        let mut elements = Vec::with_capacity(count);
        for _ in 0..count {
            let (after, element) = self.value(rest, field, true)?;
            elements.push(element);
            rest = after;
        }
        Ok((rest, Value::Array(elements)))
    }

    /// A value, or an element of an array.
    fn value<'buf>(
        self,
        input: &'buf [u8],
        field: &'static Field,
        element: bool,
    ) -> Parsed<'buf, Value<'buf>> {
        match &field.kind {
            FieldType::Bool => be_u8.map(|n| Value::Bool(n != 0)).parse(input),
            FieldType::Int8 => be_i8.map(|n| Value::Int(n.into())).parse(input),
            FieldType::Int16 => be_i16.map(|n| Value::Int(n.into())).parse(input),
            FieldType::Uint16 => be_u16.map(|n| Value::Int(n.into())).parse(input),
            FieldType::Int32 => be_i32.map(|n| Value::Int(n.into())).parse(input),
            FieldType::Uint32 => be_u32.map(|n| Value::Int(n.into())).parse(input),
            FieldType::Int64 => be_i64.map(Value::Int).parse(input),
            FieldType::Float64 => be_f64.map(Value::Float).parse(input),
            FieldType::Uuid => match input.split_first_chunk() {
                Some((uuid, rest)) => Ok((rest, Value::Uuid(uuid))),
                None => Err(Wrong::at(input, NumberFault::EndOfInput)),
            },
            FieldType::String => {
                let (rest, length) = self.length(input, be_i16.map(i32::from))?;
                if length < 0 {
                    return null(input, rest, field, element);
                }
                if length > MAX_STRING {
                    let field = field.reported(element);
                    return Err(Wrong::at(
                        input,
                        SchemaFault::StringLength { field, length },
                    ));
                }
                let (rest, text) = bytes(rest, length)?;
                Ok((rest, Value::String(text)))
            }
            FieldType::Bytes => {
                let (rest, length) = self.length(input, be_i32)?;
                if length < 0 {
                    return null(input, rest, field, element);
                }
                let (rest, data) = bytes(rest, length)?;
                Ok((rest, Value::Bytes(data)))
            }
            FieldType::Struct(layout) => self.structure(input, field, layout),
        }
    }

    fn structure<'buf>(
        self,
        input: &'buf [u8],
        field: &'static Field,
        layout: &'static Layout,
    ) -> Parsed<'buf, Value<'buf>> {
        let mut rest = input;
        if field.is_nullable && !field.is_array {
            let (after, marker) = match field.tag {
                Some(_) => unsigned_varint.map(u32::cast_signed).parse(input)?,
                None => be_i8.map(|n| i32::from(n >= 0)).parse(input)?,
            };
            if marker <= 0 {
                return Ok((after, Value::Null));
            }
            rest = after;
        }
        let (name, version) = (layout.name, self.version);
        if version > self.highest && !layout.is_shared {
            return Err(Wrong::at(
                input,
                SchemaFault::StructVersion { name, version },
            ));
        }
        let (rest, body) = self.fields(rest, layout)?;
        Ok((rest, Value::Struct(body)))
    }

    /// The length of a string, of bytes or of an array, which is a `plain` number unless it is
    /// compact. Negative means null.
    fn length<'buf>(
        self,
        input: &'buf [u8],
        mut plain: impl Parser<&'buf [u8], Output = i32, Error = Wrong<'buf, FaultKind>>,
    ) -> Parsed<'buf, i32> {
        if self.flexible {
            let (rest, n) = unsigned_varint(input)?;
            Ok((rest, n.cast_signed().wrapping_sub(1)))
        } else {
            plain.parse(input)
        }
    }
}

/// A null, which was read between `input` and `rest`.
fn null<'buf>(
    input: &'buf [u8],
    rest: &'buf [u8],
    field: &'static Field,
    element: bool,
) -> Parsed<'buf, Value<'buf>> {
    if field.is_nullable && !element {
        Ok((rest, Value::Null))
    } else {
        let field = field.reported(element);
        Err(Wrong::at(input, SchemaFault::NullField(field)))
    }
}

/// Bytes prefixed with their length.
fn bytes(input: &[u8], length: i32) -> Parsed<'_, &[u8]> {
    let left = input.len();
    usize::try_from(length)
        .ok()
        .and_then(|size| input.split_at_checked(size))
        .map(|(data, rest)| (rest, data))
        .ok_or_else(|| Wrong::at(input, SchemaFault::FieldLength { length, left }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::hex;
    use crate::format::fault::FieldName;

    const FAMILIES: [SchemaFamily; 8] = [
        SchemaFamily::ConsumerOffsets,
        SchemaFamily::TransactionState,
        SchemaFamily::ShareGroupState,
        SchemaFamily::ClusterMetadata,
        SchemaFamily::RemoteLogMetadata,
        SchemaFamily::Control,
        SchemaFamily::ConsumerProtocol,
        SchemaFamily::MirrorMaker,
    ];

    /// Every message.
    fn messages() -> impl Iterator<Item = &'static MessageSchema> {
        FAMILIES.into_iter().flat_map(|family| {
            (0..64).flat_map(move |id| [family.key(id), family.value(id)].into_iter().flatten())
        })
    }

    /// Writes messages in which every field is present: arrays have one element, nullable
    /// structures are not null.
    struct Writer {
        version: i16,
        release: Release,
        flexible: bool,
        out: Vec<u8>,
    }

    impl Writer {
        fn fields(&mut self, layout: &Layout) {
            let mut tagged = Vec::new();
            for field in &layout.fields {
                if !field.versions.contains(&self.version) || !field.life.covers(self.release) {
                    continue;
                }
                let Some(tag) = &field.tag else {
                    self.field(field);
                    continue;
                };
                let out = std::mem::take(&mut self.out);
                self.field(field);
                tagged.push((tag.number, std::mem::replace(&mut self.out, out)));
            }
            if self.flexible {
                self.out.push(u8::try_from(tagged.len()).unwrap());
                for (tag, payload) in tagged {
                    self.out.push(u8::try_from(tag).unwrap());
                    self.out.push(u8::try_from(payload.len()).unwrap());
                    self.out.extend(payload);
                }
            }
        }

        fn field(&mut self, field: &Field) {
            if field.is_array {
                self.one(&[0, 0, 0, 1]);
            } else if field.is_nullable && matches!(field.kind, FieldType::Struct(_)) {
                self.out.push(1);
            }
            match &field.kind {
                FieldType::Bool | FieldType::Int8 => self.out.push(1),
                FieldType::Int16 | FieldType::Uint16 => self.out.extend([0, 3]),
                FieldType::Int32 | FieldType::Uint32 => self.out.extend([0, 0, 0, 3]),
                FieldType::Int64 => self.out.extend([0, 0, 0, 0, 0, 0, 0, 3]),
                FieldType::Float64 => self.out.extend([0x3f, 0xf0, 0, 0, 0, 0, 0, 0]),
                FieldType::Uuid => self.out.extend([7; 16]),
                FieldType::String => {
                    self.one(&[0, 1]);
                    self.out.push(b's');
                }
                FieldType::Bytes => {
                    self.one(&[0, 0, 0, 1]);
                    self.out.push(b'b');
                }
                FieldType::Struct(layout) => self.fields(layout),
            }
        }

        /// The length 1, in full or compact.
        fn one(&mut self, plain: &[u8]) {
            self.out.extend(if self.flexible { &[2] } else { plain });
        }
    }

    fn written(message: &MessageSchema, version: i16, release: Release) -> Vec<u8> {
        let mut writer = Writer {
            version,
            release,
            flexible: message.flexible.is_some_and(|from| version >= from),
            out: Vec::new(),
        };
        writer.fields(&message.layout);
        writer.out
    }

    #[test]
    fn every_message_is_read_in_every_version() {
        for message in messages() {
            for version in message.versions.clone() {
                let bytes = written(message, version, NEWEST);
                let (body, rest) = message.read(version, NEWEST, &bytes).unwrap();
                assert!(rest.is_empty(), "{} {version}", message.name);
                assert!(!body.has_unknown_tags());
                // Nothing has its default, so everything is shown.
                assert_eq!(
                    body.shown().count(),
                    body.iter().count(),
                    "{}",
                    message.name
                );
            }
        }
    }

    #[test]
    fn a_message_cut_anywhere_is_a_fault_in_its_bytes() {
        for message in messages() {
            for version in message.versions.clone() {
                let bytes = written(message, version, NEWEST);
                for end in 0..bytes.len() {
                    let fault = message.read(version, NEWEST, &bytes[..end]).unwrap_err();
                    assert!(fault.at() <= end, "{} {version} {end}", message.name);
                }
            }
        }
    }

    #[test]
    fn whatever_a_release_wrote_is_read_whole() {
        let releases = [
            (3, 0),
            (3, 2),
            (3, 5),
            (3, 6),
            (3, 8),
            (4, 0),
            (4, 1),
            (4, 3),
        ];
        for message in messages() {
            for (major, minor) in releases {
                let release = Release::new(major, minor, 0);
                if message.known_to(release) {
                    let version = *message.versions(release).end();
                    let bytes = written(message, version, release);
                    let read = message.read_any(version, &bytes);
                    assert!(matches!(read, Ok((_, []))), "{} {release}", message.name);
                }
            }
        }
    }

    #[test]
    fn an_older_release_passes_over_tags_that_it_does_not_know() {
        let message = SchemaFamily::ConsumerOffsets.value(3).unwrap();
        let bytes = written(message, 0, NEWEST);
        let (body, rest) = message.read(0, Release::new(4, 0, 0), &bytes).unwrap();
        assert!(rest.is_empty() && body.has_unknown_tags());
        assert_eq!(body.get("metadataHash"), None);
    }

    #[test]
    fn counts_are_checked_before_memory_is_taken() {
        let message = SchemaFamily::ConsumerProtocol.value(0).unwrap();
        let fault = message
            .read(0, NEWEST, &[0x7f, 0xff, 0xff, 0xff, 1])
            .unwrap_err();
        assert_eq!(
            fault,
            Fault::new(
                SchemaFault::ArrayLength {
                    length: i32::MAX,
                    left: 1
                },
                4
            )
        );
        let message = SchemaFamily::ConsumerOffsets.value(16).unwrap();
        let fault = message
            .read(0, NEWEST, &[0xff, 0xff, 0xff, 0xff, 7])
            .unwrap_err();
        assert!(matches!(
            fault.kind(),
            FaultKind::Schema(SchemaFault::ArrayLength {
                length: 0x7fff_fffe,
                ..
            })
        ));
    }

    #[test]
    fn faults_name_the_field_as_kafka_does() {
        let message = SchemaFamily::ConsumerProtocol.value(0).unwrap();
        let kind = |bytes: &str| message.read(0, NEWEST, &hex(bytes)).unwrap_err().kind();
        let null =
            |name, element| FaultKind::Schema(SchemaFault::NullField(FieldName { name, element }));
        assert_eq!(kind("ffffffff"), null("topics", false));
        assert_eq!(kind("00000001 ffff"), null("topics", true));
        assert_eq!(
            kind("00000000 00000009 00"),
            FaultKind::Schema(SchemaFault::FieldLength { length: 9, left: 1 })
        );
        let message = SchemaFamily::ConsumerOffsets.value(16).unwrap();
        let fault = message.read(0, NEWEST, &hex("02 818002")).unwrap_err();
        let field = FieldName {
            name: "topics",
            element: true,
        };
        assert_eq!(
            fault.kind(),
            FaultKind::Schema(SchemaFault::StringLength {
                field,
                length: 32768
            })
        );
        assert_eq!(
            fault.to_string(),
            "string topics element has the invalid length 32768"
        );
    }

    #[test]
    fn a_tag_before_its_version_is_a_fault() {
        let message = SchemaFamily::ClusterMetadata.value(5).unwrap();
        let bytes = hex("00000000 523e709ff16a4d78ab1004af559458d7 01 08 01 01");
        let fault = message.read(0, NEWEST, &bytes).unwrap_err();
        assert_eq!(
            fault.kind(),
            FaultKind::Schema(SchemaFault::TagVersion { tag: 8, version: 0 })
        );
        assert!(message.read(1, NEWEST, &bytes).is_ok());
    }

    #[test]
    fn versions_beyond_the_known_are_read_like_the_nearest() {
        let message = SchemaFamily::ConsumerOffsets.value(2).unwrap();
        let empty = hex("0000 00000001 ffff ffff 00000000");
        assert!(message.read(-3, NEWEST, &empty).is_ok());
        let newest = written(message, 4, NEWEST);
        let fault = message.read(9, NEWEST, &newest).unwrap_err();
        let name = "MemberMetadata";
        assert_eq!(
            fault.kind(),
            FaultKind::Schema(SchemaFault::StructVersion { name, version: 9 })
        );
    }
}
