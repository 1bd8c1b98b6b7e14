//! In place of Protobuf by its schemas where the feature `protobuf` is not there: messages have the
//! numbers of their fields.

use anyhow::{Result, bail};

/// The messages of a schema: there is no value of it.
#[derive(Debug)]
pub(crate) enum Messages {}

impl Messages {
    /// Refuses.
    ///
    /// # Errors
    /// Always.
    pub(crate) fn compile(_: &str, _: &[(&str, &str)]) -> Result<Self> {
        bail!("Protobuf: this kseg was built without the feature protobuf")
    }

    /// Cannot be called.
    pub(super) fn write_json(&self, _: &[usize], _: &[u8], _: &mut Vec<u8>) -> bool {
        match *self {}
    }
}
