//! Flat buffers, written from front to back: as much of the format as the messages of an Arrow
//! stream need.
//!
//! # References
//! The `FlatBuffers` internals: a table begins with the distance to its vtable, a vtable lists
//! where fields are, references are forward distances of four bytes, everything is aligned to its
//! size.

/// A buffer in the making.
#[derive(Debug)]
pub(super) struct Flat {
    bytes: Vec<u8>,
}

/// A field of a table.
#[derive(Debug, Clone, Copy)]
pub(super) enum Slot {
    /// The default of its type.
    Absent,
    Byte(u8),
    Short(i16),
    Int(i32),
    Long(i64),
    /// A table, vector or text that follows; see [`Flat::refer`].
    Reference,
}

impl Slot {
    const fn bytes(self) -> usize {
        match self {
            Self::Absent => 0,
            Self::Byte(_) => 1,
            Self::Short(_) => 2,
            Self::Int(_) | Self::Reference => 4,
            Self::Long(_) => 8,
        }
    }
}

/// The position of a reference that has to be filled in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reference(usize);

#[expect(clippy::little_endian_bytes, reason = "flat buffers are little-endian")]
impl Flat {
    /// A buffer whose root is the table written next, after a call of [`Flat::refer`].
    pub(super) fn new() -> (Self, Reference) {
        (Self { bytes: vec![0; 4] }, Reference(0))
    }

    /// The bytes, padded to a multiple of eight.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.align(8, 0);
        self.bytes
    }

    /// Makes `reference` lead to what is written next, which is a table.
    pub(super) fn table<const N: usize>(
        &mut self,
        reference: Reference,
        slots: [Slot; N],
    ) -> [Reference; N] {
        // From the start of the table, after the distance to the vtable. Tables are aligned to
        // eight.
        let (mut at, mut places) = (4, [0; N]);
        for (place, slot) in places.iter_mut().zip(slots) {
            if slot.bytes() > 0 {
                at = usize::next_multiple_of(at, slot.bytes());
                *place = at;
                at += slot.bytes();
            }
        }
        let vtable_bytes = 4 + 2 * N;
        self.align(8, vtable_bytes);
        let vtable = self.bytes.len();
        for length in [vtable_bytes, at].into_iter().chain(places) {
            let short = u16::try_from(length).unwrap_or_default();
            self.bytes.extend_from_slice(&short.to_le_bytes());
        }
        let table = self.bytes.len();
        self.point(reference);
        self.bytes.extend_from_slice(&distance(vtable, table));
        for (place, slot) in places.into_iter().zip(slots) {
            if slot.bytes() == 0 {
                continue;
            }
            self.bytes.resize(table + place, 0);
            match slot {
                Slot::Absent => {}
                Slot::Byte(n) => self.bytes.push(n),
                Slot::Short(n) => self.bytes.extend_from_slice(&n.to_le_bytes()),
                Slot::Int(n) => self.bytes.extend_from_slice(&n.to_le_bytes()),
                Slot::Reference => self.bytes.extend_from_slice(&[0; 4]),
                Slot::Long(n) => self.bytes.extend_from_slice(&n.to_le_bytes()),
            }
        }
        places.map(|place| Reference(table + place))
    }

    /// Writes a text and makes `reference` lead to it.
    pub(super) fn text(&mut self, reference: Reference, text: &str) {
        self.align(4, 0);
        self.point(reference);
        self.bytes.extend_from_slice(&length(text.len()));
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(0);
    }

    /// Writes a vector of references and makes `reference` lead to it.
    pub(super) fn references(&mut self, reference: Reference, count: usize) -> Vec<Reference> {
        self.align(4, 0);
        self.point(reference);
        self.bytes.extend_from_slice(&length(count));
        let first = self.bytes.len();
        self.bytes.resize(first + 4 * count, 0);
        (0..count).map(|nth| Reference(first + 4 * nth)).collect()
    }

    /// Writes a vector of pairs of numbers and makes `reference` lead to it.
    pub(super) fn pairs(&mut self, reference: Reference, pairs: &[[i64; 2]]) {
        self.align(8, 4);
        self.point(reference);
        self.bytes.extend_from_slice(&length(pairs.len()));
        for number in pairs.as_flattened() {
            self.bytes.extend_from_slice(&number.to_le_bytes());
        }
    }

    /// Pads so that what follows in `ahead` bytes is aligned.
    fn align(&mut self, to: usize, ahead: usize) {
        let end = (self.bytes.len() + ahead).next_multiple_of(to);
        self.bytes.resize(end - ahead, 0);
    }

    /// Makes a reference lead to where the buffer ends now.
    fn point(&mut self, Reference(at): Reference) {
        let forward = distance(at, self.bytes.len());
        if let Some(place) = self.bytes.get_mut(at..at + 4) {
            place.copy_from_slice(&forward);
        }
    }
}

#[expect(clippy::little_endian_bytes, reason = "flat buffers are little-endian")]
fn distance(from: usize, to: usize) -> [u8; 4] {
    i32::try_from(to - from).unwrap_or_default().to_le_bytes()
}

fn length(length: usize) -> [u8; 4] {
    distance(0, length)
}
