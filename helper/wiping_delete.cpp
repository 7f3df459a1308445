// Replaces the global operator delete of the programs: every C++ allocation is overwritten before it is freed. (And
// operator new, because the two go together: AddressSanitizer tells its own operator new from malloc.)
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
    std::free(memory);  // NOLINT(cppcoreguidelines-no-malloc): this is where memory comes from
  }
}

}  // namespace

void* operator new(std::size_t size) {
  void* memory = std::malloc(size == 0 ? 1 : size);  // NOLINT(cppcoreguidelines-no-malloc)
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}
void* operator new[](std::size_t size) { return operator new(size); }
void operator delete(void* memory) noexcept { wipe_and_free(memory); }
void operator delete[](void* memory) noexcept { wipe_and_free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { wipe_and_free(memory); }
void operator delete[](void* memory, std::size_t /*size*/) noexcept { wipe_and_free(memory); }
