#include "helper/base/secret_string.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>  // explicit_bzero
#include <utility>

namespace regsync {

void wipe_memory(void* bytes, std::size_t size) noexcept { explicit_bzero(bytes, size); }

SecretString::SecretString(std::string_view bytes)
    : bytes_(bytes.empty() ? nullptr : new char[bytes.size()]), size_(bytes.size()) {
  // So that they never reach swap. It may be refused (RLIMIT_MEMLOCK). The pages stay locked when the bytes are freed:
  // the heap has other secrets there, and uses them again.
  (void)mlock(bytes_.get(), size_);
  std::ranges::copy(bytes, bytes_.get());
}

SecretString::SecretString(SecretString&& other) noexcept
    : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}

SecretString& SecretString::operator=(SecretString&& other) noexcept {
  if (this != &other) {
    wipe();
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

SecretString::~SecretString() { wipe(); }

void SecretString::wipe() noexcept {
  if (bytes_) {
    wipe_memory(bytes_.get(), size_);
  }
}

}  // namespace regsync
