// Plain C++ versions, and the tails of the vector ones.
#pragma once

#include <bit>

#include "kernels.hpp"

namespace staydown::hamming {

inline std::size_t scan_plain(const ScanJob& job, std::uint32_t job_index, std::uint32_t from, ScanHit* hits) {
  std::size_t found = 0;
  for (std::uint32_t i = from; i < job.count; ++i) {
    const auto bits = static_cast<std::uint16_t>(job.sketches[i] ^ job.wanted);
    hits[found] = {job_index, i, 1};
    found += std::popcount(bits) <= job.max_bits ? 1 : 0;
  }
  return found;
}

// Inlined into functions for processors that count bits in one instruction, where std::popcount becomes that.
__attribute__((always_inline)) inline bool advance_plain(const std::uint64_t* words, std::size_t end, std::uint32_t rank,
                                                         BitCursor& cursor) {
  BitCursor at = cursor;
  for (auto here = static_cast<std::uint32_t>(std::popcount(at.bits)); at.passed + here <= rank;
       here = static_cast<std::uint32_t>(std::popcount(at.bits))) {
    at.passed += here;
    if (++at.word >= end) return false;
    at.bits = words[at.word];
  }
  for (; at.passed < rank; ++at.passed) at.bits &= at.bits - 1;
  cursor = at;
  return true;
}

}  // namespace staydown::hamming
