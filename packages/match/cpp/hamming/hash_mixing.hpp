// A place in a hash table for a 256-bit hash, different in each process so that nobody can choose hashes that collide.
#pragma once

#include <cstdint>
#include <random>

#include "hash.hpp"

namespace staydown::hamming {

class HashMixing {
 public:
  HashMixing() {
    std::random_device random;
    for (std::uint64_t& seed : seeds_) seed = std::uint64_t{random()} << 32 | random();
  }

  std::uint64_t operator()(const Hash& hash) const {
    return fold(fold(hash.words[0] ^ seeds_[0], hash.words[1] ^ seeds_[1]) ^ seeds_[4],
                fold(hash.words[2] ^ seeds_[2], hash.words[3] ^ seeds_[3]) ^ seeds_[5]);
  }
  std::uint64_t operator()(std::uint64_t key) const { return fold(key ^ seeds_[0], seeds_[1]); }

 private:
  static std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }

  std::array<std::uint64_t, 6> seeds_{};
};

}  // namespace staydown::hamming
