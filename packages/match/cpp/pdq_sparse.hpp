// The 64 x 64 grid of a picture by the sparse map of pdq_axis.hpp: what box passes do in 400 ms, in 4.
//
// Sums of whole numbers wherever windows are whole, so nothing is rounded there and no order of additions or width of
// vector registers shows in the result. It differs from the reference's grid by the roundings of the reference.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "pdq.hpp"
#include "pdq_axis.hpp"

namespace staydown {

using PreciseGrid = std::array<std::array<double, kGridSide>, kGridSide>;

// The weights must be those of the picture's height and width (or of the larger picture that it was shrunk from).
PreciseGrid sparse_grid(PixelView pixels, AxisWeights rows, AxisWeights columns);

}  // namespace staydown
