// The matches of a block of queries, kept few when the caller wants few.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace staydown::hamming {

struct Row {
  std::uint32_t query;
  std::uint32_t distance_bits;
  std::uint64_t key;

  friend bool operator==(const Row&, const Row&) = default;
};

struct Wanted {
  static constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

  std::uint32_t max_distance_bits = 31;
  std::size_t limit = kNoLimit;  // rows for each query, the nearest and of these the smallest keys
  bool best_per_key = false;     // of each key only the nearest hash
};

class Collector {
 public:
  Collector(const Wanted& wanted, std::size_t queries);

  bool is_unlimited() const { return wanted_.limit == Wanted::kNoLimit; }
  std::size_t limit() const { return wanted_.limit; }
  bool wants_key_once() const { return wanted_.best_per_key; }
  // Whether a match so far away could still be among those wanted.
  bool wants(std::uint32_t query, std::uint32_t distance_bits) const { return distance_bits <= radius_bits_[query]; }
  void add(std::uint32_t query, std::uint32_t distance_bits, std::uint64_t key) {
    rows_.push_back({query, distance_bits, key});
    if (rows_.size() >= prune_at_) prune();
  }
  // Whether nothing further could be wanted, when all matches nearer than `covered_bits` have been added.
  bool is_settled(std::uint32_t query, std::size_t covered_bits) const {
    return is_full_[query] && radius_bits_[query] < covered_bits;
  }
  // Sorts, drops what is over the limit and tightens what is wanted.
  void prune();
  // By query, then distance, then key. The collector is empty afterwards.
  std::vector<Row> take();

 private:
  void keep_best_per_key();
  void keep_nearest();

  Wanted wanted_;
  std::vector<Row> rows_;
  std::vector<std::uint16_t> radius_bits_;
  std::vector<std::uint8_t> is_full_;
  std::size_t prune_at_;
};

}  // namespace staydown::hamming
