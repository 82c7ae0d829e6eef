// Files by descriptor: whole reads and writes, on the disk when they say so.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace staydown::hamming {

class File {
 public:
  // Throws SystemError. `flags` as of open(2); never follows descriptors to
  // child processes.
  File(const std::filesystem::path& path, int flags, unsigned mode = 0);
  File(File&& other) noexcept;
  File& operator=(File&&) = delete;
  ~File();

  int descriptor() const { return descriptor_; }
  std::size_t size() const;
  unsigned mode() const;
  // Whether `path` still names this file.
  bool is_at(const std::filesystem::path& path) const;
  void set_mode(unsigned mode);
  // Waits for others' locks; until this is closed.
  void lock();
  void lock_shared();
  void truncate(std::size_t bytes);
  void write(std::span<const std::byte> data, std::size_t at);
  // False when the file ends before.
  bool read(std::span<std::byte> data, std::size_t at) const;
  void sync();

 private:
  std::filesystem::path path_;
  int descriptor_;
};

// Puts `from` in the place of `to`, and returns when that is on the disk.
void replace_file(const std::filesystem::path& from, const std::filesystem::path& to);
void sync_folder_of(const std::filesystem::path& path);

template <typename T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}
template <typename T>
std::span<std::byte> writable_bytes_of(T& value) {
  return std::as_writable_bytes(std::span(&value, 1));
}

}  // namespace staydown::hamming
