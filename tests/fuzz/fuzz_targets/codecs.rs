//! Any payload of any codec is unpacked within bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../it/fuzz_bodies.rs"]
#[allow(dead_code, reason = "each target runs one of them")]
mod fuzz_bodies;

fuzz_target!(|bytes: &[u8]| {
    fuzz_bodies::codecs(bytes);
});
