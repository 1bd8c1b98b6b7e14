//! snappy: the stream that snappy-java writes (16 bytes of header, then blocks each after its
//! length), or one bare block (`SnappyInputStream`).

use super::buffer::{Buffer, chunk, split};
use crate::format::fault::CodecFault;

const MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
const HEADER_BYTES: usize = 16;

/// The first four bytes of the magic in place of a length: another stream follows.
const MAGIC_AS_LENGTH: i32 = i32::from_be_bytes([0x82, b'S', b'N', b'A']);

/// The highest compression ratio: a copy element of three bytes yields 64 at most.
const MAX_RATIO: usize = 22;

pub(super) fn inflate(
    packed: &[u8],
    decoder: &mut snap::raw::Decoder,
    out: &mut Buffer,
) -> Result<(), CodecFault> {
    if packed.len() < HEADER_BYTES || !packed.starts_with(&MAGIC) {
        return block(packed, decoder, out);
    }
    let (_, mut rest) = split(packed, HEADER_BYTES)?;
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = i32::from_be_bytes(*length);
        if length == MAGIC_AS_LENGTH {
            rest = another_stream(after)?;
            continue;
        }
        let size = usize::try_from(length).map_err(|_| CodecFault::Corrupt)?;
        let (bytes, after) = split(after, size)?;
        block(bytes, decoder, out)?;
        rest = after;
    }
    Ok(())
}

/// Parses the rest of a header whose first four bytes are read. Unlike in the first header, the
/// version is checked here.
fn another_stream(input: &[u8]) -> Result<&[u8], CodecFault> {
    let (magic, rest) = chunk::<4>(input)?;
    let (version, rest) = chunk::<4>(rest)?;
    let (_, rest) = chunk::<4>(rest)?;
    if !MAGIC.ends_with(magic) || i32::from_be_bytes(*version) < 1 {
        return Err(CodecFault::Corrupt);
    }
    Ok(rest)
}

/// One block, which begins with its decompressed size.
fn block(
    packed: &[u8],
    decoder: &mut snap::raw::Decoder,
    out: &mut Buffer,
) -> Result<(), CodecFault> {
    let corrupt = CodecFault::Corrupt;
    let size = match snap::raw::decompress_len(packed) {
        Ok(size) if !packed.is_empty() && size <= packed.len().saturating_mul(MAX_RATIO) => size,
        _ => return Err(corrupt),
    };
    let spare = out.spare(size)?;
    let written = decoder.decompress(packed, spare).map_err(|_| corrupt)?;
    out.advance(written);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Codec, Scratch};
    use super::*;
    use crate::format::fault::{Fault, FaultKind};

    fn block_of(text: &[u8]) -> Vec<u8> {
        snap::raw::Encoder::new().compress_vec(text).unwrap()
    }

    fn stream(version: [u8; 4], texts: &[&[u8]]) -> Vec<u8> {
        let mut bytes = [&MAGIC[..], &version, &version].concat();
        for text in texts {
            let block = block_of(text);
            bytes.extend(u32::try_from(block.len()).unwrap().to_be_bytes());
            bytes.extend(block);
        }
        bytes
    }

    fn unpack(packed: &[u8]) -> (Vec<u8>, Option<FaultKind>) {
        let mut scratch = Scratch::default();
        let (bytes, fault) = scratch.inflate(Codec::Snappy, 2, packed);
        (bytes.to_vec(), fault.as_ref().map(Fault::kind))
    }

    #[test]
    fn a_bare_block_and_a_stream_of_blocks_are_told_apart() {
        assert_eq!(unpack(&block_of(b"bare")), (b"bare".to_vec(), None));
        let java = stream([0, 0, 0, 1], &[b"one ", b"two"]);
        assert_eq!(unpack(&java), (b"one two".to_vec(), None));
        let redpanda = stream([1, 0, 0, 0], &[b"one"]);
        assert_eq!(unpack(&redpanda), (b"one".to_vec(), None));
    }

    #[test]
    fn streams_follow_each_other_and_three_bytes_behind_them_are_ignored() {
        let version = [0, 0, 0, 1];
        let two = [
            stream(version, &[b"one "]),
            stream(version, &[b"two"]),
            vec![9; 3],
        ]
        .concat();
        assert_eq!(unpack(&two), (b"one two".to_vec(), None));
    }

    #[test]
    fn damage_is_told_and_what_came_before_it_kept() {
        let good = stream([0, 0, 0, 1], &[b"one ", b"two"]);
        let (bytes, fault) = unpack(&good[..good.len() - 1]);
        assert_eq!(
            (bytes, fault),
            (
                b"one ".to_vec(),
                Some(FaultKind::Codec(CodecFault::Truncated))
            )
        );
        assert_eq!(unpack(b"").1, Some(FaultKind::Codec(CodecFault::Corrupt)));
        let trailing = [block_of(b"bare"), vec![0]].concat();
        assert!(unpack(&trailing).1.is_some());
    }

    #[test]
    fn a_size_that_lies_costs_nothing() {
        let claims_4_gib = [0xff, 0xff, 0xff, 0xff, 0x0f, 0];
        assert_eq!(
            unpack(&claims_4_gib).1,
            Some(FaultKind::Codec(CodecFault::Corrupt))
        );
    }
}
