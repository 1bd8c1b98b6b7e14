//! gzip: members one after the other; other bytes after them are ignored (`GZIPInputStream`).
//!
//! libdeflate is fast, but decompresses one member and does not return where it ended. So it is
//! used if there can be only one; everything else goes through a streaming reader.

use std::io::Read;

use flate2::bufread::GzDecoder;

use super::buffer::Buffer;
use crate::format::fault::CodecFault;

/// The start of every member: the magic and the only method.
const MEMBER: [u8; 3] = [0x1f, 0x8b, 0x08];

/// The highest compression ratio of deflate.
const MAX_RATIO: usize = 1032;

/// Bytes that are decompressed in one step if the size is not known.
const STEP: usize = 32 << 10;

pub(super) fn inflate(
    packed: &[u8],
    quick: &mut libdeflater::Decompressor,
    out: &mut Buffer,
) -> Result<(), CodecFault> {
    if !packed.starts_with(&MEMBER) {
        return Err(CodecFault::Header);
    }
    if let Some(size) = size_of_only_member(packed)
        && let Ok(spare) = out.spare(size)
        && let Some(exact) = spare.get_mut(..size)
        && quick.gzip_decompress(packed, exact) == Ok(size)
    {
        out.advance(size);
        return Ok(());
    }
    inflate_members(packed, out)
}

/// The size in the trailer, if only one member can be inside and the size is possible.
fn size_of_only_member(packed: &[u8]) -> Option<usize> {
    let (_, behind_first) = packed.split_at_checked(MEMBER.len())?;
    if memchr::memmem::find(behind_first, &MEMBER).is_some() {
        return None;
    }
    #[expect(clippy::little_endian_bytes, reason = "gzip is")]
    let size = u32::from_le_bytes(*packed.last_chunk()?) as usize;
    (size <= packed.len().saturating_mul(MAX_RATIO)).then_some(size)
}

fn inflate_members(packed: &[u8], out: &mut Buffer) -> Result<(), CodecFault> {
    let mut rest = packed;
    while rest.starts_with(&MEMBER) {
        let mut decoder = GzDecoder::new(rest);
        loop {
            let read = match decoder.read(out.spare(STEP)?) {
                Ok(read) => read,
                Err(_) if decoder.header().is_none() && rest.len() < packed.len() => return Ok(()),
                Err(error) => return Err(why(&error)),
            };
            if read == 0 {
                break;
            }
            out.advance(read);
        }
        rest = decoder.into_inner();
    }
    Ok(())
}

fn why(error: &std::io::Error) -> CodecFault {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => CodecFault::Truncated,
        std::io::ErrorKind::InvalidInput if error.to_string().contains("checksum") => {
            CodecFault::Checksum
        }
        _ => CodecFault::Corrupt,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::{Codec, Limits, Scratch};
    use super::*;
    use crate::format::fault::{Fault, FaultKind};

    fn member(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn unpack(packed: &[u8]) -> (Vec<u8>, Option<FaultKind>) {
        let mut scratch = Scratch::default();
        let (bytes, fault) = scratch.inflate(Codec::Gzip, 2, packed);
        (bytes.to_vec(), fault.as_ref().map(Fault::kind))
    }

    #[test]
    fn members_follow_each_other_and_junk_behind_them_is_ignored() {
        let two = [member(b"one "), member(b"two")].concat();
        assert_eq!(unpack(&two), (b"one two".to_vec(), None));
        let same = [member(b"one "), member(b"one ")].concat();
        assert_eq!(unpack(&same), (b"one one ".to_vec(), None));
        for junk in [&b"junk"[..], &[0; 40], &MEMBER] {
            let packed = [&member(b"one"), junk].concat();
            assert_eq!(unpack(&packed), (b"one".to_vec(), None));
        }
    }

    #[test]
    fn damage_is_told_and_what_came_before_it_kept() {
        let good = member(&vec![b'a'; 100_000]);
        let (bytes, fault) = unpack(&good[..good.len() - 5]);
        assert_eq!(
            (bytes.len(), fault),
            (100_000, Some(FaultKind::Codec(CodecFault::Truncated)))
        );
        let mut wrong = good.clone();
        let at = wrong.len() - 6;
        wrong[at] ^= 1;
        assert!(matches!(unpack(&wrong).1, Some(FaultKind::Codec(_))));
        assert_eq!(unpack(b"").1, Some(FaultKind::Codec(CodecFault::Header)));
    }

    #[test]
    fn a_size_that_lies_costs_nothing_and_a_bomb_is_stopped() {
        let mut lies = member(b"short");
        let at = lies.len() - 4;
        lies[at..].copy_from_slice(&[0xff; 4]);
        assert!(unpack(&lies).1.is_some());
        let mut scratch = Scratch::with_limits(Limits::inflating(1 << 20));
        let bomb = member(&vec![0; 2 << 20]);
        let (_, fault) = scratch.inflate(Codec::Gzip, 2, &bomb);
        assert_eq!(
            fault.unwrap().kind(),
            FaultKind::Codec(CodecFault::Limit { limit: 1 << 20 })
        );
    }
}
