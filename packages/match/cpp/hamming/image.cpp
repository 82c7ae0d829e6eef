#include "image.hpp"

#include <bit>
#include <string>

#include "checksum.hpp"
#include "errors.hpp"

namespace staydown::hamming {
namespace {

std::span<const std::uint8_t> widths_of(const ImageHeader& header) {
  return {header.widths_bits.data(), header.chunk_count};
}

// First index of [0, count) where `reached` holds; it holds for all after it too, or the answer is any index.
template <typename Predicate>
std::size_t first_where(std::size_t count, Predicate reached) {
  std::size_t begin = 0;
  while (count > 0) {
    const std::size_t half = count / 2;
    if (reached(begin + half)) {
      count = half;
    } else {
      begin += half + 1;
      count -= half + 1;
    }
  }
  return begin;
}

template <typename KeyAt>
IndexRange equal_range(std::size_t count, std::uint64_t key, KeyAt key_at) {
  const std::size_t begin = first_where(count, [&](std::size_t i) { return key_at(i) >= key; });
  const std::size_t length = first_where(count - begin, [&](std::size_t i) { return key_at(begin + i) > key; });
  return {begin, begin + length};
}

}  // namespace

Image::Image(Memory memory, bool trusted, const ImageHeader& header)
    : memory_(std::move(memory)),
      header_(header),
      geometry_(header_.hashes, header_.extras, widths_of(header_)),
      tables_(geometry_.tables.data()),
      layout_(widths_of(header_), header_.hashes),
      trusted_(trusted) {
  if (trusted) return;
  block_is_checked_ = std::make_unique<std::atomic<bool>[]>(geometry_.block_count());
  unchecked_blocks_ = geometry_.block_count();
}

void Image::check_blocks(const void* data, std::size_t bytes) const {
  if (bytes == 0) return;
  const auto first = static_cast<std::size_t>(static_cast<const std::byte*>(data) - memory_.data()) - kHeaderBytes;
  for (std::size_t block = first / kBlockBytes; block <= (first + bytes - 1) / kBlockBytes; ++block) {
    if (!block_is_checked_[block].load(std::memory_order_acquire)) check_block(block);
  }
}

void Image::check_block(std::size_t block) const {
  const std::size_t begin = kHeaderBytes + block * kBlockBytes;
  const std::size_t bytes = std::min(kBlockBytes, geometry_.sums - begin);
  if (crc32c(memory_.data() + begin, bytes) != at<std::uint32_t>(geometry_.sums)[block]) {
    throw FileError("the index file is damaged at byte " + std::to_string(begin) +
                    " (a checksum differs): replace it by a sound copy, or build it again");
  }
  if (!block_is_checked_[block].exchange(true)) --unchecked_blocks_;
}

std::uint32_t Image::extra_id_at(std::size_t extra) const {
  return std::min(*checked<std::uint32_t>(geometry_.extra_ids, extra), static_cast<std::uint32_t>(hash_count() - 1));
}

std::size_t Image::extra_by_key(std::size_t rank) const {
  return std::min<std::size_t>(*checked<std::uint32_t>(geometry_.extras_by_key, rank), extra_count() - 1);
}

IndexRange Image::extras_of(std::uint32_t id) const {
  return equal_range(extra_count(), id, [&](std::size_t i) { return std::uint64_t{extra_id_at(i)}; });
}

IndexRange Image::ids_of_key(std::uint64_t key) const {
  return equal_range(hash_count(), key, [&](std::size_t i) { return key_at(static_cast<std::uint32_t>(i)); });
}

IndexRange Image::extras_of_key(std::uint64_t key) const {
  return equal_range(extra_count(), key, [&](std::size_t i) { return extra_key_at(extra_by_key(i)); });
}

Image::Ids::Ids(const Image& image, const Kernels& kernels, std::size_t table, std::uint32_t bucket, BucketRange range)
    : image_(image),
      geometry_(image.tables_[table]),
      kernels_(kernels),
      high_(image.at<std::uint64_t>(geometry_.high_bits)),
      begin_(range.begin),
      base_bit_(range.begin + bucket * geometry_.high_values),
      end_word_(std::min((base_bit_ + range.count + geometry_.high_values) / 64 + 1, geometry_.high_words)),
      cursor_{base_bit_ / 64, 0, 0} {
  image_.check(high_ + cursor_.word, (end_word_ - cursor_.word) * sizeof *high_);
  cursor_.bits = high_[cursor_.word] & (~std::uint64_t{0} << (base_bit_ % 64));
}

std::uint32_t Image::Ids::at(std::uint32_t position) {
  if (!kernels_.advance(high_, end_word_, position, cursor_)) {
    throw FileError("the index file is damaged: replace it by a sound copy, or build it again");
  }
  const std::size_t bit = cursor_.word * 64 + static_cast<std::size_t>(std::countr_zero(cursor_.bits));
  std::size_t id = (bit - base_bit_ - position) << (8 * geometry_.low_bytes);
  const std::byte* const low = image_.memory_.data() + geometry_.low_ids + (begin_ + position) * geometry_.low_bytes;
  image_.check(low, geometry_.low_bytes);
  for (std::size_t i = 0; i < geometry_.low_bytes; ++i) id |= static_cast<std::size_t>(low[i]) << (8 * i);
  if (id >= image_.hash_count()) throw FileError("the index file is damaged: replace it by a sound copy, or build it again");
  return static_cast<std::uint32_t>(id);
}

}  // namespace staydown::hamming
