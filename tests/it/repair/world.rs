//! Files and names in memory, and which of them are durable.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path};
use std::time::{Duration, SystemTime};

use kseg::repair::disk::Attributes;

#[derive(Debug, Clone)]
pub(super) enum Node {
    Dir {
        now: Names,
        safe: Names,
        attributes: Attributes,
    },
    File {
        now: Vec<u8>,
        safe: Vec<u8>,
        attributes: Attributes,
    },
}

pub(super) type Names = BTreeMap<OsString, usize>;

/// A change of names that is not durable in every directory yet.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) entries: Vec<(usize, OsString, Option<usize>)>,
    pub(super) waits_for: BTreeSet<usize>,
}

#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) nodes: Vec<Node>,
    pub(super) changes: Vec<Change>,
    pub(super) clock: u64,
}

impl World {
    pub(super) fn find(&self, path: &Path) -> io::Result<usize> {
        let mut at = 0;
        for part in path.components() {
            if let Component::Normal(name) = part {
                let Some(Node::Dir { now, .. }) = self.nodes.get(at) else {
                    return Err(io::ErrorKind::NotFound.into());
                };
                at = *now.get(name).ok_or(io::ErrorKind::NotFound)?;
            }
        }
        Ok(at)
    }

    pub(super) fn node(&self, path: &Path) -> io::Result<&Node> {
        Ok(&self.nodes[self.find(path)?])
    }

    pub(super) fn node_mut(&mut self, path: &Path) -> io::Result<&mut Node> {
        let at = self.find(path)?;
        Ok(&mut self.nodes[at])
    }

    pub(super) fn names(&mut self, dir: usize) -> &mut Names {
        match &mut self.nodes[dir] {
            Node::Dir { now, .. } => now,
            Node::File { .. } => panic!("no directory"),
        }
    }

    /// Changes names at once.
    pub(super) fn change(&mut self, entries: Vec<(&Path, Option<usize>)>) -> io::Result<()> {
        let mut change = Change {
            entries: Vec::new(),
            waits_for: BTreeSet::new(),
        };
        for (path, node) in entries {
            let dir = self.find(path.parent().unwrap())?;
            let name = path.file_name().unwrap().to_owned();
            match node {
                Some(node) => self.names(dir).insert(name.clone(), node),
                None => self.names(dir).remove(&name),
            };
            let fresh = self.fresh().modified;
            if let Node::Dir { attributes, .. } = &mut self.nodes[dir] {
                attributes.modified = fresh;
            }
            change.waits_for.insert(dir);
            change.entries.push((dir, name, node));
        }
        self.changes.push(change);
        Ok(())
    }

    pub(super) fn make_safe(&mut self, change: Change) {
        for (dir, name, node) in change.entries {
            if let Node::Dir { safe, .. } = &mut self.nodes[dir] {
                match node {
                    Some(node) => safe.insert(name, node),
                    None => safe.remove(&name),
                };
            }
        }
    }

    pub(super) fn add(&mut self, path: &Path, node: Node) -> io::Result<usize> {
        if self.find(path).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.find(path.parent().unwrap())?;
        self.nodes.push(node);
        let number = self.nodes.len() - 1;
        self.change(vec![(path, Some(number))])?;
        Ok(number)
    }

    pub(super) fn fresh(&mut self) -> Attributes {
        self.clock += 1;
        Attributes {
            mode: 0o600,
            owner: (7, 7),
            modified: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(self.clock)),
        }
    }
}
