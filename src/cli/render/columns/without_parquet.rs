//! In place of Parquet files where the feature `parquet` is not there.

use std::io::Write;
use std::marker::PhantomData;

use anyhow::{Result, bail};

use super::{Array, Field};

/// A file that cannot be made.
pub(crate) struct ColumnFile<W>(PhantomData<W>);

impl<W: Write + Send> ColumnFile<W> {
    /// Refuses.
    ///
    /// # Errors
    /// Always.
    pub(crate) fn new(_: W, _: &[Field]) -> Result<Self> {
        bail!("--format parquet: this kseg was built without the feature parquet")
    }

    /// Nothing.
    ///
    /// # Errors
    /// None.
    pub(crate) fn row_group(&mut self, _: &mut [Array]) -> Result<()> {
        Ok(())
    }

    /// Nothing.
    pub(crate) fn note(&mut self, _: &str, _: String) {}

    /// Nothing.
    ///
    /// # Errors
    /// None.
    pub(crate) fn finish(self) -> Result<()> {
        Ok(())
    }
}
