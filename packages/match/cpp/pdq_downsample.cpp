#include "pdq_downsample.hpp"

namespace staydown {

namespace {

void add(Lanes& sums, const Lanes& values) {
  for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += values[lane];
}

void subtract(Lanes& sums, const Lanes& values) {
  for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] -= values[lane];
}

void write_means(const Lanes& sums, std::size_t count, Lanes& out) {
  for (std::size_t lane = 0; lane < kLanes; ++lane) out[lane] = sums[lane] / static_cast<float>(count);
}

}  // namespace

void box_filter_rows(const Lanes* in, Lanes* out, std::size_t length) {
  const std::size_t window = box_window(length);
  const std::size_t lead = box_lead(window);
  Lanes sums{};
  for (std::size_t right = 0; right < window; ++right) {
    add(sums, in[right]);
    if (right >= lead) write_means(sums, right + 1, out[right - lead]);
  }
  for (std::size_t right = window; right < length; ++right) {
    add(sums, in[right]);
    subtract(sums, in[right - window]);
    write_means(sums, window, out[right - lead]);
  }
  for (std::size_t gone = 1; gone <= lead; ++gone) {
    subtract(sums, in[length - window + gone - 1]);
    write_means(sums, window - gone, out[length - lead + gone - 1]);
  }
}

ColumnBoxFilter::ColumnBoxFilter(std::size_t rows, std::size_t columns)
    : columns_(columns),
      window_(box_window(rows)),
      lead_(box_lead(window_)),
      sums_(columns, 0.0F),
      box_(window_ * columns) {}

bool ColumnBoxFilter::push(const float* row) {
  float* const slot = oldest_row();
  if (pushed_ < window_) {
    for (std::size_t column = 0; column < columns_; ++column) {
      sums_[column] += row[column];
      slot[column] = row[column];
    }
    ++rows_in_box_;
  } else {
    for (std::size_t column = 0; column < columns_; ++column) {
      sums_[column] += row[column];
      sums_[column] -= slot[column];
      slot[column] = row[column];
    }
  }
  ++pushed_;
  return pushed_ > lead_;
}

bool ColumnBoxFilter::drain() {
  if (drained_ == lead_) return false;
  const float* const slot = oldest_row();
  for (std::size_t column = 0; column < columns_; ++column) sums_[column] -= slot[column];
  ++pushed_;
  ++drained_;
  --rows_in_box_;
  return true;
}

void ColumnBoxFilter::write_means(float* out) const {
  for (std::size_t column = 0; column < columns_; ++column) out[column] = mean(column);
}

void GridSampler::take(const ColumnBoxFilter& next_row) {
  // A picture with fewer than 64 rows gives the same row to several rows of the grid.
  for (; grid_row_ < kGridSide && sample_position(grid_row_, rows_) == row_; ++grid_row_) {
    for (std::size_t cell = 0; cell < kGridSide; ++cell) {
      grid_[grid_row_][cell] = next_row.mean(sample_position(cell, columns_));
    }
  }
  ++row_;
}

}  // namespace staydown
