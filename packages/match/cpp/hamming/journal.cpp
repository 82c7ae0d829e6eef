#include "journal.hpp"

#include <fcntl.h>

#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "checksum.hpp"
#include "errors.hpp"
#include "file_io.hpp"

namespace staydown::hamming {
namespace {

constexpr const char* kEnding = ".journal";
constexpr std::size_t kIdDigits = 16;
constexpr std::array<char, 8> kJournalMagic = {'S', 'D', 'H', 'A', 'M', 'J', 'N', 'L'};

struct JournalHeader {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t checksum;  // of all that follows
  ImageId image;
  JournalPosition position;
};
static_assert(sizeof(JournalHeader) == 48);

struct RecordHeader {
  std::uint64_t bytes;
  std::uint32_t checksum;  // of the bytes after the header
  std::uint32_t zero;
};
static_assert(sizeof(RecordHeader) == 16);

enum class Kind : std::uint8_t { kAdd = 1, kRemove = 2 };

[[noreturn]] void refuse(const std::string& why) { throw FileError("the index's journal " + why); }

std::uint32_t checksum_of(const JournalHeader& header) {
  constexpr std::size_t kFrom = offsetof(JournalHeader, image);
  return crc32c(bytes_of(header).data() + kFrom, sizeof header - kFrom);
}

JournalHeader make_header(const ImageId& image, const JournalPosition& position) {
  JournalHeader header{kJournalMagic, kFormatVersion, 0, image, position};
  header.checksum = checksum_of(header);
  return header;
}

JournalHeader read_header(const File& file, const ImageId& image) {
  JournalHeader header{};
  if (!file.read(writable_bytes_of(header), 0)) refuse("is truncated: restore it together with its index");
  if (header.magic != kJournalMagic) refuse("is not a journal: restore it together with its index");
  if (header.version > kFormatVersion) refuse("was written by a newer version: upgrade staydown-match to read it");
  if (header.version != kFormatVersion || header.checksum != checksum_of(header)) {
    refuse("is damaged: restore it together with its index");
  }
  if (header.image != image) refuse("belongs to another index: restore it together with its index");
  if (header.position.committed_bytes < sizeof header || header.position.committed_bytes > file.size()) {
    refuse("is truncated: restore it together with its index");
  }
  return header;
}

// Takes values off the front of bytes that may be anything.
class Bytes {
 public:
  explicit Bytes(std::span<const std::byte> left) : left_(left) {}

  bool empty() const { return left_.empty(); }
  std::span<const std::byte> take(std::uint64_t bytes) {
    if (bytes > left_.size()) refuse("is damaged: restore it together with its index");
    const auto taken = left_.first(static_cast<std::size_t>(bytes));
    left_ = left_.subspan(taken.size());
    return taken;
  }
  template <typename T>
  T take() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }

 private:
  std::span<const std::byte> left_;
};

void read_changes(Bytes bytes, ChangeReader& reader) {
  while (!bytes.empty()) {
    const auto kind = bytes.take<Kind>();
    const auto key = bytes.take<std::uint64_t>();
    switch (kind) {
      case Kind::kAdd:
        reader.added(key, bytes.take<Hash>());
        break;
      case Kind::kRemove:
        reader.removed(key);
        break;
      default:
        refuse("is damaged: restore it together with its index");
    }
  }
}

template <typename T>
void put(std::vector<std::byte>& to, const T& value) {
  const auto bytes = bytes_of(value);
  to.insert(to.end(), bytes.begin(), bytes.end());
}

std::string hexadecimal(std::uint64_t value) {
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[value >> shift & 15];
  return text;
}

}  // namespace

void Changes::add(std::uint64_t key, const Hash& hash) {
  put(encoded_, Kind::kAdd);
  put(encoded_, key);
  put(encoded_, hash);
}

void Changes::remove(std::uint64_t key) {
  put(encoded_, Kind::kRemove);
  put(encoded_, key);
}

void Changes::clear() { std::vector<std::byte>().swap(encoded_); }

Journal::Journal(const std::filesystem::path& image_path, const ImageId& id)
    : path_(image_path.string() + "." + hexadecimal(id[0]) + kEnding),
      before_id_(image_path.filename().string() + "."),
      id_(id) {}

bool Journal::is_sibling(const std::filesystem::path& other) const {
  const std::string name = other.filename().string();
  if (name.size() != path_.filename().string().size() || name == path_.filename().string()) return false;
  const std::string_view id = std::string_view(name).substr(before_id_.size(), kIdDigits);
  return name.starts_with(before_id_) && name.ends_with(kEnding) &&
         id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

JournalPosition Journal::create(unsigned mode) const {
  File file(path_, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW, mode);
  const JournalPosition position{sizeof(JournalHeader), 0};
  file.write(bytes_of(make_header(id_, position)), 0);
  file.sync();
  sync_folder_of(path_);
  return position;
}

JournalPosition Journal::read(ChangeReader& reader) const {
  File file(path_, O_RDONLY);
  file.lock_shared();
  const JournalHeader header = read_header(file, id_);
  std::vector<std::byte> content(static_cast<std::size_t>(header.position.committed_bytes - sizeof header));
  if (!file.read(content, sizeof header)) refuse("is truncated: restore it together with its index");
  for (Bytes left(content); !left.empty();) {
    const auto record = left.take<RecordHeader>();
    const auto bytes = left.take(record.bytes);
    if (crc32c(bytes.data(), bytes.size()) != record.checksum) refuse("is damaged: restore it together with its index");
    read_changes(Bytes(bytes), reader);
  }
  return header.position;
}

JournalPosition Journal::position() const {
  File file(path_, O_RDONLY);
  file.lock_shared();
  return read_header(file, id_).position;
}

JournalPosition Journal::append(const Changes& changes, const JournalPosition& position) const {
  File file(path_, O_RDWR);
  file.lock();
  if (read_header(file, id_).position != position) {
    throw ConflictError("another process has saved changes to this index since it was opened here: open it again");
  }
  const auto& encoded = changes.encoded();
  const RecordHeader record{encoded.size(), crc32c(encoded.data(), encoded.size()), 0};
  const auto at = static_cast<std::size_t>(position.committed_bytes);
  file.write(bytes_of(record), at);
  file.write(encoded, at + sizeof record);
  file.sync();
  const JournalPosition next{position.committed_bytes + sizeof record + encoded.size(), position.saves + 1};
  file.write(bytes_of(make_header(id_, next)), 0);
  file.sync();
  return next;
}

}  // namespace staydown::hamming
