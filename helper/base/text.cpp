#include "helper/base/text.hpp"

#include <nlohmann/json.hpp>

namespace regsync {

namespace {

constexpr std::size_t longest_text = 600;

}  // namespace

std::string presentable(std::string_view raw) {
  // A JSON decoder of the server quotes the request's body after this: it may hold a secret.
  raw = raw.substr(0, raw.find(", error found in #"));
  std::string clean;
  for (const char c : raw.substr(0, longest_text)) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    if (!control) {
      clean += c;
    } else if (!clean.empty() && clean.back() != ' ') {
      clean += ' ';
    }
  }
  // A character cut in half would make the text invalid UTF-8, and JSON of it impossible.
  if (raw.size() > longest_text) {
    while (!clean.empty() && (static_cast<unsigned char>(clean.back()) & 0xC0U) == 0x80U) {
      clean.pop_back();
    }
    if (!clean.empty() && static_cast<unsigned char>(clean.back()) >= 0xC0U) {
      clean.pop_back();
    }
    clean += "…";
  }
  while (!clean.empty() && clean.back() == ' ') {
    clean.pop_back();
  }
  // Text that is not UTF-8 cannot go into a status row: json replaces what it must.
  return nlohmann::json::parse(nlohmann::json(clean).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace))
      .get<std::string>();
}

}  // namespace regsync
