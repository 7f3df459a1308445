// Replaces free and realloc, and thereby operator delete, of the programs: memory is overwritten before it is freed.
//
// Secrets pass through memory of libraries that no SecretString can own: JSON text, D-Bus messages, request bodies, TLS
// buffers. Wiping on free covers all of them; malloc_usable_size is the size that the allocator really handed out, so
// no tail is left. glibc lets a program define these two in place of its own (Replacing malloc, glibc manual). The
// memory returns to its allocator: the next `free` in symbol order, which is glibc's or that of a preloaded allocator
// (jemalloc, hardened_malloc). Memory of an allocator without its own malloc_usable_size is not wiped.
#include <dlfcn.h>
#include <malloc.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "helper/base/secret_string.hpp"

// Sanitizers bring their own allocator; the code under test is the same.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

using Free = void (*)(void*);
using UsableSize = std::size_t (*)(void*);

// Constant-initialised, because memory is freed before any constructor runs. Set once; all threads would find the same
// value.
Free next_free = nullptr;
UsableSize next_usable_size = nullptr;

void* library_of(void* symbol) {
  Dl_info info{};
  return symbol != nullptr && dladdr(symbol, &info) != 0 ? info.dli_fbase : nullptr;
}

bool find_next() {
  static bool finding = false;
  if (finding) {
    return false;  // dlsym itself calls free: leak that little
  }
  finding = true;
  void* const release = dlsym(RTLD_NEXT, "free");
  void* const size = dlsym(RTLD_NEXT, "malloc_usable_size");
  if (library_of(release) == library_of(size)) {
    next_usable_size = reinterpret_cast<UsableSize>(size);
  }
  next_free = reinterpret_cast<Free>(release);
  finding = false;
  return next_free != nullptr;
}

}  // namespace

extern "C" {

// NOLINTBEGIN(cppcoreguidelines-no-malloc,readability-inconsistent-declaration-parameter-name)
void free(void* memory) noexcept {
  if (memory == nullptr || (next_free == nullptr && !find_next())) {
    return;
  }
  if (next_usable_size != nullptr) {
    regsync::wipe_memory(memory, next_usable_size(memory));
  }
  next_free(memory);
}

// The allocator's own realloc would free the old block without wiping it.
void* realloc(void* memory, std::size_t size) noexcept {
  if (memory == nullptr) {
    return std::malloc(size);
  }
  if (size == 0) {
    free(memory);
    return nullptr;
  }
  if (next_free == nullptr) {
    find_next();
  }
  if (next_usable_size == nullptr) {
    static const auto next_realloc = reinterpret_cast<void* (*)(void*, std::size_t)>(dlsym(RTLD_NEXT, "realloc"));
    return next_realloc(memory, size);
  }
  const std::size_t old_size = next_usable_size(memory);
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
// NOLINTEND(cppcoreguidelines-no-malloc,readability-inconsistent-declaration-parameter-name)

}  // extern "C"

#endif
