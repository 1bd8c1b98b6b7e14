//! `kseg.manifest/1`: the contents of the files of an export.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use kseg::store::{Item, read_known};
use serde::{Deserialize, Serialize};

use crate::cli::output::OutputFile;
use crate::cli::render::json;
use crate::cli::render::rows::size;
use crate::cli::render::table::{counted, plain};
use crate::cli::schema;

/// Its schema.
const SCHEMA: &str = schema::MANIFEST.id;

/// Its name.
const NAME: &str = "kseg.manifest.json";

/// The minimum time between two writes while files are added.
const PAUSE: Duration = Duration::from_secs(1);

/// A manifest as it is written.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Document {
    schema: String,
    /// The release that wrote it.
    kseg: String,
    /// The files, in the order of the export.
    files: Vec<ExportedFile>,
}

/// A manifest that is being written.
#[derive(Debug)]
pub(super) struct Manifest {
    document: Document,
    /// Files of the earlier export that this one continues, until they are reached.
    ahead: Files,
    saved: Instant,
}

/// A file of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ExportedFile {
    /// Its name.
    pub(super) file: String,
    pub(super) topic: Option<String>,
    pub(super) partition: Option<i32>,
    /// The source of its records.
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
    /// The checksum of the file, in hexadecimal.
    pub(super) crc32c: String,
    pub(super) sha256: String,
    /// True if every record of the source that was requested is in it.
    pub(super) complete: bool,
    /// The unreadable ranges.
    pub(super) damage: Vec<Damage>,
    /// The number of further ranges.
    pub(super) more_damage: u64,
    /// Records left out because an earlier record has their offset, as for a consumer.
    #[serde(default)]
    pub(super) duplicates: u64,
    /// A fingerprint of the options and of the source: a later run with the same one would write
    /// the same file.
    pub(super) request: String,
}

/// Bytes of a source that are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Damage {
    pub(super) file: String,
    /// The first byte.
    pub(super) start: u64,
    /// The position after the last byte.
    pub(super) end: u64,
    pub(super) what: String,
}

/// The entries of a manifest, by file name.
pub(super) type Files = BTreeMap<String, ExportedFile>;

impl Manifest {
    /// Reads the manifest in `dir`, if it exists.
    ///
    /// # Errors
    /// It cannot be read, or is invalid.
    pub(super) fn read(dir: &Path) -> Result<Option<Files>> {
        let path = dir.join(NAME);
        if Item::at(&path).is_err() {
            return Ok(None);
        }
        let shown = path.display();
        let text = read_known(&path)?;
        let manifest: Document =
            serde_json::from_slice(&text).with_context(|| format!("{shown}: no manifest"))?;
        if manifest.schema != SCHEMA {
            bail!("{shown}: its schema is {:?}, not {SCHEMA}", manifest.schema);
        }
        let files = manifest.files.into_iter();
        Ok(Some(files.map(|file| (file.file.clone(), file)).collect()))
    }

    /// The manifest of an export that writes files of these names, and continues an earlier one.
    pub(super) fn after(before: &Files, names: &[String]) -> Self {
        let ahead = names.iter().filter_map(|name| before.get_key_value(name));
        Self {
            document: Document {
                schema: SCHEMA.into(),
                kseg: env!("CARGO_PKG_VERSION").into(),
                files: Vec::new(),
            },
            ahead: ahead
                .map(|(name, file)| (name.clone(), file.clone()))
                .collect(),
            saved: Instant::now(),
        }
    }

    /// Adds a complete file.
    pub(super) fn add(&mut self, file: ExportedFile) {
        self.ahead.remove(&file.file);
        self.document.files.push(file);
    }

    /// Returns the number of files.
    pub(super) fn len(&self) -> usize {
        self.document.files.len()
    }

    /// Returns true if there are no files.
    pub(super) fn is_empty(&self) -> bool {
        self.document.files.is_empty() && self.ahead.is_empty()
    }

    /// Returns true if everything could be read.
    pub(super) fn is_undamaged(&self) -> bool {
        self.document
            .files
            .iter()
            .all(|file| file.damage.is_empty())
    }

    /// The line at the end of an export into `dir`.
    pub(super) fn summary(&self, dir: &Path) -> String {
        let files = &self.document.files;
        let records = files.iter().map(|file| file.records).sum();
        let bytes = files.iter().map(|file| file.size_bytes).sum();
        let (records, count) = (
            counted(records, "record"),
            counted(files.len() as u64, "file"),
        );
        let dir = plain(&dir.to_string_lossy());
        let written = format!("{dir}: {records} in {count}, {}", size(bytes));
        match files.iter().filter(|file| !file.complete).count() {
            0 => format!("{written}\n"),
            some => format!("{written}; {some} not complete, see {NAME}\n"),
        }
    }

    /// Writes it into `dir` if the last write is some time ago: a killed run loses little, which is
    /// written again.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn save_now_and_then(&mut self, dir: &Path) -> Result<()> {
        if self.saved.elapsed() < PAUSE {
            return Ok(());
        }
        self.save(dir)?;
        self.saved = Instant::now();
        Ok(())
    }

    /// Writes it into `dir`, and replaces the old one. Files that were not reached yet are those of
    /// the earlier export.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn save(&mut self, dir: &Path) -> Result<()> {
        let done = self.document.files.len();
        self.document.files.extend(self.ahead.values().cloned());
        let text = json::pretty(&self.document);
        self.document.files.truncate(done);
        let mut text = text?;
        text.push(b'\n');
        let mut file = OutputFile::create(&dir.join(NAME))?;
        match file.write_all(&text) {
            Ok(()) => file.finish(),
            Err(error) => Err(file.failed(&error)),
        }
    }
}
