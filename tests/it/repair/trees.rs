//! What is on a disk in memory, as tests compare it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use kseg::repair::disk::{Attributes, Disk, ItemKind};

use super::power::MemDisk;

impl MemDisk {
    /// Every file below a directory, and every empty directory, with its bytes and its time.
    pub(super) fn tree(&self, dir: &str) -> BTreeMap<String, (Vec<u8>, Option<SystemTime>)> {
        let mut files = BTreeMap::new();
        self.gather(Path::new(dir), "", &mut files);
        files
    }

    /// Everything below a directory, and what directories carry.
    pub(super) fn all(&self, dir: &str) -> super::All {
        (self.tree(dir), self.dirs(dir))
    }

    /// What directories below a directory carry, that one too.
    pub(super) fn dirs(&self, dir: &str) -> BTreeMap<PathBuf, Attributes> {
        let mut found = BTreeMap::new();
        let mut next = vec![PathBuf::from(dir)];
        while let Some(dir) = next.pop() {
            let look = self.look(&dir).unwrap();
            if look.kind == ItemKind::Directory {
                next.extend(self.list(&dir).unwrap().iter().map(|name| dir.join(name)));
                found.insert(dir, look.attributes);
            }
        }
        found
    }

    fn gather(
        &self,
        dir: &Path,
        prefix: &str,
        files: &mut BTreeMap<String, (Vec<u8>, Option<SystemTime>)>,
    ) {
        for name in self.list(dir).unwrap_or_default() {
            let path = dir.join(&name);
            let shown = format!("{prefix}{}", name.to_string_lossy());
            let look = self.look(&path).unwrap();
            if look.kind == ItemKind::Directory {
                if self.list(&path).unwrap().is_empty() {
                    files.insert(format!("{shown}/"), (Vec::new(), None));
                }
                self.gather(&path, &format!("{shown}/"), files);
            } else {
                files.insert(shown, (self.bytes(&path), look.attributes.modified));
            }
        }
    }
}
