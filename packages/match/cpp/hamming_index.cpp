#include "hamming_index.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <stdexcept>
#include <thread>

#include "hamming/delta.hpp"
#include "hamming/image_builder.hpp"
#include "hamming/kernels.hpp"
#include "hamming/prober.hpp"
#include "hamming/sources.hpp"

namespace staydown {
namespace {

using namespace hamming;

constexpr std::size_t kFewestForNewImage = 4096;
// A journal is read whole when an index is opened, so it is kept to a small part of it.
constexpr std::size_t kJournalBytesAlways = std::size_t{1} << 20;
constexpr std::size_t kJournalShare = 64;

// Several numbered sources of hashes, one numbering after the other.
class Gathered : public HashSource {
 public:
  Gathered(const Image& image, const Delta& delta, const std::uint8_t* added)
      : image_(image), delta_(delta), added_(added), first_of_delta_(image.hash_count()),
        first_added_(first_of_delta_ + delta.hash_count()) {}

  std::uint32_t first_of_delta() const { return static_cast<std::uint32_t>(first_of_delta_); }
  std::uint32_t first_added() const { return static_cast<std::uint32_t>(first_added_); }
  Hash hash_at(std::uint32_t number) const override {
    if (number < first_of_delta_) return *image_.hash_at(number);
    if (number < first_added_) return *delta_.hash_at(number - first_of_delta());
    return load_hash(added_ + (number - first_added_) * kHashBytes);
  }

 private:
  const Image& image_;
  const Delta& delta_;
  const std::uint8_t* added_;
  std::size_t first_of_delta_;
  std::size_t first_added_;
};

class NoHashes : public HashSource {
 public:
  Hash hash_at(std::uint32_t /*number*/) const override { return {}; }
};

// Runs work(0), work(1), ... at once, waits for all and throws what the first of them that failed threw.
template <typename Work>
void in_threads(std::size_t count, Work work) {
  std::vector<std::exception_ptr> failures(count);
  {
    std::vector<std::jthread> running;
    for (std::size_t i = 0; i < count; ++i) {
      running.emplace_back([&, i] {
        try {
          work(i);
        } catch (...) {
          failures[i] = std::current_exception();
        }
      });
    }
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

}  // namespace

struct HammingIndex::Batch {
  const std::uint64_t* keys = nullptr;
  const std::uint8_t* hashes = nullptr;
  std::size_t count = 0;

  Hash hash(std::size_t i) const { return load_hash(hashes + i * kHashBytes); }
};

struct HammingIndex::State {
  explicit State(std::shared_ptr<const Image> made)
      : image(std::move(made)), removed_ids(image->hash_count()), removed_extras(image->extra_count()) {}

  bool is_changed() const { return removals != 0 || delta.visible_postings() != 0; }
  std::size_t remove(std::uint64_t key);
  std::vector<Posting> postings(const Gathered& numbers, const Batch& added) const;
  void search(std::span<const Hash> queries, const Wanted& wanted, std::uint32_t visible, std::size_t first,
              std::vector<Match>& found) const;

  std::shared_ptr<const Image> image;
  Removals removed_ids;
  Removals removed_extras;
  std::size_t removals = 0;  // the writer's
  Delta delta;
};

std::size_t HammingIndex::State::remove(std::uint64_t key) {
  std::size_t from_image = 0;
  const IndexRange ids = image->ids_of_key(key);
  for (std::size_t id = ids.begin; id < ids.end; ++id) from_image += removed_ids.insert(id) ? 1 : 0;
  const IndexRange extras = image->extras_of_key(key);
  for (std::size_t rank = extras.begin; rank < extras.end; ++rank) {
    from_image += removed_extras.insert(image->extra_by_key(rank)) ? 1 : 0;
  }
  removals += from_image;
  return from_image + delta.remove(key);
}

// What is in force, and what is being added to it.
std::vector<Posting> HammingIndex::State::postings(const Gathered& numbers, const Batch& added) const {
  std::vector<Posting> all;
  all.reserve(image->hash_count() + image->extra_count() + delta.visible_postings() + added.count);
  for (std::uint32_t id = 0; id < image->hash_count(); ++id) {
    if (!removed_ids.contains(id)) all.push_back({image->key_at(id), id});
  }
  for (std::size_t extra = 0; extra < image->extra_count(); ++extra) {
    if (!removed_extras.contains(extra)) all.push_back({image->extra_key_at(extra), image->extra_id_at(extra)});
  }
  delta.for_each([&](std::uint64_t key, std::uint32_t id) { all.push_back({key, numbers.first_of_delta() + id}); });
  for (std::size_t i = 0; i < added.count; ++i) {
    all.push_back({added.keys[i], numbers.first_added() + static_cast<std::uint32_t>(i)});
  }
  return all;
}

// Applies a journal's changes to an index that nobody else knows yet.
class HammingIndex::Replay : public ChangeReader {
 public:
  explicit Replay(HammingIndex& index) : index_(index), state_(index.state_.writable()) {}

  void added(std::uint64_t key, const Hash& hash) override {
    state_.delta.add(key, hash);
    ++index_.size_;
  }
  void removed(std::uint64_t key) override { index_.size_ -= state_.remove(key); }

 private:
  HammingIndex& index_;
  State& state_;
};

HammingIndex::HammingIndex() : HammingIndex(std::make_unique<State>(build_image({}, NoHashes()))) {}

HammingIndex::HammingIndex(std::unique_ptr<State> state)
    : state_(std::move(state)), size_(state_.writable().image->hash_count() + state_.writable().image->extra_count()) {}

HammingIndex::~HammingIndex() = default;

std::unique_ptr<HammingIndex> HammingIndex::open(const std::filesystem::path& path) {
  const std::filesystem::path place = std::filesystem::weakly_canonical(path);
  for (std::optional<ImageId> before;;) {
    const std::shared_ptr<const Image> image = open_image(place);
    const ImageId id = image->header().id;
    const Journal journal(place, id);
    std::unique_ptr<HammingIndex> index(new HammingIndex(std::make_unique<State>(image)));
    Replay replay(*index);
    try {
      index->saved_as_ = {place, id, journal.read(replay)};
      index->continues_file_ = true;
    } catch (const SystemError& error) {
      if (error.code() != std::errc::no_such_file_or_directory) throw;
      if (before == id) throw HammingFileError("the index's journal is missing: " + journal.path().string());
      before = id;  // a save may have replaced both since the image was opened
      continue;
    }
    index->state_.writable().delta.publish();
    return index;
  }
}

void HammingIndex::add(const std::uint64_t* keys, const std::uint8_t* hashes, std::size_t count) {
  const Batch batch{keys, hashes, count};
  const std::lock_guard lock(writer_);
  const std::size_t changed = count + state_.writable().delta.visible_postings();
  if (count >= kFewestForNewImage && changed >= size() / 4) {
    rebuild(batch, nullptr);
  } else {
    Delta& delta = state_.writable().delta;
    try {
      for (std::size_t i = 0; i < count; ++i) delta.add(keys[i], batch.hash(i));
    } catch (...) {
      delta.abandon();
      throw;
    }
    remember([&] {
      for (std::size_t i = 0; i < count; ++i) unsaved_.add(keys[i], batch.hash(i));
    });
    delta.publish();
  }
  size_ += count;
}

std::size_t HammingIndex::remove(const std::uint64_t* keys, std::size_t count) {
  const std::lock_guard lock(writer_);
  State& state = state_.writable();
  std::size_t removed = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t of_key = state.remove(keys[i]);
    if (of_key == 0) continue;
    size_ -= of_key;
    removed += of_key;
    remember([&] { unsaved_.remove(keys[i]); });
  }
  return removed;
}

// Keeps changes for the journal, while there is one to append to and it pays.
template <typename Encode>
void HammingIndex::remember(Encode encode) noexcept {
  if (!continues_file_) return;
  try {
    encode();
  } catch (const std::bad_alloc&) {
    leave_journal();  // the next save writes everything
    return;
  }
  const std::size_t most = kJournalBytesAlways + state_.writable().image->bytes() / kJournalShare;
  if (saved_as_->position.committed_bytes + unsaved_.encoded().size() > most) leave_journal();
}

void HammingIndex::leave_journal() noexcept {
  continues_file_ = false;
  unsaved_.clear();
}

void HammingIndex::rebuild(const Batch& added, const std::vector<std::uint8_t>* chunk_widths_bits) {
  const State& state = state_.writable();
  state.image->check_all();
  if (state.image->hash_count() + state.image->extra_count() + state.delta.visible_postings() + added.count > kMaxHashes) {
    throw std::length_error("an index holds at most 4,294,967,280 hashes: split the list into several");
  }
  const Gathered numbers(*state.image, state.delta, added.hashes);
  auto postings = state.postings(numbers, added);
  auto image = chunk_widths_bits == nullptr ? build_image(std::move(postings), numbers)
                                            : build_image(std::move(postings), numbers, *chunk_widths_bits);
  state_.replace(std::make_unique<State>(std::move(image)));
  leave_journal();
}

void HammingIndex::compact() {
  const std::lock_guard lock(writer_);
  if (state_.writable().is_changed()) rebuild({}, nullptr);
}

void HammingIndex::compact(const std::vector<std::uint8_t>& chunk_widths_bits) {
  if (!Layout::is_valid(chunk_widths_bits)) throw std::invalid_argument("chunks of 16 to 24 bits, 256 together");
  const std::lock_guard lock(writer_);
  rebuild({}, &chunk_widths_bits);
}

// The matches of a block of queries, the first of them number `first` of the search.
void HammingIndex::State::search(std::span<const Hash> queries, const Wanted& wanted, std::uint32_t visible,
                                 std::size_t first, std::vector<Match>& found) const {
  Collector collector(wanted, queries.size());
  const ImageSource of_image(*image, removed_ids, removed_extras);
  Prober(of_image, queries, wanted.max_distance_bits, collector).search();
  if (visible != 0) {
    const DeltaSource of_delta(delta, visible);
    Prober(of_delta, queries, wanted.max_distance_bits, collector).search();
  }
  for (const Row& row : collector.take()) found.push_back({first + row.query, row.key, row.distance_bits});
}

std::vector<Match> HammingIndex::search(const std::uint8_t* hashes, std::size_t count, const Wanted& wanted,
                                        std::size_t threads) const {
  if (wanted.max_distance_bits > kMaxRadiusBits || wanted.limit == 0) throw std::invalid_argument("distance or limit");
  const auto reading = state_.read();
  const std::uint32_t visible = reading->delta.visible_postings();
  const Image& image = *reading->image;
  const std::size_t together = queries_per_block(image.layout(), image.hash_count(), wanted.max_distance_bits);
  const auto search_range = [&](std::size_t begin, std::size_t end, std::vector<Match>& found) {
    for (std::vector<Hash> queries; begin < end; begin += queries.size()) {
      queries.resize(std::min(together, end - begin));
      for (std::size_t i = 0; i < queries.size(); ++i) queries[i] = load_hash(hashes + (begin + i) * kHashBytes);
      reading->search(queries, wanted, visible, begin, found);
    }
  };
  std::vector<Match> found;
  if (threads <= 1 || count < 2) {
    search_range(0, count, found);
    return found;
  }
  threads = std::min({threads, count, std::max<std::size_t>(2, std::thread::hardware_concurrency())});
  std::vector<std::vector<Match>> parts(threads);
  in_threads(threads, [&](std::size_t part) {
    search_range(count * part / threads, count * (part + 1) / threads, parts[part]);
  });
  for (const auto& part : parts) found.insert(found.end(), part.begin(), part.end());
  return found;
}

void HammingIndex::save(const std::filesystem::path& path) {
  const std::filesystem::path place = std::filesystem::weakly_canonical(path);
  const std::lock_guard lock(writer_);
  const bool is_there = saved_as_ && saved_as_->path == place && std::filesystem::exists(place);
  if (is_there) check_unchanged(*saved_as_);
  if (is_there && continues_file_) {
    append_to_journal();
  } else {
    save_whole(place);
  }
}

void HammingIndex::append_to_journal() {
  if (unsaved_.encoded().empty()) return;
  const JournalPosition position = saved_as_->journal().append(unsaved_, saved_as_->position);
  check_unchanged({saved_as_->path, saved_as_->id, position});  // nobody has put another image in place meanwhile
  saved_as_->position = position;
  unsaved_.clear();
}

void HammingIndex::save_whole(const std::filesystem::path& path) {
  if (state_.writable().is_changed()) rebuild({}, nullptr);
  saved_as_ = save_image(*state_.writable().image, path);
  continues_file_ = true;
  unsaved_.clear();
}

HammingIndex::Stats HammingIndex::stats() const {
  const std::lock_guard lock(writer_);
  const auto reading = state_.read();
  const Image& image = *reading->image;
  Stats stats{};
  stats.hashes = size();
  stats.distinct_hashes = image.hash_count();
  stats.changed_hashes = reading->delta.hash_count();
  stats.mapped_bytes = image.is_mapped() ? image.bytes() : 0;
  stats.memory_bytes = (image.is_mapped() ? 0 : image.bytes()) + reading->removed_ids.bytes() +
                       reading->removed_extras.bytes() + reading->delta.bytes() + unsaved_.encoded().capacity();
  stats.unsaved_bytes = unsaved_.encoded().size();
  for (const Chunk& chunk : image.layout().chunks()) stats.chunk_widths_bits.push_back(chunk.width_bits);
  stats.kernels = kernels().name;
  return stats;
}

}  // namespace staydown
