// The read-only body of an index: see image_format.hpp for what is where.
//
// An image made here is trusted. One mapped from a file is not: the header and the checksums of its blocks are checked when
// it is opened, each block against its checksum when it is first read, and whatever a block says, no place outside the
// image is ever read. What a search reads it therefore has checked, and opening gigabytes takes no longer than a page.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "hash.hpp"
#include "image_format.hpp"
#include "kernels.hpp"
#include "layout.hpp"
#include "memory.hpp"

namespace staydown::hamming {

// Entries of one bucket: places [begin, begin + count) of its table.
struct BucketRange {
  std::uint32_t begin;
  std::uint32_t count;
};

struct IndexRange {
  std::size_t begin;
  std::size_t end;
};

class Image {
 public:
  // `memory` has the size that the header's geometry asks for; the builder and the file reader see to that.
  Image(Memory memory, bool trusted, const ImageHeader& header);

  std::size_t hash_count() const { return header_.hashes; }
  std::size_t extra_count() const { return header_.extras; }
  const ImageHeader& header() const { return header_; }
  const Layout& layout() const { return layout_; }
  const Geometry& geometry() const { return geometry_; }
  std::size_t bytes() const { return memory_.size(); }
  bool is_mapped() const { return !trusted_; }
  std::span<const std::byte> all() const { return {memory_.data(), memory_.size()}; }

  // Throws FileError when a block of what is about to be read does not have its checksum.
  void check(const void* data, std::size_t bytes) const {
    if (unchecked_blocks_.load(std::memory_order_acquire) != 0) check_blocks(data, bytes);
  }
  void check_all() const { check(memory_.data() + kHeaderBytes, geometry_.sums - kHeaderBytes); }

  // `id` < hash_count(), place < hash_count(), extra < extra_count().
  const Hash* hash_at(std::uint32_t id) const { return checked<Hash>(geometry_.hashes, id); }
  std::uint64_t key_at(std::uint32_t id) const { return *checked<std::uint64_t>(geometry_.keys, id); }
  std::uint64_t extra_key_at(std::size_t extra) const { return *checked<std::uint64_t>(geometry_.extra_keys, extra); }
  IndexRange extras_of(std::uint32_t id) const;
  // Ids that have `key` as their smallest, and where in the extras' order by key it is; extra_by_key gives the extras.
  IndexRange ids_of_key(std::uint64_t key) const;
  IndexRange extras_of_key(std::uint64_t key) const;
  std::size_t extra_by_key(std::size_t rank) const;
  std::uint32_t extra_id_at(std::size_t extra) const;

  const std::uint32_t* bucket_address(std::size_t table, std::uint32_t bucket) const {
    return at<std::uint32_t>(tables_[table].offsets) + bucket;
  }
  BucketRange bucket(std::size_t table, std::uint32_t bucket) const {
    const std::uint32_t* const first = bucket_address(table, bucket);
    check(first, 2 * sizeof *first);
    const auto all = static_cast<std::uint32_t>(hash_count());
    const std::uint32_t begin = std::min(first[0], all);
    return {begin, std::clamp(first[1], begin, all) - begin};
  }
  const std::uint16_t* sketches_address(std::size_t table, BucketRange range) const {
    return at<std::uint16_t>(tables_[table].sketches) + range.begin;
  }
  const std::uint16_t* sketches(std::size_t table, BucketRange range) const {
    const std::uint16_t* const first = sketches_address(table, range);
    check(first, range.count * sizeof *first);
    return first;
  }
  __attribute__((always_inline)) void prefetch_id(std::size_t table, std::uint32_t bucket, BucketRange range, std::uint32_t position) const {
    const TableGeometry& geometry = tables_[table];
    __builtin_prefetch(memory_.data() + geometry.low_ids + (range.begin + position) * geometry.low_bytes, 0, 2);
    // Its high part is counted from the bucket's first bit, and on average grows evenly.
    const auto values = static_cast<std::uint32_t>(geometry.high_values);
    const std::size_t first = range.begin + bucket * geometry.high_values;
    const std::size_t last = first + position + static_cast<std::size_t>(values) * position / range.count;
    for (std::size_t byte = first / 8; byte <= last / 8 && byte < first / 8 + 256; byte += 64) {
      __builtin_prefetch(memory_.data() + geometry.high_bits + byte, 0, 2);
    }
  }

  // Reads the ids of one bucket's entries, in the order of their places.
  class Ids {
   public:
    Ids(const Image& image, const Kernels& kernels, std::size_t table, std::uint32_t bucket, BucketRange range);
    // `position` in the bucket, no smaller than the last one asked for. Throws FileError for an id that cannot be.
    std::uint32_t at(std::uint32_t position);

   private:
    const Image& image_;
    const TableGeometry& geometry_;
    const Kernels& kernels_;
    const std::uint64_t* high_;
    std::size_t begin_;
    std::size_t base_bit_;
    std::size_t end_word_;
    BitCursor cursor_;
  };

 private:
  template <typename T>
  const T* at(std::size_t offset) const {
    return reinterpret_cast<const T*>(memory_.data() + offset);
  }
  template <typename T>
  const T* checked(std::size_t offset, std::size_t index) const {
    const T* const value = at<T>(offset) + index;
    check(value, sizeof *value);
    return value;
  }
  void check_blocks(const void* data, std::size_t bytes) const;
  void check_block(std::size_t block) const;

  Memory memory_;
  ImageHeader header_;  // a copy: a mapped one could change
  Geometry geometry_;
  const TableGeometry* tables_;
  Layout layout_;
  bool trusted_;
  std::unique_ptr<std::atomic<bool>[]> block_is_checked_;
  mutable std::atomic<std::size_t> unchecked_blocks_ = 0;
};

}  // namespace staydown::hamming
