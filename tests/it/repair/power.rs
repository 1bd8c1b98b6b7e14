//! A disk in memory that loses power, or runs full, after any number of operations.
//!
//! What is written or named may be lost until it is made durable; what is left then is a [`Fate`]'s choice.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::SystemTime;

use kseg::repair::disk::{
    Attributes, Disk, DiskItem, Duplicate, DurableOutput, Guard, Holder, Input, ItemKind, Likeness,
    Locking, Sharing,
};

use super::world::{Names, Node, World};

/// What a power cut leaves of what was not made durable.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fate {
    /// Nothing.
    Lost,
    /// Everything.
    Kept,
    /// Names, but not what is in the files: the file of length zero that everybody knows.
    Names,
    /// What is in the files, but no names.
    Bytes,
    /// The first so many names, and of each file something between nothing and everything.
    Some(u32),
}

/// What goes wrong, and how many operations go right before.
#[derive(Debug, Clone, Copy)]
pub(super) enum Trouble {
    /// The power goes: nothing works any more.
    Power(u32),
    /// The disk is full: nothing more is made or written.
    Full(u32),
    /// One operation is refused, or said to be although it was done; all others go right, until the power goes.
    Glitch(u32, u32),
}

/// The disk.
#[derive(Debug)]
pub(super) struct MemDisk {
    world: RefCell<World>,
    trouble: Option<Trouble>,
    done: Cell<u32>,
    /// Directories on file systems of their own.
    mounts: Vec<PathBuf>,
    held: Rc<RefCell<BTreeSet<PathBuf>>>,
    /// A file that cannot be read.
    failing: Cell<Option<usize>>,
}

impl MemDisk {
    pub(super) fn new(mounts: &[&str]) -> Self {
        let root = Node::Dir {
            now: Names::new(),
            safe: Names::new(),
            attributes: Attributes::default(),
        };
        Self {
            world: RefCell::new(World {
                nodes: vec![root],
                changes: Vec::new(),
                clock: 1_000,
            }),
            trouble: None,
            done: Cell::new(0),
            mounts: mounts.iter().map(PathBuf::from).collect(),
            held: Rc::default(),
            failing: Cell::new(None),
        }
    }

    /// Makes a durable file, and the directories that it is in.
    pub(super) fn file(&self, path: &str, bytes: &[u8]) {
        let path = Path::new(path);
        let mut dirs: Vec<&Path> = path.ancestors().skip(1).collect();
        dirs.reverse();
        for dir in dirs {
            if self.look(dir).unwrap().kind == ItemKind::Absent {
                self.make_dir(dir).unwrap();
                self.sync_dir(dir.parent().unwrap()).unwrap();
            }
        }
        let mut out = self.create(path).unwrap();
        out.write_all(bytes).unwrap();
        out.sync().unwrap();
        self.sync_dir(path.parent().unwrap()).unwrap();
    }

    /// The same disk, in trouble some time from now.
    pub(super) fn with(&self, trouble: Option<Trouble>) -> Self {
        Self {
            world: self.world.clone(),
            trouble,
            done: Cell::new(0),
            mounts: self.mounts.clone(),
            held: Rc::default(),
            failing: Cell::new(None),
        }
    }

    /// Operations done so far.
    pub(super) fn done(&self) -> u32 {
        self.done.get()
    }

    /// The disk when the power is back.
    pub(super) fn after(&self, fate: Fate) -> Self {
        let mut world = self.world.borrow().clone();
        let changes = std::mem::take(&mut world.changes);
        let kept = match fate {
            Fate::Lost | Fate::Bytes => 0,
            Fate::Kept | Fate::Names => changes.len(),
            Fate::Some(seed) => seed as usize % (changes.len() + 1),
        };
        for change in changes.into_iter().take(kept) {
            world.make_safe(change);
        }
        for (number, node) in world.nodes.iter_mut().enumerate() {
            match node {
                Node::Dir { now, safe, .. } => now.clone_from(safe),
                Node::File { now, safe, .. } => {
                    match fate {
                        Fate::Lost | Fate::Names => now.clone_from(safe),
                        Fate::Kept | Fate::Bytes => {}
                        Fate::Some(seed) => {
                            let (least, most) = (safe.len().min(now.len()), now.len());
                            let some = (seed as usize).wrapping_mul(31) + number * 7;
                            now.truncate(least + some % (most - least + 1));
                        }
                    }
                    safe.clone_from(now);
                }
            }
        }
        Self {
            world: RefCell::new(world),
            trouble: None,
            done: Cell::new(0),
            mounts: self.mounts.clone(),
            held: Rc::default(),
            failing: Cell::new(None),
        }
    }

    /// Gives something attributes.
    pub(super) fn give(&self, path: &str, wanted: Attributes) {
        match self.world.borrow_mut().node_mut(Path::new(path)).unwrap() {
            Node::Dir { attributes, .. } | Node::File { attributes, .. } => *attributes = wanted,
        }
    }

    /// From now on a file cannot be read.
    pub(super) fn fail(&self, path: &Path) {
        self.failing.set(self.world.borrow().find(path).ok());
    }

    pub(super) fn bytes(&self, path: &Path) -> Vec<u8> {
        let world = self.world.borrow();
        match world.node(path) {
            Ok(Node::File { now, .. }) => now.clone(),
            _ => panic!("{}: no file", path.display()),
        }
    }

    /// Counts an operation, unless it is one too many.
    fn step(&self, needs_room: bool) -> io::Result<()> {
        self.alive()?;
        let done = self.done.get();
        if let Some(Trouble::Full(most)) = self.trouble
            && done >= most
            && needs_room
        {
            return Err(io::ErrorKind::StorageFull.into());
        }
        if let Some(Trouble::Glitch(nth, _)) = self.trouble
            && done == nth
        {
            self.done.set(done + 1);
            return Err(io::Error::other("refused"));
        }
        if let Some(Trouble::Power(most) | Trouble::Glitch(_, most)) = self.trouble
            && done >= most
        {
            self.done.set(u32::MAX);
            return Err(io::Error::other("the power is gone"));
        }
        self.done.set(done + 1);
        Ok(())
    }

    fn alive(&self) -> io::Result<()> {
        if self.done.get() == u32::MAX {
            return Err(io::Error::other("the power is gone"));
        }
        Ok(())
    }

    /// Locks are of files, not of their names; one made for its lock is not shown here.
    fn lock_key(&self, path: &Path) -> PathBuf {
        match self.world.borrow().find(path) {
            Ok(node) => PathBuf::from(node.to_string()),
            Err(_) => path.to_owned(),
        }
    }

    fn device(&self, path: &Path) -> u64 {
        let mut mounts = self.mounts.iter();
        mounts
            .position(|mount| path.starts_with(mount))
            .map_or(1, |nth| nth as u64 + 2)
    }
}

/// A file of the disk, open.
struct Open<'a> {
    disk: &'a MemDisk,
    node: usize,
}

impl Input for Open<'_> {
    fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        self.disk.alive()?;
        if self.disk.failing.get() == Some(self.node) {
            return Err(io::Error::from_raw_os_error(5));
        }
        match &self.disk.world.borrow().nodes[self.node] {
            Node::File { now, .. } => now.as_slice().read_at(buffer, position),
            Node::Dir { .. } => Err(io::ErrorKind::IsADirectory.into()),
        }
    }
}

impl Write for Open<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.step(true)?;
        let mut world = self.disk.world.borrow_mut();
        let fresh = world.fresh();
        if let Node::File {
            now, attributes, ..
        } = &mut world.nodes[self.node]
        {
            now.extend_from_slice(bytes);
            attributes.modified = fresh.modified;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DurableOutput for Open<'_> {
    fn sync(&mut self) -> io::Result<()> {
        let done = self.disk.step(false);
        // A disk that says no to this may have written everything all the same.
        if done.is_err() && !matches!(self.disk.trouble, Some(Trouble::Glitch(..))) {
            return done;
        }
        if let Node::File { now, safe, .. } = &mut self.disk.world.borrow_mut().nodes[self.node] {
            safe.clone_from(now);
        }
        done
    }
}

#[derive(Debug)]
struct Held(Rc<RefCell<BTreeSet<PathBuf>>>, PathBuf);

impl Guard for Held {}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.borrow_mut().remove(&self.1);
    }
}

impl Disk for MemDisk {
    fn look(&self, path: &Path) -> io::Result<DiskItem> {
        self.alive()?;
        let world = self.world.borrow();
        let device = self.device(path);
        Ok(match world.node(path) {
            Err(_) => DiskItem::absent(),
            Ok(Node::Dir { attributes, .. }) => DiskItem {
                kind: ItemKind::Directory,
                len_bytes: 0,
                attributes: *attributes,
                device,
            },
            Ok(Node::File {
                now, attributes, ..
            }) => DiskItem {
                kind: ItemKind::File,
                len_bytes: now.len() as u64,
                attributes: *attributes,
                device,
            },
        })
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        self.alive()?;
        match self.world.borrow().node(dir)? {
            Node::Dir { now, .. } => Ok(now.keys().cloned().collect()),
            Node::File { .. } => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        self.world.borrow().find(path)?;
        Ok(path.to_owned())
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Input + '_>> {
        self.alive()?;
        let node = self.world.borrow().find(path)?;
        Ok(Box::new(Open { disk: self, node }))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DurableOutput + '_>> {
        self.step(true)?;
        let mut world = self.world.borrow_mut();
        let attributes = world.fresh();
        let file = Node::File {
            now: Vec::new(),
            safe: Vec::new(),
            attributes,
        };
        let node = world.add(path, file)?;
        Ok(Box::new(Open { disk: self, node }))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn DurableOutput + '_>> {
        self.alive()?;
        let node = self.world.borrow().find(path)?;
        Ok(Box::new(Open { disk: self, node }))
    }

    fn duplicate(&self, from: &Path, to: &Path, sharing: Sharing) -> io::Result<Duplicate> {
        let node = self.world.borrow().find(from)?;
        if sharing == Sharing::File && self.device(from) == self.device(to) {
            self.step(true)?;
            let mut world = self.world.borrow_mut();
            if world.find(to).is_ok() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            world.change(vec![(to, Some(node))])?;
            return Ok(Duplicate::Linked);
        }
        let original = self.world.borrow().nodes[node].clone();
        let Node::File { now, .. } = original else {
            return Err(io::ErrorKind::IsADirectory.into());
        };
        let mut out = self.create(to)?;
        let written = out.write_all(&now).and_then(|()| out.sync());
        let dressed = written.and_then(|()| self.dress(to, from, Likeness::Whole));
        if dressed.is_err() {
            let _left = self.remove(to);
        }
        dressed.map(|()| Duplicate::Copied)
    }

    fn dress(&self, path: &Path, model: &Path, how: Likeness) -> io::Result<()> {
        self.step(false)?;
        let model = self.look(model)?;
        let look = self.look(path)?;
        let mut wanted = model.attributes;
        if how == Likeness::New {
            wanted.modified = look.attributes.modified;
        }
        if (look.kind, model.kind) == (ItemKind::File, ItemKind::Directory) {
            wanted.mode &= 0o666;
        }
        match self.world.borrow_mut().node_mut(path)? {
            Node::Dir { attributes, .. } | Node::File { attributes, .. } => *attributes = wanted,
        }
        Ok(())
    }

    fn touch(&self, path: &Path, time: SystemTime) -> io::Result<()> {
        self.step(false)?;
        match self.world.borrow_mut().node_mut(path)? {
            Node::Dir { attributes, .. } | Node::File { attributes, .. } => {
                attributes.modified = Some(time);
            }
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(false)?;
        assert_eq!(self.device(from), self.device(to), "not across disks");
        let mut world = self.world.borrow_mut();
        let node = world.find(from)?;
        match world.find(to) {
            // As the standard has it: two names of the same file both stay.
            Ok(there) if there == node => return Ok(()),
            Ok(there) => match &world.nodes[there] {
                Node::Dir { now, .. } if !now.is_empty() => {
                    return Err(io::ErrorKind::DirectoryNotEmpty.into());
                }
                _ => {}
            },
            Err(_) => {}
        }
        world.change(vec![(to, Some(node)), (from, None)])
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step(false)?;
        let mut world = self.world.borrow_mut();
        world.find(path)?;
        world.change(vec![(path, None)])
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        self.step(true)?;
        let mut world = self.world.borrow_mut();
        let attributes = Attributes {
            mode: 0o700,
            ..world.fresh()
        };
        let dir = Node::Dir {
            now: Names::new(),
            safe: Names::new(),
            attributes,
        };
        world.add(path, dir).map(|_| ())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        if !self.list(path)?.is_empty() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        self.remove(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.step(false)?;
        let mut world = self.world.borrow_mut();
        let dir = world.find(dir)?;
        for mut change in std::mem::take(&mut world.changes) {
            change.waits_for.remove(&dir);
            if change.waits_for.is_empty() {
                world.make_safe(change);
            } else {
                world.changes.push(change);
            }
        }
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Locking> {
        self.alive()?;
        let key = self.lock_key(path);
        if !self.held.borrow_mut().insert(key.clone()) {
            return Ok(Locking::Theirs(Holder::Unknown));
        }
        let held = Held(Rc::clone(&self.held), key);
        Ok(Locking::Ours(Box::new(held)))
    }

    fn holder(&self, path: &Path) -> io::Result<Option<Holder>> {
        let is_held = self.held.borrow().contains(&self.lock_key(path));
        Ok(is_held.then_some(Holder::Unknown))
    }

    fn check_writable(&self, _dir: &Path) -> io::Result<()> {
        self.alive()
    }
}
