//! zstd: frames one after the other, skippable ones included; nothing else may follow (`ZstdInputStream`).

use zstd::zstd_safe::{DCtx, InBuffer, OutBuffer, ResetDirective, get_error_name};

use super::buffer::Buffer;
use crate::format::fault::CodecFault;

/// The minimum number of bytes that are decompressed in one step: Kafka's frames do not contain
/// their size.
const STEP: usize = 64 << 10;

pub(super) fn inflate(
    packed: &[u8],
    context: &mut Option<DCtx<'static>>,
    out: &mut Buffer,
) -> Result<(), CodecFault> {
    let context = match context {
        Some(context) => context,
        None => context.insert(DCtx::try_create().ok_or(CodecFault::Corrupt)?),
    };
    let result = frames(packed, context, out);
    if result.is_err() {
        // An incomplete frame leaves the context in the middle of the frame.
        let _ready = context.reset(ResetDirective::SessionOnly);
    }
    result
}

fn frames(packed: &[u8], context: &mut DCtx<'_>, out: &mut Buffer) -> Result<(), CodecFault> {
    let mut input = InBuffer::around(packed);
    loop {
        let mut output = OutBuffer::around(out.spare(STEP)?);
        let begun = input.pos();
        let wanted = context
            .decompress_stream(&mut output, &mut input)
            .map_err(|code| why(code, begun))?;
        let (written, room) = (output.pos(), output.capacity());
        out.advance(written);
        // The input is consumed and the output flushed when a step leaves room in the buffer.
        if input.pos() == packed.len() && written < room {
            let whole = wanted == 0 || packed.is_empty();
            return if whole {
                Ok(())
            } else {
                Err(CodecFault::Truncated)
            };
        }
    }
}

fn why(code: usize, begun: usize) -> CodecFault {
    match get_error_name(code) {
        "Unknown frame descriptor" if begun == 0 => CodecFault::Header,
        "Unknown frame descriptor" => CodecFault::Trailing,
        "Restored data doesn't match checksum" => CodecFault::Checksum,
        _ => CodecFault::Corrupt,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Codec, Limits, Scratch};
    use super::*;
    use crate::format::fault::{Fault, FaultKind};

    fn unpack(scratch: &mut Scratch, packed: &[u8]) -> (Vec<u8>, Option<FaultKind>) {
        let (bytes, fault) = scratch.inflate(Codec::Zstd, 2, packed);
        (bytes.to_vec(), fault.as_ref().map(Fault::kind))
    }

    fn frame(text: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; text.len() + 64];
        let size = zstd::zstd_safe::compress(&mut bytes[..], text, 3).unwrap();
        bytes.truncate(size);
        bytes
    }

    #[test]
    fn frames_follow_each_other_and_nothing_else_may() {
        let scratch = &mut Scratch::default();
        let skippable = [0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9];
        let many = [
            frame(b"one "),
            skippable.to_vec(),
            frame(b""),
            frame(b"two"),
        ]
        .concat();
        assert_eq!(unpack(scratch, &many), (b"one two".to_vec(), None));
        assert_eq!(unpack(scratch, b""), (vec![], None));
        let (bytes, fault) = unpack(scratch, &[frame(b"one"), b"garbage".to_vec()].concat());
        assert_eq!(
            (bytes, fault),
            (
                b"one".to_vec(),
                Some(FaultKind::Codec(CodecFault::Trailing))
            )
        );
        // The context is usable again.
        assert_eq!(unpack(scratch, &frame(b"two")), (b"two".to_vec(), None));
    }

    #[test]
    fn a_cut_frame_is_told() {
        let scratch = &mut Scratch::default();
        let good = frame(&vec![7; 300_000]);
        for cut in [good.len() - 1, good.len() / 2, 3] {
            let (_, fault) = unpack(scratch, &good[..cut]);
            assert_eq!(
                fault,
                Some(FaultKind::Codec(CodecFault::Truncated)),
                "{cut}"
            );
        }
        let text: Vec<u8> = (0..200_000_u32).flat_map(u32::to_be_bytes).collect();
        assert_eq!(unpack(scratch, &frame(&text)), (text, None));
    }

    #[test]
    fn a_bomb_is_stopped_and_a_window_too_large_refused() {
        let mut scratch = Scratch::with_limits(Limits::inflating(1 << 20));
        let (bytes, fault) = unpack(&mut scratch, &frame(&vec![0; 64 << 20]));
        assert!(bytes.len() <= 1 << 20);
        assert_eq!(
            fault,
            Some(FaultKind::Codec(CodecFault::Limit { limit: 1 << 20 }))
        );
        let wide = [0x28, 0xb5, 0x2f, 0xfd, 0, 0xff, 1, 0, 0];
        assert_eq!(
            unpack(&mut scratch, &wide).1,
            Some(FaultKind::Codec(CodecFault::Corrupt))
        );
    }
}
