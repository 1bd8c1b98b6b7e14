//! A replacement for `protobuf.rs` without the feature `protobuf`: messages are shown by field
//! numbers.

use anyhow::{Result, bail};

/// The messages of a schema; without the feature there are no values of this type.
#[derive(Debug)]
pub(crate) enum Messages {}

impl Messages {
    /// Returns an error.
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
