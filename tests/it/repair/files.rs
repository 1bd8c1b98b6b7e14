//! What files carry beside their content: owners, permissions, access control lists, times, links.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use kseg::repair::disk::{Disk, Duplicate, Locking};
use kseg::repair::planner::Rebuild;
use kseg::repair::{
    Action, Applied, Consent, Content, Crc, Derive, Error, Plan, PlanPath, RealDisk, Recipe, Scope,
    Sharing, Target, apply, approve, undo,
};
use rustix::fs::{XattrFlags, getxattr, setxattr};

use super::{IN_PLACE, path, plan};
use crate::forge::partition::Forge;
use crate::forge::{BatchSpec, Rec};
use crate::process::{Ran, end, kseg};
use crate::temp::Temp;

pub(super) const LOG: &str = "orders-0/00000000000000000000.log";
const ACTIVE: &str = "orders-0/00000000000000000004.log";
pub(super) const INDEX: &str = "orders-0/00000000000000000004.index";
const EPOCHS: &str = "orders-0/leader-epoch-checkpoint";

/// Permission bits.
fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o7777
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn batches(first: i64) -> Vec<BatchSpec> {
    let batch = |offset| {
        let value = format!("value {offset}");
        BatchSpec::at(offset)
            .epoch(5)
            .then(Rec::new(None, Some(value.as_bytes())))
    };
    (first..first + 4).map(batch).collect()
}

/// A log dir below `data` with two partitions of two segments each.
pub(super) fn log_dir(temp: &Temp) -> PathBuf {
    for topic in ["orders-0/", "other-0/"] {
        let forged = Forge::empty(topic)
            .segment(0, &batches(0))
            .segment(4, &batches(4))
            .with("leader-epoch-checkpoint", b"0\n1\n5 0\n");
        for (_, name, bytes) in forged.done("") {
            temp.file(format!("data/{name}"), &bytes);
        }
    }
    temp.file("data/.kafka_cleanshutdown", b"");
    temp.path().join("data")
}

/// A plan for `root` with these actions.
pub(super) fn planned(root: &Path, actions: Vec<Action>) -> Plan {
    plan(&RealDisk, root.to_str().unwrap(), Scope::LogDir, actions)
}

pub(super) fn patch() -> Action {
    Action::Patch {
        file: path(ACTIVE),
        range: 0..1,
        content: Content::new(vec![0]).unwrap(),
    }
}

fn create(name: &str) -> Action {
    Action::Create {
        file: path(name),
        content: Content::new("version: 0\n").unwrap(),
    }
}

fn into(temp: &Temp) -> Target {
    Target::Into {
        dir: temp.path().join("fixed"),
        sharing: Sharing::File,
    }
}

/// Carries the plan out; in a copy files of `sound` may be hard links.
fn run(plan: &Plan, target: &Target, derive: &dyn Derive) -> Applied {
    let approved = approve(plan, target, &Consent::Lossy, &RealDisk).unwrap();
    apply(approved, &RealDisk, derive).unwrap()
}

/// Runs the command with a umask.
fn with_umask(umask: &str, dir: &Path, args: &[&str]) -> Ran {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("umask {umask}; exec \"$0\" \"$@\"")])
        .arg(env!("CARGO_BIN_EXE_kseg"))
        .args(args)
        .current_dir(dir)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    end(command.spawn().expect("a process"))
}

/// Everything that lies in a folder, and below.
fn below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in dir.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.symlink_metadata().unwrap().is_dir() {
                dirs.push(path.clone());
            }
            found.push(path);
        }
    }
    found
}

#[test]
fn a_quarantine_is_for_its_owner_alone_whatever_the_umask() {
    for umask in ["000", "022", "077"] {
        let temp = Temp::new();
        let data = log_dir(&temp);
        chmod(&data, 0o700);
        chmod(&data.join("orders-0"), 0o755);
        let plan = planned(&data, vec![patch(), create("orders-0/partition.metadata")]);
        temp.file("plan.json", &serde_json::to_vec(&plan).unwrap());
        let args = ["repair", "apply", "plan.json", "--in-place"];
        let ran = with_umask(umask, temp.path(), &args);
        let folder = temp.path().join(format!("data.kseg-{}", plan.digest()));
        assert_eq!(mode(&folder), 0o700, "{umask}: {}", ran.err);
        for path in below(&folder).into_iter().filter(|path| path.is_dir()) {
            assert_eq!(mode(&path), 0o700, "{umask}: {}", path.display());
        }
        assert_eq!(mode(&folder.join("journal")), 0o600, "{umask}");
        assert_eq!(mode(&data), 0o700, "{umask}");
        assert_eq!(mode(&data.join("orders-0")), 0o755, "{umask}");
    }
}

/// Looks at a copy in the making.
struct Watch<'a>(&'a Path);

impl Derive for Watch<'_> {
    fn derive(
        &self,
        file: &PlanPath,
        recipe: &Recipe,
        locate: &dyn Fn(&str) -> PathBuf,
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        let partial = self.0.join("fixed.kseg-partial");
        let copy = partial.join("fixed");
        for dir in [&partial, &copy, &copy.join("orders-0")] {
            assert_eq!(mode(dir), 0o700, "{}", dir.display());
        }
        // This one is open for writing just now, and will be 0644.
        assert_eq!(mode(&locate(file.as_str())), 0o600);
        Rebuild.derive(file, recipe, locate, out)
    }
}

#[test]
fn a_copy_in_the_making_is_for_its_owner_alone_and_then_like_its_source() {
    let temp = Temp::new();
    let data = log_dir(&temp);
    let modes = [
        (data.clone(), 0o2750),
        (data.join("orders-0"), 0o2755),
        (data.join(INDEX), 0o644),
    ];
    for (path, mode) in &modes {
        chmod(path, *mode);
    }
    chmod(&data.join(LOG), 0o600);
    let index = fs::read(data.join(INDEX)).unwrap();
    // What a broker would write has no entry for so small a segment.
    assert!(!index.is_empty());
    let rebuild = Action::Rebuild {
        file: path(INDEX),
        recipe: Recipe::OffsetIndex {
            interval_bytes: 1 << 20,
        },
        len_bytes: 0,
        crc: Crc::of(b""),
    };
    let _applied = run(
        &planned(&data, vec![rebuild]),
        &into(&temp),
        &Watch(temp.path()),
    );
    let fixed = temp.path().join("fixed");
    for (path, wanted) in modes {
        let path = fixed.join(path.strip_prefix(&data).unwrap());
        assert_eq!(mode(&path), wanted, "{}", path.display());
    }
    assert_eq!(mode(&fixed.join(LOG)), 0o600);
    assert_eq!(
        fixed.metadata().unwrap().mtime_nsec(),
        data.metadata().unwrap().mtime_nsec()
    );
    assert!(!temp.path().join("fixed.kseg-partial").exists());
}

#[test]
fn new_files_are_like_their_siblings_and_replaced_ones_like_what_they_replace() {
    let temp = Temp::new();
    let data = log_dir(&temp);
    for path in below(&data) {
        chmod(&path, if path.is_dir() { 0o750 } else { 0o640 });
        if is_root() {
            chown(&path, Some(1234), Some(1235)).unwrap();
        }
    }
    chmod(&data.join(ACTIVE), 0o604);
    let made = "orders-0/partition.metadata";
    let plan = planned(
        &data,
        vec![
            patch(),
            create(made),
            create("orders-0/00000000000000000004.txnindex"),
        ],
    );
    let fixed = temp.path().join("fixed");
    let _applied = run(&plan, &into(&temp), &Rebuild);
    let _applied = run(&plan, &IN_PLACE, &Rebuild);
    for root in [&data, &fixed] {
        let owner = |name: &str| {
            let metadata = root.join(name).metadata().unwrap();
            (metadata.uid(), metadata.gid())
        };
        assert_eq!(mode(&root.join(ACTIVE)), 0o604);
        assert_eq!(mode(&root.join(made)), 0o640);
        for name in [
            ACTIVE,
            made,
            "orders-0",
            "orders-0/00000000000000000004.txnindex",
        ] {
            assert_eq!(owner(name), owner(LOG), "{name}");
        }
    }
}

/// An access control list: its owner and group, one more user, everybody else.
fn list(user: u16) -> Vec<u8> {
    let mut list = 2_u32.to_be_bytes().map(u8::from_be).to_vec();
    list.reverse();
    let mut entry = |tag: u16, bits: u16, id: u32| {
        let fields = [
            tag.swap_bytes().to_be_bytes(),
            bits.swap_bytes().to_be_bytes(),
        ];
        list.extend(fields.concat());
        list.extend(id.swap_bytes().to_be_bytes());
    };
    entry(0x01, 6, u32::MAX);
    entry(0x02, user, 4321);
    entry(0x04, 0, u32::MAX);
    entry(0x10, 4, u32::MAX);
    entry(0x20, 0, u32::MAX);
    list
}

/// The extended attribute, if there is one.
fn attribute(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut buffer = vec![0; 1024];
    let len = getxattr(path, name, buffer.as_mut_slice()).ok()?;
    buffer.truncate(len);
    Some(buffer)
}

#[test]
fn access_control_lists_and_attributes_are_kept_and_none_is_inherited_by_a_copy() {
    const ACCESS: &str = "system.posix_acl_access";
    const DEFAULT: &str = "system.posix_acl_default";
    let temp = Temp::new();
    let data = log_dir(&temp);
    let give = |path: &Path, name: &str, value: &[u8]| {
        setxattr(path, name, value, XattrFlags::empty()).is_ok()
    };
    let log = data.join(ACTIVE);
    if !give(&log, "user.note", b"kept") || !give(&log, ACCESS, &list(4)) {
        // Nothing that this file system has.
        return;
    }
    let plan = planned(&data, vec![patch()]);
    // What is made here would be open to that user.
    assert!(give(temp.path(), DEFAULT, &list(4)));
    let _applied = run(&plan, &into(&temp), &Rebuild);
    let _applied = run(&plan, &IN_PLACE, &Rebuild);
    let fixed = temp.path().join("fixed");
    for root in [&data, &fixed] {
        assert_eq!(
            attribute(&root.join(ACTIVE), "user.note").as_deref(),
            Some(&b"kept"[..])
        );
        assert_eq!(attribute(&root.join(ACTIVE), ACCESS), Some(list(4)));
        assert_eq!(attribute(&root.join(LOG), ACCESS), None);
    }
    for path in below(&fixed)
        .iter()
        .filter(|path| **path != fixed.join(ACTIVE))
    {
        let lists = [ACCESS, DEFAULT].map(|name| attribute(path, name));
        assert_eq!(lists, [None, None], "{}", path.display());
    }
}

#[test]
fn hard_links_are_made_for_closed_segments_of_partitions_without_findings_and_for_nothing_else() {
    let temp = Temp::new();
    let data = log_dir(&temp);
    // A batch that a broker would truncate at, in a closed segment.
    let mut bytes = fs::read(data.join(LOG)).unwrap();
    let last = bytes.len() - 3;
    bytes[last] ^= 0xff;
    temp.file(format!("data/{LOG}"), &bytes);
    // Somebody took every step out of the plan.
    let plan = planned(&data, Vec::new());
    temp.file("plan.json", &serde_json::to_vec(&plan).unwrap());
    let ran = kseg(
        temp.path(),
        &["repair", "apply", "plan.json", "--into", "fixed"],
    );
    assert_eq!(ran.status, Some(1), "{}", ran.err);
    let fixed = temp.path().join("fixed");
    let mut linked = Vec::new();
    for path in below(&fixed).into_iter().filter(|path| path.is_file()) {
        let name = path.strip_prefix(&fixed).unwrap();
        if path.metadata().unwrap().ino() == data.join(name).metadata().unwrap().ino() {
            linked.push(name.to_owned());
        }
    }
    // None where the file system shares blocks.
    let closed = [PathBuf::from("other-0/00000000000000000000.log")];
    assert!(linked.is_empty() || linked == closed, "{linked:?}");
    // What a broker does to the copy stays there.
    for name in [LOG, ACTIVE, INDEX, EPOCHS] {
        let before = fs::read(data.join(name)).unwrap();
        let mut file = fs::File::options()
            .write(true)
            .open(fixed.join(name))
            .unwrap();
        file.write_all(b"!").unwrap();
        assert_eq!(fs::read(data.join(name)).unwrap(), before, "{name}");
    }
}

/// Says that everything is sound.
struct Trusting;

impl Derive for Trusting {
    fn derive(
        &self,
        file: &PlanPath,
        recipe: &Recipe,
        locate: &dyn Fn(&str) -> PathBuf,
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        Rebuild.derive(file, recipe, locate, out)
    }

    fn sound(&self, copy: &Path) -> Result<BTreeSet<PathBuf>, Error> {
        let names = copy
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        Ok(names.map(PathBuf::from).collect())
    }
}

#[test]
fn files_with_other_names_elsewhere_are_replaced_and_never_written_to() {
    for name in [EPOCHS, INDEX, LOG, ACTIVE] {
        let temp = Temp::new();
        let data = log_dir(&temp);
        let backup = temp.path().join("backup");
        let how = RealDisk
            .duplicate(&data.join(name), &backup, Sharing::File)
            .unwrap();
        if how != Duplicate::Linked {
            // A file system that shares blocks has no need of them.
            return;
        }
        let before = fs::read(&backup).unwrap();
        let plan = planned(
            &data,
            vec![Action::Replace {
                file: path(name),
                content: Content::new("another").unwrap(),
            }],
        );
        let _applied = run(&plan, &into(&temp), &Trusting);
        let _applied = run(&plan, &IN_PLACE, &Trusting);
        assert_eq!(fs::read(&backup).unwrap(), before, "{name}");
        assert_eq!(fs::read(data.join(name)).unwrap(), b"another", "{name}");
        let _undone = undo(&data, &RealDisk).unwrap();
        let own = |path: &Path| path.metadata().unwrap().ino();
        assert_eq!(own(&backup), own(&data.join(name)), "{name}");
    }
}

#[test]
fn an_undo_restores_the_times_of_directories_and_what_removed_ones_were_like() {
    let temp = Temp::new();
    let data = log_dir(&temp);
    temp.file("data/odd/junk", b"junk");
    chmod(&data.join("odd"), 0o705);
    let long_ago = SystemTime::UNIX_EPOCH + Duration::new(1_500_000_000, 123_456_789);
    for dir in ["odd", "orders-0", ""] {
        RealDisk.touch(&data.join(dir), long_ago).unwrap();
    }
    let quarantine = |name: &str| Action::Quarantine { file: path(name) };
    let actions = vec![
        quarantine("odd/junk"),
        quarantine("odd"),
        patch(),
        create("orders-0/new"),
    ];
    let plan = planned(&data, actions);
    let _applied = run(&plan, &IN_PLACE, &Rebuild);
    assert!(!data.join("odd").exists() && !data.join(".lock").exists());
    let _undone = undo(&data, &RealDisk).unwrap();
    for dir in ["odd", "orders-0", ""] {
        let dir = data.join(dir);
        assert_eq!(
            dir.metadata().unwrap().modified().unwrap(),
            long_ago,
            "{}",
            dir.display()
        );
    }
    assert_eq!(mode(&data.join("odd")), 0o705);
    assert_eq!(temp.path().read_dir().unwrap().count(), 1);
}

#[test]
fn what_a_killed_repair_left_goes_with_the_next_one() {
    let temp = Temp::new();
    let data = log_dir(&temp);
    let lock = data.join(".lock");
    let Locking::Ours(guard) = RealDisk.lock(&lock).unwrap() else {
        panic!("nobody else is here");
    };
    let content = fs::read(&lock).unwrap();
    drop(guard);
    temp.file("data/.lock", &content);
    let folder = |name: &str| temp.path().join(name);
    for name in [
        "data.kseg-0123abcd",
        "data.kseg-partial",
        "data.kseg-mine",
        "data.kseg-00000000",
    ] {
        RealDisk.make_dir(&folder(name)).unwrap();
    }
    temp.file("data.kseg-00000000/journal", b"cut of");
    let plan = planned(&data, vec![patch()]);
    let _applied = run(&plan, &IN_PLACE, &Rebuild);
    assert!(!lock.exists());
    let names = [
        "data.kseg-0123abcd",
        "data.kseg-partial",
        "data.kseg-00000000",
    ];
    assert!(names.iter().all(|name| !folder(name).exists()));
    assert!(folder("data.kseg-mine").exists(), "somebody else's");
    let _undone = undo(&data, &RealDisk).unwrap();
    // The same without a repair: then undo tidies up.
    RealDisk.make_dir(&folder("data.kseg-0123abcd")).unwrap();
    assert_eq!(undo(&data, &RealDisk).unwrap().paths, 0);
    assert!(!folder("data.kseg-0123abcd").exists());
    undo(&data, &RealDisk).unwrap_err();
    // A broker's own lock stays.
    temp.file("data/.lock", b"");
    let _applied = run(&plan, &IN_PLACE, &Rebuild);
    assert!(lock.exists());
}
