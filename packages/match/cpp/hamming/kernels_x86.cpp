// AVX2 and AVX-512 versions. Each function names what it needs, so that the file is built for any x86-64 and nothing else in
// the library can end up with instructions that the processor lacks.
#if defined(__x86_64__)

#include <immintrin.h>

#include "kernels_generic.hpp"

#define STAYDOWN_AVX2 __attribute__((target("avx2,popcnt,bmi")))
#define STAYDOWN_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,popcnt,bmi,bmi2")))
#define STAYDOWN_AVX512_POPCOUNT \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512bitalg,avx512vpopcntdq,popcnt,bmi,bmi2")))

namespace staydown::hamming {
namespace {

STAYDOWN_AVX2 void distances_popcnt(const HashPair* pairs, std::size_t count, std::uint16_t* distance_bits) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto& a = pairs[i].stored->words;
    const auto& b = pairs[i].wanted->words;
    distance_bits[i] = static_cast<std::uint16_t>(_mm_popcnt_u64(a[0] ^ b[0]) + _mm_popcnt_u64(a[1] ^ b[1]) +
                                                  _mm_popcnt_u64(a[2] ^ b[2]) + _mm_popcnt_u64(a[3] ^ b[3]));
  }
}

STAYDOWN_AVX2 bool advance_popcnt(const std::uint64_t* words, std::size_t end, std::uint32_t rank, BitCursor& cursor) {
  return advance_plain(words, end, rank, cursor);
}

// ---- AVX2: 16 sketches at a time, bits counted by looking up nibbles (Mula).

STAYDOWN_AVX2 inline __m256i count_bits_16(__m256i words) {
  const __m256i counts = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                          0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const __m256i nibble = _mm256_set1_epi8(15);
  const __m256i low = _mm256_shuffle_epi8(counts, _mm256_and_si256(words, nibble));
  const __m256i high = _mm256_shuffle_epi8(counts, _mm256_and_si256(_mm256_srli_epi16(words, 4), nibble));
  return _mm256_maddubs_epi16(_mm256_add_epi8(low, high), _mm256_set1_epi8(1));
}

STAYDOWN_AVX2 inline __m256i near_16(const std::uint16_t* sketches, __m256i wanted, __m256i beyond) {
  const __m256i loaded = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sketches));
  return _mm256_cmpgt_epi16(beyond, count_bits_16(_mm256_xor_si256(wanted, loaded)));
}

// Bit i is set when the i-th of 32 sketches is near.
STAYDOWN_AVX2 inline std::uint32_t near_32(const std::uint16_t* sketches, __m256i wanted, __m256i beyond) {
  const __m256i halves = _mm256_packs_epi16(near_16(sketches, wanted, beyond), near_16(sketches + 16, wanted, beyond));
  const __m256i packed = _mm256_permute4x64_epi64(halves, 0b11'01'10'00);  // packing interleaves 128-bit lanes
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(packed));
}

STAYDOWN_AVX2 std::size_t scan_avx2(const ScanJob* jobs, std::size_t job_count, ScanHit* hits) {
  ScanHit* next = hits;
  for (std::size_t j = 0; j < job_count; ++j) {
    const ScanJob job = jobs[j];
    const __m256i wanted = _mm256_set1_epi16(static_cast<short>(job.wanted));
    const __m256i beyond = _mm256_set1_epi16(static_cast<short>(job.max_bits + 1));
    std::uint32_t i = 0;
    for (; i < job.count && i + 32 <= job.readable; i += 32) {
      std::uint32_t near = near_32(job.sketches + i, wanted, beyond);
      if (job.count - i < 32) near &= (std::uint32_t{1} << (job.count - i)) - 1;
      *next = {static_cast<std::uint32_t>(j), i, near};
      next += near != 0 ? 1 : 0;
    }
    if (i < job.count) next += scan_plain(job, static_cast<std::uint32_t>(j), i, next);
  }
  return static_cast<std::size_t>(next - hits);
}

bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi"); }

// ---- AVX-512: 32 sketches at a time; masked loads never pass a bucket's end.

STAYDOWN_AVX512 inline __m512i count_bits_16(__m512i words) {
  const __m512i counts = _mm512_set4_epi32(0x04030302, 0x03020201, 0x03020201, 0x02010100);
  const __m512i nibble = _mm512_set1_epi8(15);
  const __m512i low = _mm512_shuffle_epi8(counts, _mm512_and_si512(words, nibble));
  const __m512i high = _mm512_shuffle_epi8(counts, _mm512_and_si512(_mm512_srli_epi16(words, 4), nibble));
  return _mm512_maddubs_epi16(_mm512_add_epi8(low, high), _mm512_set1_epi8(1));
}

STAYDOWN_AVX512_POPCOUNT inline __m512i count_bits_16_native(__m512i words) { return _mm512_popcnt_epi16(words); }

// Sketches [32 * line, 32 * line + 32) from the start of a line of memory on, of which [skip, end) belong to the bucket.
struct Lines {
  const std::uint16_t* first;
  std::uint32_t skip;
  std::uint32_t end;
  std::uint32_t last;  // number of the last line that has some
};

inline Lines lines_of(const ScanJob& job) {
  const auto address = reinterpret_cast<std::uintptr_t>(job.sketches);
  const auto skip = static_cast<std::uint32_t>(address % 64 / sizeof *job.sketches);
  return {job.sketches - skip, skip, skip + job.count, (skip + job.count - 1) / 32};
}

// Which lanes of a line lie before the end.
STAYDOWN_AVX512 inline std::uint32_t lanes_of(const Lines& lines, std::uint32_t line) {
  const std::uint32_t left = lines.end > 32 * line ? lines.end - 32 * line : 0;
  return _bzhi_u32(~std::uint32_t{0}, left < 32 ? left : 32);
}

// Whole lines of memory at a time, a few of them in a mixed order: from loads one after the other the processor would
// conclude that it goes on like this, and fetch what follows the bucket, which costs as much again as the bucket itself.
// One body for both, because a function cannot inline another that needs more than it.
#define STAYDOWN_SCAN_AVX512(NAME, TARGET, COUNT_BITS)                                                                  \
  TARGET inline std::uint32_t NAME##_line(const Lines& lines, std::uint32_t line, __m512i wanted, __m512i most) {       \
    const std::uint16_t* const from = lines.first + std::size_t{32} * (line < lines.last ? line : lines.last);          \
    const __mmask32 inside = lanes_of(lines, line);                                                                     \
    const __m512i bits = COUNT_BITS(_mm512_xor_si512(wanted, _mm512_maskz_loadu_epi16(inside, from)));                  \
    return _mm512_mask_cmple_epu16_mask(inside, bits, most);                                                            \
  }                                                                                                                     \
  TARGET std::size_t NAME(const ScanJob* jobs, std::size_t job_count, ScanHit* hits) {                                  \
    ScanHit* next = hits;                                                                                               \
    for (std::size_t j = 0; j < job_count; ++j) {                                                                       \
      const Lines lines = lines_of(jobs[j]);                                                                            \
      const __m512i wanted = _mm512_set1_epi16(static_cast<short>(jobs[j].wanted));                                     \
      const __m512i most = _mm512_set1_epi16(static_cast<short>(jobs[j].max_bits));                                     \
      std::uint32_t inside = ~std::uint32_t{0} << lines.skip;                                                           \
      const auto keep = [&](std::uint32_t line, std::uint32_t near) {                                                   \
        *next = {static_cast<std::uint32_t>(j), 32 * line - lines.skip, near};                                          \
        next += near != 0 ? 1 : 0;                                                                                      \
      };                                                                                                                \
      if (lines.last < 2) {                                                                                             \
        const std::uint32_t near_1 = NAME##_line(lines, 1, wanted, most);                                               \
        keep(0, NAME##_line(lines, 0, wanted, most) & inside);                                                          \
        keep(1, near_1);                                                                                                \
        continue;                                                                                                       \
      }                                                                                                                 \
      for (std::uint32_t line = 0; line <= lines.last; line += 6) {                                                     \
        const std::uint32_t near_0 = NAME##_line(lines, line, wanted, most) & inside;                                   \
        const std::uint32_t near_3 = NAME##_line(lines, line + 3, wanted, most);                                        \
        const std::uint32_t near_1 = NAME##_line(lines, line + 1, wanted, most);                                        \
        const std::uint32_t near_4 = NAME##_line(lines, line + 4, wanted, most);                                        \
        const std::uint32_t near_2 = NAME##_line(lines, line + 2, wanted, most);                                        \
        const std::uint32_t near_5 = NAME##_line(lines, line + 5, wanted, most);                                        \
        inside = ~std::uint32_t{0};                                                                                     \
        keep(line, near_0);                                                                                             \
        keep(line + 1, near_1);                                                                                         \
        keep(line + 2, near_2);                                                                                         \
        keep(line + 3, near_3);                                                                                         \
        keep(line + 4, near_4);                                                                                         \
        keep(line + 5, near_5);                                                                                         \
      }                                                                                                                 \
    }                                                                                                                   \
    return static_cast<std::size_t>(next - hits);                                                                       \
  }

STAYDOWN_SCAN_AVX512(scan_avx512, STAYDOWN_AVX512, count_bits_16)
STAYDOWN_SCAN_AVX512(scan_avx512_popcount, STAYDOWN_AVX512_POPCOUNT, count_bits_16_native)

bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("bmi2");
}

bool has_avx512_popcount() {
  return has_avx512() && __builtin_cpu_supports("avx512bitalg") && __builtin_cpu_supports("avx512vpopcntdq");
}

}  // namespace

extern const Kernels kAvx512PopcountKernels;
extern const Kernels kAvx512Kernels;
extern const Kernels kAvx2Kernels;
const Kernels kAvx512PopcountKernels = {"avx512-popcount", &has_avx512_popcount, &scan_avx512_popcount, &advance_popcnt,
                                        &distances_popcnt};
const Kernels kAvx512Kernels = {"avx512", &has_avx512, &scan_avx512, &advance_popcnt, &distances_popcnt};
const Kernels kAvx2Kernels = {"avx2", &has_avx2, &scan_avx2, &advance_popcnt, &distances_popcnt};

}  // namespace staydown::hamming

#endif
