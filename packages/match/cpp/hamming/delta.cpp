#include "delta.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <stdexcept>

namespace staydown::hamming {
namespace {

constexpr std::uint32_t kFirstCapacity = 4;
constexpr std::size_t kArenaBytes = std::size_t{1} << 20;
constexpr std::array<std::uint8_t, 16> kWidths = {16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16};

}  // namespace

Delta::Delta()
    : layout_(kWidths, 0),
      occupied_(std::make_unique<std::atomic<std::uint64_t>[]>(kTables * kWords)) {}

template <typename Rehash>
void Delta::Numbers::make_room(Rehash rehash) {
  if (3 * (used_ + 1) <= 2 * slots_.size()) return;
  std::vector<std::uint32_t> old(2 * slots_.size(), kNone);
  old.swap(slots_);
  for (const std::uint32_t number : old) {
    if (number != kNone) find(rehash(number), [](std::uint32_t) { return false; }) = number;
  }
}

void Delta::add(std::uint64_t key, const Hash& hash) {
  if (postings_.size() >= kNone - 1) throw std::length_error("too many changes since the last compact: call compact()");
  by_key_.make_room([&](std::uint32_t posting) { return mixing_(postings_[posting].key); });
  const std::uint32_t id = id_of(hash);
  const auto number = static_cast<std::uint32_t>(postings_.size());
  Posting& posting = postings_.grow();
  std::uint32_t& newest = by_key_.find(mixing_(key), [&](std::uint32_t other) { return postings_[other].key == key; });
  if (newest == kNone) by_key_.taken();
  Entry& entry = hashes_[id];
  posting.key = key;
  posting.hash_id = id;
  posting.older_of_key = newest;
  posting.older_of_hash = entry.newest.load(std::memory_order_relaxed);
  newest = number;
  entry.newest.store(number, std::memory_order_release);
}

std::uint32_t Delta::id_of(const Hash& hash) {
  if (heads_.size() == 0) heads_ = Memory::zeroed_at_once(kTables * kBuckets * sizeof(std::atomic<Block*>));
  by_hash_.make_room([&](std::uint32_t id) { return mixing_(hashes_[id].hash); });
  std::uint32_t& slot = by_hash_.find(mixing_(hash), [&](std::uint32_t id) { return hashes_[id].hash == hash; });
  if (slot != kNone) return slot;
  const auto id = static_cast<std::uint32_t>(hashes_.size());
  Entry& entry = hashes_.grow();
  entry.hash = hash;
  entry.newest.store(kNone, std::memory_order_relaxed);
  for (std::size_t table = 0; table < kTables; ++table) {
    __builtin_prefetch(&head(table, layout_.chunks()[table].bucket_of(hash)));
  }
  for (std::size_t table = 0; table < kTables; ++table) enter(table, id, hash);
  slot = id;  // last: were memory to run out, what was entered of it has no keys and is passed over
  by_hash_.taken();
  return id;
}

void Delta::enter(std::size_t table, std::uint32_t id, const Hash& hash) {
  const Chunk& chunk = layout_.chunks()[table];
  const std::uint32_t bucket = chunk.bucket_of(hash);
  std::atomic<Block*>& first = head(table, bucket);
  Block* block = first.load(std::memory_order_relaxed);
  const std::uint32_t count = block == nullptr ? 0 : block->count.load(std::memory_order_relaxed);
  if (block == nullptr || count == block->capacity) block = larger(block);
  block->sketches()[count] = chunk.sketch_of(hash);
  block->ids()[count] = id;
  block->count.store(count + 1, std::memory_order_release);
  first.store(block, std::memory_order_release);
  occupied_[table * kWords + bucket / 64].fetch_or(std::uint64_t{1} << (bucket % 64), std::memory_order_release);
}

Delta::Block* Delta::larger(const Block* full) {
  const std::uint32_t capacity = full == nullptr ? kFirstCapacity : 2 * full->capacity;
  const std::size_t bytes = sizeof(Block) + capacity * (sizeof(std::uint16_t) + sizeof(std::uint32_t));
  if (arena_.empty() || arena_used_ + bytes > arena_.back().size()) {
    arena_.push_back(Memory::zeroed_at_once(std::max(kArenaBytes, bytes)));
    arena_used_ = 0;
  }
  auto* const block = new (arena_.back().data() + arena_used_) Block{capacity, 0};
  arena_used_ += (bytes + 7) / 8 * 8;
  if (full == nullptr) return block;
  std::memcpy(block->sketches(), full->sketches(), full->capacity * sizeof(std::uint16_t));
  std::memcpy(block->ids(), full->ids(), full->capacity * sizeof(std::uint32_t));
  block->count.store(full->capacity, std::memory_order_relaxed);
  return block;
}

std::size_t Delta::remove(std::uint64_t key) {
  std::size_t removed = 0;
  std::uint32_t i = by_key_.find(mixing_(key), [&](std::uint32_t other) { return postings_[other].key == key; });
  // A key's postings are removed together, so that behind a removed one there are only more.
  for (; i != kNone && !postings_[i].removed.load(std::memory_order_relaxed); i = postings_[i].older_of_key) {
    postings_[i].removed.store(true, std::memory_order_release);
    ++removed;
  }
  return removed;
}

void Delta::abandon() noexcept {
  for (std::size_t i = visible_postings_.load(std::memory_order_relaxed); i < postings_.size(); ++i) {
    postings_[i].removed.store(true, std::memory_order_relaxed);
  }
}

std::size_t Delta::bytes() const {
  std::size_t bytes = kTables * kWords * sizeof(std::uint64_t) + hashes_.bytes() + postings_.bytes() + by_hash_.bytes() +
                      by_key_.bytes();
  bytes += heads_.size();
  for (const Memory& memory : arena_) bytes += memory.size();
  return bytes;
}

}  // namespace staydown::hamming
