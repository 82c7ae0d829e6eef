// PDQ from the 64 x 64 grid on: the 16 x 16 lowest frequencies, which of them are over their median, and the quality.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "pdq.hpp"
#include "pdq_dct.hpp"
#include "pdq_downsample.hpp"
#include "pdq_sparse.hpp"

namespace staydown {

using Coefficients = std::array<std::array<double, kFrequencies>, kFrequencies>;

// How far the reference's numbers can be from those without its roundings: see docs/adr/0020.
struct RoundingBound {
  double grid;         // of a cell, where white is 255
  double coefficient;  // of a frequency
};

RoundingBound rounding_bound(std::size_t height, std::size_t width);

// The reference's own float operations in its own order; the results as doubles, which hold every float.
Coefficients transform_as_reference(const Grid& grid);
// The same sums without roundings that count.
Coefficients transform(const PreciseGrid& grid);

int quality_as_reference(const Grid& grid);

struct QualityRange {
  int least;
  int most;
};

// The qualities that the reference could find in a grid whose cells are at most `bound` from these.
QualityRange quality_range(const PreciseGrid& grid, double bound);

// The hashes of the picture as it is, turned and mirrored: a turned picture has the same frequencies in other places
// or with other signs. `gap` gets, for the picture as it is, the distance between the smallest coefficient that sets a bit
// and the largest that does not.
Orientations orientations_of(const Coefficients& coefficients, double* gap);

// How many of the coefficients are at most `distance` from their median.
int near_median(const Coefficients& coefficients, double distance);

}  // namespace staydown
