// Tests of PDQ that are run plain and under sanitizers: pdq_test golden VECTORS | views | trim
// A line of VECTORS: picture height width channels seed pdq quality; vectors/pdq.json says how a picture is made.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "../pdq.hpp"
#include "../pdq_plane.hpp"
#include "../pdq_trace.hpp"
#include "../pdq_trim.hpp"

namespace {

using namespace staydown;
using Random = std::mt19937_64;

#define CHECK(condition)                                                           \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                \
    }                                                                              \
  } while (false)

// Odd and even, primes, around the 64 cells and the lanes of vector registers, long and narrow.
constexpr std::array<std::size_t, 16> kSides = {1, 2, 4, 5, 7, 17, 31, 63, 64, 65, 127, 129, 131, 257, 640, 1021};

// A picture in memory of exactly its size, so that a byte read outside is found out.
template <typename Sample>
struct Picture {
  std::size_t height;
  std::size_t width;
  std::size_t channels;
  std::unique_ptr<Sample[]> samples;

  Picture(std::size_t height_, std::size_t width_, std::size_t channels_)
      : height(height_), width(width_), channels(channels_), samples(new Sample[height_ * width_ * channels_]) {}
  std::size_t size() const { return height * width * channels; }
  Sample& at(std::size_t y, std::size_t x, std::size_t c) { return samples[(y * width + x) * channels + c]; }
};

// One way to see a picture without copying it: the sample at the top left, and how far neighbours are apart.
template <typename Sample>
struct View {
  const Sample* first;
  std::size_t height;
  std::size_t width;
  std::ptrdiff_t row_stride;
  std::ptrdiff_t column_stride;
};

template <typename Sample>
View<Sample> seen(const Picture<Sample>& picture, const Turn& turn) {
  const auto channels = static_cast<std::ptrdiff_t>(picture.channels);
  View<Sample> view{picture.samples.get(), picture.height, picture.width,
                    static_cast<std::ptrdiff_t>(picture.width) * channels, channels};
  if (turn.transposed) {
    std::swap(view.height, view.width);
    std::swap(view.row_stride, view.column_stride);
  }
  if (turn.mirrored) {
    view.first += static_cast<std::ptrdiff_t>(view.width - 1) * view.column_stride;
    view.column_stride = -view.column_stride;
  }
  if (turn.upside_down) {
    view.first += static_cast<std::ptrdiff_t>(view.height - 1) * view.row_stride;
    view.row_stride = -view.row_stride;
  }
  return view;
}

template <typename Sample>
Picture<Sample> copied(const View<Sample>& view, std::size_t channels) {
  Picture<Sample> copy(view.height, view.width, channels);
  for (std::size_t y = 0; y < view.height; ++y) {
    for (std::size_t x = 0; x < view.width; ++x) {
      const Sample* const pixel = view.first + static_cast<std::ptrdiff_t>(y) * view.row_stride +
                                  static_cast<std::ptrdiff_t>(x) * view.column_stride;
      std::copy(pixel, pixel + channels, &copy.at(y, x, 0));
    }
  }
  return copy;
}

PdqHash hash_of(const View<std::uint8_t>& view, std::size_t channels) {
  return pdq_from_pixels({view.first, view.height, view.width, channels, view.row_stride, view.column_stride});
}

bool alike(const PdqHash& one, const PdqHash& other) {
  return one.bits == other.bits && one.quality == other.quality && one.orientations == other.orientations;
}

template <typename Sample>
Picture<Sample> coarse_noise(std::size_t height, std::size_t width, std::size_t channels, Random& random) {
  Picture<Sample> picture(height, width, channels);
  std::vector<unsigned> levels((height / 7 + 1) * (width / 9 + 1) * channels);
  for (auto& level : levels) level = static_cast<unsigned>(random() % 240);
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < width; ++x) {
      for (std::size_t c = 0; c < channels; ++c) {
        const unsigned level = levels[((y / 7) * (width / 9 + 1) + x / 9) * channels + c];
        picture.at(y, x, c) = static_cast<Sample>(level + random() % 16);
      }
    }
  }
  return picture;
}

unsigned long long value_of(const std::string& name, unsigned long long y, unsigned long long x, unsigned long long c,
                            unsigned long long height, unsigned long long width, unsigned long long seed) {
  const auto square = [](unsigned long long doubled, unsigned long long side) {
    const auto off = static_cast<long long>(doubled) - static_cast<long long>(side);
    return static_cast<unsigned long long>(off * off);
  };
  if (name == "flat") return seed;
  if (name == "slope") {
    return (x * 255 / std::max(width - 1, 1ULL) * (seed % 5 + 1) +
            y * 255 / std::max(height - 1, 1ULL) * (seed % 7 + 1)) / 12;
  }
  if (name == "rings") return (square(2 * x, width) + square(2 * y, height) + seed * 1000) * 40 / (width * height) + c * 29;
  if (name == "framed") {
    const bool inside = y >= height / 8 && y < height - height / 6 && x >= width / 16;
    return inside ? value_of("blocks", y, x, c, height, width, 1) : seed;
  }
  CHECK(name == "blocks");
  return (x * 8 / width * 37 + y * 8 / height * 101 + c * 53) * (seed * 2 + 1);
}

Picture<std::uint8_t> golden_picture(const std::string& name, std::size_t height, std::size_t width,
                                     std::size_t channels, std::uint32_t seed) {
  Picture<std::uint8_t> picture(height, width, channels);
  std::uint32_t state = seed;
  for (std::size_t i = 0; i < picture.size(); ++i) {
    const std::size_t pixel = i / channels;
    state = state * 1664525U + 1013904223U;
    picture.samples[i] = name == "noise"
                             ? static_cast<std::uint8_t>(state >> 24U)
                             : static_cast<std::uint8_t>(value_of(name, pixel / width, pixel % width, i % channels,
                                                                  height, width, seed) % 256);
  }
  return picture;
}

std::string text_of(const HashBits& bits) {
  std::string text;
  for (const std::uint8_t byte : bits) {
    text += "0123456789abcdef"[byte >> 4U];
    text += "0123456789abcdef"[byte & 15U];
  }
  return text;
}

// The golden values, as the picture lies in memory and as views that are turned back from turned copies.
void golden(const std::string& path) {
  std::ifstream vectors(path);
  std::string name, pdq;
  std::size_t height = 0, width = 0, channels = 0, count = 0;
  std::uint32_t seed = 0;
  for (int quality = 0; vectors >> name >> height >> width >> channels >> seed >> pdq >> quality; ++count) {
    const auto picture = golden_picture(name, height, width, channels, seed);
    const PdqHash hash = channels == 1 ? pdq_from_grey(picture.samples.get(), height, width)
                                       : pdq_from_rgb(picture.samples.get(), height, width);
    CHECK(text_of(hash.bits) == pdq);
    CHECK(hash.quality == quality);
    for (const bool mirrored : {false, true}) {
      for (const bool upside_down : {false, true}) {
        const Turn turn{false, mirrored, upside_down};  // each its own opposite
        const auto turned = copied(seen(picture, turn), channels);
        CHECK(alike(hash_of(seen(turned, turn), channels), hash));
      }
    }
  }
  CHECK(vectors.eof() && count > 20);
}

// Every way to see a picture of every odd size gives what a copy of it gives, and reads no byte outside.
void views() {
  Random random(1);
  for (const std::size_t height : kSides) {
    for (const std::size_t width : kSides) {
      if (height * width > 200'000) continue;
      const std::size_t channels = random() % 2 ? 3 : 1;
      const auto picture = coarse_noise<std::uint8_t>(height, width, channels, random);
      const Turn& turn = kTurns[random() % kTurns.size()];
      const auto view = seen(picture, turn);
      const auto copy = copied(view, channels);
      CHECK(alike(hash_of(view, channels), hash_of(seen(copy, kTurns[0]), channels)));
      if (channels == 3) continue;
      const Plane<std::uint8_t> plane{view.first, view.height, view.width, view.row_stride, view.column_stride, 16, 235};
      const Plane<std::uint8_t> same{copy.samples.get(), copy.height, copy.width,
                                     static_cast<std::ptrdiff_t>(copy.width), 1, 16, 235};
      CHECK(alike(pdq_from_plane(plane), pdq_from_plane(same)));
      const auto deep = coarse_noise<std::uint16_t>(height, width, 1, random);
      const auto deep_view = seen(deep, turn);
      const auto quality = pdq_from_plane(Plane<std::uint16_t>{deep_view.first, deep_view.height, deep_view.width,
                                                               deep_view.row_stride, deep_view.column_stride, 0, 1023})
                               .quality;
      CHECK(quality >= 0 && quality <= 100);
      for (const std::size_t scale : {std::size_t{1}, std::size_t{2}, std::size_t{4}, std::size_t{8}}) {
        const std::size_t full_height = view.height * scale - random() % scale;
        const std::size_t full_width = view.width * scale - random() % scale;
        const PixelView shrunk{view.first, view.height, view.width, 1, view.row_stride, view.column_stride};
        const auto [hash, unsure_bits] = pdq_from_shrunk_grey(shrunk, full_height, full_width, scale);
        CHECK(unsure_bits >= 0 && unsure_bits <= 256);
        CHECK(scale > 1 || hash.bits == hash_of(view, 1).bits);
      }
    }
  }
  const auto picture = coarse_noise<std::uint8_t>(97, 131, 3, random);
  const PdqTrace trace = trace_pdq(picture.samples.get(), 97, 131, 3);
  CHECK(trace.grid_difference <= trace.grid_bound && trace.coefficient_difference <= trace.coefficient_bound);
}

template <typename Sample>
void trim_one(std::size_t height, std::size_t width, std::size_t channels, Random& random) {
  auto picture = coarse_noise<Sample>(height, width, channels, random);
  const std::size_t top = random() % (height / 3 + 1), left = random() % (width / 3 + 1);
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < width; ++x) {
      for (std::size_t c = 0; c < channels; ++c) {
        if (y < top || x < left) picture.at(y, x, c) = 5;
      }
    }
  }
  for (const Turn& turn : kTurns) {
    const auto view = seen(picture, turn);
    const auto copy = copied(view, channels);
    const auto plain = seen(copy, kTurns[0]);
    const auto bounds = [channels](const View<Sample>& of) {
      return trim(LumaView<Sample>{of.first, of.height, of.width, channels, of.row_stride, of.column_stride, 10});
    };
    const Bounds one = bounds(view), other = bounds(plain);
    CHECK(one.top == other.top && one.bottom == other.bottom && one.left == other.left && one.right == other.right);
    CHECK(one.top < one.bottom && one.bottom <= view.height && one.left < one.right && one.right <= view.width);
  }
}

void trims() {
  Random random(2);
  for (const std::size_t height : kSides) {
    for (const std::size_t width : kSides) {
      if (height * width > 20'000) continue;
      trim_one<std::uint8_t>(height, width, random() % 2 ? 3 : 1, random);
      trim_one<std::uint16_t>(height, width, 1, random);
    }
  }
}

}  // namespace

int main(int count, char** words) {
  const std::string test = count > 1 ? words[1] : "";
  if (test == "golden" && count > 2) {
    golden(words[2]);
  } else if (test == "views") {
    views();
  } else if (test == "trim") {
    trims();
  } else {
    std::fprintf(stderr, "pdq_test golden VECTORS | views | trim\n");
    return 2;
  }
  return 0;
}
