//! Segments: a base offset and the files that carry it in their names.

use std::path::{Path, PathBuf};

use super::Error;
use crate::format::name;
use crate::wire::Offset;

/// A segment of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    base_offset: Offset,
    log: PathBuf,
}

impl Segment {
    /// The segment whose records are in the `.log` at `path`, which need not exist.
    ///
    /// # Errors
    /// The name holds no base offset.
    pub fn at(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let log = path.into();
        match name::base_offset(name::file_name(&log)) {
            Some(base_offset) => Ok(Self { base_offset, log }),
            None => Err(Error::Name(log)),
        }
    }

    /// The segments in the directory of a partition, by base offset.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn list(dir: &Path) -> Result<Vec<Self>, Error> {
        let mut segments = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(Error::io(dir))? {
            let path = entry.map_err(Error::io(dir))?.path();
            if name::suffix(name::file_name(&path)) == Some(name::LOG_SUFFIX) {
                segments.extend(Self::at(path).ok());
            }
        }
        segments.sort_by_key(|segment| segment.base_offset);
        Ok(segments)
    }

    /// The offset in its name: none of its records has a lower one.
    #[must_use]
    pub fn base_offset(&self) -> Offset {
        self.base_offset
    }

    /// The file of its records.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_an_offset_is_refused() {
        assert_eq!(
            Segment::at("t-0/00000000000000000042.log")
                .unwrap()
                .base_offset(),
            Offset(42)
        );
        let error = Segment::at("t-0/abc.log").unwrap_err().to_string();
        assert!(
            error.starts_with("t-0/abc.log: the name does not begin with a base offset"),
            "{error}"
        );
    }
}
