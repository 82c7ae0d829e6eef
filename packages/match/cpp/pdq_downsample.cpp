#include "pdq_downsample.hpp"

namespace staydown {

void box_filter_row(const float* in, float* out, std::size_t length) {
  const std::size_t window = box_window(length);
  const std::size_t lead = box_lead(window);
  float sum = 0.0F;
  for (std::size_t right = 0; right < window; ++right) {
    sum += in[right];
    if (right >= lead) out[right - lead] = sum / static_cast<float>(right + 1);
  }
  for (std::size_t right = window; right < length; ++right) {
    sum += in[right];
    sum -= in[right - window];
    out[right - lead] = sum / static_cast<float>(window);
  }
  for (std::size_t gone = 1; gone <= lead; ++gone) {
    sum -= in[length - window + gone - 1];
    out[length - lead + gone - 1] = sum / static_cast<float>(window - gone);
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
