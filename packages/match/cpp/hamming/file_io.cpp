#include "file_io.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "errors.hpp"

namespace staydown::hamming {
namespace {

constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;  // a call may write less than asked above 2 GiB

[[noreturn]] void fail(const std::filesystem::path& path) {
  throw SystemError(errno, path);
}

void take_lock(int descriptor, int kind, const std::filesystem::path& path) {
  while (flock(descriptor, kind) != 0) {
    if (errno != EINTR) fail(path);
  }
}

struct stat status_of(int descriptor, const std::filesystem::path& path) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0) fail(path);
  return status;
}

}  // namespace

File::File(const std::filesystem::path& path, int flags, unsigned mode)
    : path_(path), descriptor_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {
  if (descriptor_ < 0) fail(path);
  if (!S_ISREG(status_of(descriptor_, path).st_mode)) {
    ::close(descriptor_);
    throw SystemError(EISDIR, path);
  }
}

File::File(File&& other) noexcept : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::size_t File::size() const { return static_cast<std::size_t>(status_of(descriptor_, path_).st_size); }

unsigned File::mode() const { return status_of(descriptor_, path_).st_mode & 07777; }

bool File::is_at(const std::filesystem::path& path) const {
  struct stat there {};
  if (::stat(path.c_str(), &there) != 0) return false;
  const struct stat here = status_of(descriptor_, path_);
  return here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

void File::set_mode(unsigned mode) {
  if (fchmod(descriptor_, mode) != 0) fail(path_);
}

void File::lock() { take_lock(descriptor_, LOCK_EX, path_); }

void File::lock_shared() { take_lock(descriptor_, LOCK_SH, path_); }

void File::truncate(std::size_t bytes) {
  if (ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0) fail(path_);
}

void File::write(std::span<const std::byte> data, std::size_t at) {
  while (!data.empty()) {
    const ssize_t done = pwrite(descriptor_, data.data(), std::min(data.size(), kMostAtOnce), static_cast<off_t>(at));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail(path_);
    at += static_cast<std::size_t>(done);
    data = data.subspan(static_cast<std::size_t>(done));
  }
}

bool File::read(std::span<std::byte> data, std::size_t at) const {
  while (!data.empty()) {
    const ssize_t done = pread(descriptor_, data.data(), std::min(data.size(), kMostAtOnce), static_cast<off_t>(at));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail(path_);
    if (done == 0) return false;
    at += static_cast<std::size_t>(done);
    data = data.subspan(static_cast<std::size_t>(done));
  }
  return true;
}

void File::sync() {
  if (fsync(descriptor_) != 0) fail(path_);
}

void replace_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) fail(to);
  sync_folder_of(to);
}

void sync_folder_of(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) fail(folder);
  const int result = fsync(descriptor);
  ::close(descriptor);
  if (result != 0 && errno != EINVAL) fail(folder);  // EINVAL: a file system that has nothing to sync
}

}  // namespace staydown::hamming
