// Plain C++ versions, and the tails of the vector ones.
#pragma once

#include <bit>

#include "kernels.hpp"

namespace staydown::hamming {

inline std::size_t scan_plain(const ScanJob& job, std::uint32_t job_index, std::uint32_t from, ScanHit* hits) {
  std::size_t found = 0;
  for (std::uint32_t i = from; i < job.count; ++i) {
    const auto bits = static_cast<std::uint16_t>(job.sketches[i] ^ job.wanted);
    hits[found] = {job_index, i};
    found += std::popcount(bits) <= job.max_bits ? 1 : 0;
  }
  return found;
}

}  // namespace staydown::hamming
