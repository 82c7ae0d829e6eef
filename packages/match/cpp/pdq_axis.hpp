// What PDQ's two box passes and its sampling do along one axis, as one sparse linear map from n pixels to 64 cells.
//
// Both passes are linear and act on rows and columns apart, so the whole way from luma to the 64 x 64 grid is
// A(height) x luma x A(width) transposed, with a matrix A(n) of 64 rows in which a pixel has a weight in one or two.
// A pixel that no window reaches is never read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "pdq_downsample.hpp"

namespace staydown {

// The pixels that one cell of the grid is made of: `first` and those after it.
struct CellWeights {
  std::size_t first = 0;
  // Their shares of the cell; the sum is 1.
  std::vector<double> shares;
  // The same as whole numbers: in how many windows a pixel is. The shares are these by `windows`. Empty for a cell near
  // an end of the axis, where windows are cut off and count for more.
  std::vector<std::int16_t> counts;
  std::int32_t windows = 0;
};

using AxisWeights = std::array<CellWeights, kGridSide>;

// Over this length the whole-number sums could leave 32 bits.
inline constexpr std::size_t kMaxSparseSide = 1U << 18U;

// The weights for an axis of `length` pixels. With `scale` s they are for the axis that a decoder gives when it shrinks
// the picture by s: its pixel i stands for the s pixels from i * s on, so it gets the sum of their weights.
AxisWeights make_axis(std::size_t length, std::size_t scale = 1);

}  // namespace staydown
