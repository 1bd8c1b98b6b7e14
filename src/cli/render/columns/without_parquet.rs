//! In place of Parquet files where the feature `parquet` is not there.

use std::convert::Infallible;
use std::io::Write;
use std::marker::PhantomData;

use anyhow::{Result, bail};

use super::{Array, Field, PageCodec};

/// A file that cannot be made: there is no value of it.
pub(crate) struct ColumnFile<W>(Infallible, PhantomData<W>);

/// The encoder of its row groups.
pub(crate) struct GroupEncoder(Infallible);

/// A row group.
pub(crate) struct EncodedGroup;

impl<W: Write + Send> ColumnFile<W> {
    /// Refuses.
    ///
    /// # Errors
    /// Always.
    pub(crate) fn new(_: W, _: &[Field], _: PageCodec) -> Result<(Self, GroupEncoder)> {
        bail!("--format parquet: this kseg was built without the feature parquet")
    }

    /// Cannot be called.
    pub(crate) fn append(&mut self, _: EncodedGroup) -> Result<()> {
        match self.0 {}
    }

    /// Cannot be called.
    pub(crate) fn note(&mut self, _: &str, _: String) {
        match self.0 {}
    }

    /// Cannot be called.
    pub(crate) fn finish(self) -> Result<()> {
        match self.0 {}
    }
}

impl GroupEncoder {
    /// Cannot be called.
    pub(crate) fn encode(&self, _: &mut [Array]) -> Result<EncodedGroup> {
        match self.0 {}
    }
}
