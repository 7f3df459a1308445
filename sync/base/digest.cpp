#include "sync/base/digest.hpp"

#include <openssl/evp.h>

#include <algorithm>

#include "helper/base/error.hpp"

namespace regsync {

Digest digest_of(std::string_view bytes) {
  // Fetched once: otherwise OpenSSL 3 looks it up by name for each digest, which takes longer than digesting a pull
  // secret.
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  std::array<unsigned char, EVP_MAX_MD_SIZE> full{};
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), full.data(), &size, sha256, nullptr) != 1) {
    throw Error(ErrorCode::internal, "SHA-256 failed");
  }
  Digest digest{};
  std::copy_n(full.begin(), digest.size(), digest.begin());
  return digest;
}

std::string hex(const Digest& digest) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const auto byte : digest) {
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

}  // namespace regsync
