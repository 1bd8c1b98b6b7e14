//! A `.log` and the facts from its name, its directory and its context.

use std::path::Path;
use std::sync::Arc;

use crate::format::name::{DirName, FileKind};
use crate::store::Item;
use crate::wire::Offset;

/// A `.log`, and the facts about it that are not in its bytes.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Its path.
    pub path: Arc<Path>,
    /// The offset in its name.
    pub base_offset: Option<Offset>,
    /// The topic, by the directory's name.
    pub topic: Option<String>,
    /// The partition, by the directory's name.
    pub partition: Option<i32>,
    /// True if no segment of the partition has a higher base offset.
    pub is_last: bool,
    /// True if a broker runs on it.
    pub is_live: bool,
}

impl Subject {
    /// A `.log` of which only the path is known.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self {
            path: Arc::from(path),
            base_offset: None,
            topic: None,
            partition: None,
            is_last: true,
            is_live: false,
        }
    }

    /// Returns the facts from the name of a `.log` and of its directory.
    pub(super) fn of(log: &Item, dir: Option<DirName<'_>>) -> Self {
        Self {
            base_offset: log
                .file_name()
                .filter(|name| name.kind == FileKind::Log && name.is_canonical())
                .and_then(|name| name.offset),
            topic: dir.as_ref().and_then(DirName::topic).map(str::to_owned),
            partition: match dir {
                Some(DirName::Partition { partition, .. }) => Some(partition),
                _ => None,
            },
            ..Self::at(log.path())
        }
    }
}
