// NEON version: every 64-bit Arm processor has it.
#if defined(__aarch64__)

#include <arm_neon.h>

#include "kernels_generic.hpp"

namespace staydown::hamming {
namespace {

// Bit i is set when the i-th of 8 sketches is near.
inline std::uint32_t near_8(const std::uint16_t* sketches, uint16x8_t wanted, uint16x8_t most) {
  const uint16x8_t lanes = {1, 2, 4, 8, 16, 32, 64, 128};
  const uint8x16_t bits = vcntq_u8(vreinterpretq_u8_u16(veorq_u16(vld1q_u16(sketches), wanted)));
  return vaddvq_u16(vandq_u16(vcleq_u16(vpaddlq_u8(bits), most), lanes));
}

std::size_t scan_neon(const ScanJob* jobs, std::size_t job_count, ScanHit* hits) {
  ScanHit* next = hits;
  for (std::size_t j = 0; j < job_count; ++j) {
    const ScanJob job = jobs[j];
    const uint16x8_t wanted = vdupq_n_u16(job.wanted);
    const uint16x8_t most = vdupq_n_u16(job.max_bits);
    std::uint32_t i = 0;
    for (; i + 8 <= job.count; i += 8) {
      *next = {static_cast<std::uint32_t>(j), i, near_8(job.sketches + i, wanted, most)};
      next += next->near != 0 ? 1 : 0;
    }
    if (i < job.count) next += scan_plain(job, static_cast<std::uint32_t>(j), i, next);
  }
  return static_cast<std::size_t>(next - hits);
}

void distances_neon(const HashPair* pairs, std::size_t count, std::uint16_t* distance_bits) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto half = [&](std::size_t word) {
      const uint64x2_t bits = veorq_u64(vld1q_u64(&pairs[i].stored->words[word]), vld1q_u64(&pairs[i].wanted->words[word]));
      return vcntq_u8(vreinterpretq_u8_u64(bits));
    };
    distance_bits[i] = vaddlvq_u8(vaddq_u8(half(0), half(2)));
  }
}

bool advance_neon(const std::uint64_t* words, std::size_t end, std::uint32_t rank, BitCursor& cursor) {
  return advance_plain(words, end, rank, cursor);
}

}  // namespace

extern const Kernels kNeonKernels;
const Kernels kNeonKernels = {"neon", [] { return true; }, &scan_neon, &advance_neon, &distances_neon};

}  // namespace staydown::hamming

#endif
