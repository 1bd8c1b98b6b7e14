//! Owner, group, permissions, extended attributes and access control lists, from one file to
//! another.
//!
//! Files are made with permissions for their owner alone. They get those of their model last, and
//! only as far as that gives no access that the model did not: where the group or the list cannot
//! be kept, the group gets nothing.

use std::ffi::CStr;
use std::fs::{File, FileTimes, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fremovexattr, fsetxattr};
use rustix::io::Errno;

use super::Likeness;

/// The access control lists of Linux. A directory may have given them to what was made in it.
const LISTS: [&CStr; 2] = [c"system.posix_acl_access", c"system.posix_acl_default"];

/// The most that Linux allows for the names of a file's attributes together, and for the value of
/// one (`XATTR_LIST_MAX`, `XATTR_SIZE_MAX`).
const ATTRIBUTE_BYTES: usize = 64 << 10;

/// Permission bits of the group.
const GROUP: u32 = 0o070;

/// Bits by which a program runs as its owner or group.
const SET_ID: u32 = 0o6000;

/// Permission bits to search a directory or run a file.
const EXECUTE: u32 = 0o111;

/// Makes `file` like `model`.
pub(super) fn dress(file: &File, model: &File, how: Likeness) -> io::Result<()> {
    let wanted = model.metadata()?;
    let (is_owner_kept, is_group_kept) = give(file, &wanted)?;
    let is_new = how == Likeness::New;
    let are_lists_kept = if is_new && wanted.is_dir() {
        // What is made in a directory has that directory's default list already.
        true
    } else {
        attributes(file, model)?
    };
    let mut mode = wanted.mode() & 0o7777;
    if !is_group_kept || !are_lists_kept {
        mode &= !GROUP;
    }
    let own = file.metadata()?;
    if own.is_file() && (!is_owner_kept || !is_group_kept || wanted.is_dir()) {
        mode &= !SET_ID;
    }
    if own.is_file() && wanted.is_dir() {
        mode &= !EXECUTE;
    }
    if own.mode() & 0o7777 != mode {
        file.set_permissions(Permissions::from_mode(mode))?;
    }
    match wanted.modified() {
        Ok(modified) if !is_new => file.set_times(FileTimes::new().set_modified(modified)),
        _ => Ok(()),
    }
}

/// Gives `file` its owner and group, as far as we may; says which it has then. Only root may give
/// files away; who is not works on files of his own.
fn give(file: &File, wanted: &Metadata) -> io::Result<(bool, bool)> {
    let own = file.metadata()?;
    let (uid, gid) = (wanted.uid(), wanted.gid());
    if (own.uid(), own.gid()) != (uid, gid) && fchown(file, Some(uid), Some(gid)).is_err() {
        let _refused = fchown(file, None, Some(gid));
    }
    let own = file.metadata()?;
    Ok((own.uid() == uid, own.gid() == gid))
}

/// Copies the extended attributes; says whether the access control lists are those of the model.
fn attributes(file: &File, model: &File) -> io::Result<bool> {
    let mut buffer = vec![0; ATTRIBUTE_BYTES];
    let names = names(model, &mut buffer)?;
    let mut are_lists_kept = true;
    for name in &names {
        let len = match fgetxattr(model, name.as_c_str(), buffer.as_mut_slice()) {
            Ok(len) => len,
            // Gone, or not for us to see.
            Err(Errno::NODATA | Errno::PERM | Errno::ACCESS | Errno::OPNOTSUPP) => continue,
            Err(error) => return Err(error.into()),
        };
        let value = buffer.get(..len).unwrap_or_default();
        match fsetxattr(file, name.as_c_str(), value, XattrFlags::empty()) {
            Ok(()) => {}
            // Not for us to give, or nothing that this file system has.
            Err(Errno::PERM | Errno::ACCESS | Errno::OPNOTSUPP | Errno::INVAL) => {
                are_lists_kept &= !LISTS.contains(&name.as_c_str());
            }
            Err(error) => return Err(error.into()),
        }
    }
    for list in LISTS {
        if !names.iter().any(|name| name.as_c_str() == list) {
            // Most often there is none.
            let _none = fremovexattr(file, list);
        }
    }
    Ok(are_lists_kept)
}

fn names(file: &File, buffer: &mut [u8]) -> io::Result<Vec<std::ffi::CString>> {
    let len = match flistxattr(file, &mut *buffer) {
        Ok(len) => len,
        Err(Errno::OPNOTSUPP) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let names = buffer.get(..len).unwrap_or_default();
    let names = names
        .split(|&byte| byte == 0)
        .filter(|name| !name.is_empty());
    Ok(names
        .filter_map(|name| std::ffi::CString::new(name).ok())
        .collect())
}
