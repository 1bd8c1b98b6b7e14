//! Small files, read whole.

use std::path::Path;

use crate::store::{Error, LogFile, Source, Stream};

/// No small file that Kafka writes comes near to this: a snapshot of a million producers has 46 MB.
const MOST_BYTES: u64 = 256 << 20;

/// The bytes of a small file.
///
/// # Errors
/// It cannot be read, or is so large that it is none.
pub(super) fn read_small(path: &Path) -> Result<Source, Error> {
    let file = Stream::open(path)?;
    let len = file.len_bytes();
    if len > MOST_BYTES {
        let why = std::io::Error::other(format!("has {len} bytes, which is too large"));
        return Err(Error::io(path)(why));
    }
    let mut bytes = Vec::new();
    LogFile::Windowed(file).window(0..len, &mut bytes)?;
    Ok(Source::from(bytes))
}
