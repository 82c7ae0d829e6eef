// Which of an image's postings have been removed since it was made: one bit each, set by the writer, read by any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "memory.hpp"

namespace staydown::hamming {

class Removals {
 public:
  explicit Removals(std::size_t count) : bits_(Memory::zeroed((count + 63) / 64 * sizeof(Word))) {}

  bool contains(std::size_t index) const {
    return (word(index).load(std::memory_order_acquire) >> (index % 64) & 1) != 0;
  }
  // Whether it was not there before.
  bool insert(std::size_t index) {
    const std::uint64_t bit = std::uint64_t{1} << (index % 64);
    return (word(index).fetch_or(bit, std::memory_order_release) & bit) == 0;
  }
  std::size_t bytes() const { return bits_.size(); }

 private:
  using Word = std::atomic<std::uint64_t>;  // zeroed memory is one that holds 0
  static_assert(Word::is_always_lock_free && sizeof(Word) == sizeof(std::uint64_t));

  Word& word(std::size_t index) const { return reinterpret_cast<Word*>(bits_.data())[index / 64]; }

  Memory bits_;
};

}  // namespace staydown::hamming
