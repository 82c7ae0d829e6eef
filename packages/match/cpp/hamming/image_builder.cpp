#include "image_builder.hpp"

#include <algorithm>
#include <bit>

#include "hash_mixing.hpp"

namespace staydown::hamming {
namespace {

constexpr std::size_t kAhead = 16;  // how far in advance memory is asked for

struct Extra {
  std::uint32_t id;
  std::uint64_t key;
};

// The different hashes among postings in the order of their keys.
struct Distinct {
  std::vector<std::uint32_t> first;  // by id: the posting that has its smallest key
  std::vector<Extra> extras;         // the other postings, in the order of their keys
};

// Which id each hash has: a hash table of ids with a few bits of the hash beside each, never more than two thirds full.
class IdsByHash {
 public:
  explicit IdsByHash(std::size_t hashes)
      : slots_(Memory::zeroed(std::bit_ceil(hashes + hashes / 2 + 1) * sizeof(Slot))),
        mask_(slots_.size() / sizeof(Slot) - 1) {}

  void prefetch(std::uint64_t mixed) const { __builtin_prefetch(slot(mixed & mask_)); }

  // The id of the hash that mixes to `mixed`, or `next_id` once it is stored. `is(id)`: whether the hash has that id.
  template <typename Is>
  std::uint32_t find_or_store(std::uint64_t mixed, std::uint32_t next_id, Is is) {
    const auto tag = static_cast<std::uint32_t>(mixed >> 32) | 1;  // never 0, which says that a slot is empty
    for (std::uint64_t i = mixed & mask_;; i = (i + 1) & mask_) {
      Slot& candidate = *slot(i);
      if (candidate.tag == 0) return (candidate = {tag, next_id}).id;
      if (candidate.tag == tag && is(candidate.id)) return candidate.id;
    }
  }

 private:
  struct Slot {
    std::uint32_t tag;
    std::uint32_t id;
  };
  Slot* slot(std::uint64_t i) const { return reinterpret_cast<Slot*>(slots_.data()) + i; }

  Memory slots_;
  std::uint64_t mask_;
};

Distinct find_distinct(const std::vector<Posting>& postings, const HashSource& source) {
  const HashMixing mixing;
  Distinct found;
  found.first.reserve(postings.size());
  IdsByHash ids(postings.size());
  std::array<Hash, kAhead> ahead;
  std::array<std::uint64_t, kAhead> mixed{};
  for (std::size_t i = 0; i < postings.size() + kAhead; ++i) {
    const std::size_t slot = i % kAhead;
    if (i >= kAhead) {
      const auto posting = static_cast<std::uint32_t>(i - kAhead);
      const auto next = static_cast<std::uint32_t>(found.first.size());
      const std::uint32_t id = ids.find_or_store(mixed[slot], next, [&](std::uint32_t other) {
        return source.hash_at(postings[found.first[other]].number) == ahead[slot];
      });
      if (id == next) {
        found.first.push_back(posting);
      } else {
        found.extras.push_back({id, postings[posting].key});
      }
    }
    if (i >= postings.size()) continue;
    ahead[slot] = source.hash_at(postings[i].number);
    mixed[slot] = mixing(ahead[slot]);
    ids.prefetch(mixed[slot]);
  }
  return found;
}

ImageHeader make_header(std::size_t hashes, std::size_t extras, std::span<const std::uint8_t> widths_bits,
                        const Geometry& geometry) {
  ImageHeader header{kMagic, kFormatVersion, static_cast<std::uint32_t>(widths_bits.size()), {}, {}, hashes, extras,
                     geometry.bytes, 0, 0};
  std::ranges::copy(widths_bits, header.widths_bits.begin());
  return header;
}

// Writes the parts of an image into its memory.
class Writer {
 public:
  Writer(Memory& memory, const Geometry& geometry) : memory_(memory), geometry_(geometry) {}

  void hashes(const Distinct& distinct, const std::vector<Posting>& postings, const HashSource& source) {
    for (std::size_t id = 0; id < distinct.first.size(); ++id) {
      const Posting& posting = postings[distinct.first[id]];
      at<Hash>(geometry_.hashes)[id] = source.hash_at(posting.number);
      at<std::uint64_t>(geometry_.keys)[id] = posting.key;
    }
  }

  void extras(const std::vector<Extra>& in_key_order) {
    std::vector<std::uint32_t> order(in_key_order.size());  // by id, then (as sorting is stable) by key
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint32_t>(i);
    std::ranges::stable_sort(order, {}, [&](std::uint32_t i) { return in_key_order[i].id; });
    for (std::size_t i = 0; i < order.size(); ++i) {
      const Extra& extra = in_key_order[order[i]];
      at<std::uint32_t>(geometry_.extra_ids)[i] = extra.id;
      at<std::uint64_t>(geometry_.extra_keys)[i] = extra.key;
      at<std::uint32_t>(geometry_.extras_by_key)[order[i]] = static_cast<std::uint32_t>(i);
    }
  }

  void table(std::size_t index, const Chunk& chunk, std::size_t hashes) {
    const TableGeometry& table = geometry_.tables[index];
    const Hash* const stored = at<Hash>(geometry_.hashes);
    auto* const offsets = at<std::uint32_t>(table.offsets);
    // Counted one place on, so that after the sums offsets[b + 1] is where bucket b begins; filling it moves it to its end.
    for (std::size_t id = 0; id < hashes; ++id) ++offsets[chunk.bucket_of(stored[id]) + 1];
    std::uint32_t begin = 0;
    for (std::size_t bucket = 0; bucket < table.buckets; ++bucket) {
      const std::uint32_t count = offsets[bucket + 1];
      offsets[bucket + 1] = begin;
      begin += count;
    }
    for (std::size_t id = 0; id < hashes; ++id) {
      const std::uint32_t bucket = chunk.bucket_of(stored[id]);
      entry(table, bucket, offsets[bucket + 1]++, id, chunk.sketch_of(stored[id]));
    }
  }

 private:
  void entry(const TableGeometry& table, std::size_t bucket, std::size_t place, std::size_t id, std::uint16_t sketch) {
    at<std::uint16_t>(table.sketches)[place] = sketch;
    auto* const low = at<std::uint8_t>(table.low_ids) + place * table.low_bytes;
    for (std::size_t i = 0; i < table.low_bytes; ++i) low[i] = static_cast<std::uint8_t>(id >> (8 * i));
    const std::size_t bit = place + (id >> (8 * table.low_bytes)) + bucket * table.high_values;
    at<std::uint64_t>(table.high_bits)[bit / 64] |= std::uint64_t{1} << (bit % 64);
  }

  template <typename T>
  T* at(std::size_t offset) {
    return reinterpret_cast<T*>(memory_.data() + offset);
  }

  Memory& memory_;
  const Geometry& geometry_;
};

std::shared_ptr<const Image> build(std::vector<Posting> postings, const HashSource& source,
                                   const std::span<const std::uint8_t>* chosen_widths) {
  if (!std::ranges::is_sorted(postings, {}, &Posting::key)) std::ranges::stable_sort(postings, {}, &Posting::key);
  const Distinct distinct = find_distinct(postings, source);
  const std::size_t hashes = distinct.first.size();
  const Layout layout = chosen_widths != nullptr ? Layout(*chosen_widths, hashes) : Layout::for_size(hashes);
  std::vector<std::uint8_t> widths;
  for (const Chunk& chunk : layout.chunks()) widths.push_back(static_cast<std::uint8_t>(chunk.width_bits));

  const Geometry geometry(hashes, distinct.extras.size(), widths);
  Memory memory = Memory::zeroed(geometry.bytes);
  Writer writer(memory, geometry);
  writer.hashes(distinct, postings, source);
  writer.extras(distinct.extras);
  for (std::size_t i = 0; i < widths.size(); ++i) writer.table(i, layout.chunks()[i], hashes);
  return std::make_shared<Image>(std::move(memory), true, make_header(hashes, distinct.extras.size(), widths, geometry));
}

}  // namespace

std::shared_ptr<const Image> build_image(std::vector<Posting> postings, const HashSource& source) {
  return build(std::move(postings), source, nullptr);
}

std::shared_ptr<const Image> build_image(std::vector<Posting> postings, const HashSource& source,
                                         std::span<const std::uint8_t> widths_bits) {
  return build(std::move(postings), source, &widths_bits);
}

}  // namespace staydown::hamming
