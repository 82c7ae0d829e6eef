// A 256-bit hash as four words, and pieces of it. Bit k of a hash is bit k % 64 of word k / 64.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace staydown::hamming {

// Files are mapped as they were written, and words are loaded from bytes.
static_assert(std::endian::native == std::endian::little, "the index's layout is little-endian");

inline constexpr std::size_t kHashBits = 256;
inline constexpr std::size_t kHashWords = 4;

struct Hash {
  std::array<std::uint64_t, kHashWords> words;

  friend bool operator==(const Hash&, const Hash&) = default;
};
static_assert(sizeof(Hash) == 32);

inline Hash load_hash(const std::uint8_t* bytes) {
  Hash hash;
  std::memcpy(hash.words.data(), bytes, sizeof hash);
  return hash;
}

// `width` (1 to 32) bits from `offset` on, going round the ring of 256 bits.
inline std::uint32_t bits_at(const Hash& hash, std::size_t offset, std::size_t width) {
  const std::size_t word = (offset / 64) % kHashWords;
  const std::size_t shift = offset % 64;
  std::uint64_t bits = hash.words[word] >> shift;
  if (shift + width > 64) bits |= hash.words[(word + 1) % kHashWords] << (64 - shift);
  return static_cast<std::uint32_t>(bits & ((std::uint64_t{1} << width) - 1));
}

inline Hash difference(const Hash& a, const Hash& b) {
  Hash bits;
  for (std::size_t i = 0; i < kHashWords; ++i) bits.words[i] = a.words[i] ^ b.words[i];
  return bits;
}

}  // namespace staydown::hamming
