// Memory asked of the system in whole pages: zeroed, huge where it helps, or a file's own pages.
#pragma once

#include <cstddef>
#include <utility>

namespace staydown::hamming {

class Memory {
 public:
  Memory() = default;
  // Zeroed; pages count only once they are written. Throws std::bad_alloc.
  static Memory zeroed(std::size_t bytes);
  // The same with every page there already, so that none has to be fetched when it is first written.
  static Memory zeroed_at_once(std::size_t bytes);
  // A whole file, read only, shared with every process that maps it. Throws std::system_error.
  static Memory of_file(int descriptor, std::size_t bytes);

  Memory(Memory&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Memory& operator=(Memory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Memory();

  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  Memory(std::byte* data, std::size_t size) : data_(data), size_(size) {}

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace staydown::hamming
