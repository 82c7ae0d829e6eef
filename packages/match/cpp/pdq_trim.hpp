// Where the picture is inside its uniform borders and bars: what letterboxing, frames, captions and screenshots add.
#pragma once

#include <cstddef>
#include <cstdint>

namespace staydown {

// A picture of 1 (grey) or 3 samples (red, green, blue; looked at as luma) a pixel; neighbours down and along are
// `row_stride` and `column_stride` samples apart. Two pixels are of one colour when their lumas differ by at most
// `tolerance`.
template <typename Sample>
struct LumaView {
  const Sample* first;
  std::size_t height;
  std::size_t width;
  std::size_t channels;
  std::ptrdiff_t row_stride;
  std::ptrdiff_t column_stride;
  int tolerance;
};

// Rows top to bottom - 1 and columns left to right - 1.
struct Bounds {
  std::size_t top;
  std::size_t bottom;
  std::size_t left;
  std::size_t right;
};

// What is left when bars are cut off at the four sides, again and again until there are none. A bar is a run of lines
// of mostly one colour that ends with a line wholly of it, so that text in a bar does not end it, and a picture's own
// dark rows do not begin one. The whole picture when less than a quarter of a side would be left.
template <typename Sample>
Bounds trim(const LumaView<Sample>& luma);

}  // namespace staydown
