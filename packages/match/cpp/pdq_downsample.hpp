// A picture's luma, blurred by two box passes along each axis and sampled at the centres of a 64 x 64 grid.
//
// PDQ's float arithmetic is part of its definition: two orders of the same additions give sums that differ in the last
// bit, and a coefficient near the median then falls on its other side. So each sum here is made of the reference's
// operations in the reference's order. What differs is only which sums are worked on at a time: rows stream through
// both passes, so that a picture needs memory for 1/64 of its rows instead of two float copies of itself.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace staydown {

inline constexpr std::size_t kGridSide = 64;
using Grid = std::array<std::array<float, kGridSide>, kGridSide>;

// The width in pixels of the box along an axis: half a grid cell, rounded up.
constexpr std::size_t box_window(std::size_t axis_length) {
  return (axis_length + 2 * kGridSide - 1) / (2 * kGridSide);
}

// How many pixels a box reads before it writes its first mean: its reach to the right of the pixel it stands on.
constexpr std::size_t box_lead(std::size_t window) { return (window + 2) / 2 - 1; }

// The pixel at the centre of a grid cell along an axis.
constexpr std::size_t sample_position(std::size_t cell, std::size_t axis_length) {
  return (2 * cell + 1) * axis_length / (2 * kGridSide);
}

// Means of a row over a box that is cut off at both ends of the row. `in` and `out` must not overlap.
void box_filter_row(const float* in, float* out, std::size_t length);

// Means down the columns of a picture whose rows come one by one, from the top.
class ColumnBoxFilter {
 public:
  ColumnBoxFilter(std::size_t rows, std::size_t columns);

  // Takes the next row in. True when the means of the next row out are ready.
  bool push(const float* row);
  // After the last row: lets the oldest row go. True when the means of the next row out are ready, false at the end.
  bool drain();

  float mean(std::size_t column) const { return sums_[column] / static_cast<float>(rows_in_box_); }
  void write_means(float* out) const;

 private:
  float* oldest_row() { return box_.data() + (pushed_ % window_) * columns_; }

  std::size_t columns_;
  std::size_t window_;
  std::size_t lead_;
  std::size_t pushed_ = 0;
  std::size_t drained_ = 0;
  std::size_t rows_in_box_ = 0;
  std::vector<float> sums_;
  std::vector<float> box_;  // the last `window_` rows, each in the place of the one it pushed out
};

// Keeps from the rows of a blurred picture the 64 x 64 samples that make the grid.
class GridSampler {
 public:
  GridSampler(std::size_t rows, std::size_t columns, Grid& grid) : rows_(rows), columns_(columns), grid_(grid) {}
  void take(const ColumnBoxFilter& next_row);

 private:
  std::size_t rows_;
  std::size_t columns_;
  Grid& grid_;
  std::size_t row_ = 0;
  std::size_t grid_row_ = 0;
};

// `read_luma_row(row, out)` writes the `columns` luma values of a row; it is called once for each, from the top.
template <typename ReadLumaRow>
void downsample(std::size_t rows, std::size_t columns, ReadLumaRow read_luma_row, Grid& grid) {
  ColumnBoxFilter first_pass(rows, columns);
  ColumnBoxFilter second_pass(rows, columns);
  GridSampler sampler(rows, columns, grid);
  std::vector<float> line(columns);
  std::vector<float> blurred(columns);

  const auto run_second_pass = [&] {
    first_pass.write_means(line.data());
    box_filter_row(line.data(), blurred.data(), columns);
    if (second_pass.push(blurred.data())) sampler.take(second_pass);
  };
  for (std::size_t row = 0; row < rows; ++row) {
    read_luma_row(row, line.data());
    box_filter_row(line.data(), blurred.data(), columns);
    if (first_pass.push(blurred.data())) run_second_pass();
  }
  while (first_pass.drain()) run_second_pass();
  while (second_pass.drain()) sampler.take(second_pass);
}

}  // namespace staydown
