//! Findings as SARIF 2.1.0.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;

use kseg::verify::{CATALOG, Check, Severity};
use serde_json::{Value, json};

use super::report::{Report, Shown, Summary, Unit};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

#[derive(Default)]
pub(super) struct Sarif {
    is_begun: bool,
}

impl Report for Sarif {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let rules: Vec<Value> = CATALOG.iter().map(rule).collect();
        let driver = json!({
            "name": "kseg",
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
            write!(out, "{comma}{}", result(shown))?;
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
    json!({
        "id": check.code,
        "name": check.name,
        "shortDescription": { "text": check.title() },
        "fullDescription": { "text": check.manual().collect::<Vec<_>>().join("\n") },
        "defaultConfiguration": { "level": level(check.severity) },
    })
}

fn result(shown: &Shown) -> Value {
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
        "properties": {
            "offset": finding.offset,
            "fix": finding.fix,
            "detail": finding.detail(),
        },
    })
}

/// A path as a reference: everything but what RFC 3986 leaves alone is escaped.
fn uri(path: &Path) -> String {
    let mut uri = String::new();
    for byte in path.as_os_str().as_encoded_bytes() {
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
