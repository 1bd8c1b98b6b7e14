//! Not a part of the tests, but of the processes that they start: a library that is loaded before
//! the C library, and lets reads of a range of one file fail as a bad sector does.
//!
//! `SICK_FILE` is the path of the file, `SICK_FROM` and `SICK_TO` are the range. `SICK_DIR` is the
//! path of a directory that may not be opened, nor anything in it.

#![crate_type = "cdylib"]

use std::ffi::{c_char, c_int, c_long, c_void};

const EIO: c_int = 5;
const EACCES: c_int = 13;
const ENODEV: c_int = 19;
const SYS_PREAD64: c_long = if cfg!(target_arch = "aarch64") { 67 } else { 17 };
const SYS_OPENAT: c_long = if cfg!(target_arch = "aarch64") { 56 } else { 257 };
const SYS_MMAP: c_long = if cfg!(target_arch = "aarch64") { 222 } else { 9 };
const SYS_READLINKAT: c_long = if cfg!(target_arch = "aarch64") { 78 } else { 267 };
const AT_FDCWD: c_int = -100;

unsafe extern "C" {
    fn syscall(number: c_long, ...) -> c_long;
    fn getenv(name: *const c_char) -> *const c_char;
    fn strcmp(one: *const c_char, other: *const c_char) -> c_int;
    fn strlen(text: *const c_char) -> usize;
    fn strncmp(one: *const c_char, other: *const c_char, size: usize) -> c_int;
    fn dlsym(library: *const c_void, name: *const c_char) -> *const c_void;
    fn atoll(text: *const c_char) -> i64;
    fn __errno_location() -> *mut c_int;
}

fn fail(errno: c_int) -> isize {
    unsafe { *__errno_location() = errno };
    -1
}

/// The range of a file that cannot be read, if it is the one.
fn bad(file: c_int) -> Option<(i64, i64)> {
    let mut link = *b"/proc/self/fd/0000000000\0";
    let digits = format!("{file}\0");
    link[14..14 + digits.len()].copy_from_slice(digits.as_bytes());
    let mut path = [0_u8; 4096];
    unsafe {
        let sick = getenv(c"SICK_FILE".as_ptr());
        let len = syscall(SYS_READLINKAT, AT_FDCWD, link.as_ptr(), path.as_mut_ptr(), 4095_usize);
        if sick.is_null() || len < 0 || strcmp(path.as_ptr().cast(), sick) != 0 {
            return None;
        }
        let number = |name: *const c_char| atoll(getenv(name));
        Some((number(c"SICK_FROM".as_ptr()), number(c"SICK_TO".as_ptr())))
    }
}

/// # Safety
/// As `pread(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pread64(file: c_int, room: *mut c_void, size: usize, at: i64) -> isize {
    let mut size = size;
    if let Some((from, to)) = bad(file) {
        if (from..to).contains(&at) {
            return fail(EIO);
        }
        if at < from {
            size = size.min((from - at) as usize);
        }
    }
    unsafe { syscall(SYS_PREAD64, file, room, size, at) as isize }
}

/// # Safety
/// As `mmap(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap64(
    place: *mut c_void,
    size: usize,
    protection: c_int,
    flags: c_int,
    file: c_int,
    at: i64,
) -> *mut c_void {
    if file >= 0 && bad(file).is_some() {
        return fail(ENODEV) as *mut c_void;
    }
    unsafe { syscall(SYS_MMAP, place, size, protection, flags, file, at) as *mut c_void }
}

/// # Safety
/// As `mmap(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap(
    place: *mut c_void,
    size: usize,
    protection: c_int,
    flags: c_int,
    file: c_int,
    at: i64,
) -> *mut c_void {
    unsafe { mmap64(place, size, protection, flags, file, at) }
}

/// Returns true if a path is in the directory that may not be opened.
fn is_denied(path: *const c_char) -> bool {
    unsafe {
        let sick = getenv(c"SICK_DIR".as_ptr());
        !sick.is_null() && strncmp(path, sick, strlen(sick)) == 0
    }
}

/// # Safety
/// As `open(2)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn open64(path: *const c_char, flags: c_int, mode: u32) -> c_int {
    if is_denied(path) {
        return fail(EACCES) as c_int;
    }
    unsafe { syscall(SYS_OPENAT, AT_FDCWD, path, flags, mode) as c_int }
}

/// # Safety
/// As `opendir(3)`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn opendir(path: *const c_char) -> *mut c_void {
    if is_denied(path) {
        fail(EACCES);
        return std::ptr::null_mut();
    }
    // The next one after this library (`RTLD_NEXT`).
    let next = unsafe { dlsym(-1_isize as *const c_void, c"opendir".as_ptr()) };
    let next: unsafe extern "C" fn(*const c_char) -> *mut c_void =
        unsafe { std::mem::transmute(next) };
    unsafe { next(path) }
}
