//! Segments: a base offset and the files with it in their names.

use std::path::{Path, PathBuf};

use super::{Error, Item};
use crate::format::FileKind;
use crate::format::name;
use crate::wire::Offset;

/// A segment of a partition: a base offset, and the siblings that were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    base_offset: Offset,
    log: PathBuf,
    files: Vec<(FileKind, Item)>,
}

impl Segment {
    /// The kinds of files with the base offset of a segment in their names.
    const KINDS: [FileKind; 5] = [
        FileKind::Log,
        FileKind::OffsetIndex,
        FileKind::TimeIndex,
        FileKind::TransactionIndex,
        FileKind::ProducerSnapshot,
    ];

    /// The segment whose records are in the `.log` at `path`, which need not exist. Its siblings
    /// are not searched.
    ///
    /// # Errors
    /// The name contains no base offset.
    pub fn at(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let log = path.into();
        match name::base_offset(name::file_name(&log)) {
            Some(base_offset) => Ok(Self {
                base_offset,
                log,
                files: Vec::new(),
            }),
            None => Err(Error::Name(log)),
        }
    }

    /// The segment that the file at `path` belongs to, with the files next to it that have the same
    /// name and another suffix; the rest of the directory is not read.
    ///
    /// # Errors
    /// The name contains no base offset.
    pub fn around(path: &Path) -> Result<Self, Error> {
        let name = name::file_name(path);
        let parsed = name::FileName::parse(name);
        let stem = parsed.and_then(|it| name.strip_suffix(it.kind.suffix()?));
        let (Some(parsed), Some(stem)) = (parsed, stem) else {
            return Err(Error::Name(path.to_owned()));
        };
        let mut segment = Self {
            base_offset: parsed.offset.unwrap_or_default(),
            log: path.with_file_name(format!("{stem}{}", name::LOG_SUFFIX)),
            files: Vec::new(),
        };
        for kind in Self::KINDS {
            let name = kind.suffix().map(|suffix| format!("{stem}{suffix}"));
            if let Some(Ok(item)) = name.map(|name| Item::at(path.with_file_name(name))) {
                segment.take(kind, item);
            }
        }
        Ok(segment)
    }

    /// The segment at `base_offset` of the partition in `dir`, without any file; in tiered storage
    /// the copy with this id.
    pub(super) fn missing(dir: &Path, base_offset: Offset, remote_id: Option<&str>) -> Self {
        let id = remote_id.map(|id| format!("-{id}")).unwrap_or_default();
        Self {
            base_offset,
            log: dir.join(name::stem(base_offset) + &id + name::LOG_SUFFIX),
            files: Vec::new(),
        }
    }

    /// Returns true if files of `kind` belong to segments.
    pub(super) fn has(kind: FileKind) -> bool {
        Self::KINDS.contains(&kind)
    }

    /// Returns true if a file with this offset and id in its name belongs to it.
    pub(super) fn is(&self, base_offset: Offset, remote_id: Option<&str>) -> bool {
        let log = name::FileName::parse(name::file_name(&self.log));
        self.base_offset == base_offset && log.and_then(|log| log.remote_id) == remote_id
    }

    /// Adds a file.
    pub(super) fn take(&mut self, kind: FileKind, item: Item) {
        self.files.push((kind, item));
    }

    /// The offset in its name: none of its records has a lower one.
    #[must_use]
    pub fn base_offset(&self) -> Offset {
        self.base_offset
    }

    /// The file of its records, whether it exists or not.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Its files.
    #[must_use]
    pub fn files(&self) -> &[(FileKind, Item)] {
        &self.files
    }

    /// Its file of `kind`, if it was found.
    #[must_use]
    pub fn file(&self, kind: FileKind) -> Option<&Item> {
        self.files
            .iter()
            .find_map(|(found, item)| (*found == kind).then_some(item))
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
