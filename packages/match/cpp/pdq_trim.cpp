#include "pdq_trim.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace staydown {
namespace {

// Of a line's samples: to be part of a bar, and to be nothing else. Compression and a soft edge take the rest.
constexpr double kMostly = 0.5;
constexpr double kWholly = 0.97;
// Of the longer side: the most that contents of a bar (lines of text, icons) may span without a line wholly of its colour.
constexpr double kMaxContentShare = 0.12;
constexpr std::size_t kLeastPartOfSide = 4;
constexpr int kMaxRounds = 8;

// A line across the picture, part of it cut off at both ends.
template <typename Sample>
struct Line {
  const Sample* first;
  std::size_t length;
  std::size_t channels;
  std::ptrdiff_t stride;

  int at(std::size_t i) const {
    const Sample* const pixel = first + static_cast<std::ptrdiff_t>(i) * stride;
    return channels == 1 ? pixel[0] : (77 * pixel[0] + 150 * pixel[1] + 29 * pixel[2]) / 256;
  }
};

template <typename Sample>
int median_of(const Line<Sample>& line) {
  std::vector<int> values(line.length);
  for (std::size_t i = 0; i < line.length; ++i) values[i] = line.at(i);
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

template <typename Sample>
double share_of(const Line<Sample>& line, int colour, int tolerance) {
  std::size_t alike = 0;
  for (std::size_t i = 0; i < line.length; ++i) alike += std::abs(line.at(i) - colour) <= tolerance ? 1 : 0;
  return static_cast<double>(alike) / static_cast<double>(line.length);
}

// How many lines the bar at one side has. `line_at(i)` is the line at a distance of i from the side.
template <typename Sample, typename LineAt>
std::size_t bar_lines(std::size_t lines, std::size_t max_content, int tolerance, LineAt line_at) {
  const Line<Sample> outermost = line_at(std::size_t{0});
  const int colour = median_of(outermost);
  if (share_of(outermost, colour, tolerance) < kWholly) return 0;
  std::size_t bar = 1;
  for (std::size_t i = 1; i < lines && i - bar <= max_content; ++i) {
    const double share = share_of(line_at(i), colour, tolerance);
    if (share < kMostly) break;
    if (share >= kWholly) bar = i + 1;
  }
  return bar;
}

template <typename Sample>
Bounds trimmed_once(const LumaView<Sample>& luma, Bounds bounds) {
  const auto row = [&](std::size_t y) {
    return Line<Sample>{luma.first + static_cast<std::ptrdiff_t>(y) * luma.row_stride +
                            static_cast<std::ptrdiff_t>(bounds.left) * luma.column_stride,
                        bounds.right - bounds.left, luma.channels, luma.column_stride};
  };
  const auto column = [&](std::size_t x) {
    return Line<Sample>{luma.first + static_cast<std::ptrdiff_t>(x) * luma.column_stride +
                            static_cast<std::ptrdiff_t>(bounds.top) * luma.row_stride,
                        bounds.bottom - bounds.top, luma.channels, luma.row_stride};
  };
  const auto max_content = static_cast<std::size_t>(
      kMaxContentShare * static_cast<double>(std::max(bounds.bottom - bounds.top, bounds.right - bounds.left)));
  const auto bar = [&](std::size_t lines, auto line_at) {
    return lines == 0 ? 0 : bar_lines<Sample>(lines, max_content, luma.tolerance, line_at);
  };
  bounds.top += bar(bounds.bottom - bounds.top, [&](std::size_t i) { return row(bounds.top + i); });
  bounds.bottom -= bar(bounds.bottom - bounds.top, [&](std::size_t i) { return row(bounds.bottom - 1 - i); });
  if (bounds.top == bounds.bottom) return bounds;
  bounds.left += bar(bounds.right - bounds.left, [&](std::size_t i) { return column(bounds.left + i); });
  bounds.right -= bar(bounds.right - bounds.left, [&](std::size_t i) { return column(bounds.right - 1 - i); });
  return bounds;
}

bool same(const Bounds& a, const Bounds& b) {
  return a.top == b.top && a.bottom == b.bottom && a.left == b.left && a.right == b.right;
}

}  // namespace

template <typename Sample>
Bounds trim(const LumaView<Sample>& luma) {
  const Bounds whole{0, luma.height, 0, luma.width};
  Bounds bounds = whole;
  for (int round = 0; round < kMaxRounds; ++round) {
    const Bounds next = trimmed_once(luma, bounds);
    const bool enough_left = (next.bottom - next.top) * kLeastPartOfSide >= luma.height &&
                             (next.right - next.left) * kLeastPartOfSide >= luma.width;
    if (!enough_left) break;
    if (same(next, bounds)) break;
    bounds = next;
  }
  return bounds;
}

template Bounds trim(const LumaView<std::uint8_t>& luma);
template Bounds trim(const LumaView<std::uint16_t>& luma);

}  // namespace staydown
