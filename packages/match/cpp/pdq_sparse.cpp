#include "pdq_sparse.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include "pdq_cpu.hpp"

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
// Pairs of rows as 16-bit numbers side by side, multiplied and added in one instruction.
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
  add_four_rows_sse2(four, sums, end);
#else
  add_four_rows_plain(four, sums, 0, end);
#endif
}

const std::uint8_t* row_at(const PixelView& pixels, std::size_t row) {
  return pixels.data + static_cast<std::ptrdiff_t>(row) * pixels.row_stride;
}

// One strip of the rows of a cell, weighted and added: exact whole numbers.
void sum_strip(const PixelView& pixels, const CellWeights& cell, std::size_t offset, std::size_t bytes,
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

#if defined(STAYDOWN_HAS_AVX2_BUILD)
// So many bytes of some rows are added before the next are looked at: their sums stay in registers. Of more rows than
// this the processor would lose sight.
constexpr std::size_t kBlockBytes = 128;
constexpr std::size_t kMostRows = 16;
// Two rows with weights up to this fit a signed 16-bit sum.
constexpr std::int16_t kMostCount = 64;
// Weights that add up to this fit an unsigned 16-bit sum.
constexpr int kMostCounts = 65535 / 255;

// sums[i] = or += the weighted bytes at i of the rows `begin` to `end` of a cell, in blocks: whole numbers, the same as
// sum_strip's. Gives how many bytes are done.
__attribute__((target("avx2"))) std::size_t sum_rows_avx2(const PixelView& pixels, const CellWeights& cell,
                                                          std::size_t begin, std::size_t end, std::size_t bytes,
                                                          std::int32_t* sums) {
  constexpr std::size_t kVectors = kBlockBytes / 32;
  std::size_t offset = 0;
  for (; offset + kBlockBytes <= bytes; offset += kBlockBytes) {
    // Unpacking takes the bytes 0 to 7 and 16 to 23 into `low`, the others into `high`.
    __m256i low[kVectors];
    __m256i high[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) low[v] = high[v] = _mm256_setzero_si256();
    for (std::size_t row = begin; row < end; row += 2) {
      const std::size_t other = std::min(row + 1, end - 1);
      const int lower = other > row ? cell.counts[other] : 0;
      const __m256i weights = _mm256_set1_epi16(static_cast<std::int16_t>(lower << 8 | cell.counts[row]));
      const std::uint8_t* const a = row_at(pixels, cell.first + row) + offset;
      const std::uint8_t* const b = row_at(pixels, cell.first + other) + offset;
      for (std::size_t v = 0; v < kVectors; ++v) {
        const __m256i above = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + 32 * v));
        const __m256i below = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + 32 * v));
        low[v] = _mm256_add_epi16(low[v], _mm256_maddubs_epi16(_mm256_unpacklo_epi8(above, below), weights));
        high[v] = _mm256_add_epi16(high[v], _mm256_maddubs_epi16(_mm256_unpackhi_epi8(above, below), weights));
      }
    }
    for (std::size_t v = 0; v < kVectors; ++v) {
      const __m128i parts[] = {_mm256_castsi256_si128(low[v]), _mm256_castsi256_si128(high[v]),
                               _mm256_extracti128_si256(low[v], 1), _mm256_extracti128_si256(high[v], 1)};
      __m256i* const out = reinterpret_cast<__m256i*>(sums + offset + 32 * v);
      for (std::size_t part = 0; part < 4; ++part) {
        const __m256i wide = _mm256_cvtepu16_epi32(parts[part]);
        _mm256_storeu_si256(out + part, begin == 0 ? wide : _mm256_add_epi32(_mm256_loadu_si256(out + part), wide));
      }
    }
  }
  return offset;
}

std::size_t sum_blocks_avx2(const PixelView& pixels, const CellWeights& cell, std::size_t offset, std::size_t bytes,
                            std::int32_t* sums) {
  PixelView strip = pixels;
  strip.data += offset;
  std::size_t done = 0;
  for (std::size_t begin = 0; begin < cell.counts.size();) {
    std::size_t end = begin;
    for (int counted = 0; end < std::min(begin + kMostRows, cell.counts.size()); ++end) {
      counted += cell.counts[end];
      if (counted > kMostCounts) break;
    }
    done = sum_rows_avx2(strip, cell, begin, end, bytes, sums);
    begin = end;
  }
  return done;
}
#endif

// The rows of a cell, weighted and added: exact whole numbers.
void sum_counts(const PixelView& pixels, const CellWeights& cell, std::size_t bytes, std::int32_t* sums) {
  bool in_blocks = false;
#if defined(STAYDOWN_HAS_AVX2_BUILD)
  const bool is_small = *std::max_element(cell.counts.begin(), cell.counts.end()) <= kMostCount;
  in_blocks = is_small && __builtin_cpu_supports("avx2");
#endif
  for (std::size_t offset = 0; offset < bytes; offset += kStripBytes) {
    const std::size_t strip_bytes = std::min(kStripBytes, bytes - offset);
    std::size_t done = 0;
#if defined(STAYDOWN_HAS_AVX2_BUILD)
    if (in_blocks) done = sum_blocks_avx2(pixels, cell, offset, strip_bytes, sums + offset);
#endif
    if (done < strip_bytes) sum_strip(pixels, cell, offset + done, strip_bytes - done, sums + offset + done);
  }
}

STAYDOWN_FOR_EACH_CPU
void add_share(const std::uint8_t* line, float share, float* sums, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) sums[i] += share * static_cast<float>(line[i]);
}

// The same where weights are no whole numbers.
void sum_shares(const PixelView& pixels, const CellWeights& cell, std::size_t bytes, float* sums) {
  for (std::size_t offset = 0; offset < bytes; offset += kStripBytes) {
    const std::size_t strip_bytes = std::min(kStripBytes, bytes - offset);
    std::fill_n(sums + offset, strip_bytes, 0.0F);
    for (std::size_t row = 0; row < cell.shares.size(); ++row) {
      const std::uint8_t* const line = row_at(pixels, cell.first + row) + offset;
      add_share(line, static_cast<float>(cell.shares[row]), sums + offset, strip_bytes);
    }
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

#if defined(STAYDOWN_HAS_AVX2_BUILD)
// Lumas that stay under 2^31 in units of a thousandth.
constexpr std::int32_t kMostWindows = std::numeric_limits<std::int32_t>::max() / 1000 / 255;

// The luma of the first pixels, eight at a time; gives how many are done. The same whole numbers as write_luma's.
__attribute__((target("avx2"))) std::size_t write_luma_avx2(const std::int32_t* sums, std::size_t width, double* luma) {
  const __m256i red_order = _mm256_setr_epi32(0, 3, 6, 1, 4, 7, 2, 5);
  const __m256i green_order = _mm256_setr_epi32(1, 4, 7, 2, 5, 0, 3, 6);
  const __m256i blue_order = _mm256_setr_epi32(2, 5, 0, 3, 6, 1, 4, 7);
  constexpr std::size_t kPixels = 8;
  // The places, in eight numbers, of those that are first, second and third in threes that began in them.
  constexpr int kFirst = 0b01001001;
  constexpr int kSecond = 0b10010010;
  constexpr int kThird = 0b00100100;
  std::size_t i = 0;
  for (; i + kPixels <= width; i += kPixels) {
    const __m256i* const in = reinterpret_cast<const __m256i*>(sums + 3 * i);
    const __m256i a = _mm256_loadu_si256(in);
    const __m256i b = _mm256_loadu_si256(in + 1);
    const __m256i c = _mm256_loadu_si256(in + 2);
    const __m256i red = _mm256_blend_epi32(_mm256_blend_epi32(a, b, kSecond), c, kThird);
    const __m256i green = _mm256_blend_epi32(_mm256_blend_epi32(a, b, kThird), c, kFirst);
    const __m256i blue = _mm256_blend_epi32(_mm256_blend_epi32(a, b, kFirst), c, kSecond);
    const __m256i reds = _mm256_mullo_epi32(_mm256_permutevar8x32_epi32(red, red_order), _mm256_set1_epi32(299));
    const __m256i greens = _mm256_mullo_epi32(_mm256_permutevar8x32_epi32(green, green_order), _mm256_set1_epi32(587));
    const __m256i blues = _mm256_mullo_epi32(_mm256_permutevar8x32_epi32(blue, blue_order), _mm256_set1_epi32(114));
    const __m256i sum = _mm256_add_epi32(_mm256_add_epi32(reds, greens), blues);
    _mm256_storeu_pd(luma + i, _mm256_cvtepi32_pd(_mm256_castsi256_si128(sum)));
    _mm256_storeu_pd(luma + i + 4, _mm256_cvtepi32_pd(_mm256_extracti128_si256(sum, 1)));
  }
  return i;
}
#endif

void write_whole_luma(const std::int32_t* sums, const PixelView& pixels, [[maybe_unused]] std::int32_t windows,
                      double* luma) {
  std::size_t done = 0;
#if defined(STAYDOWN_HAS_AVX2_BUILD)
  if (pixels.channels == 3 && windows <= kMostWindows && __builtin_cpu_supports("avx2")) {
    done = write_luma_avx2(sums, pixels.width, luma);
  }
#endif
  write_luma(sums + done * pixels.channels, pixels.channels, pixels.width - done, luma + done);
}

double luma_unit(std::size_t channels) { return channels == 1 ? 1.0 : 0.001; }

// One row of the grid, from the lumas of its picture's rows. Each cell in four sums side by side, always the same four, so
// that the additions need not wait for each other.
STAYDOWN_FOR_EACH_CPU
void write_grid_row(const double* luma, const AxisWeights& columns, double scale, double* cells) {
  for (std::size_t column = 0; column < kGridSide; ++column) {
    const double* const values = luma + columns[column].first;
    const double* const weights = columns[column].shares.data();
    const std::size_t count = columns[column].shares.size();
    std::array<double, 4> sums{};
    std::size_t i = 0;
    for (; i + sums.size() <= count; i += sums.size()) {
      for (std::size_t lane = 0; lane < sums.size(); ++lane) sums[lane] += values[i + lane] * weights[i + lane];
    }
    for (; i < count; ++i) sums[0] += values[i] * weights[i];
    cells[column] = scale * ((sums[0] + sums[1]) + (sums[2] + sums[3]));
  }
}

PreciseGrid grid_of_stored(const PixelView& pixels, const AxisWeights& rows, const AxisWeights& columns) {
  const std::size_t line_bytes = pixels.width * pixels.channels;
  std::vector<std::int32_t> counted(line_bytes);
  std::vector<float> shared(line_bytes);
  std::vector<double> luma(pixels.width);
  PreciseGrid grid;
  for (std::size_t row = 0; row < kGridSide; ++row) {
    const CellWeights& cell = rows[row];
    if (cell.windows > 0) {
      sum_counts(pixels, cell, line_bytes, counted.data());
      write_whole_luma(counted.data(), pixels, cell.windows, luma.data());
    } else {
      sum_shares(pixels, cell, line_bytes, shared.data());
      write_luma(shared.data(), pixels.channels, pixels.width, luma.data());
    }
    const double scale = luma_unit(pixels.channels) / std::max(cell.windows, 1);
    write_grid_row(luma.data(), columns, scale, grid[row].data());
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
