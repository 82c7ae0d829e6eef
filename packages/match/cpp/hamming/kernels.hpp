// The two inner loops of a search, in a version for each kind of processor. All give the same answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "hash.hpp"

namespace staydown::hamming {

// Part of one bucket, to be scanned for sketches near `wanted`.
struct ScanJob {
  const std::uint16_t* sketches;
  std::uint32_t count;
  std::uint32_t readable;  // how many sketches may be read, at least `count`; a vector load may pass the end of a bucket
  std::uint16_t wanted;
  std::uint16_t max_bits;
};

// Bit i of `near` is set when sketch number `position` + i (modulo 2^32) of the job is near.
struct ScanHit {
  std::uint32_t job;
  std::uint32_t position;
  std::uint32_t near;
};

inline constexpr std::size_t kSpareHits = 8;

struct HashPair {
  const Hash* stored;
  const Hash* wanted;
};

// Where in a run of bits a count of set ones has got to.
struct BitCursor {
  std::size_t word;
  std::uint64_t bits;    // of that word, those not yet passed
  std::uint32_t passed;  // set bits before them
};

struct Kernels {
  const char* name;
  bool (*supported)();
  // Writes hits that have all sketches at most `max_bits` from `wanted`, by job, then position; returns how many. `hits` has
  // room for the jobs' counts together and kSpareHits more.
  std::size_t (*scan)(const ScanJob* jobs, std::size_t job_count, ScanHit* hits);
  // Moves the cursor to set bit number `rank`, no smaller than `passed`. False when it is not before word `end`.
  bool (*advance)(const std::uint64_t* words, std::size_t end, std::uint32_t rank, BitCursor& cursor);
  void (*distances)(const HashPair* pairs, std::size_t count, std::uint16_t* distance_bits);
};

// The fastest that this processor runs, unless a test has chosen another.
const Kernels& kernels();

// For tests: those that this processor runs, and the choice of one by name (false when there is none such).
std::span<const Kernels* const> supported_kernels();
bool choose_kernels(std::string_view name);

}  // namespace staydown::hamming
