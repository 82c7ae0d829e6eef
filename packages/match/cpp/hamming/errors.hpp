// What can go wrong with an index's files.
#pragma once

#include <stdexcept>

namespace staydown::hamming {

// The file is not an index, is of a newer format, is incomplete or was damaged.
class FileError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Somebody else has saved to the file since this index read or wrote it.
class ConflictError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace staydown::hamming
