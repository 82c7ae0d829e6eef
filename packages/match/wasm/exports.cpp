// What the WebAssembly module offers: hash pixels that the caller wrote into its memory. And what plain C++ asks of a
// system, in the few lines that a module without one needs: memory.
//
// A call takes memory from the end of the module's own and gives all of it back when it returns; so there is no heap to
// keep. What cannot be had is a trap, which the caller sees as an error; a module that has trapped is thrown away.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>

#include "pdq.hpp"
#include "pdq_dct.hpp"
#include "pdq_trim.hpp"

extern "C" unsigned char __heap_base;  // NOLINT: the linker's name for where free memory begins

namespace {

constexpr std::size_t kPageBytes = 65536;
constexpr std::size_t kAlignment = 16;

std::size_t heap_start() { return reinterpret_cast<std::size_t>(&__heap_base); }

std::size_t taken_up_to = 0;

void* take(std::size_t bytes) {
  if (taken_up_to == 0) taken_up_to = heap_start();
  const std::uint64_t start = (std::uint64_t{taken_up_to} + kAlignment - 1) / kAlignment * kAlignment;
  const std::uint64_t end = start + bytes;
  const std::uint64_t have = std::uint64_t{__builtin_wasm_memory_size(0)} * kPageBytes;
  if (end >= UINT32_MAX) __builtin_trap();
  if (end > have) {
    const auto pages = static_cast<std::size_t>((end - have + kPageBytes - 1) / kPageBytes);
    if (__builtin_wasm_memory_grow(0, pages) == SIZE_MAX) __builtin_trap();
  }
  taken_up_to = static_cast<std::size_t>(end);
  return reinterpret_cast<void*>(static_cast<std::size_t>(start));
}

// Gives back, at the end of a call, all that was taken during it.
class Call {
 public:
  Call() : before_(taken_up_to) {}
  ~Call() { taken_up_to = before_; }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

 private:
  std::size_t before_;
};

// `bits` gets the 32 bytes of the hash and then those of the eight orientations, of which it is the first.
std::int32_t answer(const staydown::PdqHash& hash, std::uint8_t* bits) {
  bits = std::copy(hash.bits.begin(), hash.bits.end(), bits);
  for (const staydown::HashBits& orientation : hash.orientations) {
    bits = std::copy(orientation.begin(), orientation.end(), bits);
  }
  return hash.quality;
}

// How far the pixels of a bar may be from its colour: trim.py's TOLERANCE.
constexpr int kTolerance = 10;
constexpr std::int32_t kNothingToCut = -1;

std::int32_t hash_inside(const std::uint8_t* pixels, std::size_t height, std::size_t width, std::size_t channels,
                         std::uint8_t* bits) {
  const auto column_stride = static_cast<std::ptrdiff_t>(channels);
  const auto row_stride = static_cast<std::ptrdiff_t>(width) * column_stride;
  const auto [top, bottom, left, right] = staydown::trim(
      staydown::LumaView<std::uint8_t>{pixels, height, width, channels, row_stride, column_stride, kTolerance});
  if (top == 0 && left == 0 && bottom == height && right == width) return kNothingToCut;
  const std::uint8_t* const first = pixels + (top * width + left) * channels;
  return answer(
      staydown::pdq_from_pixels({first, bottom - top, right - left, channels, row_stride, column_stride}), bits);
}

}  // namespace

void* operator new(std::size_t bytes) { return take(bytes); }
void* operator new[](std::size_t bytes) { return take(bytes); }
void operator delete(void*) noexcept {}
void operator delete[](void*) noexcept {}
void operator delete(void*, std::size_t) noexcept {}
void operator delete[](void*, std::size_t) noexcept {}

// The standard library's last word when a container is asked for more than there can be.
namespace std {
inline namespace __1 {  // NOLINT: where the library declares it
[[noreturn]] void __libcpp_verbose_abort(const char*, ...) noexcept { __builtin_trap(); }
}  // namespace __1
}  // namespace std

// Of the C library: what a freestanding build calls although the processor can do it.
extern "C" int abs(int value) { return value < 0 ? -value : value; }
extern "C" double sqrt(double value) { return __builtin_elementwise_sqrt(value); }

#define STAYDOWN_EXPORT(name) extern "C" __attribute__((export_name(name)))

// Gives room for `bytes` bytes, in place of what was given before. Valid until the next call of this.
STAYDOWN_EXPORT("reserve") std::uint8_t* reserve(std::size_t bytes) {
  taken_up_to = heap_start();
  return static_cast<std::uint8_t*>(take(bytes));
}

// Hashes height x width x 3 bytes, row by row, red first. Writes the 32 bytes of the hash and 8 x 32 of its orientations;
// returns its quality.
STAYDOWN_EXPORT("pdq_from_rgb")
std::int32_t pdq_from_rgb(const std::uint8_t* pixels, std::size_t height, std::size_t width, std::uint8_t* bits) {
  const Call call;
  return answer(staydown::pdq_from_rgb(pixels, height, width), bits);
}

// The same of height x width grey bytes.
STAYDOWN_EXPORT("pdq_from_grey")
std::int32_t pdq_from_grey(const std::uint8_t* pixels, std::size_t height, std::size_t width, std::uint8_t* bits) {
  const Call call;
  return answer(staydown::pdq_from_grey(pixels, height, width), bits);
}

// Hashes what is left of the picture without its uniform borders and bars, as above; -1 when there is nothing to cut off.
STAYDOWN_EXPORT("pdq_inside_rgb")
std::int32_t pdq_inside_rgb(const std::uint8_t* pixels, std::size_t height, std::size_t width, std::uint8_t* bits) {
  const Call call;
  return hash_inside(pixels, height, width, 3, bits);
}

STAYDOWN_EXPORT("pdq_inside_grey")
std::int32_t pdq_inside_grey(const std::uint8_t* pixels, std::size_t height, std::size_t width, std::uint8_t* bits) {
  const Call call;
  return hash_inside(pixels, height, width, 1, bits);
}

// The 16 x 64 cosines that every hash is made with, for a test that they are the same floats everywhere.
STAYDOWN_EXPORT("dct_matrix") const float* dct_matrix() { return staydown::dct_matrix().front().data(); }
