// What can go wrong with an index's files.
#pragma once

#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <system_error>

namespace staydown::hamming {

// The file is not an index, is of a newer format, is incomplete or was damaged.
class FileError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Somebody else has saved to the file since this index read or wrote it.
class ConflictError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The system refused something about a file: its errno, and which file.
class SystemError : public std::system_error {
 public:
  SystemError(int number, const std::filesystem::path& path)
      : std::system_error(number, std::generic_category(), path.string()), path_(path) {}

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace staydown::hamming
