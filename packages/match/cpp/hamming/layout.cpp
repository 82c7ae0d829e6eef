#include "layout.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <numeric>

namespace staydown::hamming {
namespace {

// Below this many hashes comparing with each is faster than probing buckets, and takes no room for them.
constexpr std::size_t kFewestForBuckets = 2048;
constexpr std::array<std::uint8_t, 16> kSixteenChunks = {16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16};

// Next larger number with as many bits (Warren, "Hacker's Delight", 2-1).
std::uint32_t next_same_popcount(std::uint32_t mask) {
  const std::uint32_t lowest = mask & (~mask + 1);
  const std::uint32_t ripple = mask + lowest;
  return ripple | (((mask ^ ripple) >> 2) / lowest);
}

std::shared_ptr<const FlipMasks> flip_masks(std::size_t width, std::size_t most_flips) {
  auto flips = std::make_shared<FlipMasks>();
  flips->masks.push_back(0);
  flips->count_below = {0, 1};
  for (std::size_t count = 1; count <= most_flips; ++count) {
    const std::uint32_t end = std::uint32_t{1} << width;
    for (std::uint32_t mask = (std::uint32_t{1} << count) - 1; mask < end; mask = next_same_popcount(mask)) {
      flips->masks.push_back(mask);
    }
    flips->count_below.push_back(flips->masks.size());
  }
  return flips;
}

// What one more unit of weight costs a chunk: the further buckets to read, each a jump in memory and its entries.
double cost_of_more(const Chunk& chunk, std::size_t weight, std::size_t hashes) {
  double further = 1;
  for (std::size_t i = 0; i < weight; ++i) {
    further *= static_cast<double>(chunk.width_bits - i) / static_cast<double>(i + 1);
  }
  constexpr double kJumpInEntries = 64;  // about as long as scanning so many sketches
  return further * (kJumpInEntries + static_cast<double>(hashes) / static_cast<double>(chunk.buckets()));
}

}  // namespace

bool Layout::is_valid(std::span<const std::uint8_t> widths_bits) {
  const auto fits = [](std::uint8_t width) { return width >= kMinChunkBits && width <= kMaxChunkBits; };
  return widths_bits.empty() || (std::ranges::all_of(widths_bits, fits) &&
                                 std::accumulate(widths_bits.begin(), widths_bits.end(), std::size_t{0}) == kHashBits);
}

Layout::Layout(std::span<const std::uint8_t> widths_bits, std::size_t hashes) {
  std::size_t offset = 0;
  for (const std::uint8_t width : widths_bits) {
    chunks_.push_back({offset, width, nullptr});
    offset += width;
  }
  if (chunks_.empty()) return;
  Weights current{};
  for (std::size_t radius = 0; radius <= kMaxRadiusBits; ++radius) {  // each further bit of radius where it costs least
    const auto cost = [&](const Chunk& chunk) {
      return cost_of_more(chunk, current[static_cast<std::size_t>(&chunk - chunks_.data())], hashes);
    };
    const auto cheapest = std::ranges::min_element(chunks_, {}, cost);
    ++current[static_cast<std::size_t>(cheapest - chunks_.begin())];
    weights_[radius] = current;
  }
  std::map<std::size_t, std::size_t> most_flips;  // by width
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    std::size_t& most = most_flips[chunks_[i].width_bits];
    most = std::max<std::size_t>(most, current[i]);
  }
  std::map<std::size_t, std::shared_ptr<const FlipMasks>> masks;
  for (const auto& [width, most] : most_flips) masks[width] = flip_masks(width, most);
  for (Chunk& chunk : chunks_) chunk.flips = masks[chunk.width_bits];
}

Layout Layout::for_size(std::size_t hashes) {
  if (hashes < kFewestForBuckets) return {};
  return {kSixteenChunks, hashes};
}

std::size_t Layout::probes_of_a_chunk(std::size_t radius_bits) const {
  std::size_t most = 1;
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    most = std::max(most, chunks_[i].flips->count_below[weights_[radius_bits][i]]);
  }
  return most;
}

bool Layout::finds(std::size_t index, const Weights& weights, const Hash& bits) const {
  const Chunk& chunk = chunks_[index];
  const auto flips = static_cast<std::size_t>(std::popcount(chunk.bucket_of(bits)));
  if (flips >= weights[index]) return false;
  const auto sketch = static_cast<std::size_t>(std::popcount(chunk.sketch_of(bits)));
  return sketch <= sketch_allowance(weights, index, chunks_.size(), flips);
}

}  // namespace staydown::hamming
