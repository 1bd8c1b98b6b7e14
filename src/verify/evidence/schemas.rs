//! Evidence about schema ids.

use std::fmt;

/// The fault of schema ids.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(tag = "schemas", rename_all = "snake_case"))]
#[non_exhaustive]
pub enum SchemaIdFault {
    /// Records have ids without a schema.
    None {
        /// The part of records: `keys` or `values`.
        of: &'static str,
        /// The ids.
        ids: Vec<i32>,
    },
    /// An id has several schemas.
    Several {
        /// The id.
        id: i32,
        /// The subjects and versions that have it.
        versions: Vec<String>,
    },
}

/// The number of ids named in a sentence; JSON has all.
const NAMED: usize = 5;

impl fmt::Display for SchemaIdFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None { of, ids } => {
                let plural = if ids.len() == 1 { "" } else { "s" };
                write!(f, "{of} have the schema id{plural} ")?;
                named(ids, f)?;
                f.write_str(", which _schemas does not have")
            }
            Self::Several { id, versions } => {
                write!(f, "schema id {id} has several schemas: ")?;
                named(versions, f)
            }
        }
    }
}

fn named<T: fmt::Display>(list: &[T], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (nth, it) in list.iter().take(NAMED).enumerate() {
        write!(f, "{}{it}", if nth == 0 { "" } else { ", " })?;
    }
    match list.len().saturating_sub(NAMED) {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}
