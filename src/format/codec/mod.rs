//! Compressed payloads: the codecs of a batch, and the buffers they are decompressed into.
//!
//! | id | codec | framing Kafka reads |
//! |---|---|---|
//! | 0 | none | |
//! | 1 | gzip | RFC 1952 members one after the other |
//! | 2 | snappy | snappy-java's stream of blocks, or one bare block |
//! | 3 | lz4 | one LZ4 frame of independent blocks |
//! | 4 | zstd | frames one after the other; magic 2 only |
//!
//! Every codec decompresses into the same growing buffer: the claimed size of a payload allocates
//! nothing, its real size is bounded by [`Limits`]. Bytes that were decompressed before a fault
//! stay readable.

mod budget;
mod buffer;
mod gzip;
mod lz4;
pub mod pack;
mod snappy;
mod zstd;

use std::fmt;

pub use self::budget::Budget;
use self::buffer::Buffer;
use crate::format::Fault;
use crate::format::fault::CodecFault;

const CODEC_BITS: u8 = 0x07;

/// The codec of a batch (`CompressionType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// Not compressed.
    None,
    /// gzip.
    Gzip,
    /// Snappy.
    Snappy,
    /// LZ4.
    Lz4,
    /// Zstandard.
    Zstd,
}

impl Codec {
    /// The codec named by the attributes of a batch or message.
    pub(super) const fn of(attributes: u8) -> Result<Self, CodecFault> {
        match attributes & CODEC_BITS {
            0 => Ok(Self::None),
            1 => Ok(Self::Gzip),
            2 => Ok(Self::Snappy),
            3 => Ok(Self::Lz4),
            4 => Ok(Self::Zstd),
            unknown => Err(CodecFault::Unknown(unknown)),
        }
    }

    /// Its number in the attributes.
    #[must_use]
    pub const fn id(self) -> u8 {
        self as u8
    }

    /// Its name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

/// The limits of a payload.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Limits {
    /// The maximum size of a decompressed batch, in bytes.
    pub inflated_bytes: usize,
    /// The memory budget that threads share.
    pub budget: Option<&'static Budget>,
}

impl Limits {
    /// A batch may decompress to `bytes`.
    #[must_use]
    pub const fn inflating(bytes: usize) -> Self {
        Self {
            inflated_bytes: bytes,
            budget: None,
        }
    }

    /// The same for several threads: one at a time may hold a batch that decompresses to more than
    /// 16 MiB. It waits for no other thread meanwhile.
    #[must_use]
    pub const fn within(self, budget: &'static Budget) -> Self {
        Self {
            budget: Some(budget),
            ..self
        }
    }
}

impl Default for Limits {
    /// 256 MiB a batch: far above what brokers accept by default (1 MiB, compressed), far below the
    /// memory of a server.
    fn default() -> Self {
        Self::inflating(256 << 20)
    }
}

/// The buffer and the codec contexts that decompressing reuses from batch to batch: one per worker.
pub struct Scratch {
    buffer: Buffer,
    snappy: snap::raw::Decoder,
    gzip: libdeflater::Decompressor,
    zstd: Option<::zstd::zstd_safe::DCtx<'static>>,
}

impl Scratch {
    /// An empty scratch.
    #[must_use]
    pub fn with_limits(limits: Limits) -> Self {
        Self {
            buffer: Buffer::new(limits.inflated_bytes, limits.budget),
            snappy: snap::raw::Decoder::new(),
            gzip: libdeflater::Decompressor::new(),
            zstd: None,
        }
    }

    /// Calls `turn` before a batch decompresses to more than a small one, if threads share a
    /// budget: it waits until it is this thread's turn.
    pub(crate) fn wait_with(&mut self, turn: impl Fn() + Send + Sync + 'static) {
        self.buffer.turn = Some(Box::new(turn));
    }

    /// Releases the memory of a large decompressed batch, if threads share it.
    #[inline]
    pub(crate) fn settle(&mut self) {
        if self.buffer.permit.is_some() {
            self.buffer.settle();
        }
    }

    /// Decompresses `packed`. Returns the bytes, and the fault at which decompression stopped.
    pub(crate) fn inflate(
        &mut self,
        codec: Codec,
        magic: i8,
        packed: &[u8],
    ) -> (&[u8], Option<Fault>) {
        let out = &mut self.buffer;
        out.filled = 0;
        let result = match codec {
            Codec::None => out.append(packed),
            Codec::Gzip => gzip::inflate(packed, &mut self.gzip, out),
            Codec::Snappy => snappy::inflate(packed, &mut self.snappy, out),
            Codec::Lz4 => lz4::inflate(packed, magic, out),
            Codec::Zstd => zstd::inflate(packed, &mut self.zstd, out),
        };
        let fault = result.err().map(|kind| Fault::new(kind, 0));
        (self.buffer.filled(), fault)
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::with_limits(Limits::default())
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scratch")
            .field("buffer", &self.buffer)
            .finish_non_exhaustive()
    }
}
