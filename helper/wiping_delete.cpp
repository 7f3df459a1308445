// Replaces the global operator delete of the programs: every C++ allocation is overwritten before it is freed.
//
// A secret passes through strings of libraries (JSON text, request bodies) that no SecretString can own. Wiping on
// free covers them all, whoever forgets; malloc_usable_size is what glibc really handed out, so no tail is left.
#include <malloc.h>

#include <cstddef>
#include <cstdlib>
#include <new>

#include "helper/secret_string.hpp"

namespace {

void wipe_and_free(void* memory) noexcept {
  if (memory != nullptr) {
    regsync::wipe_memory(memory, malloc_usable_size(memory));
    std::free(memory);  // NOLINT(cppcoreguidelines-no-malloc): libstdc++'s operator new is malloc
  }
}

}  // namespace

void operator delete(void* memory) noexcept { wipe_and_free(memory); }
void operator delete[](void* memory) noexcept { wipe_and_free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { wipe_and_free(memory); }
void operator delete[](void* memory, std::size_t /*size*/) noexcept { wipe_and_free(memory); }
