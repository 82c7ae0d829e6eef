// PDQ of one plane of samples as a video decoder leaves it: any stride, 8 or 16 bits, any range, any of the eight
// orientations. What PDQ does to a picture before its transform is linear along each axis, so it is done here as one
// weighted sum for each cell of the grid; only the order of float additions differs from `pdq_from_grey`.
#pragma once

#include <cstddef>
#include <cstdint>

#include "pdq.hpp"
#include "pdq_downsample.hpp"

namespace staydown {

// Samples of `height` x `width` pixels; neighbours down and along are `row_stride` and `column_stride` samples apart, of
// which one is 1 or -1. So a view that is flipped or transposed costs nothing. `black` and `white` are the sample values
// that stand for 0 and 255 (16 and 235 in most videos); values beyond them are not cut off.
template <typename Sample>
struct Plane {
  const Sample* first = nullptr;
  std::size_t height = 0;
  std::size_t width = 0;
  std::ptrdiff_t row_stride = 0;
  std::ptrdiff_t column_stride = 1;
  float black = 0.0F;
  float white = 255.0F;
};

// The hash and quality of what a picture was brought down to; the last step of every way to a PDQ hash.
PdqHash pdq_from_grid(const Grid& grid);

PdqHash pdq_from_plane(const Plane<std::uint8_t>& plane);
PdqHash pdq_from_plane(const Plane<std::uint16_t>& plane);

}  // namespace staydown
