#include "image_format.hpp"

#include <algorithm>

#include "hash.hpp"

namespace staydown::hamming {
namespace {

constexpr std::size_t kPadding = 64;  // a vector load may read on past the last entry

// Hands out room, one part after the other.
class Room {
 public:
  explicit Room(std::size_t from) : next_(from) {}

  std::size_t take(std::size_t bytes) {
    const std::size_t at = next_;
    next_ = (at + bytes + 63) / 64 * 64;
    return at;
  }
  std::size_t next() const { return next_; }

 private:
  std::size_t next_;
};

TableGeometry table_geometry(Room& room, std::size_t entries, std::size_t width_bits) {
  TableGeometry table{};
  table.buckets = std::size_t{1} << width_bits;
  const auto values = [&](std::size_t low_bytes) { return (entries >> (8 * low_bytes)) + 1; };
  const auto bits = [&](std::size_t low_bytes) {
    return entries * (8 * low_bytes + 1) + table.buckets * values(low_bytes);
  };
  table.low_bytes = bits(2) <= bits(3) ? 2 : 3;
  table.high_values = values(table.low_bytes);
  table.high_words = (entries + table.buckets * table.high_values) / 64 + 1;
  table.offsets = room.take((table.buckets + 1) * sizeof(std::uint32_t));
  table.sketches = room.take(entries * sizeof(std::uint16_t) + kPadding);
  table.low_ids = room.take(entries * table.low_bytes + kPadding);
  table.high_bits = room.take(table.high_words * sizeof(std::uint64_t));
  return table;
}

}  // namespace

Geometry::Geometry(std::size_t hash_count, std::size_t extra_count, std::span<const std::uint8_t> widths_bits) {
  Room room(kHeaderBytes);
  hashes = room.take(hash_count * sizeof(Hash));
  keys = room.take(hash_count * sizeof(std::uint64_t));
  extra_ids = room.take(extra_count * sizeof(std::uint32_t));
  extra_keys = room.take(extra_count * sizeof(std::uint64_t));
  extras_by_key = room.take(extra_count * sizeof(std::uint32_t));
  for (const std::uint8_t width : widths_bits) tables.push_back(table_geometry(room, hash_count, width));
  sums = room.next();
  bytes = sums + block_count() * sizeof(std::uint32_t);
}

}  // namespace staydown::hamming
