//! Known findings: `kseg.baseline/1`.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use kseg::verify::Finding;
use serde_json::{Value, json as object};

use crate::cli::input::read_given;
use crate::cli::output::OutputFile;
use crate::cli::render::json;
use crate::cli::schema;

const SCHEMA: &str = schema::BASELINE.id;

/// The facts of a finding that stay the same from run to run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    path: String,
    position: Option<u64>,
    code: String,
    offset: Option<i64>,
}

/// Known findings.
#[derive(Debug, Default)]
pub(super) struct Baseline {
    keys: BTreeSet<Key>,
}

impl Baseline {
    /// Reads one.
    ///
    /// # Errors
    /// The file cannot be read, or is not a baseline.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = read_given(path, 1 << 30)?;
        let document: Value = serde_json::from_slice(&bytes)
            .with_context(|| format!("{}: not a baseline", path.display()))?;
        if document.get("schema") != Some(&object!(SCHEMA)) {
            bail!(
                "{}: not a baseline: its schema is not {SCHEMA}",
                path.display()
            );
        }
        let findings = document.get("findings").and_then(Value::as_array);
        let keys = findings.into_iter().flatten().map(|finding| Key {
            path: text(finding, "path"),
            position: finding.get("position").and_then(Value::as_u64),
            code: text(finding, "code"),
            offset: finding.get("offset").and_then(Value::as_i64),
        });
        Ok(Self {
            keys: keys.collect(),
        })
    }

    /// Adds a finding.
    pub(super) fn add(&mut self, finding: &Finding, roots: &[PathBuf]) {
        self.keys.insert(key(finding, roots));
    }

    /// Returns true if a finding is known.
    pub(super) fn knows(&self, finding: &Finding, roots: &[PathBuf]) -> bool {
        !self.keys.is_empty() && self.keys.contains(&key(finding, roots))
    }

    /// Writes it into a file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn write(&self, mut file: OutputFile) -> Result<()> {
        let findings: Vec<Value> = self
            .keys
            .iter()
            .map(|key| {
                object!({
                    "code": key.code,
                    "path": key.path,
                    "position": key.position,
                    "offset": key.offset,
                })
            })
            .collect();
        let document = object!({ "schema": SCHEMA, "findings": findings });
        let mut text = json::pretty(&document)?;
        text.push(b'\n');
        file.write_all(&text).map_err(|error| file.failed(&error))?;
        file.finish()
    }
}

fn text(finding: &Value, field: &str) -> String {
    let text = finding.get(field).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

/// Paths are relative to the argument that led to them: the same directory may be elsewhere the
/// next time.
fn key(finding: &Finding, roots: &[PathBuf]) -> Key {
    let inside = roots
        .iter()
        .find_map(|root| finding.path.strip_prefix(root).ok());
    let inside = inside.filter(|path| !path.as_os_str().is_empty());
    let name = finding.path.file_name().map(Path::new);
    let path = inside.or(name).unwrap_or(&finding.path);
    Key {
        path: path.to_string_lossy().into_owned(),
        position: finding.position,
        code: finding.check.code().to_owned(),
        offset: finding.offset,
    }
}
