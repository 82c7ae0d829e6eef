#include "pdq_sparse.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define STAYDOWN_HAS_AVX2_BUILD 1
#endif

namespace staydown {
namespace {

// Bytes of a row worked on at a time, so that their sums stay in the first cache while the rows of a cell pass by.
constexpr std::size_t kStripBytes = 4096;
constexpr std::size_t kRowsAtOnce = 4;

// sums[i] += the weighted bytes at i of four rows. A weight of zero goes with a row that is not there.
struct FourRows {
  std::array<const std::uint8_t*, kRowsAtOnce> rows;
  std::array<std::int16_t, kRowsAtOnce> counts;
};

void add_four_rows_plain(const FourRows& four, std::int32_t* sums, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) {
    std::int32_t sum = 0;
    for (std::size_t row = 0; row < kRowsAtOnce; ++row) sum += four.counts[row] * four.rows[row][i];
    sums[i] += sum;
  }
}

#if defined(STAYDOWN_HAS_AVX2_BUILD)
// Pairs of rows as 16-bit numbers side by side, multiplied and added in one instruction: whole numbers, so every build
// gives the same sums.
__attribute__((target("avx2"))) void add_four_rows_avx2(const FourRows& four, std::int32_t* sums, std::size_t end) {
  const auto pair = [](std::int16_t low, std::int16_t high) {
    return static_cast<int>((static_cast<std::uint32_t>(static_cast<std::uint16_t>(high)) << 16U) |
                            static_cast<std::uint16_t>(low));
  };
  const __m256i counts_01 = _mm256_set1_epi32(pair(four.counts[0], four.counts[1]));
  const __m256i counts_23 = _mm256_set1_epi32(pair(four.counts[2], four.counts[3]));
  constexpr std::size_t kStep = 16;
  std::size_t i = 0;
  for (; i + kStep <= end; i += kStep) {
    const auto bytes = [&](std::size_t row) __attribute__((target("avx2"))) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(four.rows[row] + i));
    };
    const __m128i b0 = bytes(0);
    const __m128i b1 = bytes(1);
    const __m128i b2 = bytes(2);
    const __m128i b3 = bytes(3);
    const __m256i low_01 = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(b0, b1));
    const __m256i high_01 = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(b0, b1));
    const __m256i low_23 = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(b2, b3));
    const __m256i high_23 = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(b2, b3));
    const __m256i low = _mm256_add_epi32(_mm256_madd_epi16(low_01, counts_01), _mm256_madd_epi16(low_23, counts_23));
    const __m256i high = _mm256_add_epi32(_mm256_madd_epi16(high_01, counts_01), _mm256_madd_epi16(high_23, counts_23));
    __m256i* const out = reinterpret_cast<__m256i*>(sums + i);
    _mm256_storeu_si256(out, _mm256_add_epi32(_mm256_loadu_si256(out), low));
    _mm256_storeu_si256(out + 1, _mm256_add_epi32(_mm256_loadu_si256(out + 1), high));
  }
  add_four_rows_plain(four, sums, i, end);
}

void add_four_rows_sse2(const FourRows& four, std::int32_t* sums, std::size_t end) {
  const __m128i zero = _mm_setzero_si128();
  const __m128i counts_01 = _mm_set1_epi32((four.counts[1] << 16) | four.counts[0]);
  const __m128i counts_23 = _mm_set1_epi32((four.counts[3] << 16) | four.counts[2]);
  constexpr std::size_t kStep = 16;
  std::size_t i = 0;
  for (; i + kStep <= end; i += kStep) {
    const auto bytes = [&](std::size_t row) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(four.rows[row] + i));
    };
    const __m128i b0 = bytes(0);
    const __m128i b1 = bytes(1);
    const __m128i b2 = bytes(2);
    const __m128i b3 = bytes(3);
    const __m128i low_01 = _mm_unpacklo_epi8(b0, b1);
    const __m128i high_01 = _mm_unpackhi_epi8(b0, b1);
    const __m128i low_23 = _mm_unpacklo_epi8(b2, b3);
    const __m128i high_23 = _mm_unpackhi_epi8(b2, b3);
    __m128i* const out = reinterpret_cast<__m128i*>(sums + i);
    const auto add = [&](std::size_t quarter, __m128i pairs_01, __m128i pairs_23) {
      const __m128i sum = _mm_add_epi32(_mm_madd_epi16(pairs_01, counts_01), _mm_madd_epi16(pairs_23, counts_23));
      _mm_storeu_si128(out + quarter, _mm_add_epi32(_mm_loadu_si128(out + quarter), sum));
    };
    add(0, _mm_unpacklo_epi8(low_01, zero), _mm_unpacklo_epi8(low_23, zero));
    add(1, _mm_unpackhi_epi8(low_01, zero), _mm_unpackhi_epi8(low_23, zero));
    add(2, _mm_unpacklo_epi8(high_01, zero), _mm_unpacklo_epi8(high_23, zero));
    add(3, _mm_unpackhi_epi8(high_01, zero), _mm_unpackhi_epi8(high_23, zero));
  }
  add_four_rows_plain(four, sums, i, end);
}
#endif

void add_four_rows(const FourRows& four, std::int32_t* sums, std::size_t end) {
#if defined(STAYDOWN_HAS_AVX2_BUILD)
  if (__builtin_cpu_supports("avx2")) return add_four_rows_avx2(four, sums, end);
  return add_four_rows_sse2(four, sums, end);
#else
  add_four_rows_plain(four, sums, 0, end);
#endif
}

const std::uint8_t* row_at(const PixelView& pixels, std::size_t row) {
  return pixels.data + static_cast<std::ptrdiff_t>(row) * pixels.row_stride;
}

// One strip of the rows of a cell, weighted and added: exact whole numbers.
void sum_counts(const PixelView& pixels, const CellWeights& cell, std::size_t offset, std::size_t bytes,
                std::int32_t* sums) {
  std::fill_n(sums, bytes, 0);
  for (std::size_t row = 0; row < cell.counts.size(); row += kRowsAtOnce) {
    FourRows four;
    for (std::size_t i = 0; i < kRowsAtOnce; ++i) {
      const bool there = row + i < cell.counts.size();
      four.rows[i] = row_at(pixels, cell.first + row + (there ? i : 0)) + offset;
      four.counts[i] = there ? cell.counts[row + i] : std::int16_t{0};
    }
    add_four_rows(four, sums, bytes);
  }
}

// The same where weights are no whole numbers.
void sum_shares(const PixelView& pixels, const CellWeights& cell, std::size_t offset, std::size_t bytes, float* sums) {
  std::fill_n(sums, bytes, 0.0F);
  for (std::size_t row = 0; row < cell.shares.size(); ++row) {
    const std::uint8_t* const line = row_at(pixels, cell.first + row) + offset;
    const float share = static_cast<float>(cell.shares[row]);
    for (std::size_t i = 0; i < bytes; ++i) sums[i] += share * static_cast<float>(line[i]);
  }
}

// The luma of weighted channels, in units of `luma_unit`: still a whole number if the sums are.
template <typename Number>
void write_luma(const Number* sums, std::size_t channels, std::size_t width, double* luma) {
  using Wide = std::conditional_t<std::is_integral_v<Number>, std::int64_t, double>;
  if (channels == 1) {
    for (std::size_t i = 0; i < width; ++i) luma[i] = static_cast<double>(sums[i]);
    return;
  }
  for (std::size_t i = 0; i < width; ++i, sums += 3) {
    luma[i] = static_cast<double>(299 * static_cast<Wide>(sums[0]) + 587 * static_cast<Wide>(sums[1]) +
                                  114 * static_cast<Wide>(sums[2]));
  }
}

double luma_unit(std::size_t channels) { return channels == 1 ? 1.0 : 0.001; }

// Four sums side by side, always the same four, so that the additions need not wait for each other.
double weighted_sum(const double* values, const std::vector<double>& weights) {
  std::array<double, 4> sums{};
  std::size_t i = 0;
  for (; i + sums.size() <= weights.size(); i += sums.size()) {
    for (std::size_t lane = 0; lane < sums.size(); ++lane) sums[lane] += values[i + lane] * weights[i + lane];
  }
  for (; i < weights.size(); ++i) sums[0] += values[i] * weights[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

PreciseGrid grid_of_stored(const PixelView& pixels, const AxisWeights& rows, const AxisWeights& columns) {
  const std::size_t line_bytes = pixels.width * pixels.channels;
  std::vector<std::int32_t> counted(line_bytes);
  std::vector<float> shared(line_bytes);
  std::vector<double> luma(pixels.width);
  PreciseGrid grid;
  for (std::size_t row = 0; row < kGridSide; ++row) {
    const CellWeights& cell = rows[row];
    for (std::size_t offset = 0; offset < line_bytes; offset += kStripBytes) {
      const std::size_t bytes = std::min(kStripBytes, line_bytes - offset);
      if (cell.windows > 0) sum_counts(pixels, cell, offset, bytes, counted.data() + offset);
      else sum_shares(pixels, cell, offset, bytes, shared.data() + offset);
    }
    if (cell.windows > 0) write_luma(counted.data(), pixels.channels, pixels.width, luma.data());
    else write_luma(shared.data(), pixels.channels, pixels.width, luma.data());
    const double scale = luma_unit(pixels.channels) / std::max(cell.windows, 1);
    for (std::size_t column = 0; column < kGridSide; ++column) {
      grid[row][column] = scale * weighted_sum(luma.data() + columns[column].first, columns[column].shares);
    }
  }
  return grid;
}

// The weights for an axis that is stored from its far end on.
void reverse(AxisWeights& axis, std::size_t length) {
  for (CellWeights& cell : axis) {
    cell.first = length - cell.first - cell.shares.size();
    std::reverse(cell.shares.begin(), cell.shares.end());
    std::reverse(cell.counts.begin(), cell.counts.end());
  }
}

PreciseGrid transposed(const PreciseGrid& grid) {
  PreciseGrid result;
  for (std::size_t i = 0; i < kGridSide; ++i) {
    for (std::size_t j = 0; j < kGridSide; ++j) result[i][j] = grid[j][i];
  }
  return result;
}

}  // namespace

PreciseGrid sparse_grid(PixelView pixels, AxisWeights rows, AxisWeights columns) {
  const auto pixel_bytes = static_cast<std::ptrdiff_t>(pixels.channels);
  const bool lies_on_its_side = pixels.column_stride != pixel_bytes && pixels.column_stride != -pixel_bytes;
  if (lies_on_its_side) {
    std::swap(pixels.height, pixels.width);
    std::swap(pixels.row_stride, pixels.column_stride);
    std::swap(rows, columns);
  }
  if (pixels.row_stride < 0) {
    pixels.data += static_cast<std::ptrdiff_t>(pixels.height - 1) * pixels.row_stride;
    pixels.row_stride = -pixels.row_stride;
    reverse(rows, pixels.height);
  }
  if (pixels.column_stride < 0) {
    pixels.data += static_cast<std::ptrdiff_t>(pixels.width - 1) * pixels.column_stride;
    pixels.column_stride = -pixels.column_stride;
    reverse(columns, pixels.width);
  }
  const PreciseGrid grid = grid_of_stored(pixels, rows, columns);
  return lies_on_its_side ? transposed(grid) : grid;
}

}  // namespace staydown
