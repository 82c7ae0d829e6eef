// CRC-32C (Castagnoli), with the processor's instruction where it has one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace staydown::hamming {

// `seed`: the checksum of what came before, so that pieces can be checked one after the other.
std::uint32_t crc32c(const void* data, std::size_t bytes, std::uint32_t seed = 0);

}  // namespace staydown::hamming
