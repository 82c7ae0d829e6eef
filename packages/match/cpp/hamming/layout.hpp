// How a hash is cut into chunks, and how far from a query each chunk must be searched.
//
// Give the chunks weights that sum to radius + 1. For two hashes at most `radius` bits apart the sum of (chunk distance -
// weight) round the ring of chunks is negative, so there is a chunk from which every partial sum is negative (the cycle
// lemma; Qin and Xiao, "Pigeonring", VLDB 2018). In particular that chunk differs in fewer bits than its weight, and it and
// the next together in fewer than both weights. The first condition says which buckets to read, the second is checked on
// the sketch: the 16 bits after the chunk, kept beside each entry of a bucket.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "hash.hpp"

namespace staydown::hamming {

inline constexpr std::size_t kMaxChunks = 16;
inline constexpr std::size_t kMaxRadiusBits = 64;
inline constexpr std::size_t kMinChunkBits = 16;
inline constexpr std::size_t kMaxChunkBits = 24;
inline constexpr std::size_t kSketchBits = 16;

// Every pattern of flipped bits in a chunk, fewest flips first.
struct FlipMasks {
  std::vector<std::uint32_t> masks;
  std::vector<std::size_t> count_below;  // [f]: how many masks have fewer than f bits
};

struct Chunk {
  std::size_t offset_bits;
  std::size_t width_bits;
  std::shared_ptr<const FlipMasks> flips;

  std::size_t buckets() const { return std::size_t{1} << width_bits; }
  std::uint32_t bucket_of(const Hash& hash) const { return bits_at(hash, offset_bits, width_bits); }
  std::uint16_t sketch_of(const Hash& hash) const {
    return static_cast<std::uint16_t>(bits_at(hash, offset_bits + width_bits, kSketchBits));
  }
};

using Weights = std::array<std::uint8_t, kMaxChunks>;

class Layout {
 public:
  // No chunks at all: few hashes are compared one by one.
  Layout() = default;
  // Widths of 16 to 24 bits that sum to 256; `hashes` is how many are expected, which decides how weight is shared out.
  Layout(std::span<const std::uint8_t> widths_bits, std::size_t hashes);

  // The layout that measured fastest for so many hashes.
  static Layout for_size(std::size_t hashes);
  static bool is_valid(std::span<const std::uint8_t> widths_bits);

  std::span<const Chunk> chunks() const { return chunks_; }
  // The weight of each chunk for a radius up to kMaxRadiusBits; chunks of weight 0 need no reading.
  const Weights& weights(std::size_t radius_bits) const { return weights_[radius_bits]; }

  // How many buckets of one chunk are read for a query, at most.
  std::size_t probes_of_a_chunk(std::size_t radius_bits) const;

  // Whether a search of chunk `index` under these weights comes upon a hash that differs from the query in `bits`.
  bool finds(std::size_t index, const Weights& weights, const Hash& bits) const;

 private:
  std::vector<Chunk> chunks_;
  std::array<Weights, kMaxRadiusBits + 1> weights_{};
};

// The most bits in which the sketch may differ beside a bucket `flips` bits away.
inline std::size_t sketch_allowance(const Weights& weights, std::size_t index, std::size_t chunks, std::size_t flips) {
  return static_cast<std::size_t>(weights[index]) + weights[(index + 1) % chunks] - 1 - flips;
}

}  // namespace staydown::hamming
