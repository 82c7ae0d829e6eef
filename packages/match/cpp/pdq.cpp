// Which way a picture is hashed: by the sparse map when the reference's roundings cannot show in the result, else as the
// reference does it, operation by operation.

#include "pdq.hpp"

#include <algorithm>
#include <cmath>

#include "pdq_axis.hpp"
#include "pdq_downsample.hpp"
#include "pdq_hash.hpp"
#include "pdq_plane.hpp"
#include "pdq_sparse.hpp"
#include "pdq_trace.hpp"

namespace staydown {
namespace {

constexpr std::size_t kMinSide = 5;
// By how much the decoder's own way of shrinking moves a coefficient.
constexpr double kShrunkDifference = 1.0;

// `pdqhash` has numpy add 0.299, 0.587 and 0.114 of the channels in double and round the sum to float: for each of the
// 16.8 million colours that is this quotient, which needs no double.
float luma(int red, int green, int blue) {
  return static_cast<float>(299 * red + 587 * green + 114 * blue) / 1000.0F;
}

void write_luma_row(const PixelView& pixels, std::size_t row, float* out) {
  const std::uint8_t* pixel = pixels.data + static_cast<std::ptrdiff_t>(row) * pixels.row_stride;
  const std::size_t green = pixels.channels == 3 ? 1 : 0;
  const std::size_t blue = pixels.channels == 3 ? 2 : 0;
  for (std::size_t column = 0; column < pixels.width; ++column, pixel += pixels.column_stride) {
    out[column] = luma(pixel[0], pixel[green], pixel[blue]);
  }
}

Grid reference_grid(const PixelView& pixels) {
  Grid grid;
  const auto read_luma_row = [&](std::size_t row, float* out) { write_luma_row(pixels, row, out); };
  if (pixels.height == kGridSide && pixels.width == kGridSide) {
    for (std::size_t row = 0; row < kGridSide; ++row) read_luma_row(row, grid[row].data());
  } else {
    downsample(pixels.height, pixels.width, read_luma_row, grid);
  }
  return grid;
}

PdqHash hash_of(const Orientations& orientations, int quality) { return {orientations[0], quality, orientations}; }

PixelView view(const std::uint8_t* pixels, std::size_t height, std::size_t width, std::size_t channels) {
  return {pixels, height, width, channels, static_cast<std::ptrdiff_t>(width * channels),
          static_cast<std::ptrdiff_t>(channels)};
}

}  // namespace

PdqHash pdq_from_grid(const Grid& grid) {
  double gap = 0.0;
  return hash_of(orientations_of(transform_as_reference(grid), &gap), quality_as_reference(grid));
}

PdqHash pdq_from_pixels(const PixelView& pixels) {
  if (pixels.height < kMinSide || pixels.width < kMinSide) return {};
  if (std::max(pixels.height, pixels.width) > kMaxSparseSide) return pdq_from_grid(reference_grid(pixels));
  const PreciseGrid grid = sparse_grid(pixels, make_axis(pixels.height), make_axis(pixels.width));
  const RoundingBound bound = rounding_bound(pixels.height, pixels.width);
  const QualityRange quality = quality_range(grid, bound.grid);
  double gap = 0.0;
  const Orientations orientations = orientations_of(transform(grid), &gap);
  const bool certain = gap > 2.0 * bound.coefficient && quality.least == quality.most;
  return certain ? hash_of(orientations, quality.least) : pdq_from_grid(reference_grid(pixels));
}

PdqHash pdq_from_rgb(const std::uint8_t* pixels, std::size_t height, std::size_t width) {
  return pdq_from_pixels(view(pixels, height, width, 3));
}

PdqHash pdq_from_grey(const std::uint8_t* pixels, std::size_t height, std::size_t width) {
  return pdq_from_pixels(view(pixels, height, width, 1));
}

ShrunkHash pdq_from_shrunk_grey(const PixelView& pixels, std::size_t full_height, std::size_t full_width,
                                std::size_t scale) {
  if (full_height < kMinSide || full_width < kMinSide) return {};
  const PreciseGrid grid = sparse_grid(pixels, make_axis(full_height, scale), make_axis(full_width, scale));
  const Coefficients coefficients = transform(grid);
  double gap = 0.0;
  const Orientations orientations = orientations_of(coefficients, &gap);
  return {hash_of(orientations, quality_range(grid, 0.0).least), near_median(coefficients, kShrunkDifference)};
}

PdqTrace trace_pdq(const std::uint8_t* pixels, std::size_t height, std::size_t width, std::size_t channels) {
  const PixelView pixel_view = view(pixels, height, width, channels);
  const PreciseGrid grid = sparse_grid(pixel_view, make_axis(height), make_axis(width));
  const Grid reference = reference_grid(pixel_view);
  const Coefficients sparse_coefficients = transform(grid);
  const Coefficients reference_coefficients = transform_as_reference(reference);
  const RoundingBound bound = rounding_bound(height, width);
  const QualityRange quality = quality_range(grid, bound.grid);
  PdqTrace trace;
  trace.grid_bound = bound.grid;
  trace.coefficient_bound = bound.coefficient;
  orientations_of(sparse_coefficients, &trace.gap);
  trace.quality_certain = quality.least == quality.most;
  trace.certain = trace.quality_certain && trace.gap > 2.0 * bound.coefficient;
  for (std::size_t i = 0; i < kGridSide; ++i) {
    for (std::size_t j = 0; j < kGridSide; ++j) {
      trace.grid_difference = std::max(trace.grid_difference, std::abs(grid[i][j] - static_cast<double>(reference[i][j])));
    }
  }
  for (std::size_t i = 0; i < kFrequencies; ++i) {
    for (std::size_t j = 0; j < kFrequencies; ++j) {
      trace.coefficient_difference = std::max(
          trace.coefficient_difference, std::abs(sparse_coefficients[i][j] - reference_coefficients[i][j]));
    }
  }
  return trace;
}

}  // namespace staydown
