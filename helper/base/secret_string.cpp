#include "helper/base/secret_string.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>  // explicit_bzero
#include <utility>

namespace regsync {

void wipe_memory(void* bytes, std::size_t size) noexcept { explicit_bzero(bytes, size); }

// What was cut off its end lies there still.
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
  // So that they never reach swap. It may be refused (RLIMIT_MEMLOCK). The pages stay locked when the bytes are freed:
  // the heap has other secrets there, and uses them again.
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
