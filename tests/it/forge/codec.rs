//! Compressed payloads, framed the way each kind of client frames them.

use std::io::Write;

use flate2::write::GzEncoder;
use twox_hash::XxHash32;

/// A codec, and how its stream is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Codec {
    /// Not compressed.
    #[default]
    None,
    /// RFC 1952 members, back to back.
    Gzip {
        /// How many; Java writes one.
        members: usize,
    },
    /// One snappy block without a frame, as librdkafka and most others write.
    Snappy,
    /// The stream of snappy-java.
    Xerial {
        /// Bytes before compression of a chunk: 32 KiB in Java, 1 KiB in its producer of 0.8.2 to 0.10.2.
        chunk_bytes: usize,
        /// The version fields in little-endian order, as Redpanda writes them.
        little_endian: bool,
        /// Streams, each with its header, back to back.
        streams: usize,
    },
    /// An LZ4 frame.
    Lz4(Lz4),
    /// Zstandard frames.
    Zstd {
        /// How many, back to back; Java writes one.
        frames: usize,
        /// Whether the frame header holds the size before compression.
        content_size: bool,
        /// Whether each frame ends with a checksum.
        checksum: bool,
    },
}

/// The options of an LZ4 frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of the format, each free of the others"
)]
pub(crate) struct Lz4 {
    /// The code of the largest block: 4, 5, 6, 7 for 64 KiB, 256 KiB, 1 MiB, 4 MiB.
    pub(crate) block: u8,
    /// The header holds the size before compression.
    pub(crate) content_size: bool,
    /// Each block is followed by its checksum.
    pub(crate) block_checksums: bool,
    /// The frame ends with a checksum of what was compressed.
    pub(crate) content_checksum: bool,
    /// The header checksum of Kafka 0.8.2 and 0.9, which covers the frame's magic too; still that of magic 0.
    pub(crate) broken_header: bool,
}

impl Lz4 {
    /// What Java writes: 64 KiB blocks and nothing optional.
    pub(crate) const JAVA: Self = Self {
        block: 4,
        content_size: false,
        block_checksums: false,
        content_checksum: false,
        broken_header: false,
    };
}

impl Codec {
    pub(crate) const GZIP: Self = Self::Gzip { members: 1 };
    pub(crate) const XERIAL: Self = Self::Xerial {
        chunk_bytes: 32 << 10,
        little_endian: false,
        streams: 1,
    };
    pub(crate) const LZ4: Self = Self::Lz4(Lz4::JAVA);
    /// What Java writes into magic 0.
    pub(crate) const LZ4_BROKEN: Self = Self::Lz4(Lz4 {
        broken_header: true,
        ..Lz4::JAVA
    });
    pub(crate) const ZSTD: Self = Self::Zstd {
        frames: 1,
        content_size: false,
        checksum: false,
    };

    /// The number in the attributes.
    pub(crate) fn id(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Gzip { .. } => 1,
            Self::Snappy | Self::Xerial { .. } => 2,
            Self::Lz4(_) => 3,
            Self::Zstd { .. } => 4,
        }
    }

    /// The payload that unpacks to `bytes`.
    pub(crate) fn pack(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::None => bytes.to_vec(),
            Self::Gzip { members } => join(bytes, members, gzip),
            Self::Snappy => snappy(bytes),
            Self::Xerial {
                chunk_bytes,
                little_endian,
                streams,
            } => join(bytes, streams, |part| {
                xerial(part, chunk_bytes, little_endian)
            }),
            Self::Lz4(options) => lz4(bytes, options),
            Self::Zstd {
                frames,
                content_size,
                checksum,
            } => join(bytes, frames, |part| zstd(part, content_size, checksum)),
        }
    }
}

/// `bytes` in up to `parts` equal pieces, each packed on its own. No bytes are one empty piece.
fn join(bytes: &[u8], parts: usize, pack: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    if bytes.is_empty() {
        return pack(bytes);
    }
    bytes
        .chunks(bytes.len().div_ceil(parts))
        .flat_map(pack)
        .collect()
}

/// One member, with no time in its header, as Java writes it.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

fn snappy(bytes: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new()
        .compress_vec(bytes)
        .expect("below 4 GiB")
}

fn xerial(bytes: &[u8], chunk_bytes: usize, little_endian: bool) -> Vec<u8> {
    let version = if little_endian {
        [1, 0, 0, 0]
    } else {
        [0, 0, 0, 1]
    };
    let mut out = b"\x82SNAPPY\0".to_vec();
    out.extend(version);
    out.extend(version);
    for chunk in bytes.chunks(chunk_bytes) {
        let packed = snappy(chunk);
        out.extend(length(&packed).to_be_bytes());
        out.extend(packed);
    }
    out
}

fn lz4(bytes: &[u8], options: Lz4) -> Vec<u8> {
    let flag = |on: bool, bit: u8| u8::from(on) << bit;
    let mut out = vec![0x04, 0x22, 0x4d, 0x18];
    out.push(
        0x60 | flag(options.block_checksums, 4)
            | flag(options.content_size, 3)
            | flag(options.content_checksum, 2),
    );
    out.push(options.block << 4);
    if options.content_size {
        out.extend((bytes.len() as u64).to_le_bytes());
    }
    let hashed = if options.broken_header { 0 } else { 4 };
    let [_, check, ..] = xxh32(&out[hashed..]).to_le_bytes();
    out.push(check);

    for block in bytes.chunks(1 << (8 + 2 * options.block)) {
        let packed = lz4_flex::block::compress(block);
        // A block that does not shrink is stored, and says so in its highest bit.
        let (stored, body) = if packed.len() < block.len() {
            (0, packed.as_slice())
        } else {
            (1 << 31, block)
        };
        out.extend((length(body) | stored).to_le_bytes());
        out.extend(body);
        if options.block_checksums {
            out.extend(xxh32(body).to_le_bytes());
        }
    }
    out.extend([0; 4]);
    if options.content_checksum {
        out.extend(xxh32(bytes).to_le_bytes());
    }
    out
}

fn zstd(bytes: &[u8], content_size: bool, checksum: bool) -> Vec<u8> {
    let pack = || {
        let mut encoder = zstd::Encoder::new(Vec::new(), zstd::DEFAULT_COMPRESSION_LEVEL)?;
        encoder.include_checksum(checksum)?;
        if content_size {
            encoder.set_pledged_src_size(Some(bytes.len() as u64))?;
        }
        encoder.write_all(bytes)?;
        // Java flushes too, so that an empty block ends the frame.
        encoder.flush()?;
        encoder.finish()
    };
    pack().expect("memory takes all")
}

fn xxh32(bytes: &[u8]) -> u32 {
    XxHash32::oneshot(0, bytes)
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("below 4 GiB")
}
