#include "pdq_axis.hpp"

#include <algorithm>

namespace staydown {
namespace {

struct Window {
  std::size_t first;
  std::size_t last;
  std::size_t length() const { return last - first + 1; }
};

// The pixels whose mean a box pass writes at `position`: cut off at the ends of the axis.
Window window_at(std::size_t position, std::size_t axis_length) {
  const std::size_t window = box_window(axis_length);
  const std::size_t right = box_lead(window);
  const std::size_t left = window - 1 - right;
  return {position > left ? position - left : 0, std::min(position + right, axis_length - 1)};
}

CellWeights weights_of(std::size_t cell, std::size_t length) {
  const std::size_t window = box_window(length);
  const Window outer = window_at(sample_position(cell, length), length);
  const std::size_t first = window_at(outer.first, length).first;
  const std::size_t count = window_at(outer.last, length).last - first + 1;
  CellWeights cell_weights{first, std::vector<double>(count), {}, 0};
  // No window is cut off when the first and the last are not: then each pixel is in one more than the one before, and
  // from the middle on in one less.
  const bool whole = outer.length() == window && window_at(outer.first, length).length() == window &&
                     window_at(outer.last, length).length() == window;
  if (whole) {
    cell_weights.windows = static_cast<std::int32_t>(window * window);
    cell_weights.counts.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
      cell_weights.counts[i] = static_cast<std::int16_t>(std::min(i + 1, count - i));
      cell_weights.shares[i] = static_cast<double>(cell_weights.counts[i]) / static_cast<double>(cell_weights.windows);
    }
    return cell_weights;
  }
  for (std::size_t position = outer.first; position <= outer.last; ++position) {
    const Window inner = window_at(position, length);
    const double share = 1.0 / (static_cast<double>(outer.length()) * static_cast<double>(inner.length()));
    for (std::size_t pixel = inner.first; pixel <= inner.last; ++pixel) cell_weights.shares[pixel - first] += share;
  }
  return cell_weights;
}

CellWeights folded(const CellWeights& full, std::size_t scale) {
  const std::size_t first = full.first / scale;
  const std::size_t last = (full.first + full.shares.size() - 1) / scale;
  CellWeights small{first, std::vector<double>(last - first + 1), {}, 0};
  for (std::size_t i = 0; i < full.shares.size(); ++i) small.shares[(full.first + i) / scale - first] += full.shares[i];
  return small;
}

}  // namespace

AxisWeights make_axis(std::size_t length, std::size_t scale) {
  AxisWeights axis;
  for (std::size_t cell = 0; cell < kGridSide; ++cell) {
    axis[cell] = weights_of(cell, length);
    if (scale > 1) axis[cell] = folded(axis[cell], scale);
  }
  return axis;
}

}  // namespace staydown
