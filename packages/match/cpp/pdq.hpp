// PDQ, the 256-bit perceptual hash of a picture: equal in every bit and in quality to PyPI's `pdqhash`.
//
// Source of the algorithm: "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm"
// (Facebook, 2019), https://github.com/facebook/ThreatExchange/tree/main/pdq
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace staydown {

struct PdqHash {
  // Most significant byte first: written as hexadecimal digits it is PDQ's official text.
  std::array<std::uint8_t, 32> bits{};
  // 0 (flat, nothing to compare) to 100; under 50 a hash says too little to be matched.
  int quality = 0;
};

// A picture with a side under 5 pixels has the hash zero and quality 0, as in the reference.

// `pixels`: height x width x 3 bytes, row by row, red first.
PdqHash pdq_from_rgb(const std::uint8_t* pixels, std::size_t height, std::size_t width);

// `pixels`: height x width bytes. The same hash as the RGB picture whose three channels are equal to these.
PdqHash pdq_from_grey(const std::uint8_t* pixels, std::size_t height, std::size_t width);

}  // namespace staydown
