#include "image_file.hpp"

#include <fcntl.h>

#include <algorithm>
#include <random>
#include <string>
#include <system_error>
#include <vector>

#include "checksum.hpp"
#include "errors.hpp"
#include "file_io.hpp"

namespace staydown::hamming {
namespace {

constexpr unsigned kPrivateMode = 0600;  // fingerprints are their owner's business, unless an earlier file said otherwise

[[noreturn]] void refuse(const std::string& why) { throw FileError("the index file " + why); }

std::uint32_t checksum_of(const ImageHeader& header) {
  return crc32c(&header, offsetof(ImageHeader, header_checksum));
}

ImageHeader read_header(const File& file) {
  ImageHeader header{};
  if (!file.read(writable_bytes_of(header), 0)) refuse("is truncated, or not an index at all");
  if (header.magic != kMagic) refuse("is not an index");
  if (header.version > kFormatVersion) refuse("was written by a newer version: upgrade staydown-match to read it");
  if (header.version != kFormatVersion || header.header_checksum != checksum_of(header)) {
    refuse("is damaged (its header): replace it by a sound copy, or build it again");
  }
  return header;
}

// What a header claims can be, and the file is as long as that. A checksum is no proof against intent.
void check_claims(const ImageHeader& header, std::size_t file_bytes) {
  const bool is_possible = header.chunk_count <= kMaxChunks && header.hashes <= kMaxHashes &&
                           header.extras <= kMaxHashes && (header.hashes > 0 || header.extras == 0) &&
                           Layout::is_valid({header.widths_bits.data(), header.chunk_count});
  if (!is_possible) refuse("is damaged (its header): replace it by a sound copy, or build it again");
  const Geometry geometry(header.hashes, header.extras, {header.widths_bits.data(), header.chunk_count});
  if (header.file_bytes != geometry.bytes) refuse("is damaged (its header): replace it by a sound copy, or build it again");
  if (file_bytes < geometry.bytes) refuse("is truncated: replace it by a whole copy, or build it again");
  if (file_bytes > geometry.bytes) refuse("is longer than an index of its size: replace it, or build it again");
}

std::vector<std::uint32_t> sums_of(const Image& image) {
  const Geometry& geometry = image.geometry();
  const auto body = image.all().first(geometry.sums).subspan(kHeaderBytes);
  std::vector<std::uint32_t> sums(geometry.block_count());
  for (std::size_t block = 0; block < sums.size(); ++block) {
    const auto from = body.subspan(block * kBlockBytes);
    sums[block] = crc32c(from.data(), std::min(from.size(), kBlockBytes));
  }
  return sums;
}

ImageId new_id() {
  std::random_device random;
  const auto word = [&] { return std::uint64_t{random()} << 32 | random(); };
  return {word(), word()};
}

void write_image(const Image& image, const ImageId& id, File& file) {
  const std::vector<std::uint32_t> sums = sums_of(image);
  ImageHeader header = image.header();
  header.id = id;
  header.sums_checksum = crc32c(sums.data(), sums.size() * sizeof sums[0]);
  header.header_checksum = checksum_of(header);
  file.truncate(0);
  file.write(bytes_of(header), 0);
  file.write(image.all().first(image.geometry().sums).subspan(kHeaderBytes), kHeaderBytes);
  file.write(std::as_bytes(std::span(sums)), image.geometry().sums);
  file.truncate(image.geometry().bytes);
  file.sync();
}

// A name of its own for what is being written, the same each time: what a killed save leaves is written over by the next.
// Whoever holds its lock is the one that saves.
File open_for_saving(const std::filesystem::path& path) {
  for (;;) {
    File file(path, O_RDWR | O_CREAT | O_NOFOLLOW, kPrivateMode);
    file.lock();
    if (file.is_at(path)) return file;  // else another save had it and has put it in place
  }
}

unsigned mode_for(const std::filesystem::path& path) {
  return std::filesystem::exists(path) ? File(path, O_RDONLY).mode() : kPrivateMode;
}

// Those of images that were at this place before, or never came to be there because a save was killed.
void remove_other_journals(const Journal& current) {
  std::error_code ignored;  // what cannot be removed now is by the next save
  const std::filesystem::path folder = current.path().has_parent_path() ? current.path().parent_path() : ".";
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (current.is_sibling(entry.path())) std::filesystem::remove(entry.path(), ignored);
  }
}

}  // namespace

SavedAs save_image(const Image& image, const std::filesystem::path& path) {
  image.check_all();
  const std::filesystem::path unfinished = path.string() + ".saving";
  File file = open_for_saving(unfinished);
  const unsigned mode = mode_for(path);
  file.set_mode(mode);
  const ImageId id = new_id();
  write_image(image, id, file);
  const Journal journal(path, id);
  const JournalPosition position = journal.create(mode);
  replace_file(unfinished, path);
  remove_other_journals(journal);
  return {path, id, position};
}

std::shared_ptr<const Image> open_image(const std::filesystem::path& path) {
  const File file(path, O_RDONLY);
  const ImageHeader header = read_header(file);
  check_claims(header, file.size());
  auto image = std::make_shared<const Image>(Memory::of_file(file.descriptor(), header.file_bytes), false, header);
  const auto sums = image->all().subspan(image->geometry().sums);
  if (crc32c(sums.data(), sums.size()) != header.sums_checksum) {
    refuse("is damaged (its checksums): replace it by a sound copy, or build it again");
  }
  return image;
}


void check_unchanged(const SavedAs& saved) {
  if (read_header(File(saved.path, O_RDONLY)).id == saved.id && saved.journal().position() == saved.position) return;
  throw ConflictError("another process has saved to this index since it was opened here: open it again");
}

}  // namespace staydown::hamming
