//! Words and numbers of checks that have no kind of their own yet.

use std::fmt;

/// Words and numbers by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    pub(in crate::verify) message: Option<String>,
    pub(in crate::verify) detail: Vec<(&'static str, Value)>,
}

impl Said {
    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.detail.iter().map(|(name, value)| (*name, value))
    }
}

/// A value of a finding's detail.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// A number.
    Int(i128),
    /// A checksum.
    Crc(u32),
    /// Yes or no.
    Flag(bool),
    /// Words.
    Text(String),
}

macro_rules! value_from {
    ($($from:ty),*) => { $(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::Int(value.into())
            }
        }
    )* };
}

value_from!(i8, i16, i32, i64, u8, u16, u32, u64);

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Int(value as i128)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Flag(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => write!(f, "{number}"),
            Self::Crc(crc) => write!(f, "{crc:#010x}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

#[cfg(feature = "serde")]
mod document {
    use serde::ser::{Serialize, SerializeMap, Serializer};

    use super::{Said, Value};

    impl Serialize for Said {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(self.detail.len()))?;
            for (name, value) in self.iter() {
                map.serialize_entry(name, value)?;
            }
            map.end()
        }
    }

    impl Serialize for Value {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self {
                Self::Int(number) => match (i64::try_from(*number), u64::try_from(*number)) {
                    (Ok(number), _) => serializer.serialize_i64(number),
                    (_, Ok(number)) => serializer.serialize_u64(number),
                    _ => serializer.collect_str(number),
                },
                Self::Crc(crc) => serializer.serialize_u32(*crc),
                Self::Flag(flag) => serializer.serialize_bool(*flag),
                Self::Text(text) => serializer.serialize_str(text),
            }
        }
    }
}
