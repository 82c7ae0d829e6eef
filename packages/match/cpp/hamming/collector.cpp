#include "collector.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace staydown::hamming {
namespace {

constexpr std::size_t kPruneAtLeast = 4096;

bool by_distance(const Row& a, const Row& b) {
  return std::tie(a.query, a.distance_bits, a.key) < std::tie(b.query, b.distance_bits, b.key);
}

bool by_key(const Row& a, const Row& b) {
  return std::tie(a.query, a.key, a.distance_bits) < std::tie(b.query, b.key, b.distance_bits);
}

}  // namespace

Collector::Collector(const Wanted& wanted, std::size_t queries)
    : wanted_(wanted),
      radius_bits_(queries, static_cast<std::uint16_t>(wanted.max_distance_bits)),
      is_full_(queries, 0),
      prune_at_(is_unlimited() && !wanted.best_per_key ? std::numeric_limits<std::size_t>::max() : kPruneAtLeast) {}

void Collector::prune() {
  if (wanted_.best_per_key) keep_best_per_key();
  std::ranges::sort(rows_, by_distance);
  if (!is_unlimited()) keep_nearest();
  if (prune_at_ != std::numeric_limits<std::size_t>::max()) prune_at_ = std::max(kPruneAtLeast, 2 * rows_.size());
}

void Collector::keep_best_per_key() {
  std::ranges::sort(rows_, by_key);
  const auto same = [](const Row& a, const Row& b) { return a.query == b.query && a.key == b.key; };
  rows_.erase(std::unique(rows_.begin(), rows_.end(), same), rows_.end());
}

void Collector::keep_nearest() {
  std::size_t kept = 0;
  std::size_t of_query = 0;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const Row row = rows_[i];
    of_query = kept > 0 && rows_[kept - 1].query == row.query ? of_query : 0;
    if (of_query == wanted_.limit) continue;
    rows_[kept++] = row;
    if (++of_query < wanted_.limit) continue;
    is_full_[row.query] = 1;
    radius_bits_[row.query] = static_cast<std::uint16_t>(row.distance_bits);
  }
  rows_.resize(kept);
}

std::vector<Row> Collector::take() {
  prune();
  return std::exchange(rows_, {});
}

}  // namespace staydown::hamming
