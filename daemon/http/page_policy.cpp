#include <openssl/evp.h>

#include <array>

#include "daemon/http/page.hpp"
#include "sync/base/base64.hpp"

namespace regsync {

namespace {

// Returns 'sha256-…' of the text between two marks of the page.
std::string digest_between(std::string_view begin, std::string_view end) {
  const auto from = page_html.find(begin) + begin.size();
  const std::string_view text = page_html.substr(from, page_html.find(end, from) - from);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return "'sha256-" + base64_encode(std::string(digest.begin(), digest.begin() + size)) + "'";
}

}  // namespace

std::string page_policy() {
  return "default-src 'none'; connect-src 'self'; script-src " + digest_between("<script>", "</script>") +
         "; style-src " + digest_between("<style>", "</style>") +
         "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

}  // namespace regsync
