// The cosines of PDQ's transform, as the floats that the reference works with.
//
// Made by the compiler, from whole numbers: the reference calls the C library's `cos`, which a browser has not, and two
// libraries need not agree in the last bit. Each float here is the one that the reference comes to; a test says so.
#pragma once

#include <array>
#include <cstddef>
#include <numbers>

#include "pdq_downsample.hpp"

namespace staydown {

inline constexpr std::size_t kFrequencies = 16;
using DctMatrix = std::array<std::array<float, kGridSide>, kFrequencies>;

namespace dct {

constexpr std::size_t kQuarterTurn = kGridSide;

// The cosine of `steps` times pi / 128, from its series; brought to the first quarter of the circle, where that is good
// to the last bits of a double.
constexpr double cosine(std::size_t steps) {
  steps %= 4 * kQuarterTurn;
  if (steps > 2 * kQuarterTurn) steps = 4 * kQuarterTurn - steps;
  if (steps > kQuarterTurn) return -cosine(2 * kQuarterTurn - steps);
  const double angle = std::numbers::pi * static_cast<double>(steps) / (2.0 * double{kQuarterTurn});
  double sum = 0.0;
  // From the smallest term to the largest; the first one left out is under 1e-20.
  for (int n = 24; n > 0; n -= 2) sum = (1.0 - sum) * (angle * angle) / static_cast<double>(n * (n - 1));
  return 1.0 - sum;
}

// Frequencies 1 to 16; the constant term, which is only the brightness, is left out.
constexpr DctMatrix make_matrix() {
  constexpr float kScale = 0.17677669F;  // the square root of 2 / 64
  DctMatrix matrix{};
  for (std::size_t i = 0; i < kFrequencies; ++i) {
    for (std::size_t j = 0; j < kGridSide; ++j) {
      matrix[i][j] = static_cast<float>(double{kScale} * cosine((i + 1) * (2 * j + 1)));
    }
  }
  return matrix;
}

inline constexpr DctMatrix kMatrix = make_matrix();

}  // namespace dct

constexpr const DctMatrix& dct_matrix() { return dct::kMatrix; }

}  // namespace staydown
