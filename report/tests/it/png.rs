//! Screenshots as pixels: PNG with 8 bits a channel, as browsers write it.

use std::collections::BTreeSet;
use std::io::Read as _;

use flate2::read::ZlibDecoder;

/// Red, green and blue.
pub(crate) type Color = [u8; 3];

pub(crate) struct Image {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pixels: Vec<Color>,
}

impl Image {
    /// Decodes a PNG: RGB or RGBA, not interlaced.
    pub(crate) fn decode(png: &[u8]) -> Self {
        let mut rest = png.strip_prefix(b"\x89PNG\r\n\x1a\n").expect("the signature of PNG");
        let (mut header, mut packed) = (Vec::new(), Vec::new());
        while let [a, b, c, d, k0, k1, k2, k3, after @ ..] = rest {
            let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
            match &[*k0, *k1, *k2, *k3] {
                b"IHDR" => header.extend_from_slice(&after[..length]),
                b"IDAT" => packed.extend_from_slice(&after[..length]),
                _ => {}
            }
            rest = &after[length + 4..];
        }
        let number = |at: usize| {
            u32::from_be_bytes(header[at..at + 4].try_into().expect("four bytes")) as usize
        };
        let (width, height) = (number(0), number(4));
        let channels = match header[8..] {
            [8, 2, 0, 0, 0] => 3,
            [8, 6, 0, 0, 0] => 4,
            ref other => panic!("another kind of PNG: {other:?}"),
        };
        let mut bytes = Vec::new();
        ZlibDecoder::new(packed.as_slice()).read_to_end(&mut bytes).expect("compressed pixels");
        Self { width, height, pixels: unfiltered(&bytes, width * channels, channels) }
    }

    /// Returns the colors in the rows from `top` on.
    pub(crate) fn colors(&self, top: usize, height: usize) -> BTreeSet<Color> {
        let end = (top + height).min(self.height);
        self.pixels[top * self.width..end * self.width].iter().copied().collect()
    }

    /// Returns how many pixels have this color.
    pub(crate) fn count(&self, color: Color) -> usize {
        self.pixels.iter().filter(|it| **it == color).count()
    }
}

/// Reverses the filters of PNG (section 9 of its specification). Each row begins with the number of its filter.
fn unfiltered(bytes: &[u8], row: usize, channels: usize) -> Vec<Color> {
    let mut above = vec![0_u8; row];
    let mut pixels = Vec::with_capacity(bytes.len() / channels);
    for line in bytes.chunks_exact(row + 1) {
        let mut own = line[1..].to_vec();
        for at in 0..row {
            let left = if at < channels { 0 } else { own[at - channels] };
            let corner = if at < channels { 0 } else { above[at - channels] };
            let predicted = match line[0] {
                0 => 0,
                1 => left,
                2 => above[at],
                3 => u8::midpoint(left, above[at]),
                4 => paeth(left, above[at], corner),
                other => panic!("unknown filter {other}"),
            };
            own[at] = own[at].wrapping_add(predicted);
        }
        pixels.extend(own.chunks_exact(channels).map(|it| [it[0], it[1], it[2]]));
        above = own;
    }
    pixels
}

/// Returns the neighbor that is closest to `left + above - corner`.
fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(above) - i16::from(corner);
    let distance = |it: u8| (estimate - i16::from(it)).abs();
    [left, above, corner].into_iter().min_by_key(|it| distance(*it)).unwrap_or(left)
}
