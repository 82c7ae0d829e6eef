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

// Rows worked on side by side: the sums of a row wait for each other, those of different rows do not.
inline constexpr std::size_t kLanes = 8;
using Lanes = std::array<float, kLanes>;

// Means of eight rows, each over a box that is cut off at both ends of the row: in[i] and out[i] are their pixels at
// column i. `in` and `out` must not overlap.
void box_filter_rows(const Lanes* in, Lanes* out, std::size_t length);

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

// Takes rows one by one and passes them on, blurred along themselves, in the same order.
class RowBoxFilter {
 public:
  explicit RowBoxFilter(std::size_t columns) : columns_(columns), rows_(columns), blurred_(columns), line_(columns) {}

  template <typename TakeRow>
  void push(const float* row, TakeRow take_row) {
    for (std::size_t column = 0; column < columns_; ++column) rows_[column][waiting_] = row[column];
    if (++waiting_ == kLanes) drain(take_row);
  }

  // After the last row: passes on those that still wait.
  template <typename TakeRow>
  void drain(TakeRow take_row) {
    if (waiting_ == 0) return;
    box_filter_rows(rows_.data(), blurred_.data(), columns_);
    for (std::size_t lane = 0; lane < waiting_; ++lane) {
      for (std::size_t column = 0; column < columns_; ++column) line_[column] = blurred_[column][lane];
      take_row(line_.data());
    }
    waiting_ = 0;
  }

 private:
  std::size_t columns_;
  std::size_t waiting_ = 0;
  std::vector<Lanes> rows_;
  std::vector<Lanes> blurred_;
  std::vector<float> line_;
};

// `read_luma_row(row, out)` writes the `columns` luma values of a row; it is called once for each, from the top.
template <typename ReadLumaRow>
void downsample(std::size_t rows, std::size_t columns, ReadLumaRow read_luma_row, Grid& grid) {
  ColumnBoxFilter first_down(rows, columns);
  ColumnBoxFilter second_down(rows, columns);
  RowBoxFilter first_along(columns);
  RowBoxFilter second_along(columns);
  GridSampler sampler(rows, columns, grid);
  std::vector<float> line(columns);

  const auto sample = [&](const float* row) {
    if (second_down.push(row)) sampler.take(second_down);
  };
  const auto blur_again = [&] {
    first_down.write_means(line.data());
    second_along.push(line.data(), sample);
  };
  const auto blur = [&](const float* row) {
    if (first_down.push(row)) blur_again();
  };
  for (std::size_t row = 0; row < rows; ++row) {
    read_luma_row(row, line.data());
    first_along.push(line.data(), blur);
  }
  first_along.drain(blur);
  while (first_down.drain()) blur_again();
  second_along.drain(sample);
  while (second_down.drain()) sampler.take(second_down);
}

}  // namespace staydown
