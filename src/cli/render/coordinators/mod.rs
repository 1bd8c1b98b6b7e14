//! Keys and payloads of internal topics as Kafka's `DumpLogSegments` prints them, for each release.
//!
//! | topic | release | text |
//! |---|---|---|
//! | consumer offsets | up to 3.7 | [`old_offsets`] |
//! | | 3.8 and later | [`json`] |
//! | transactions | up to 4.0 | [`old_transactions`] |
//! | | 4.1 and later | [`json`] |
//! | share state | 4.0 and later | [`json`] |
//! | cluster metadata | 2.8 and later | [`json`] |
//! | remote log metadata | 3.9 and later | [`remote`] |

mod job;
mod json;
mod old;
mod old_offsets;
mod old_transactions;
mod remote;
mod scala;

use kseg::decode::Decoder;
use kseg::wire::Release;

use self::job::Job;
pub(crate) use self::job::{Crash, Shown};

/// Prints records of one internal topic in the style of one release.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Coordinators {
    decoder: Decoder,
    release: Release,
}

impl Coordinators {
    /// The texts of `decoder` in the style of `release`.
    pub(crate) fn new(decoder: Decoder, release: Release) -> Self {
        Self { decoder, release }
    }

    /// Appends the texts of a record's key and payload.
    ///
    /// # Errors
    /// The original ended with an exception here; nothing is appended.
    pub(crate) fn write(
        &self,
        offset: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        key_text: &mut Vec<u8>,
        payload_text: &mut Vec<u8>,
    ) -> Result<Shown, Crash> {
        let release = self.release;
        let mut job = Job {
            release,
            offset,
            key,
            value,
            key_text,
            payload_text,
        };
        match self.decoder {
            Decoder::Offsets if release < Release::new(3, 8, 0) => old_offsets::write(&mut job),
            Decoder::Transactions if release < Release::new(4, 1, 0) => {
                old_transactions::write(&mut job)
            }
            // The tool has no option for a topic of MirrorMaker.
            Decoder::Offsets | Decoder::Transactions | Decoder::ShareState | Decoder::Mirror(_) => {
                json::keyed(&mut job, self.decoder)
            }
            Decoder::ClusterMetadata => Ok(json::metadata(&mut job)),
            Decoder::RemoteLogMetadata => Ok(remote::metadata(&mut job)),
        }
    }
}
