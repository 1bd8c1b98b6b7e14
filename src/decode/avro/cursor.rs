//! A cursor over the bytes of a value.

/// The reason why bytes are not a value of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Undecodable {
    /// The bytes end inside the value.
    #[error("not a value of its schema: it ends early")]
    Short,
    /// Bytes follow the value.
    #[error("not a value of its schema: bytes follow it")]
    Long,
    /// A number does not fit its type.
    #[error("not a value of its schema: a number out of range")]
    Number,
    /// A branch of a union or a symbol that the schema does not have.
    #[error("not a value of its schema: a branch or symbol that the schema does not have")]
    Branch,
    /// Values inside of each other, more than [`MOST_DEPTH`](super::MOST_DEPTH).
    #[error("nested too deep")]
    Deep,
    /// More values than the number of bytes allows, or more than [`MOST_BYTES`](super::MOST_BYTES)
    /// of JSON.
    #[error("too large when decoded")]
    Large,
}

/// Reads the primitives of Avro, one after the other.
#[derive(Debug, Clone)]
pub struct AvroCursor<'b> {
    rest: &'b [u8],
}

#[expect(clippy::little_endian_bytes, reason = "as Avro has them")]
impl<'b> AvroCursor<'b> {
    /// A cursor at the start of a value.
    #[must_use]
    pub const fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Ends the value.
    ///
    /// # Errors
    /// Bytes follow it.
    pub const fn finish(&self) -> Result<(), Undecodable> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Undecodable::Long)
        }
    }

    /// Takes a number of bytes.
    ///
    /// # Errors
    /// There are fewer.
    pub fn take(&mut self, size: usize) -> Result<&'b [u8], Undecodable> {
        let (taken, rest) = self.rest.split_at_checked(size).ok_or(Undecodable::Short)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Takes bytes prefixed with their length.
    ///
    /// # Errors
    /// There are fewer, or the length is invalid.
    pub fn bytes(&mut self) -> Result<&'b [u8], Undecodable> {
        let size = usize::try_from(self.long()?).map_err(|_| Undecodable::Number)?;
        self.take(size)
    }

    /// Takes a `boolean`.
    ///
    /// # Errors
    /// The byte is neither 0 nor 1.
    pub fn boolean(&mut self) -> Result<bool, Undecodable> {
        match self.take(1)? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(Undecodable::Number),
        }
    }

    /// Takes an `int`.
    ///
    /// # Errors
    /// It does not fit, or ends early.
    pub fn int(&mut self) -> Result<i32, Undecodable> {
        i32::try_from(self.long()?).map_err(|_| Undecodable::Number)
    }

    /// Takes a `long`: a zigzag number of seven bits a byte, the lowest first.
    ///
    /// # Errors
    /// It does not fit, or ends early.
    #[inline]
    pub fn long(&mut self) -> Result<i64, Undecodable> {
        let (mut bits, mut shift) = (0_u64, 0_u32);
        loop {
            let [byte] = *self.take(1)? else {
                return Err(Undecodable::Short);
            };
            let low = u64::from(byte & 0x7f);
            if shift == 63 && low > 1 || shift > 63 {
                return Err(Undecodable::Number);
            }
            bits |= low << shift;
            if byte < 0x80 {
                return Ok((bits >> 1).cast_signed() ^ (bits & 1).cast_signed().wrapping_neg());
            }
            shift = shift.saturating_add(7);
        }
    }

    /// Takes a `float`.
    ///
    /// # Errors
    /// It ends early.
    pub fn float(&mut self) -> Result<f32, Undecodable> {
        let bytes = self.take(4)?.try_into();
        Ok(f32::from_le_bytes(bytes.map_err(|_| Undecodable::Short)?))
    }

    /// Takes a `double`.
    ///
    /// # Errors
    /// It ends early.
    pub fn double(&mut self) -> Result<f64, Undecodable> {
        let bytes = self.take(8)?.try_into();
        Ok(f64::from_le_bytes(bytes.map_err(|_| Undecodable::Short)?))
    }

    /// Takes the number of a branch of a union or of a symbol.
    ///
    /// # Errors
    /// The number is out of range.
    pub fn choice<'n, T>(&mut self, of: &'n [T]) -> Result<&'n T, Undecodable> {
        let index = usize::try_from(self.long()?).ok();
        index
            .and_then(|index| of.get(index))
            .ok_or(Undecodable::Branch)
    }

    /// Takes the head of a block of an array or a map: how many items follow; 0 is the end. A
    /// negative count is followed by the block's size, for readers that skip it.
    ///
    /// # Errors
    /// It ends early.
    pub fn block(&mut self) -> Result<u64, Undecodable> {
        let count = self.long()?;
        if count < 0 {
            self.long()?;
        }
        Ok(count.unsigned_abs())
    }
}
