#include "kernels.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <vector>

#include "kernels_generic.hpp"

namespace staydown::hamming {

#if defined(__x86_64__)
extern const Kernels kAvx512PopcountKernels;
extern const Kernels kAvx512Kernels;
extern const Kernels kAvx2Kernels;
#elif defined(__aarch64__)
extern const Kernels kNeonKernels;
#endif

namespace {

std::size_t scan(const ScanJob* jobs, std::size_t job_count, ScanHit* hits) {
  std::size_t found = 0;
  for (std::size_t i = 0; i < job_count; ++i) {
    // scan_plain writes one hit ahead of those it keeps; the last of the last job is dropped inside its own room.
    found += scan_plain(jobs[i], static_cast<std::uint32_t>(i), 0, hits + found);
  }
  return found;
}

void distances(const HashPair* pairs, std::size_t count, std::uint16_t* distance_bits) {
  for (std::size_t i = 0; i < count; ++i) {
    int bits = 0;
    for (std::size_t w = 0; w < kHashWords; ++w) bits += std::popcount(pairs[i].stored->words[w] ^ pairs[i].wanted->words[w]);
    distance_bits[i] = static_cast<std::uint16_t>(bits);
  }
}

bool advance(const std::uint64_t* words, std::size_t end, std::uint32_t rank, BitCursor& cursor) {
  return advance_plain(words, end, rank, cursor);
}

const Kernels kPlainKernels = {"plain", [] { return true; }, &scan, &advance, &distances};

std::vector<const Kernels*> find_supported() {
  std::vector<const Kernels*> found = {  // fastest first
#if defined(__x86_64__)
      &kAvx512PopcountKernels, &kAvx512Kernels, &kAvx2Kernels,
#elif defined(__aarch64__)
      &kNeonKernels,
#endif
      &kPlainKernels};
  std::erase_if(found, [](const Kernels* one) { return !one->supported(); });
  return found;
}

std::atomic<const Kernels*>& chosen() {
  static std::atomic<const Kernels*> choice = supported_kernels().front();
  return choice;
}

}  // namespace

std::span<const Kernels* const> supported_kernels() {
  static const std::vector<const Kernels*> found = find_supported();
  return found;
}

const Kernels& kernels() { return *chosen().load(std::memory_order_relaxed); }

bool choose_kernels(std::string_view name) {
  for (const Kernels* one : supported_kernels()) {
    if (name != one->name) continue;
    chosen() = one;
    return true;
  }
  return false;
}

}  // namespace staydown::hamming
