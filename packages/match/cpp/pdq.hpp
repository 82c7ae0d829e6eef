// PDQ, the 256-bit perceptual hash of a picture: equal in every bit and in quality to PyPI's `pdqhash`,
// but for pictures that were computed to break that (docs/adr/0020).
//
// Source of the algorithm: "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm"
// (Facebook, 2019), https://github.com/facebook/ThreatExchange/tree/main/pdq
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace staydown {

// Most significant byte first: written as hexadecimal digits it is PDQ's official text.
using HashBits = std::array<std::uint8_t, 32>;

// What is done to a picture before it is hashed: first mirrored at its main diagonal, then left to right and upside down.
struct Turn {
  bool transposed;
  bool mirrored;
  bool upside_down;
};

// The eight ways to see a picture: as it is, turned clockwise by 90, 180 and 270 degrees, mirrored left to right,
// upside down (mirrored top to bottom), mirrored at the main diagonal, and at the other one.
inline constexpr std::array<Turn, 8> kTurns = {{
    {false, false, false},
    {true, true, false},
    {false, true, true},
    {true, false, true},
    {false, true, false},
    {false, false, true},
    {true, false, false},
    {true, true, true},
}};
using Orientations = std::array<HashBits, kTurns.size()>;

struct PdqHash {
  HashBits bits{};
  // 0 (flat, nothing to compare) to 100; under 50 a hash says too little to be matched.
  int quality = 0;
  // In the order of kTurns; the first is `bits`.
  Orientations orientations{};
};

// 8-bit pixels with 1 (grey) or 3 (red, green, blue) bytes each. Neighbours down and along are `row_stride` and
// `column_stride` bytes apart, of which one is `channels` or minus that: a picture stored turned or mirrored is seen
// upright without being copied.
struct PixelView {
  const std::uint8_t* data;  // of the pixel at the top left
  std::size_t height;
  std::size_t width;
  std::size_t channels;
  std::ptrdiff_t row_stride;
  std::ptrdiff_t column_stride;
};

// A picture with a side under 5 pixels has the hash zero and quality 0, as in the reference.

// `pixels`: height x width x 3 bytes, row by row, red first.
PdqHash pdq_from_rgb(const std::uint8_t* pixels, std::size_t height, std::size_t width);

// `pixels`: height x width bytes. The same hash as the RGB picture whose three channels are equal to these.
PdqHash pdq_from_grey(const std::uint8_t* pixels, std::size_t height, std::size_t width);

// The same for pixels that lie in memory in another way.
PdqHash pdq_from_pixels(const PixelView& pixels);

// `pixels`: a grey picture of full_height x full_width that a decoder shrank by `scale` as it read it: it has the
// sides divided by `scale` and rounded up. Near the hash of the full picture, not equal to it.
struct ShrunkHash {
  PdqHash hash;
  // How many of its bits are so near to tipping over that they may differ from the full picture's. Many in a picture of
  // one repeated shape, which has few frequencies: there only the full picture tells.
  int unsure_bits = 0;
};

ShrunkHash pdq_from_shrunk_grey(const PixelView& pixels, std::size_t full_height, std::size_t full_width,
                                std::size_t scale);

}  // namespace staydown
