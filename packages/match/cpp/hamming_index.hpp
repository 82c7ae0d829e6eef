// Every stored 256-bit hash within a Hamming distance of a query, exactly, among tens of millions, while they change.
//
// An image (read-only, perhaps mapped from a file) holds most hashes; the delta holds what was added since, in buckets that
// are filled in place; removals are bits beside the image. Searches go through both. compact() makes a new image of all.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "brute_force_index.hpp"
#include "hamming/collector.hpp"
#include "hamming/errors.hpp"
#include "hamming/image_file.hpp"
#include "hamming/journal.hpp"
#include "hamming/published.hpp"

namespace staydown {

using HammingFileError = hamming::FileError;
using HammingConflictError = hamming::ConflictError;
using HammingSystemError = hamming::SystemError;
using HammingWanted = hamming::Wanted;

// Any number of threads may call anything at once. Searches never wait; changes wait for one another. A search sees every
// change that returned before it began; of what is added while it runs it sees each call's hashes all or none, of what is
// removed meanwhile perhaps a part.
class HammingIndex {
 public:
  struct Stats {
    std::size_t hashes;           // as len(): a hash counts once for each key and each time it was added
    std::size_t distinct_hashes;  // in the image, removed ones too
    std::size_t changed_hashes;   // distinct ones added since the image was made
    std::size_t memory_bytes;     // all that this index holds in memory, mapped pages not counted
    std::size_t mapped_bytes;
    std::size_t unsaved_bytes;  // what the next save would append to the journal
    std::vector<std::size_t> chunk_widths_bits;
    std::string kernels;
  };

  HammingIndex();
  // Throws HammingSystemError, HammingFileError.
  static std::unique_ptr<HammingIndex> open(const std::filesystem::path& path);
  ~HammingIndex();

  // As BruteForceIndex. Thousands at once go into a new image when a quarter of the index has changed by then.
  void add(const std::uint64_t* keys, const std::uint8_t* hashes, std::size_t count);
  std::size_t remove(const std::uint64_t* keys, std::size_t count);
  std::size_t size() const { return size_.load(std::memory_order_relaxed); }

  // By query, then distance, then key. Distances up to 64.
  std::vector<Match> search(const std::uint8_t* hashes, std::size_t count, const HammingWanted& wanted,
                            std::size_t threads) const;

  // Changes since the last save or open at the same path go to the journal; otherwise, and when the journal has grown to
  // much of the index, everything is written anew. Throws HammingSystemError, HammingConflictError, HammingFileError.
  void save(const std::filesystem::path& path);
  // Searches go on; changes wait. Chooses the layout by size; widths of chunks are given by tests only.
  void compact();
  void compact(const std::vector<std::uint8_t>& chunk_widths_bits);
  Stats stats() const;

 private:
  struct State;
  class Replay;
  struct Batch;

  explicit HammingIndex(std::unique_ptr<State> state);
  void rebuild(const Batch& added, const std::vector<std::uint8_t>* chunk_widths_bits);
  template <typename Encode>
  void remember(Encode encode) noexcept;
  void leave_journal() noexcept;
  void append_to_journal();
  void save_whole(const std::filesystem::path& path);

  mutable std::mutex writer_;  // held by whoever changes or saves
  hamming::Published<State> state_;
  std::atomic<std::size_t> size_ = 0;
  std::optional<hamming::SavedAs> saved_as_;  // where this was last saved or opened
  bool continues_file_ = false;               // the image there is this one's, and its journal can be appended to
  hamming::Changes unsaved_;                  // since then
};

}  // namespace staydown
