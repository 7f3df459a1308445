#include "helper/base/secret_string.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>  // explicit_bzero
#include <utility>

namespace regsync {

void wipe_memory(void* bytes, std::size_t size) noexcept { explicit_bzero(bytes, size); }

// Bytes cut off its end are still in the buffer.
WipedAtEnd::~WipedAtEnd() {
  text_.resize(text_.capacity());
  wipe_memory(text_.data(), text_.size());
}

SecretString::SecretString(std::string_view bytes) : size_(bytes.size()) {
  if (bytes.empty()) {
    return;
  }
  const std::shared_ptr<char[]> copy(new char[size_], [size = size_](char* each) {
    wipe_memory(each, size);
    delete[] each;
  });
  // Keeps the bytes out of swap. May fail (RLIMIT_MEMLOCK). The pages stay locked when the bytes are freed, because the
  // heap reuses them and holds other secrets there.
  (void)mlock(copy.get(), size_);
  std::ranges::copy(bytes, copy.get());
  bytes_ = copy;
}

SecretString::SecretString(SecretString&& other) noexcept
    : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}

SecretString& SecretString::operator=(SecretString&& other) noexcept {
  bytes_ = std::move(other.bytes_);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

SecretString SecretString::clone() const {
  SecretString shared;
  shared.bytes_ = bytes_;
  shared.size_ = size_;
  return shared;
}

}  // namespace regsync
