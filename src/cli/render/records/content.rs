//! What is shown of the bytes of keys, values and headers.

use kseg::decode::json::{write_base64, write_string};

use crate::cli::render::Push;

/// What may be shown, and how.
#[derive(Debug)]
pub(super) struct Contents;

impl Contents {
    pub(super) fn value(&self, bytes: Option<&[u8]>, out: &mut Vec<u8>) {
        match bytes {
            None => drop(out.text("null")),
            Some(bytes) if simdutf8::basic::from_utf8(bytes).is_ok() => write_string(bytes, out),
            Some(bytes) => {
                out.text("{\"base64\":\"");
                write_base64(bytes, out);
                out.text("\"}");
            }
        }
    }
}
