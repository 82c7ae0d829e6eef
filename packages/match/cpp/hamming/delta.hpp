// What was added since the image was made: buckets that one thread fills in place while others search them.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "growing_array.hpp"
#include "hash.hpp"
#include "hash_mixing.hpp"
#include "layout.hpp"
#include "memory.hpp"

namespace staydown::hamming {

class Delta {
 public:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  Delta();

  // ---- The writer: one thread at a time.

  // Not found before publish(). Throws std::length_error when 32-bit numbers run out, std::bad_alloc.
  void add(std::uint64_t key, const Hash& hash);
  // Lets searches that begin from now on see all that was added.
  void publish() { visible_postings_.store(static_cast<std::uint32_t>(postings_.size()), std::memory_order_release); }
  // Undoes what was added since the last publish().
  void abandon() noexcept;
  // Returns how many hashes of the key were here.
  std::size_t remove(std::uint64_t key);
  std::size_t bytes() const;
  // Every posting in force, oldest first: visit(key, hash id).
  template <typename Visit>
  void for_each(Visit visit) const {
    for (std::size_t i = 0; i < postings_.size(); ++i) {
      const Posting& posting = postings_[i];
      if (!posting.removed.load(std::memory_order_relaxed)) visit(posting.key, posting.hash_id);
    }
  }
  std::size_t hash_count() const { return hashes_.size(); }

  // ---- Readers: any thread.

  // How many postings a search that begins now sees; 0 says that there is nothing to search.
  std::uint32_t visible_postings() const { return visible_postings_.load(std::memory_order_acquire); }
  const Layout& layout() const { return layout_; }
  const Hash* hash_at(std::uint32_t id) const { return &hashes_[id].hash; }

  // Entries of one bucket: `sketches` and, beside them, `ids`.
  struct Bucket {
    const std::uint16_t* sketches;
    const std::uint32_t* ids;
    std::uint32_t count;
  };
  bool is_occupied(std::size_t table, std::uint32_t bucket) const {
    const std::uint64_t word = occupied_[table * kWords + bucket / 64].load(std::memory_order_acquire);
    return (word >> (bucket % 64) & 1) != 0;
  }
  // The two that follow are for occupied buckets only.
  const void* bucket_address(std::size_t table, std::uint32_t bucket) const { return &head(table, bucket); }
  Bucket bucket(std::size_t table, std::uint32_t bucket) const {
    const Block* const block = head(table, bucket).load(std::memory_order_acquire);
    return {block->sketches(), block->ids(), block->count.load(std::memory_order_acquire)};
  }
  // The keys that own a hash, among the first `visible` postings: visit(key).
  template <typename Visit>
  void for_each_key(std::uint32_t id, std::uint32_t visible, Visit visit) const {
    for (std::uint32_t i = hashes_[id].newest.load(std::memory_order_acquire); i != kNone;) {
      const Posting& posting = postings_[i];
      if (i < visible && !posting.removed.load(std::memory_order_acquire)) visit(posting.key);
      i = posting.older_of_hash;
    }
  }

 private:
  static constexpr std::size_t kTables = 16;
  static constexpr std::size_t kBuckets = 65536;
  static constexpr std::size_t kWords = kBuckets / 64;

  struct Entry {
    Hash hash;
    std::atomic<std::uint32_t> newest;
  };
  struct Posting {
    std::uint64_t key;
    std::uint32_t hash_id;
    std::uint32_t older_of_hash;
    std::uint32_t older_of_key;
    std::atomic<bool> removed;
  };
  // Followed in memory by `capacity` sketches and as many ids. A full one is copied to one twice as large; it stays, as
  // somebody may be reading it, until the delta goes.
  struct Block {
    std::uint32_t capacity;
    std::atomic<std::uint32_t> count;

    std::uint16_t* sketches() const {
      return reinterpret_cast<std::uint16_t*>(const_cast<Block*>(this) + 1);
    }
    std::uint32_t* ids() const { return reinterpret_cast<std::uint32_t*>(sketches() + capacity); }
  };
  // A hash table of numbers: of hashes, or of each key's newest posting.
  class Numbers {
   public:
    // The slot of the number for which is(number), or an empty one (kNone).
    template <typename Is>
    std::uint32_t& find(std::uint64_t mixed, Is is) {
      std::size_t i = mixed & (slots_.size() - 1);
      while (slots_[i] != kNone && !is(slots_[i])) i = (i + 1) & (slots_.size() - 1);
      return slots_[i];
    }
    // Called before each new number: rehash(number) mixes what it stands for.
    template <typename Rehash>
    void make_room(Rehash rehash);
    void taken() { ++used_; }
    std::size_t bytes() const { return slots_.size() * sizeof slots_[0]; }

   private:
    std::vector<std::uint32_t> slots_ = std::vector<std::uint32_t>(64, kNone);
    std::size_t used_ = 0;
  };

  std::atomic<Block*>& head(std::size_t table, std::uint32_t bucket) const {
    return reinterpret_cast<std::atomic<Block*>*>(heads_.data())[table * kBuckets + bucket];
  }
  std::uint32_t id_of(const Hash& hash);
  void enter(std::size_t table, std::uint32_t id, const Hash& hash);
  Block* larger(const Block* full);

  Layout layout_;
  HashMixing mixing_;
  std::atomic<std::uint32_t> visible_postings_ = 0;
  Memory heads_;  // made for the first hash; readers come to it by a bit of occupied_ only
  std::unique_ptr<std::atomic<std::uint64_t>[]> occupied_;
  GrowingArray<Entry> hashes_;
  GrowingArray<Posting> postings_;
  Numbers by_hash_;
  Numbers by_key_;
  std::vector<Memory> arena_;
  std::size_t arena_used_ = 0;
};

}  // namespace staydown::hamming
