// Replaces free and realloc of the programs, and with them operator delete: all memory is overwritten before it is
// given back.
//
// A secret passes through memory of libraries that no SecretString can own: JSON text, D-Bus messages, request bodies,
// TLS buffers. Wiping on free covers them all, whoever forgets; malloc_usable_size is what glibc really handed out, so
// no tail is left. glibc lets a program define these two in place of its own (Replacing malloc, glibc manual) and
// keeps its own under the names below.
#include <malloc.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "helper/base/secret_string.hpp"

// Sanitizers bring their own allocator; the code under test is the same.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

extern "C" {

// NOLINTBEGIN(bugprone-reserved-identifier,cppcoreguidelines-no-malloc,readability-inconsistent-declaration-parameter-name)
void __libc_free(void* memory);

void free(void* memory) noexcept {
  if (memory != nullptr) {
    regsync::wipe_memory(memory, malloc_usable_size(memory));
    __libc_free(memory);
  }
}

// glibc's own would free the old place without us.
void* realloc(void* memory, std::size_t size) noexcept {
  if (memory == nullptr) {
    return std::malloc(size);
  }
  if (size == 0) {
    free(memory);
    return nullptr;
  }
  const std::size_t old_size = malloc_usable_size(memory);
  if (size <= old_size && size > old_size / 2) {
    return memory;
  }
  void* const moved = std::malloc(size);
  if (moved != nullptr) {
    std::memcpy(moved, memory, std::min(size, old_size));
    free(memory);
  }
  return moved;
}
// NOLINTEND(bugprone-reserved-identifier,cppcoreguidelines-no-malloc,readability-inconsistent-declaration-parameter-name)

}  // extern "C"

#endif
