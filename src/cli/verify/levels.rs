//! Severities of findings set by the user.

use kseg::verify::{CheckId, Family, Finding, Severity};

/// The options that change severities.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Severity")]
pub(super) struct LevelArgs {
    /// Treat as errors: a code (B101), a name (crc-mismatch), a family (B), or a severity (note); a
    /// code wins over a family, a family over a severity
    #[arg(short = 'D', long = "deny", value_name = "WHAT")]
    deny: Vec<LevelTarget>,

    /// Treat as warnings, in the same form
    #[arg(short = 'W', long = "warn", value_name = "WHAT")]
    warn: Vec<LevelTarget>,

    /// Don't report, in the same form
    #[arg(short = 'A', long = "allow", value_name = "WHAT")]
    allow: Vec<LevelTarget>,
}

/// The target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum LevelTarget {
    Level(Severity),
    Family(Family),
    Check(CheckId),
}

impl std::str::FromStr for LevelTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let level = match text {
            "note" => Some(Severity::Note),
            "warning" => Some(Severity::Warning),
            "error" => Some(Severity::Error),
            _ => None,
        };
        if let Some(level) = level {
            return Ok(Self::Level(level));
        }
        if let Some(check) = CheckId::find(text) {
            return Ok(Self::Check(check));
        }
        let letter = text.chars().next().filter(|_| text.len() == 1);
        letter
            .and_then(Family::find)
            .map(Self::Family)
            .ok_or_else(|| {
                format!(
                    "unknown check {text:?}: give a code (B101), a name (crc-mismatch), a family \
                     (B), or note, warning, error"
                )
            })
    }
}

impl LevelTarget {
    fn includes(self, finding: &Finding) -> bool {
        match self {
            Self::Level(level) => finding.check.check().severity == level,
            Self::Family(family) => finding.check.family() == family,
            Self::Check(check) => finding.check == check,
        }
    }
}

impl LevelArgs {
    /// The severity of a finding; `None` if it is not reported. The more specific rule wins.
    pub(super) fn severity(&self, finding: &Finding) -> Option<Severity> {
        let rules = [
            (&self.deny, Some(Severity::Error)),
            (&self.warn, Some(Severity::Warning)),
            (&self.allow, None),
        ];
        let rules = rules
            .iter()
            .flat_map(|(targets, level)| targets.iter().map(|target| (*target, *level)));
        let meant = rules.filter(|(target, _)| target.includes(finding));
        // Of equally specific rules the strictest wins: deny, then warn, then allow.
        let best = meant.reduce(|best, rule| {
            let more = std::mem::discriminant(&rule.0) != std::mem::discriminant(&best.0)
                && rule.0 > best.0;
            if more { rule } else { best }
        });
        best.map_or(Some(finding.severity), |(_, level)| level)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_names_one_check_wins_over_what_names_many() {
        let levels = LevelArgs {
            deny: vec!["B".parse().unwrap()],
            warn: vec!["crc-mismatch".parse().unwrap()],
            allow: vec!["note".parse().unwrap(), "b107".parse().unwrap()],
        };
        let severity = |check| {
            let finding = Finding::new(check, &Arc::from(Path::new("x")));
            levels.severity(&finding)
        };
        assert_eq!(severity(CheckId::CrcMismatch), Some(Severity::Warning));
        assert_eq!(severity(CheckId::OffsetGap), Some(Severity::Error));
        assert_eq!(severity(CheckId::EmptyBatch), None);
        assert_eq!(severity(CheckId::EmptyLog), None);
        assert_eq!(severity(CheckId::TruncatedTail), Some(Severity::Error));
    }

    #[test]
    fn what_is_no_check_is_refused() {
        for text in ["", "Z", "B999", "fatal"] {
            assert!(text.parse::<LevelTarget>().is_err(), "{text}");
        }
    }
}
