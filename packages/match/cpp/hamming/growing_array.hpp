// An array that one thread grows while others read it: nothing ever moves.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace staydown::hamming {

// Part k holds kFirst << k elements. The writer must publish an index (with release order) before a reader uses it.
template <typename T>
class GrowingArray {
 public:
  GrowingArray() = default;
  GrowingArray(const GrowingArray&) = delete;
  GrowingArray& operator=(const GrowingArray&) = delete;
  ~GrowingArray() {
    for (auto& part : parts_) delete[] part.load(std::memory_order_relaxed);
  }

  // Writer only: makes room for one more element and returns it.
  T& grow() {
    const auto [part, offset] = place(size_);
    if (offset == 0) parts_[part].store(new T[kFirst << part](), std::memory_order_release);
    ++size_;
    return parts_[part].load(std::memory_order_relaxed)[offset];
  }

  T& operator[](std::size_t index) const {
    const auto [part, offset] = place(index);
    return parts_[part].load(std::memory_order_acquire)[offset];
  }

  // Writer only.
  std::size_t size() const { return size_; }
  std::size_t bytes() const {
    std::size_t elements = 0;
    for (std::size_t part = 0; part < kParts; ++part) {
      if (parts_[part].load(std::memory_order_relaxed) != nullptr) elements += kFirst << part;
    }
    return elements * sizeof(T);
  }

 private:
  static constexpr std::size_t kFirst = 256;
  static constexpr std::size_t kParts = 26;  // more elements than 32-bit numbers

  struct Place {
    std::size_t part;
    std::size_t offset;
  };
  static Place place(std::size_t index) {
    const auto part = static_cast<std::size_t>(std::bit_width(index / kFirst + 1)) - 1;
    return {part, index - ((kFirst << part) - kFirst)};
  }

  std::array<std::atomic<T*>, kParts> parts_{};
  std::size_t size_ = 0;
};

}  // namespace staydown::hamming
