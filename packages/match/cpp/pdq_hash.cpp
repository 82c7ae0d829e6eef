#include "pdq_hash.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>

#include "pdq_cpu.hpp"
#include "pdq_dct.hpp"

namespace staydown {
namespace {

// The two steps are summed from the first row or column on in both, one term after the other: the order is the
// reference's for float, and in double it lets a row of sums be worked on at once.
template <typename Number>
STAYDOWN_PART_OF_EACH Coefficients transformed(const std::array<std::array<Number, kGridSide>, kGridSide>& grid) {
  const DctMatrix& matrix = dct_matrix();
  std::array<std::array<Number, kFrequencies>, kGridSide> transposed;
  for (std::size_t i = 0; i < kFrequencies; ++i) {
    for (std::size_t k = 0; k < kGridSide; ++k) transposed[k][i] = matrix[i][k];
  }
  Coefficients coefficients;
  for (std::size_t i = 0; i < kFrequencies; ++i) {
    std::array<Number, kGridSide> down{};
    for (std::size_t k = 0; k < kGridSide; ++k) {
      const Number weight = matrix[i][k];
      for (std::size_t j = 0; j < kGridSide; ++j) down[j] += weight * grid[k][j];
    }
    std::array<Number, kFrequencies> across{};
    for (std::size_t k = 0; k < kGridSide; ++k) {
      for (std::size_t j = 0; j < kFrequencies; ++j) across[j] += down[k] * transposed[k][j];
    }
    for (std::size_t j = 0; j < kFrequencies; ++j) coefficients[i][j] = across[j];
  }
  return coefficients;
}

struct Threshold {
  double median;  // the 128th smallest of the 256: the reference's search (Torben's) always ends at this value too
  double gap;     // from there to the 129th
};

Threshold threshold_of(const Coefficients& coefficients) {
  std::array<double, kFrequencies * kFrequencies> sorted;
  for (std::size_t i = 0; i < kFrequencies; ++i) {
    std::copy_n(coefficients[i].begin(), kFrequencies, sorted.begin() + static_cast<std::ptrdiff_t>(i * kFrequencies));
  }
  const auto middle = sorted.begin() + sorted.size() / 2 - 1;
  std::nth_element(sorted.begin(), middle, sorted.end());
  return {*middle, *std::min_element(middle + 1, sorted.end()) - *middle};
}

HashBits bits_over(const Coefficients& coefficients, double median) {
  HashBits bits{};
  for (std::size_t i = 0; i < kFrequencies; ++i) {
    for (std::size_t j = 0; j < kFrequencies; ++j) {
      const std::size_t bit = i * kFrequencies + j;
      const unsigned over = coefficients[i][j] > median ? 1U : 0U;
      bits[bits.size() - 1 - bit / 8] |= static_cast<std::uint8_t>(over << (bit % 8));
    }
  }
  return bits;
}

// A picture mirrored left to right has its odd horizontal frequencies (the first is 1) with the other sign, one put
// upside down its odd vertical ones, and one mirrored at its main diagonal has rows and columns exchanged.
Coefficients turned(const Coefficients& coefficients, const Turn& turn) {
  Coefficients result;
  for (std::size_t i = 0; i < kFrequencies; ++i) {
    for (std::size_t j = 0; j < kFrequencies; ++j) {
      const double value = turn.transposed ? coefficients[j][i] : coefficients[i][j];
      const bool negative = (turn.upside_down && i % 2 == 0) != (turn.mirrored && j % 2 == 0);
      result[i][j] = negative ? -value : value;
    }
  }
  return result;
}

constexpr int kStepsPerPoint = 90;  // the reference's tuned scale

int points(int steps) { return std::min(steps / kStepsPerPoint, 100); }

// The step between two neighbours in hundredths of the full range; the small ones are cut to nothing on purpose.
int step(float a, float b) { return std::abs(static_cast<int>((a - b) * 100.0F / 255.0F)); }

template <typename Cells, typename Visit>
STAYDOWN_PART_OF_EACH void visit_neighbours(const Cells& grid, Visit visit) {
  for (std::size_t i = 0; i + 1 < kGridSide; ++i) {
    for (std::size_t j = 0; j < kGridSide; ++j) visit(grid[i][j], grid[i + 1][j]);
  }
  for (std::size_t i = 0; i < kGridSide; ++i) {
    for (std::size_t j = 0; j + 1 < kGridSide; ++j) visit(grid[i][j], grid[i][j + 1]);
  }
}

// Of the mean that a box pass writes at the far end of an axis: its running sum was rounded twice for each pixel.
double cell_deviation(std::size_t length) {
  constexpr std::uint64_t kWhite = 255;
  constexpr std::uint64_t kFloatPlaces = std::uint64_t{1} << 24U;
  const std::uint64_t window = box_window(length);
  const std::uint64_t over_sum = std::uint64_t{1} << static_cast<unsigned>(std::bit_width(kWhite * window));
  const double last_place = static_cast<double>(over_sum) / static_cast<double>(kFloatPlaces);
  return std::sqrt(2.0 * static_cast<double>(length) / 12.0) * last_place / static_cast<double>(window);
}

}  // namespace

Coefficients transform_as_reference(const Grid& grid) { return transformed(grid); }

STAYDOWN_FOR_EACH_CPU
Coefficients transform(const PreciseGrid& grid) { return transformed(grid); }

int quality_as_reference(const Grid& grid) {
  int steps = 0;
  visit_neighbours(grid, [&](float a, float b) { steps += step(a, b); });
  return points(steps);
}

STAYDOWN_FOR_EACH_CPU
QualityRange quality_range(const PreciseGrid& grid, double bound) {
  int least = 0;
  int most = 0;
  // Each of the two cells may be off, and the reference rounds its three operations (a step is at most 100).
  const double off = 2.0 * bound * 100.0 / 255.0 + 1e-4;
  visit_neighbours(grid, [&](double a, double b) {
    const double size = std::abs(a - b) * 100.0 / 255.0;
    least += static_cast<int>(std::max(size - off, 0.0));
    most += static_cast<int>(size + off);
  });
  return {points(least), points(most)};
}

Orientations orientations_of(const Coefficients& coefficients, double* gap) {
  // Mirroring at a diagonal only changes places, so a median serves two of the eight.
  std::array<Threshold, 4> thresholds{};
  const auto signs_of = [](const Turn& turn) { return (turn.mirrored ? 1U : 0U) + (turn.upside_down ? 2U : 0U); };
  for (unsigned signs = 0; signs < thresholds.size(); ++signs) {
    thresholds[signs] = threshold_of(turned(coefficients, {false, (signs & 1U) != 0, (signs & 2U) != 0}));
  }
  Orientations hashes;
  for (std::size_t i = 0; i < kTurns.size(); ++i) {
    const Turn& turn = kTurns[i];
    // A mirrored picture that is transposed first has the signs of the other axis.
    const unsigned signs = turn.transposed ? signs_of({false, turn.upside_down, turn.mirrored}) : signs_of(turn);
    hashes[i] = bits_over(turned(coefficients, turn), thresholds[signs].median);
  }
  *gap = thresholds[0].gap;
  return hashes;
}

int near_median(const Coefficients& coefficients, double distance) {
  const double median = threshold_of(coefficients).median;
  int near = 0;
  for (const auto& row : coefficients) {
    for (const double value : row) near += std::abs(value - median) <= distance ? 1 : 0;
  }
  return near;
}

RoundingBound rounding_bound(std::size_t height, std::size_t width) {
  // How sure one is: in standard deviations of a rounding error that is as often up as down. 7 would do for chance; the
  // worst of the drawn pictures with their repeating edges reaches 9.
  constexpr double kDeviations = 12.0;
  // Of a coefficient for a deviation of 1 in the cells: errors of the last pass run on from cell to cell down a column.
  constexpr double kCoefficientForCell = 2.55;
  constexpr double kTransformRounding = 0.002;
  const double cell = std::max(cell_deviation(height), cell_deviation(width));
  return {kDeviations * cell, kDeviations * kCoefficientForCell * cell + kTransformRounding};
}

}  // namespace staydown
