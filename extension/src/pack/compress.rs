//! Compresses the data of a record.
//!
//! gzip comes from zlib-rs, Zstandard from the C library. Of the encoders in Rust one compresses worse than gzip, and
//! the other adds three times as much to the layer for the same ratio.

use std::io::Write as _;

use extension_spec::Compression;
use flate2::write::GzEncoder;

/// Higher levels take twice the time for 5 % smaller data.
const GZIP_LEVEL: u32 = 3;
/// Higher levels take twice the time for no gain on log lines. The layer is built without the code that only they need
/// (`ZSTD_WITHOUT` in `xtask/src/tools/build.rs`).
const ZSTD_LEVEL: i32 = 1;

/// Returns the data as it is sent.
pub(super) fn compress(data: Vec<u8>, compression: Compression) -> Vec<u8> {
    match compression {
        Compression::None => data,
        Compression::Gzip => {
            let room = Vec::with_capacity(data.len() / 3);
            let mut encoder = GzEncoder::new(room, flate2::Compression::new(GZIP_LEVEL));
            encoder.write_all(&data).expect("a vector takes all that is written");
            encoder.finish().expect("a vector takes all that is written")
        }
        Compression::Zstd => zstd::bulk::compress(&data, ZSTD_LEVEL)
            .expect("the library refuses no input into a buffer of the size that it asks for"),
    }
}

/// Returns the largest size of `len` bytes after compression, reached with incompressible data.
pub(super) fn bound(len: usize, compression: Compression) -> usize {
    match compression {
        Compression::None => len,
        // Stored blocks take five bytes each; the header and the trailer take 18.
        Compression::Gzip => len + 5 * (len / 16_383 + 1) + 18,
        Compression::Zstd => zstd::zstd_safe::compress_bound(len),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn inflate(data: &[u8], compression: Compression) -> Vec<u8> {
        let mut out = Vec::new();
        match compression {
            Compression::None => out.extend_from_slice(data),
            Compression::Gzip => {
                flate2::read::GzDecoder::new(data).read_to_end(&mut out).unwrap();
            }
            Compression::Zstd => out = zstd::stream::decode_all(data).unwrap(),
        }
        out
    }

    #[test]
    fn compressed_data_inflates_to_the_original_within_its_bound() {
        fastrand::seed(1);
        for len in [0, 1, 500, 16_383, 16_384, 300_000] {
            let noise: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(len).collect();
            let lines = b"the same line again and again\n".repeat(len / 30);
            for compression in Compression::ALL {
                for data in [&noise, &lines] {
                    let compressed = compress(data.clone(), *compression);
                    assert!(compressed.len() <= bound(data.len(), *compression), "{len}");
                    assert_eq!(inflate(&compressed, *compression), *data);
                }
            }
        }
    }
}
