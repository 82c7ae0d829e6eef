// Both ways of hashing the same picture side by side: how far apart they are, beside how far the bound says they can be.
#pragma once

#include <cstddef>
#include <cstdint>

namespace staydown {

struct PdqTrace {
  double grid_bound = 0.0;
  double grid_difference = 0.0;
  double coefficient_bound = 0.0;
  double coefficient_difference = 0.0;
  // The distance between the smallest coefficient that sets a bit and the largest that does not.
  double gap = 0.0;
  bool quality_certain = false;
  // Whether the sparse map's answer is given, or the reference's way is gone.
  bool certain = false;
};

// `pixels`: height x width x channels bytes, sides of at least 5 and at most 262,144.
PdqTrace trace_pdq(const std::uint8_t* pixels, std::size_t height, std::size_t width, std::size_t channels);

}  // namespace staydown
