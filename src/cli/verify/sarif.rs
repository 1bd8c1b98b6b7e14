//! Findings as SARIF 2.1.0.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use kseg::verify::{CATALOG, Check, Finding, Severity};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::report::{Report, ShownFinding, Summary, Unit};
use crate::cli::render;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The address of the documentation.
const INFORMATION: &str = concat!("https://docs.rs/kseg/", env!("CARGO_PKG_VERSION"));

#[derive(Default)]
pub(super) struct Sarif {
    is_begun: bool,
}

impl Report for Sarif {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let rules: Vec<Value> = CATALOG.iter().map(rule).collect();
        let driver = json!({
            "name": "kseg",
            "informationUri": INFORMATION,
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "rules": rules,
        });
        write!(
            out,
            "{{\"$schema\":\"{SCHEMA}\",\"version\":\"2.1.0\",\"runs\":[{{\"tool\":{{\"driver\":{driver}}},\"columnKind\":\"unicodeCodePoints\",\"results\":["
        )
    }

    fn unit(&mut self, unit: &Unit, out: &mut dyn Write) -> io::Result<()> {
        for shown in &unit.findings {
            let comma = if self.is_begun { ",\n" } else { "\n" };
            self.is_begun = true;
            let mut text = comma.as_bytes().to_vec();
            render::json::value(&result(shown), &mut text);
            out.write_all(&text)?;
        }
        Ok(())
    }

    fn finish(&mut self, _: &Summary, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "\n]}}]}}")
    }
}

fn level(severity: Severity) -> &'static str {
    severity.name()
}

fn rule(check: &Check) -> Value {
    let manual = check.manual().collect::<Vec<_>>().join("\n");
    json!({
        "id": check.code,
        "name": check.name,
        "shortDescription": { "text": check.title() },
        "fullDescription": { "text": check.title() },
        "help": { "text": manual },
        "defaultConfiguration": { "level": level(check.severity) },
    })
}

fn result(shown: &ShownFinding) -> Value {
    let finding = &shown.finding;
    let mut place = json!({ "artifactLocation": { "uri": uri(&finding.path) } });
    if let (Some(position), Some(fields)) = (finding.position, place.as_object_mut()) {
        let region = json!({
            "byteOffset": position,
            "byteLength": finding.length.unwrap_or(0),
        });
        fields.insert("region".into(), region);
    }
    let state = if shown.is_known { "unchanged" } else { "new" };
    json!({
        "ruleId": finding.check.code(),
        "level": level(finding.severity),
        "baselineState": state,
        "message": { "text": finding.message() },
        "locations": [{ "physicalLocation": place }],
        "partialFingerprints": { "ksegFinding/v1": fingerprint(finding) },
        "properties": {
            "offset": finding.offset,
            "fix": finding.fix,
            "detail": finding.detail(),
        },
    })
}

/// Returns a fingerprint that is the same for every run and checkout, for code scanning.
fn fingerprint(finding: &Finding) -> String {
    let Finding {
        check,
        position,
        offset,
        ..
    } = finding;
    let path = uri(&finding.path);
    let key = format!("{} {path} {position:?} {offset:?}", check.code());
    let mut hex = String::new();
    for byte in Sha256::digest(key).iter().take(16) {
        let _infallible = write!(hex, "{byte:02x}");
    }
    hex
}

/// A path as a URI reference by RFC 3986: relative if it is below the current directory, the root
/// of a checkout; otherwise the URI of the file.
fn uri(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let below = path.strip_prefix(here).unwrap_or(path);
    let below = below.strip_prefix(".").unwrap_or(below);
    let mut uri = String::from(if below.is_absolute() { "file://" } else { "" });
    for byte in below.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(*byte));
            }
            byte => {
                let _infallible = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri
}
