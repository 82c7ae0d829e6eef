#include "pdq_plane.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "pdq_cpu.hpp"
#include "pdq_downsample.hpp"

namespace staydown {
namespace {

constexpr std::size_t kMinSide = 5;

struct Reach {
  std::size_t begin;
  std::size_t end;
  float mean_of(float sum) const { return sum / static_cast<float>(end - begin); }
};

// The pixels that a box reads when it stands on a pixel: cut off at both ends of the axis, as box_filter_rows does.
Reach box_at(std::size_t position, std::size_t length) {
  const std::size_t window = box_window(length);
  const std::size_t end = position + box_lead(window) + 1;
  return {end > window ? end - window : 0, std::min(end, length)};
}

// What one cell of the grid is along an axis: the weighted sum of `weights.size()` pixels from `begin` on, times
// `scale`. Away from the ends of the axis the weights are whole numbers, a triangle, and `scale` is 1 / window^2.
struct Cell {
  std::size_t begin = 0;
  std::vector<float> weights;
  float scale = 1.0F;
  bool whole = false;  // whole-number weights, with a sum that keeps 16-bit sums of 8-bit pixels from overflowing
};

Cell make_cell(std::size_t position, std::size_t length) {
  constexpr std::size_t kMaxWholeWeight = std::numeric_limits<std::uint16_t>::max() / 255U;
  const std::size_t window = box_window(length);
  const Reach outer = box_at(position, length);
  bool regular = outer.end - outer.begin == window;
  for (std::size_t i = outer.begin; i < outer.end; ++i) {
    const Reach inner = box_at(i, length);
    regular = regular && inner.end - inner.begin == window;
  }
  Cell cell;
  cell.begin = box_at(outer.begin, length).begin;
  cell.weights.assign(box_at(outer.end - 1, length).end - cell.begin, 0.0F);
  for (std::size_t i = outer.begin; i < outer.end; ++i) {
    const Reach inner = box_at(i, length);
    const float weight = regular ? 1.0F : outer.mean_of(inner.mean_of(1.0F));
    for (std::size_t j = inner.begin; j < inner.end; ++j) cell.weights[j - cell.begin] += weight;
  }
  cell.scale = regular ? 1.0F / static_cast<float>(window * window) : 1.0F;
  cell.whole = regular && window * window <= kMaxWholeWeight;
  return cell;
}

// The cells along an axis; on one that is stored backwards, as they lie in memory.
std::vector<Cell> make_cells(std::size_t length, bool backwards) {
  std::vector<Cell> cells;
  cells.reserve(kGridSide);
  for (std::size_t k = 0; k < kGridSide; ++k) {
    Cell cell = make_cell(sample_position(k, length), length);
    if (backwards) {
      cell.begin = length - cell.begin - cell.weights.size();
      std::ranges::reverse(cell.weights);
    }
    cells.push_back(std::move(cell));
  }
  return cells;
}

STAYDOWN_FOR_EACH_CPU
void add_weighted(const std::uint8_t* row, std::uint16_t weight, std::uint16_t* sums, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) sums[i] = static_cast<std::uint16_t>(sums[i] + row[i] * weight);
}

STAYDOWN_FOR_EACH_CPU
void add_weighted(const std::uint8_t* row, float weight, float* sums, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) sums[i] += static_cast<float>(row[i]) * weight;
}

STAYDOWN_FOR_EACH_CPU
void add_weighted(const std::uint16_t* row, float weight, float* sums, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) sums[i] += static_cast<float>(row[i]) * weight;
}

// In eight sums side by side: one alone would wait for each addition to end before the next.
template <typename Sum>
float weighted_sum(const Sum* values, const float* weights, std::size_t count) {
  constexpr std::size_t kLanes = 8;
  std::array<float, kLanes> lanes{};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] += static_cast<float>(values[i + lane]) * weights[i + lane];
    }
  }
  for (std::size_t lane = 0; i < count; ++i, ++lane) lanes[lane] += static_cast<float>(values[i]) * weights[i];
  return std::accumulate(lanes.begin(), lanes.end(), 0.0F);
}

template <typename Sum>
void fill_grid_row(const std::vector<Sum>& sums, float scale, const std::vector<Cell>& cells, float* out) {
  for (const Cell& cell : cells) {
    *out++ = weighted_sum(sums.data() + cell.begin, cell.weights.data(), cell.weights.size()) * cell.scale * scale;
  }
}

// `plane` with its rows in memory one after the other, from the lowest address up.
template <typename Sample>
void fill_grid(const Plane<Sample>& plane, const std::vector<Cell>& down, const std::vector<Cell>& along, Grid& grid) {
  std::vector<float> sums;
  std::vector<std::uint16_t> whole_sums;
  for (std::size_t k = 0; k < kGridSide; ++k) {
    const Cell& cell = down[k];
    const auto row = [&](std::size_t i) {
      return plane.first + static_cast<std::ptrdiff_t>(cell.begin + i) * plane.row_stride;
    };
    if constexpr (sizeof(Sample) == 1) {
      if (cell.whole) {
        whole_sums.assign(plane.width, 0);
        for (std::size_t i = 0; i < cell.weights.size(); ++i) {
          add_weighted(row(i), static_cast<std::uint16_t>(cell.weights[i]), whole_sums.data(), plane.width);
        }
        fill_grid_row(whole_sums, cell.scale, along, grid[k].data());
        continue;
      }
    }
    sums.assign(plane.width, 0.0F);
    for (std::size_t i = 0; i < cell.weights.size(); ++i) {
      add_weighted(row(i), cell.weights[i], sums.data(), plane.width);
    }
    fill_grid_row(sums, cell.scale, along, grid[k].data());
  }
}

void transpose(Grid& grid) {
  for (std::size_t i = 0; i < kGridSide; ++i) {
    for (std::size_t j = 0; j < i; ++j) std::swap(grid[i][j], grid[j][i]);
  }
}

template <typename Sample>
PdqHash hash_of(Plane<Sample> plane) {
  if (plane.height < kMinSide || plane.width < kMinSide) return {};
  const float black = plane.black;
  const float scale = 255.0F / (plane.white - plane.black);
  const bool transposed = plane.column_stride != 1 && plane.column_stride != -1;
  if (transposed) {
    std::swap(plane.height, plane.width);
    std::swap(plane.row_stride, plane.column_stride);
  }
  const bool rows_backwards = plane.row_stride < 0;
  const bool columns_backwards = plane.column_stride < 0;
  const std::vector<Cell> down = make_cells(plane.height, rows_backwards);
  const std::vector<Cell> along = make_cells(plane.width, columns_backwards);
  if (rows_backwards) {
    plane.first += static_cast<std::ptrdiff_t>(plane.height - 1) * plane.row_stride;
    plane.row_stride = -plane.row_stride;
  }
  if (columns_backwards) plane.first -= plane.width - 1;
  Grid grid;
  fill_grid(plane, down, along, grid);
  for (auto& row : grid) {
    for (float& value : row) value = (value - black) * scale;
  }
  if (transposed) transpose(grid);
  return pdq_from_grid(grid);
}

}  // namespace

PdqHash pdq_from_plane(const Plane<std::uint8_t>& plane) { return hash_of(plane); }
PdqHash pdq_from_plane(const Plane<std::uint16_t>& plane) { return hash_of(plane); }

}  // namespace staydown
