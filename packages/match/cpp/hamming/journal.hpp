// Changes made since an image was saved: a file beside it, to which each save appends.
//
// header | record | record | ...   A record is one save's changes with their checksum. The header says how many bytes have
// been committed and is written last: after a crash in the middle of a save, what lies beyond is passed over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "hash.hpp"
#include "image_format.hpp"

namespace staydown::hamming {

// Changes in the order in which they were made, as they are written to a journal.
class Changes {
 public:
  void add(std::uint64_t key, const Hash& hash);
  void remove(std::uint64_t key);
  void clear();

  const std::vector<std::byte>& encoded() const { return encoded_; }

 private:
  std::vector<std::byte> encoded_;
};

// What one side takes from a journal that is read.
class ChangeReader {
 public:
  virtual ~ChangeReader() = default;
  virtual void added(std::uint64_t key, const Hash& hash) = 0;
  virtual void removed(std::uint64_t key) = 0;
};

// How far somebody has read or written a journal.
struct JournalPosition {
  std::uint64_t committed_bytes = 0;
  std::uint64_t saves = 0;

  friend bool operator==(const JournalPosition&, const JournalPosition&) = default;
};

class Journal {
 public:
  // The journal of the image `id` at `image_path`.
  Journal(const std::filesystem::path& image_path, const ImageId& id);

  const std::filesystem::path& path() const { return path_; }
  // Whether `other` is named like the journal of another image at the same place.
  bool is_sibling(const std::filesystem::path& other) const;

  // Makes an empty one, on the disk when this returns.
  JournalPosition create(unsigned mode) const;
  // Reports every change. Throws FileError.
  JournalPosition read(ChangeReader& reader) const;
  // How far it has been written. Throws FileError.
  JournalPosition position() const;
  // Throws ConflictError when somebody else has appended since `position`.
  JournalPosition append(const Changes& changes, const JournalPosition& position) const;

 private:
  std::filesystem::path path_;
  std::string before_id_;  // of its file's name
  ImageId id_;
};

}  // namespace staydown::hamming
