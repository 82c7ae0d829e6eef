// Tests of HammingIndex that are run under sanitizers: hamming_index_test mix|threads|hostile FOLDER
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "../brute_force_index.hpp"
#include "../hamming/checksum.hpp"
#include "../hamming/image_format.hpp"
#include "../hamming/kernels.hpp"
#include "../hamming_index.hpp"

namespace {

using namespace staydown;
using Random = std::mt19937_64;

#define CHECK(condition)                                                           \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                \
    }                                                                              \
  } while (false)

using Bytes = std::vector<std::uint8_t>;

Bytes random_hashes(std::size_t count, Random& random) {
  Bytes hashes(count * kHashBytes);
  for (auto& byte : hashes) byte = static_cast<std::uint8_t>(random());
  return hashes;
}

void flip(std::uint8_t* hash, std::size_t bits, Random& random) {
  for (std::size_t i = 0; i < bits; ++i) {
    const std::size_t bit = random() % 256;
    hash[bit / 8] = static_cast<std::uint8_t>(hash[bit / 8] ^ (1 << (bit % 8)));
  }
}

// Hashes in clusters round a few centres, so that there is much to find.
Bytes clustered_hashes(std::size_t count, const Bytes& centres, Random& random) {
  Bytes hashes;
  for (std::size_t i = 0; i < count; ++i) {
    const auto centre = centres.begin() + static_cast<std::ptrdiff_t>(random() % (centres.size() / kHashBytes) * kHashBytes);
    hashes.insert(hashes.end(), centre, centre + kHashBytes);
    flip(&hashes[i * kHashBytes], random() % 40, random);
  }
  return hashes;
}

void same_answers(const HammingIndex& index, const BruteForceIndex& oracle, const Bytes& queries, Random& random) {
  for (const auto* kernels : hamming::supported_kernels()) {
    CHECK(hamming::choose_kernels(kernels->name));
    const auto radius = static_cast<std::uint32_t>(random() % 3 == 0 ? random() % 65 : 31);
    const std::size_t count = queries.size() / kHashBytes;
    CHECK(index.search(queries.data(), count, {radius}, 1 + random() % 3) == oracle.search(queries.data(), count, radius));
  }
}

void mix(const std::filesystem::path& folder) {
  Random random(1);
  const Bytes centres = random_hashes(8, random);
  auto index = std::make_unique<HammingIndex>();
  BruteForceIndex oracle;
  for (int round = 0; round < 60; ++round) {
    const std::size_t count = round % 20 == 3 ? 5000 : random() % 60;
    const Bytes hashes = clustered_hashes(count, centres, random);
    std::vector<std::uint64_t> keys(count);
    for (auto& key : keys) key = random() % 50;
    index->add(keys.data(), hashes.data(), count);
    oracle.add(keys.data(), hashes.data(), count);
    const std::vector<std::uint64_t> unwanted = {random() % 50, random() % 50};
    CHECK(index->remove(unwanted.data(), 2) == oracle.remove(unwanted.data(), 2));
    if (round % 7 == 0) index->compact();
    if (round % 11 == 5) index->compact({23, 23, 23, 23, 23, 23, 23, 23, 18, 18, 18, 18});
    if (round % 5 == 0) index->save(folder / "mix");
    if (round % 15 == 0) index = HammingIndex::open(folder / "mix");
    CHECK(index->size() == oracle.size());
    if (round % 3 == 0) same_answers(*index, oracle, clustered_hashes(round % 9 == 0 ? 70 : 5, centres, random), random);
  }
}

// The hash of a key, far from every other's.
Bytes hash_of(std::uint64_t key) {
  Random random(key);
  return random_hashes(1, random);
}

bool finds(const HammingIndex& index, std::uint64_t key) {
  const Bytes hash = hash_of(key);
  const auto found = index.search(hash.data(), 1, {}, 1);
  return std::ranges::any_of(found, [&](const Match& match) { return match.key == key && match.distance_bits == 0; });
}

// Keys 1, 2, 3, ... are added in turn and, some behind, removed in turn.
struct Progress {
  std::atomic<std::uint64_t> added = 0;     // up to here add() has returned
  std::atomic<std::uint64_t> removing = 0;  // up to here remove() has been called
  std::atomic<std::uint64_t> removed = 0;   // up to here it has returned
  std::atomic<bool> done = false;
};

void search_while_changing(const HammingIndex& index, const Progress& progress, std::uint64_t seed) {
  Random random(seed);
  std::size_t checked = 0;
  while (!progress.done || checked == 0) {
    const std::uint64_t removed = progress.removed;
    const std::uint64_t added = progress.added;
    const std::uint64_t from = removed > 20 ? removed - 20 : 0;
    const std::uint64_t key = from + 1 + random() % (added - from + 3);
    const bool found = finds(index, key);
    if (key <= added && key > progress.removing) {
      CHECK(found);
      ++checked;
    }
    if (key <= removed) CHECK(!found);
  }
}

void change(HammingIndex& index, Progress& progress, const std::filesystem::path& folder) {
  constexpr std::uint64_t kKeys = 3000;
  constexpr std::uint64_t kKept = 400;
  for (std::uint64_t key = 1; key <= kKeys; ++key) {
    index.add(&key, hash_of(key).data(), 1);
    progress.added = key;
    if (key > kKept) {
      const std::uint64_t old = key - kKept;
      progress.removing = old;
      CHECK(index.remove(&old, 1) == 1);
      progress.removed = old;
    }
    if (key % 700 == 0) index.compact();
    if (key % 450 == 0) index.save(folder / "threads");
  }
  progress.done = true;
}

void threads(const std::filesystem::path& folder) {
  for (const char* const name : {"plain", "fastest"}) {
    const char* const fastest = hamming::supported_kernels().front()->name;
    CHECK(hamming::choose_kernels(std::string(name) == "plain" ? name : fastest));
    HammingIndex index;
    Random random(2);
    std::vector<std::uint64_t> keys(4096, ~std::uint64_t{0});
    index.add(keys.data(), random_hashes(keys.size(), random).data(), keys.size());  // enough for buckets
    Progress progress;
    std::vector<std::jthread> searching;
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      searching.emplace_back([&, seed] { search_while_changing(index, progress, seed); });
    }
    change(index, progress, folder);
  }
}

Bytes read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

void write(const std::filesystem::path& path, const Bytes& content) {
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(content.data()),
                                               static_cast<std::streamsize>(content.size()));
}

// Somebody who knows the format gives what was changed its right checksums.
void forge_checksums(Bytes& file) {
  hamming::ImageHeader header;
  std::memcpy(&header, file.data(), sizeof header);
  const std::span<const std::uint8_t> widths(header.widths_bits.data(), std::min<std::size_t>(header.chunk_count, 16));
  if (std::ranges::any_of(widths, [](std::uint8_t width) { return width > 24; })) return;
  const hamming::Geometry geometry(std::min<std::size_t>(header.hashes, file.size()),
                                   std::min<std::size_t>(header.extras, file.size()), widths);
  if (geometry.bytes == file.size()) {
    auto* const sums = &file[geometry.sums];
    for (std::size_t block = 0; block < geometry.block_count(); ++block) {
      const std::size_t begin = hamming::kHeaderBytes + block * hamming::kBlockBytes;
      const std::uint32_t sum = hamming::crc32c(&file[begin], std::min(hamming::kBlockBytes, geometry.sums - begin));
      std::memcpy(sums + block * sizeof sum, &sum, sizeof sum);
    }
    header.sums_checksum = hamming::crc32c(sums, geometry.block_count() * sizeof(std::uint32_t));
  }
  header.header_checksum = hamming::crc32c(&header, offsetof(hamming::ImageHeader, header_checksum));
  std::memcpy(file.data(), &header, sizeof header);
}

// Changes something, most often in the small parts that decide where other things are read.
void damage(Bytes& file, Random& random) {
  hamming::ImageHeader header;
  std::memcpy(&header, file.data(), sizeof header);
  const hamming::Geometry geometry(header.hashes, header.extras, {header.widths_bits.data(), header.chunk_count});
  std::vector<std::pair<std::size_t, std::size_t>> parts = {{8, 72},
                                                            {geometry.keys, header.hashes * 8},
                                                            {geometry.extra_ids, header.extras * 4},
                                                            {geometry.extra_keys, header.extras * 8},
                                                            {geometry.extras_by_key, header.extras * 4}};
  for (const auto& table : geometry.tables) {
    parts.emplace_back(table.offsets, (table.buckets + 1) * 4);
    parts.emplace_back(table.low_ids, header.hashes * table.low_bytes);
    parts.emplace_back(table.high_bits, table.high_words * 8);
  }
  const auto [begin, length] = parts[random() % 4 == 0 ? 0 : random() % parts.size()];
  if (length == 0) return;
  const std::size_t count = begin < hamming::kHeaderBytes ? 1 : std::max<std::size_t>(1, length >> (random() % 16));
  for (std::size_t i = 0; i < count; ++i) {
    file[begin + random() % length] = random() % 2 == 0 ? 0xff : static_cast<std::uint8_t>(random());
  }
}

// Does everything with it that reads it. Whether it is refused or answers nonsense is the same here.
void use(const std::filesystem::path& path, const Bytes& queries, Random& random, std::map<std::string, int>& outcomes) {
  try {
    const auto index = HammingIndex::open(path);
    for (const std::uint32_t radius : {31U, 40U}) index->search(queries.data(), queries.size() / kHashBytes, {radius}, 1);
    index->search(queries.data(), 2, {31, 2, true}, 1);
    for (int i = 0; i < 20; ++i) {
      const std::uint64_t key = random() % 1000;
      index->remove(&key, 1);
    }
    index->compact();
    ++outcomes["used"];
  } catch (const HammingFileError&) {
    ++outcomes["refused"];
  }
}

void hostile(const std::filesystem::path& folder) {
  Random random(3);
  const Bytes centres = random_hashes(20, random);
  Bytes hashes = clustered_hashes(3000, centres, random);
  for (std::size_t i = 0; i < 200; ++i) std::copy_n(&hashes[i * kHashBytes], kHashBytes, &hashes[(i + 300) * kHashBytes]);
  std::vector<std::uint64_t> keys(3000);
  for (auto& key : keys) key = random() % 1000;
  const Bytes queries = clustered_hashes(70, centres, random);
  std::map<std::string, int> outcomes;
  for (const bool has_buckets : {true, false}) {
    HammingIndex index;
    index.add(keys.data(), hashes.data(), keys.size());
    if (!has_buckets) index.compact({});
    const auto sound = folder / (has_buckets ? "buckets" : "few");
    index.save(sound);
    const Bytes content = read(sound);
    for (int round = 0; round < (has_buckets ? 60 : 200); ++round) {
      Bytes changed = content;
      damage(changed, random);
      forge_checksums(changed);
      write(sound, changed);  // in place: its journal is found by its id
      use(sound, queries, random, outcomes);
    }
  }
  CHECK(outcomes["used"] > 20 && outcomes["refused"] > 20);
}

}  // namespace

int main(int count, char** arguments) {
  const std::map<std::string, std::function<void(const std::filesystem::path&)>> tests = {
      {"mix", mix}, {"threads", threads}, {"hostile", hostile}};
  if (count != 3 || !tests.contains(arguments[1])) {
    std::fprintf(stderr, "usage: hamming_index_test mix|threads|hostile FOLDER\n");
    return 2;
  }
  tests.at(arguments[1])(arguments[2]);
  return 0;
}
