// The two parts of an index as a search sees them; see prober.hpp for what it asks of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "delta.hpp"
#include "image.hpp"
#include "removals.hpp"

namespace staydown::hamming {

class ImageSource {
 public:
  using Found = BucketRange;

  ImageSource(const Image& image, const Removals& removed_ids, const Removals& removed_extras)
      : image_(image), removed_ids_(removed_ids), removed_extras_(removed_extras) {}

  const Layout& layout() const { return image_.layout(); }
  std::uint32_t size() const { return static_cast<std::uint32_t>(image_.hash_count()); }

  bool may_hold(std::size_t /*table*/, std::uint32_t /*bucket*/) const { return true; }
  __attribute__((always_inline)) void prefetch_bucket(std::size_t table, std::uint32_t bucket) const {
    __builtin_prefetch(image_.bucket_address(table, bucket));
  }
  Found find(std::size_t table, std::uint32_t bucket) const { return image_.bucket(table, bucket); }
  const std::uint16_t* sketches_address(std::size_t table, const Found& found) const {
    return image_.sketches_address(table, found);
  }
  const std::uint16_t* sketches(std::size_t table, const Found& found) const { return image_.sketches(table, found); }
  // Sketches are followed by padding of a vector's size.
  std::uint32_t readable(const Found& found) const { return found.count + 32; }
  __attribute__((always_inline)) void prefetch_id(std::size_t table, std::uint32_t bucket, const Found& found, std::uint32_t position) const {
    image_.prefetch_id(table, bucket, found, position);
  }
  const Hash* hash_at(std::uint32_t id) const { return image_.hash_at(id); }

  class Ids : public Image::Ids {
   public:
    Ids(const ImageSource& source, const Kernels& kernels, std::size_t table, std::uint32_t bucket, const Found& found)
        : Image::Ids(source.image_, kernels, table, bucket, found) {}
  };

  // In the order of the keys.
  template <typename Visit>
  void for_each_key(std::uint32_t id, Visit visit) const {
    if (!removed_ids_.contains(id) && !visit(image_.key_at(id))) return;
    if (image_.extra_count() == 0) return;
    const IndexRange extras = image_.extras_of(id);
    for (std::size_t extra = extras.begin; extra < extras.end; ++extra) {
      if (!removed_extras_.contains(extra) && !visit(image_.extra_key_at(extra))) return;
    }
  }

 private:
  const Image& image_;
  const Removals& removed_ids_;
  const Removals& removed_extras_;
};

class DeltaSource {
 public:
  using Found = Delta::Bucket;

  DeltaSource(const Delta& delta, std::uint32_t visible) : delta_(delta), visible_(visible) {}

  const Layout& layout() const { return delta_.layout(); }
  std::uint32_t size() const { return 0; }  // has chunks, so that hashes are never compared one by one

  bool may_hold(std::size_t table, std::uint32_t bucket) const { return delta_.is_occupied(table, bucket); }
  __attribute__((always_inline)) void prefetch_bucket(std::size_t table, std::uint32_t bucket) const {
    __builtin_prefetch(delta_.bucket_address(table, bucket));
  }
  Found find(std::size_t table, std::uint32_t bucket) const { return delta_.bucket(table, bucket); }
  const std::uint16_t* sketches_address(std::size_t /*table*/, const Found& found) const { return found.sketches; }
  const std::uint16_t* sketches(std::size_t /*table*/, const Found& found) const { return found.sketches; }
  // The writer may be writing what follows.
  std::uint32_t readable(const Found& found) const { return found.count; }
  __attribute__((always_inline)) void prefetch_id(std::size_t /*table*/, std::uint32_t /*bucket*/, const Found& found, std::uint32_t position) const {
    __builtin_prefetch(found.ids + position);
  }
  const Hash* hash_at(std::uint32_t id) const { return delta_.hash_at(id); }

  class Ids {
   public:
    Ids(const DeltaSource& /*source*/, const Kernels& /*kernels*/, std::size_t /*table*/, std::uint32_t /*bucket*/,
        const Found& found)
        : ids_(found.ids) {}
    std::uint32_t at(std::uint32_t position) const { return ids_[position]; }

   private:
    const std::uint32_t* ids_;
  };

  // In no order, so that all are visited whatever is answered.
  template <typename Visit>
  void for_each_key(std::uint32_t id, Visit visit) const {
    delta_.for_each_key(id, visible_, visit);
  }

 private:
  const Delta& delta_;
  std::uint32_t visible_;
};

}  // namespace staydown::hamming
