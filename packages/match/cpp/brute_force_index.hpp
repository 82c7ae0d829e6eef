// Every stored hash within a Hamming distance of a query, found by comparing with every stored hash.
//
// Slow and obviously right: the oracle that faster indexes are tested against.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <shared_mutex>
#include <vector>

namespace staydown {

inline constexpr std::size_t kHashBytes = 32;

struct Match {
  std::uint64_t query;  // position of the query in the search
  std::uint64_t key;
  std::uint32_t distance_bits;

  friend bool operator==(const Match&, const Match&) = default;
};

// Any number of threads may call anything at once: searches run side by side, a change waits for them and they for it.
// A search sees every change that returned before it began, and each change whole or not at all.
class BruteForceIndex {
 public:
  // `hashes`: count x 32 bytes, the i-th belonging to keys[i]. A key may own many hashes, the same one more than once.
  // When memory runs out (std::bad_alloc) the index is as it was before.
  void add(const std::uint64_t* keys, const std::uint8_t* hashes, std::size_t count);

  // Removes every hash of these keys; a key that owns none is passed over. Returns how many hashes went.
  std::size_t remove(const std::uint64_t* keys, std::size_t count);

  std::size_t size() const;

  // One match for each stored hash at most `max_distance_bits` away: by query, then distance, then key.
  std::vector<Match> search(const std::uint8_t* hashes, std::size_t count, std::uint32_t max_distance_bits) const;

 private:
  struct Entry {
    std::uint64_t key;
    std::array<std::uint64_t, kHashBytes / sizeof(std::uint64_t)> hash;
  };

  mutable std::shared_mutex mutex_;
  std::vector<Entry> entries_;
};

}  // namespace staydown
