// Makes images out of hashes and their keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "image.hpp"

namespace staydown::hamming {

// Hashes by number, wherever they are kept.
class HashSource {
 public:
  virtual ~HashSource() = default;
  virtual Hash hash_at(std::uint32_t number) const = 0;
};

// One hash owned by one key.
struct Posting {
  std::uint64_t key;
  std::uint32_t number;  // of the hash in its source
};

// At most kMaxHashes postings. Throws std::bad_alloc.
std::shared_ptr<const Image> build_image(std::vector<Posting> postings, const HashSource& source);
// The same with a layout of the caller's choice.
std::shared_ptr<const Image> build_image(std::vector<Posting> postings, const HashSource& source,
                                         std::span<const std::uint8_t> widths_bits);

}  // namespace staydown::hamming
