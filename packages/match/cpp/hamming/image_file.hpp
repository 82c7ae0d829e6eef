// An index on the disk: an image, replaced whole, and its journal beside it.
#pragma once

#include <filesystem>
#include <memory>

#include "image.hpp"
#include "journal.hpp"

namespace staydown::hamming {

// Where an index was last saved or opened, and how far its journal was then.
struct SavedAs {
  std::filesystem::path path;
  ImageId id;
  JournalPosition position;

  Journal journal() const { return {path, id}; }
};

// Puts the image and an empty journal at `path`; until the very end what was there before stays whole. The image need not be
// trusted: blocks not yet checked are. Throws SystemError, FileError.
SavedAs save_image(const Image& image, const std::filesystem::path& path);

// Maps the image at `path`; its header has the id of its journal. Throws SystemError, FileError.
std::shared_ptr<const Image> open_image(const std::filesystem::path& path);

// Throws ConflictError unless what is at `saved.path` is still what was saved or opened there.
void check_unchanged(const SavedAs& saved);

}  // namespace staydown::hamming
