#include "memory.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <new>
#include <system_error>

namespace staydown::hamming {

Memory Memory::zeroed(std::size_t bytes) {
  if (bytes == 0) return {};
  void* const data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
  constexpr std::size_t kWorthHugePages = std::size_t{64} << 20;  // below, rounding up to them would cost more than it gives
  if (bytes >= kWorthHugePages) madvise(data, bytes, MADV_HUGEPAGE);  // advice: nothing depends on its being taken
#endif
  return {static_cast<std::byte*>(data), bytes};
}

Memory Memory::zeroed_at_once(std::size_t bytes) {
  Memory memory = zeroed(bytes);
#ifdef MADV_POPULATE_WRITE
  madvise(memory.data_, bytes, MADV_POPULATE_WRITE);  // where it is not known pages come one by one
#endif
  return memory;
}

Memory Memory::of_file(int descriptor, std::size_t bytes) {
  void* const data = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, descriptor, 0);
  if (data == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mapping the index");
  return {static_cast<std::byte*>(data), bytes};
}

Memory::~Memory() {
  if (data_ != nullptr) munmap(data_, size_);
}

}  // namespace staydown::hamming
