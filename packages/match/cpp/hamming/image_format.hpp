// Where everything is in an image of the index: one run of bytes, the same in memory and in a file.
//
//   header | hashes | keys | extra ids | extra keys | extras by key | a table for each chunk | checksums of the blocks
//
// Each different hash is stored once, numbered (its id) in the order of the smallest key that owns it; keys[id] is that key.
// Further owners are extras, sorted by id, then key; `extras by key` lists them in the order of their keys.
// A table: the first entry of each bucket; per entry, in the order of the buckets and then of the ids, its sketch and its id
// as low bytes and unary high part. The entry in place p with bucket b and high part h (which only grows in a bucket) sets
// bit p + h + b * S of the high bits, S being how many values high parts have (Elias-Fano; about two bits an entry).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace staydown::hamming {

inline constexpr std::array<char, 8> kMagic = {'S', 'D', 'H', 'A', 'M', 'I', 'D', 'X'};
inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr std::size_t kHeaderBytes = 4096;
inline constexpr std::size_t kBlockBytes = std::size_t{64} << 10;
inline constexpr std::size_t kMaxHashes = 0xffff'fff0;  // ids and places are 32 bits

using ImageId = std::array<std::uint64_t, 2>;  // drawn for each file, so that a journal knows which one it continues

struct ImageHeader {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t chunk_count;
  std::array<std::uint8_t, 16> widths_bits;
  ImageId id;
  std::uint64_t hashes;
  std::uint64_t extras;
  std::uint64_t file_bytes;
  std::uint32_t sums_checksum;
  std::uint32_t header_checksum;  // of all before it
};
static_assert(sizeof(ImageHeader) == 80);

struct TableGeometry {
  std::size_t buckets;
  std::size_t offsets;
  std::size_t sketches;
  std::size_t low_ids;
  std::size_t low_bytes;
  std::size_t high_bits;
  std::size_t high_values;
  std::size_t high_words;
};

struct Geometry {
  // Offsets in bytes from the start of the image.
  std::size_t hashes;
  std::size_t keys;
  std::size_t extra_ids;
  std::size_t extra_keys;
  std::size_t extras_by_key;
  std::vector<TableGeometry> tables;
  std::size_t sums;
  std::size_t bytes;

  Geometry(std::size_t hash_count, std::size_t extra_count, std::span<const std::uint8_t> widths_bits);

  std::size_t block_count() const { return (sums - kHeaderBytes + kBlockBytes - 1) / kBlockBytes; }
};

}  // namespace staydown::hamming
