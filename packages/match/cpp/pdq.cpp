// PDQ from the 64 x 64 grid on: quality, the 16 x 16 lowest frequencies, and which of them are over their median.

#include "pdq.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>

#include "pdq_downsample.hpp"
#include "pdq_plane.hpp"

namespace staydown {
namespace {

constexpr std::size_t kMinSide = 5;
constexpr std::size_t kFrequencies = 16;
using DctMatrix = std::array<std::array<float, kGridSide>, kFrequencies>;
using Coefficients = std::array<std::array<float, kFrequencies>, kFrequencies>;

// Frequencies 1 to 16; the constant term, which is only the brightness, is left out.
DctMatrix make_dct_matrix() {
  DctMatrix matrix;
  const float scale = static_cast<float>(std::sqrt(2.0 / double{kGridSide}));
  for (std::size_t i = 0; i < kFrequencies; ++i) {
    for (std::size_t j = 0; j < kGridSide; ++j) {
      const double angle = std::numbers::pi / 2.0 / double{kGridSide} * static_cast<double>(i + 1) *
                           static_cast<double>(2 * j + 1);
      matrix[i][j] = static_cast<float>(double{scale} * std::cos(angle));
    }
  }
  return matrix;
}

// matrix x grid x matrix transposed. Every sum starts at the first grid row, then column, as the reference's does.
Coefficients transform(const Grid& grid) {
  static const DctMatrix matrix = make_dct_matrix();
  Coefficients coefficients;
  for (std::size_t i = 0; i < kFrequencies; ++i) {
    std::array<float, kGridSide> down{};
    for (std::size_t k = 0; k < kGridSide; ++k) {
      for (std::size_t j = 0; j < kGridSide; ++j) down[j] += matrix[i][k] * grid[k][j];
    }
    for (std::size_t j = 0; j < kFrequencies; ++j) {
      float sum = 0.0F;
      for (std::size_t k = 0; k < kGridSide; ++k) sum += down[k] * matrix[j][k];
      coefficients[i][j] = sum;
    }
  }
  return coefficients;
}

// The 128th smallest of the 256: the reference's search (Torben's) always ends at this value too.
float lower_median(const Coefficients& coefficients) {
  std::array<float, kFrequencies * kFrequencies> sorted;
  for (std::size_t i = 0; i < kFrequencies; ++i) {
    std::copy_n(coefficients[i].begin(), kFrequencies, sorted.begin() + static_cast<std::ptrdiff_t>(i * kFrequencies));
  }
  const auto middle = sorted.begin() + sorted.size() / 2 - 1;
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

std::array<std::uint8_t, 32> bits_over_median(const Coefficients& coefficients) {
  const float median = lower_median(coefficients);
  std::array<std::uint8_t, 32> bits{};
  for (std::size_t i = 0; i < kFrequencies; ++i) {
    for (std::size_t j = 0; j < kFrequencies; ++j) {
      if (!(coefficients[i][j] > median)) continue;
      const std::size_t bit = i * kFrequencies + j;
      bits[bits.size() - 1 - bit / 8] |= static_cast<std::uint8_t>(1U << (bit % 8));
    }
  }
  return bits;
}

// The step between two neighbours in hundredths of the full range; the small ones are cut to nothing on purpose.
int step(float a, float b) { return std::abs(static_cast<int>((a - b) * 100.0F / 255.0F)); }

int quality_of(const Grid& grid) {
  constexpr int kStepsPerPoint = 90;  // the reference's tuned scale
  int steps = 0;
  for (std::size_t i = 0; i < kGridSide; ++i) {
    for (std::size_t j = 0; j < kGridSide; ++j) {
      if (i + 1 < kGridSide) steps += step(grid[i][j], grid[i + 1][j]);
      if (j + 1 < kGridSide) steps += step(grid[i][j], grid[i][j + 1]);
    }
  }
  return std::min(steps / kStepsPerPoint, 100);
}

// In double, rounded once at the end: as `pdqhash` has numpy do it.
float luma(std::uint8_t red, std::uint8_t green, std::uint8_t blue) {
  return static_cast<float>(red * 0.299 + green * 0.587 + blue * 0.114);
}

template <typename ReadLumaRow>
PdqHash pdq_from_luma(std::size_t height, std::size_t width, ReadLumaRow read_luma_row) {
  if (height < kMinSide || width < kMinSide) return {};
  Grid grid;
  if (height == kGridSide && width == kGridSide) {
    for (std::size_t row = 0; row < height; ++row) read_luma_row(row, grid[row].data());
  } else {
    downsample(height, width, read_luma_row, grid);
  }
  return pdq_from_grid(grid);
}

}  // namespace

PdqHash pdq_from_grid(const Grid& grid) { return {bits_over_median(transform(grid)), quality_of(grid)}; }

PdqHash pdq_from_rgb(const std::uint8_t* pixels, std::size_t height, std::size_t width) {
  return pdq_from_luma(height, width, [=](std::size_t row, float* out) {
    const std::uint8_t* pixel = pixels + row * width * 3;
    for (std::size_t column = 0; column < width; ++column, pixel += 3) out[column] = luma(pixel[0], pixel[1], pixel[2]);
  });
}

PdqHash pdq_from_grey(const std::uint8_t* pixels, std::size_t height, std::size_t width) {
  return pdq_from_luma(height, width, [=](std::size_t row, float* out) {
    const std::uint8_t* pixel = pixels + row * width;
    for (std::size_t column = 0; column < width; ++column) out[column] = luma(pixel[column], pixel[column], pixel[column]);
  });
}

}  // namespace staydown
