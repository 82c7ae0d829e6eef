#include "brute_force_index.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <mutex>
#include <tuple>
#include <unordered_set>

namespace staydown {
namespace {

using Words = std::array<std::uint64_t, kHashBytes / sizeof(std::uint64_t)>;

Words load(const std::uint8_t* hash) {
  Words words;
  std::memcpy(words.data(), hash, kHashBytes);
  return words;
}

std::uint32_t distance(const Words& a, const Words& b) {
  int bits = 0;
  for (std::size_t i = 0; i < a.size(); ++i) bits += std::popcount(a[i] ^ b[i]);
  return static_cast<std::uint32_t>(bits);
}

}  // namespace

void BruteForceIndex::add(const std::uint64_t* keys, const std::uint8_t* hashes, std::size_t count) {
  std::vector<Entry> added(count);
  for (std::size_t i = 0; i < count; ++i) added[i] = {keys[i], load(hashes + i * kHashBytes)};
  const std::unique_lock lock(mutex_);
  entries_.insert(entries_.end(), added.begin(), added.end());
}

std::size_t BruteForceIndex::remove(const std::uint64_t* keys, std::size_t count) {
  const std::unordered_set<std::uint64_t> unwanted(keys, keys + count);
  const std::unique_lock lock(mutex_);
  return std::erase_if(entries_, [&](const Entry& entry) { return unwanted.contains(entry.key); });
}

std::size_t BruteForceIndex::size() const {
  const std::shared_lock lock(mutex_);
  return entries_.size();
}

std::vector<Match> BruteForceIndex::search(const std::uint8_t* hashes, std::size_t count,
                                           std::uint32_t max_distance_bits) const {
  std::vector<Match> matches;
  {
    const std::shared_lock lock(mutex_);
    for (std::size_t query = 0; query < count; ++query) {
      const Words wanted = load(hashes + query * kHashBytes);
      for (const Entry& entry : entries_) {
        const std::uint32_t bits = distance(wanted, entry.hash);
        if (bits <= max_distance_bits) matches.push_back({query, entry.key, bits});
      }
    }
  }
  std::ranges::sort(matches, {}, [](const Match& match) {
    return std::tuple(match.query, match.distance_bits, match.key);
  });
  return matches;
}

}  // namespace staydown
