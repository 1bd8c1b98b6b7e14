//! `kseg.manifest/1`: what is in the files of an export.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use kseg::store::Item;
use serde::{Deserialize, Serialize};

use crate::cli::output::OutputFile;

/// Its schema.
const SCHEMA: &str = "kseg.manifest/1";

/// Its name.
const NAME: &str = "kseg.manifest.json";

/// A manifest.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Manifest {
    schema: String,
    /// The release that wrote it.
    kseg: String,
    /// The files, in the order of the export.
    pub(super) files: Vec<ExportedFile>,
}

/// A file of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ExportedFile {
    /// Its name.
    pub(super) file: String,
    pub(super) topic: Option<String>,
    pub(super) partition: Option<i32>,
    /// Where its records come from.
    pub(super) source: String,
    pub(super) format: String,
    pub(super) compression: String,
    pub(super) records: u64,
    pub(super) first_offset: Option<i64>,
    pub(super) last_offset: Option<i64>,
    pub(super) first_timestamp: Option<i64>,
    pub(super) last_timestamp: Option<i64>,
    /// Bytes of the file.
    pub(super) size_bytes: u64,
    /// Of the file, in hexadecimal.
    pub(super) crc32c: String,
    pub(super) sha256: String,
    /// Whether reading came to the end of the log.
    pub(super) complete: bool,
    /// What could not be read.
    pub(super) damage: Vec<Damage>,
    /// How many more such places there are.
    pub(super) more_damage: u64,
    /// A fingerprint of the options and of the source, by which a later run knows whether it would write the same.
    pub(super) request: String,
}

/// Bytes of a source that are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Damage {
    pub(super) file: String,
    /// The first byte.
    pub(super) start: u64,
    /// The first byte behind.
    pub(super) end: u64,
    pub(super) what: String,
}

impl Manifest {
    /// Where the manifest of an export into `dir` is.
    pub(super) fn path(dir: &Path) -> PathBuf {
        dir.join(NAME)
    }

    /// Reads the manifest in `dir`; none if there is none.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub(super) fn read(dir: &Path) -> Result<Option<Self>> {
        let path = Self::path(dir);
        if Item::at(&path).is_err() {
            return Ok(None);
        }
        let shown = path.display();
        let text = std::fs::read(&path).with_context(|| shown.to_string())?;
        let manifest: Self =
            serde_json::from_slice(&text).with_context(|| format!("{shown}: no manifest"))?;
        if manifest.schema != SCHEMA {
            bail!("{shown}: its schema is {:?}, not {SCHEMA}", manifest.schema);
        }
        Ok(Some(manifest))
    }

    /// Writes it into `dir`, in place of the one there.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn write(&mut self, dir: &Path) -> Result<()> {
        SCHEMA.clone_into(&mut self.schema);
        env!("CARGO_PKG_VERSION").clone_into(&mut self.kseg);
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        let mut file = OutputFile::create(&Self::path(dir))?;
        match file.write_all(&text) {
            Ok(()) => file.finish(),
            Err(error) => Err(file.failed(&error)),
        }
    }
}
