// SecretString holds bytes that must not outlive their use: it wipes them when it frees them, and offers no way to
// be printed, logged or formatted.
//
// Not synchronised: one thread at a time. The bytes live on the heap, never inside the object, so that a move
// leaves nothing behind.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace regsync {

class SecretString {
 public:
  SecretString() = default;
  explicit SecretString(std::string_view bytes);
  SecretString(SecretString&& other) noexcept;
  SecretString& operator=(SecretString&& other) noexcept;
  SecretString(const SecretString&) = delete;
  SecretString& operator=(const SecretString&) = delete;
  ~SecretString();

  // A second copy is a decision, so it has a name.
  [[nodiscard]] SecretString clone() const { return SecretString(reveal()); }

  // The bytes, valid until this object changes or ends. Search for callers of this to audit where secrets go.
  [[nodiscard]] std::string_view reveal() const { return {bytes_.get(), size_}; }

  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }

  friend bool operator==(const SecretString& a, const SecretString& b) { return a.reveal() == b.reveal(); }

 private:
  void wipe() noexcept;

  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
};

// Overwrites memory in a way that the compiler may not drop.
void wipe_memory(void* bytes, std::size_t size) noexcept;

}  // namespace regsync
