//! lz4: one frame of independent blocks; bytes after its end mark are ignored
//! (`Lz4BlockInputStream`).
//!
//! | size | name | meaning |
//! |---|---|---|
//! | 4 | magic | 04 22 4d 18 |
//! | 1 | FLG | version 6–7, independent 5, block checksums 4, content size 3, content checksum 2 |
//! | 1 | BD | largest block: 4–7 in bits 4–6 for 64 KiB, 256 KiB, 1 MiB, 4 MiB |
//! | 8 | content size | only with its flag; not used |
//! | 1 | HC | second byte of the XXH32 of the descriptor. Magic 0 was written with a wrong one: not looked at there |
//! | 4, … | blocks | size, highest bit set if stored as it is; the bytes; XXH32 of them with its flag |
//! | 4 | end mark | 0 |
//! | 4 | content checksum | only with its flag; must be there, not looked at, as in Kafka |

use twox_hash::XxHash32;

use super::buffer::{Buffer, chunk, split};
use crate::format::fault::CodecFault;

const MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
const VERSION: u8 = 1;
const INDEPENDENT: u8 = 0x20;
const BLOCK_CHECKSUM: u8 = 0x10;
const CONTENT_SIZE: u8 = 0x08;
const CONTENT_CHECKSUM: u8 = 0x04;
const RESERVED_FLG: u8 = 0x03;
const RESERVED_BD: u8 = 0x8f;
const STORED: u32 = 0x8000_0000;

/// A block cannot decompress to more than this many times its size.
const MAX_RATIO: usize = 255;

/// The descriptor of the blocks.
struct Descriptor {
    flags: u8,
    block_bytes: usize,
}

pub(super) fn inflate(packed: &[u8], magic: i8, out: &mut Buffer) -> Result<(), CodecFault> {
    let (descriptor, mut rest) = descriptor(packed, magic)?;
    loop {
        let (size, after) = chunk::<4>(rest)?;
        #[expect(clippy::little_endian_bytes, reason = "lz4 is")]
        let size = u32::from_le_bytes(*size);
        let length = (size & !STORED) as usize;
        if length == 0 {
            let checksum = if descriptor.flags & CONTENT_CHECKSUM == 0 {
                0
            } else {
                4
            };
            return split(after, checksum).map(drop);
        }
        if length > descriptor.block_bytes {
            return Err(CodecFault::Corrupt);
        }
        let (block, after) = split(after, length)?;
        rest = checked(block, after, &descriptor)?;
        if size & STORED == 0 {
            unpack(block, descriptor.block_bytes, out)?;
        } else {
            out.append(block)?;
        }
    }
}

fn descriptor(packed: &[u8], magic: i8) -> Result<(Descriptor, &[u8]), CodecFault> {
    let wrong = CodecFault::Header;
    let (_, described) = packed
        .split_at_checked(MAGIC.len())
        .filter(|(m, _)| *m == MAGIC)
        .ok_or(wrong)?;
    let ([flags, bd], _) = chunk(described)?;
    if flags >> 6 != VERSION
        || flags & INDEPENDENT == 0
        || flags & RESERVED_FLG != 0
        || bd & RESERVED_BD != 0
    {
        return Err(wrong);
    }
    let block_bytes = match bd >> 4 {
        code @ 4..=7 => 1_usize.unbounded_shl(u32::from(code).wrapping_mul(2).wrapping_add(8)),
        _ => return Err(wrong),
    };
    let (descriptor, rest) = split(described, if flags & CONTENT_SIZE == 0 { 2 } else { 10 })?;
    let ([stored], rest) = chunk(rest)?;
    let [_, _, actual, _] = XxHash32::oneshot(0, descriptor).to_be_bytes();
    if magic != 0 && *stored != actual {
        return Err(wrong);
    }
    Ok((
        Descriptor {
            flags: *flags,
            block_bytes,
        },
        rest,
    ))
}

/// Returns the bytes after `block` and, if blocks have one, its checksum.
fn checked<'a>(
    block: &[u8],
    after: &'a [u8],
    descriptor: &Descriptor,
) -> Result<&'a [u8], CodecFault> {
    if descriptor.flags & BLOCK_CHECKSUM == 0 {
        return Ok(after);
    }
    let (stored, after) = chunk::<4>(after)?;
    #[expect(clippy::little_endian_bytes, reason = "lz4 is")]
    let stored = u32::from_le_bytes(*stored);
    if stored != XxHash32::oneshot(0, block) {
        return Err(CodecFault::Checksum);
    }
    Ok(after)
}

fn unpack(block: &[u8], block_bytes: usize, out: &mut Buffer) -> Result<(), CodecFault> {
    let most = block_bytes.min(block.len().saturating_mul(MAX_RATIO));
    let spare = out.spare(most)?;
    let room = spare.get_mut(..most).unwrap_or_default();
    let written = lz4_flex::block::decompress_into(block, room).map_err(|_| CodecFault::Corrupt)?;
    out.advance(written);
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::little_endian_bytes, reason = "lz4 is")]

    use super::super::{Codec, Scratch};
    use super::*;
    use crate::format::fault::{Fault, FaultKind};

    /// A frame of one compressed and one stored block.
    fn frame(flags: u8, broken_header: bool) -> Vec<u8> {
        let mut described = vec![flags, 0x40];
        if flags & CONTENT_SIZE != 0 {
            described.extend(8_u64.to_le_bytes());
        }
        let hashed = if broken_header {
            [&MAGIC[..], &described].concat()
        } else {
            described.clone()
        };
        let [_, _, hc, _] = XxHash32::oneshot(0, &hashed).to_be_bytes();
        let mut bytes = [&MAGIC[..], &described, &[hc]].concat();
        let packed = lz4_flex::block::compress(b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        for (block, bit) in [(&packed[..], 0), (b"tail", STORED)] {
            bytes.extend((u32::try_from(block.len()).unwrap() | bit).to_le_bytes());
            bytes.extend(block);
            if flags & BLOCK_CHECKSUM != 0 {
                bytes.extend(XxHash32::oneshot(0, block).to_le_bytes());
            }
        }
        bytes.extend([0; 4]);
        if flags & CONTENT_CHECKSUM != 0 {
            bytes.extend([1, 2, 3, 4]);
        }
        bytes
    }

    fn unpack(magic: i8, packed: &[u8]) -> (usize, Option<FaultKind>) {
        let mut scratch = Scratch::default();
        let (bytes, fault) = scratch.inflate(Codec::Lz4, magic, packed);
        (bytes.len(), fault.as_ref().map(Fault::kind))
    }

    #[test]
    fn every_flag_a_client_sets_is_read() {
        for flags in [0x60, 0x64, 0x70, 0x74, 0x68, 0x7c] {
            let bytes = [frame(flags, false), b"ignored".to_vec()].concat();
            assert_eq!(unpack(2, &bytes), (36, None), "{flags:x}");
        }
    }

    #[test]
    fn the_wrong_header_checksum_is_forgiven_in_magic_0_only() {
        let bytes = frame(0x60, true);
        assert_eq!(bytes[6], 0x1a);
        assert_eq!(unpack(0, &bytes), (36, None));
        assert_eq!(
            unpack(1, &bytes),
            (0, Some(FaultKind::Codec(CodecFault::Header)))
        );
    }

    #[test]
    fn damage_is_told_and_what_came_before_it_kept() {
        let good = frame(0x60, false);
        let cut = &good[..good.len() - 4];
        assert_eq!(
            unpack(2, cut),
            (36, Some(FaultKind::Codec(CodecFault::Truncated)))
        );
        let mut wrong = frame(0x70, false);
        let at = wrong.len() - 5;
        wrong[at] ^= 1;
        assert_eq!(
            unpack(2, &wrong),
            (32, Some(FaultKind::Codec(CodecFault::Checksum)))
        );
        let missing = &frame(0x64, false)[..frame(0x64, false).len() - 1];
        assert_eq!(
            unpack(2, missing).1,
            Some(FaultKind::Codec(CodecFault::Truncated))
        );
        for flags in [0x40, 0x61, 0xa0] {
            assert_eq!(
                unpack(2, &frame(flags, false)).1,
                Some(FaultKind::Codec(CodecFault::Header))
            );
        }
        assert_eq!(unpack(2, b"").1, Some(FaultKind::Codec(CodecFault::Header)));
    }
}
