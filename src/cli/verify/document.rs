//! Findings as one JSON document: `kseg.findings/2`.

use std::io::{self, Write};

use kseg::verify::Severity;
use serde_json::json;

use super::report::{Report, Summary, Unit};
use crate::cli::render::json;
use crate::cli::schema;

#[derive(Default)]
pub(super) struct Document {
    is_begun: bool,
}

impl Report for Document {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let id = schema::FINDINGS.id;
        write!(out, "{{\"schema\":\"{id}\",\"findings\":[")
    }

    fn unit(&mut self, unit: &Unit, out: &mut dyn Write) -> io::Result<()> {
        for shown in &unit.findings {
            let comma = if self.is_begun { ",\n" } else { "\n" };
            self.is_begun = true;
            let mut text = comma.as_bytes().to_vec();
            json::value(&shown.finding, &mut text);
            out.write_all(&text)?;
        }
        Ok(())
    }

    fn finish(&mut self, summary: &Summary, out: &mut dyn Write) -> io::Result<()> {
        let codes: Vec<_> = summary
            .counts
            .iter()
            .map(|((severity, check), count)| {
                json!({
                    "code": check.code(),
                    "name": check.check().name,
                    "severity": severity.name(),
                    "findings": count,
                })
            })
            .collect();
        let numbers = json!({
            "errors": summary.of(Severity::Error),
            "warnings": summary.of(Severity::Warning),
            "notes": summary.of(Severity::Note),
            "known": summary.known,
            "failing": summary.failing,
            "checks": codes,
        });
        let mut coverage = serde_json::to_value(summary.coverage)?;
        if let Some(fields) = coverage.as_object_mut() {
            fields.insert("complete".into(), json!(summary.coverage.is_complete()));
        }
        writeln!(
            out,
            "\n],\n\"coverage\":{coverage},\n\"summary\":{numbers}}}"
        )
    }
}
