//! A replacement for `protobuf_columns.rs` without the feature `protobuf`.

use super::protobuf::Messages;
use crate::cli::render::columns::avro::NoColumns;
use crate::cli::render::columns::{Array, ColumnType};

/// A column of messages; without the feature there are no values of this type.
#[derive(Debug)]
pub(super) enum MessageColumn {}

impl MessageColumn {
    /// Cannot be called.
    pub(super) fn new(_: Messages) -> Result<Self, NoColumns> {
        Err(NoColumns::Empty)
    }

    /// Cannot be called.
    pub(super) fn kind(&self) -> &ColumnType {
        match *self {}
    }

    /// Cannot be called.
    pub(super) fn push(&self, _: &[usize], _: &[u8], _: &mut Array) -> Option<usize> {
        match *self {}
    }
}
