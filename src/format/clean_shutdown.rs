//! `.kafka_cleanshutdown`: its existence means that the broker shut down cleanly.
//!
//! Empty up to 3.6; since 3.7 a line of JSON, `{"version":0,"brokerEpoch":157}`. Content that
//! cannot be read only loses the epoch.
//!
//! Source: `CleanShutdownFileHandler`; KIP-966.

use super::fault::{Fault, JsonFault};
use super::json::Json;

/// The content of the marker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CleanShutdown {
    /// The version of the content; `None` for an empty marker.
    pub version: Option<i64>,
    /// The epoch under which the broker was registered; −1 means none.
    pub broker_epoch: Option<i64>,
    /// The faults of the content.
    pub faults: Vec<Fault>,
}

impl CleanShutdown {
    /// Reads the marker.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let mut marker = Self::default();
        if bytes.is_empty() {
            return marker;
        }
        match Json::parse(bytes) {
            Ok(json) => {
                marker.version = json.get("version").and_then(Json::int);
                marker.broker_epoch = json.get("brokerEpoch").and_then(Json::int);
                if marker.broker_epoch.is_none() {
                    marker
                        .faults
                        .push(Fault::new(JsonFault::Missing("brokerEpoch"), 0));
                }
            }
            Err(fault) => marker.faults.push(fault),
        }
        marker
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marker_may_be_empty_or_tell_the_epoch() {
        assert_eq!(CleanShutdown::parse(b""), CleanShutdown::default());
        let marker = CleanShutdown::parse(br#"{"version":0,"brokerEpoch":157}"#);
        assert_eq!((marker.version, marker.broker_epoch), (Some(0), Some(157)));
        assert_eq!(marker.faults, []);
        let torn = CleanShutdown::parse(b"{\"version\":0,");
        assert_eq!(torn.faults, [Fault::new(JsonFault::Syntax, 13)]);
        let other = CleanShutdown::parse(b"7");
        assert_eq!(
            other.faults,
            [Fault::new(JsonFault::Missing("brokerEpoch"), 0)]
        );
    }
}
