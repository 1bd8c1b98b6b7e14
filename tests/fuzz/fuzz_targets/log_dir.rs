//! Any log dir is judged, and repaired or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../it/fuzz_log_dir.rs"]
#[allow(dead_code, reason = "each target runs one of them")]
mod fuzz_log_dir;

fuzz_target!(|bytes: &[u8]| {
    fuzz_log_dir::log_dir(bytes);
});
