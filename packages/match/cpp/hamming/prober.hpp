// Searches one part of an index, the image or the delta, for a block of queries.
//
// A probe is one bucket to read for one query. Reading it means three jumps in memory: to where the bucket is, to its
// sketches, and for the few whose sketch is near, to the id and the hash. Probes therefore go through three stages, a group
// of them in each, so that what a stage needs was asked for while the stages before worked on others. Many queries are
// searched chunk by chunk with their probes in the order of the buckets, which turns jumps into one walk through memory.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "collector.hpp"
#include "hash.hpp"
#include "kernels.hpp"
#include "layout.hpp"

namespace staydown::hamming {

inline constexpr std::size_t kFewestTogether = 4096;  // whose probes stay in the processor's cache
inline constexpr std::size_t kMostTogether = 16384;

// How many queries are best searched together: the more a bucket holds, the more it pays that several read it at once.
inline std::size_t queries_per_block(const Layout& layout, std::size_t hashes, std::size_t radius_bits) {
  constexpr std::size_t kHashesForOneMore = 2048;
  constexpr std::size_t kUsualProbes = 20;  // of a chunk; where there are more, fewer queries keep the room bounded
  const std::size_t together = std::clamp(hashes / kHashesForOneMore, kFewestTogether, kMostTogether);
  return std::clamp(kUsualProbes * together / layout.probes_of_a_chunk(radius_bits), std::size_t{1}, together);
}

struct Probe {
  std::uint32_t bucket;
  std::uint16_t query;
  std::uint16_t sketch;  // of the query: looking at the query itself for each bucket would be one more jump
  std::uint8_t table;
  std::uint8_t max_bits;  // between the query's sketch and one that is near
};
static_assert(kMostTogether <= 65536);

// A Source offers: layout(), size(); may_hold(table, bucket), cheap and false for most empty buckets; prefetch_bucket(table, bucket); find(table, bucket) -> Found {count, ...};
// sketches_address(table, Found), sketches(table, Found), readable(Found); prefetch_id(table, bucket, Found, position);
// Ids(source, kernels, table, bucket, Found).at(position), positions growing; hash_at(id);
// for_each_key(id, visit) -> visit(key) says whether it wants more, and may be heeded if keys come in their order.
template <typename Source>
class Prober {
 public:
  Prober(const Source& source, std::span<const Hash> queries, std::uint32_t radius_bits, Collector& collector)
      : source_(source),
        queries_(queries),
        chunks_(source.layout().chunks()),
        weights_(source.layout().weights(std::min<std::size_t>(radius_bits, kMaxRadiusBits))),
        collector_(collector) {}

  void search() {
    forget_candidates();  // a search that met a damaged file may have left some
    if (chunks_.empty()) {
      compare_all();
    } else if (queries_.size() < kFewestToSort) {
      search_one_by_one();
    } else {
      search_chunk_by_chunk();
    }
  }

 private:
  using Found = typename Source::Found;

  static constexpr std::size_t kFewestToSort = 64;
  static constexpr std::size_t kJobs = 8;             // scanned in one call
  static constexpr std::size_t kLocateAfter = 32;     // probes between asking for a bucket's place and using it
  static constexpr std::size_t kScanAfter = 40;       // the same for its sketches
  static constexpr std::size_t kRing = 16;            // a power of two, more than the difference
  static constexpr std::uint32_t kSlice = 1024;       // sketches scanned in one go
  static constexpr std::size_t kCandidates = 32;      // taken on together
  static constexpr std::uint32_t kPrefetched = 1024;  // sketches of a bucket
  static constexpr std::size_t kSketchesPerLine = 32;

  struct Located {
    Probe probe;
    Found found;
  };
  struct Candidate {
    Located from;
    std::uint32_t position;
  };
  // Room that one search of a thread after the other uses.
  struct Scratch {
    std::vector<Probe> probes;
    std::vector<Probe> sorted;
    std::vector<ScanHit> hits = std::vector<ScanHit>(kJobs * kSlice + kSpareHits);
    std::vector<Candidate> candidates;
    std::vector<Candidate> awaited;
    std::vector<Candidate> read;
    std::vector<std::uint32_t> ids;
    std::vector<HashPair> pairs;
    std::vector<std::uint16_t> distances;
  };
  static Scratch& scratch() {
    thread_local Scratch mine;
    return mine;
  }

  void forget_candidates() {
    for (std::vector<Candidate>* group : {&candidates_, &awaited_, &read_}) group->clear();
    ids_.clear();
    pairs_.clear();
  }

  void compare_all() {
    for (std::uint32_t query = 0; query < queries_.size(); ++query) {
      for (std::uint32_t begin = 0; begin < source_.size(); begin += kCandidates) {
        const std::uint32_t end = std::min<std::uint32_t>(begin + kCandidates, source_.size());
        pairs_.clear();
        for (std::uint32_t id = begin; id < end; ++id) pairs_.push_back({source_.hash_at(id), &queries_[query]});
        measure_pairs();
        for (std::uint32_t id = begin; id < end; ++id) report(query, distances_[id - begin], id);
      }
    }
  }

  void search_one_by_one() {
    for (std::uint16_t query = 0; query < queries_.size(); ++query) {
      std::size_t covered = 0;
      probes_.clear();
      for (std::size_t table = 0; table < chunks_.size(); ++table) {
        add_probes(table, query);
        covered += weights_[table];
        if (collector_.is_unlimited()) continue;
        run_probes();
        probes_.clear();
        collector_.prune();
        if (collector_.is_settled(query, covered)) break;
      }
      run_probes();
    }
  }

  void search_chunk_by_chunk() {
    std::size_t covered = 0;
    for (std::size_t table = 0; table < chunks_.size(); ++table) {
      probes_.clear();
      for (std::size_t query = 0; query < queries_.size(); ++query) {
        const auto index = static_cast<std::uint16_t>(query);
        if (!collector_.is_settled(index, covered)) add_probes(table, index);
      }
      sort_probes(chunks_[table].width_bits);
      run_probes();
      covered += weights_[table];
      if (!collector_.is_unlimited()) collector_.prune();
    }
  }

  void add_probes(std::size_t table, std::uint16_t query) {
    const Chunk& chunk = chunks_[table];
    const std::uint32_t bucket = chunk.bucket_of(queries_[query]);
    const std::uint16_t sketch = chunk.sketch_of(queries_[query]);
    const std::span all(chunk.flips->masks);
    for (std::size_t flips = 0; flips < weights_[table]; ++flips) {
      const std::size_t begin = chunk.flips->count_below[flips];
      const auto max_bits = static_cast<std::uint8_t>(sketch_allowance(weights_, table, chunks_.size(), flips));
      for (const std::uint32_t mask : all.subspan(begin, chunk.flips->count_below[flips + 1] - begin)) {
        if (!source_.may_hold(table, bucket ^ mask)) continue;
        probes_.push_back({bucket ^ mask, query, sketch, static_cast<std::uint8_t>(table), max_bits});
      }
    }
  }

  // By the upper bits of the bucket: near enough to the order of memory, and one pass.
  void sort_probes(std::size_t width_bits) {
    constexpr std::size_t kPartBits = 12;
    const std::size_t shift = width_bits - kPartBits;
    std::array<std::uint32_t, (std::size_t{1} << kPartBits) + 1> next{};
    for (const Probe& probe : probes_) ++next[(probe.bucket >> shift) + 1];
    for (std::size_t part = 1; part < next.size(); ++part) next[part] += next[part - 1];
    sorted_.resize(probes_.size());
    for (const Probe& probe : probes_) sorted_[next[probe.bucket >> shift]++] = probe;
    probes_.swap(sorted_);
  }

  void run_probes() {
    std::array<Located, kRing> located;
    const std::size_t count = probes_.size();
    for (std::size_t step = 0; step < count + kScanAfter; ++step) {
      if (step < count) source_.prefetch_bucket(probes_[step].table, probes_[step].bucket);
      if (step >= kLocateAfter && step - kLocateAfter < count) {
        located[(step - kLocateAfter) % kRing] = locate(probes_[step - kLocateAfter]);
      }
      if (step >= kScanAfter) scan(located[(step - kScanAfter) % kRing]);
    }
    run_jobs();
    for (int stage = 0; stage < 3; ++stage) verify();
  }

  Located locate(const Probe& probe) const {
    const Found found = source_.find(probe.table, probe.bucket);
    const std::uint16_t* const first = source_.sketches_address(probe.table, found);
    const std::uint16_t* const end = first + std::min(found.count, kPrefetched);
    for (const std::uint16_t* next = first; next < end; next += kSketchesPerLine) __builtin_prefetch(next, 0, 2);
    if (found.count > 0) __builtin_prefetch(end - 1, 0, 2);
    return {probe, found};
  }

  void scan(const Located& one) {
    for (std::uint32_t begin = 0; begin < one.found.count; begin += kSlice) {
      add_job(one, begin);
      if (job_count_ == kJobs) run_jobs();
    }
  }

  void add_job(const Located& one, std::uint32_t begin) {
    const Probe& probe = one.probe;
    jobs_[job_count_] = {source_.sketches(probe.table, one.found) + begin,
                         std::min(kSlice, one.found.count - begin),
                         source_.readable(one.found) - begin,
                         probe.sketch, probe.max_bits};
    job_sources_[job_count_++] = {one, begin};
  }

  void run_jobs() {
    if (job_count_ == 0) return;
    const std::size_t hits = kernels_.scan(jobs_.data(), job_count_, hits_.data());
    for (const ScanHit& hit : std::span(hits_).first(hits)) {
      const Candidate& job = job_sources_[hit.job];
      for (std::uint32_t near = hit.near; near != 0; near &= near - 1) {
        const std::uint32_t position = job.position + hit.position + static_cast<std::uint32_t>(std::countr_zero(near));
        source_.prefetch_id(job.from.probe.table, job.from.probe.bucket, job.from.found, position);
        candidates_.push_back({job.from, position});
      }
    }
    job_count_ = 0;
    if (candidates_.size() >= kCandidates) verify();
  }

  // Takes each group of candidates one step on: their ids have been asked for, their hashes have, they are compared.
  void verify() {
    compare_read();
    read_ids();
    read_.swap(awaited_);
    awaited_.swap(candidates_);
  }

  void compare_read() {
    measure_pairs();
    for (std::size_t i = 0; i < read_.size(); ++i) {
      const Probe& probe = read_[i].from.probe;
      if (collector_.wants(probe.query, distances_[i]) && is_first_found(probe, ids_[i])) {
        report(probe.query, distances_[i], ids_[i]);
      }
    }
    read_.clear();
    ids_.clear();
    pairs_.clear();
  }

  void read_ids() {
    for (std::size_t i = 0; i < awaited_.size();) {
      const Located& from = awaited_[i].from;
      typename Source::Ids reader(source_, kernels_, from.probe.table, from.probe.bucket, from.found);
      std::uint32_t last = 0;
      for (; i < awaited_.size() && is_same(awaited_[i].from.probe, from.probe); ++i) {
        if (awaited_[i].position < last) break;
        last = awaited_[i].position;
        ids_.push_back(reader.at(last));
        const Hash* const stored = source_.hash_at(ids_.back());
        __builtin_prefetch(stored, 0, 2);
        pairs_.push_back({stored, &queries_[from.probe.query]});
      }
    }
  }

  static bool is_same(const Probe& a, const Probe& b) {
    return a.bucket == b.bucket && a.query == b.query && a.table == b.table;
  }

  void measure_pairs() {
    distances_.resize(pairs_.size());
    kernels_.distances(pairs_.data(), pairs_.size(), distances_.data());
  }

  // A near hash is found in several tables. It is reported by the first, which can be told from the hash alone.
  bool is_first_found(const Probe& probe, std::uint32_t id) const {
    const Hash bits = difference(*source_.hash_at(id), queries_[probe.query]);
    for (std::size_t table = 0; table < probe.table; ++table) {
      if (source_.layout().finds(table, weights_, bits)) return false;
    }
    return true;
  }

  void report(std::uint32_t query, std::uint32_t distance_bits, std::uint32_t id) {
    if (!collector_.wants(query, distance_bits)) return;
    std::size_t left = collector_.limit();
    std::optional<std::uint64_t> last;
    source_.for_each_key(id, [&](std::uint64_t key) {
      if (collector_.wants_key_once() && last == key) return true;
      last = key;
      collector_.add(query, distance_bits, key);
      left -= left > 0 ? 1 : 0;
      return left > 0;
    });
  }

  const Source& source_;
  std::span<const Hash> queries_;
  std::span<const Chunk> chunks_;
  const Weights& weights_;
  Collector& collector_;
  const Kernels& kernels_ = kernels();

  Scratch& scratch_ = scratch();
  std::vector<Probe>& probes_ = scratch_.probes;
  std::vector<Probe>& sorted_ = scratch_.sorted;
  std::vector<ScanHit>& hits_ = scratch_.hits;
  std::vector<Candidate>& candidates_ = scratch_.candidates;
  std::vector<Candidate>& awaited_ = scratch_.awaited;
  std::vector<Candidate>& read_ = scratch_.read;
  std::vector<std::uint32_t>& ids_ = scratch_.ids;
  std::vector<HashPair>& pairs_ = scratch_.pairs;
  std::vector<std::uint16_t>& distances_ = scratch_.distances;
  std::array<ScanJob, kJobs> jobs_;
  std::array<Candidate, kJobs> job_sources_;
  std::size_t job_count_ = 0;
};

}  // namespace staydown::hamming
