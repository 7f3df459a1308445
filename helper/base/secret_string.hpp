// SecretString holds bytes that must not outlive their use: they are wiped when their last owner is destroyed, and
// there is no way to print, log or format them.
//
// The bytes are immutable, so owners on different threads may share them; each object belongs to one thread at a time.
// The bytes live on the heap, never inside the object, so that a move leaves no copy behind.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
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
  ~SecretString() = default;

  // Adds an owner; explicit, so that no owner appears by accident. The bytes are shared, not copied.
  [[nodiscard]] SecretString clone() const;

  // The bytes, valid until this object changes or ends. Search for callers of this to audit where secrets go.
  [[nodiscard]] std::string_view reveal() const { return {bytes_.get(), size_}; }

  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }

  friend bool operator==(const SecretString& a, const SecretString& b) { return a.reveal() == b.reveal(); }

 private:
  std::shared_ptr<const char[]> bytes_;
  std::size_t size_ = 0;
};

// Overwrites memory in a way that the compiler may not drop.
void wipe_memory(void* bytes, std::size_t size) noexcept;

// Wipes a text when the scope ends: a short one lies inside its std::string, where nothing is freed that would be
// wiped.
class WipedAtEnd {
 public:
  explicit WipedAtEnd(std::string& text) : text_(text) {}
  ~WipedAtEnd();
  WipedAtEnd(const WipedAtEnd&) = delete;
  WipedAtEnd& operator=(const WipedAtEnd&) = delete;
  WipedAtEnd(WipedAtEnd&&) = delete;
  WipedAtEnd& operator=(WipedAtEnd&&) = delete;

 private:
  std::string& text_;
};

}  // namespace regsync
