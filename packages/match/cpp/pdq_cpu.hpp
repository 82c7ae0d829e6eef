// Functions that the compiler builds twice, once for processors with AVX2; the program chooses when it is loaded.
//
// Only for code whose result does not depend on it: the same operations in the same order, none of them fused.
#pragma once

// Where compiler and C library can do that.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define STAYDOWN_FOR_EACH_CPU __attribute__((target_clones("avx2", "default")))
// What such a function calls and is to be built twice with it.
#define STAYDOWN_PART_OF_EACH inline __attribute__((always_inline))
#else
#define STAYDOWN_FOR_EACH_CPU
#define STAYDOWN_PART_OF_EACH inline
#endif
