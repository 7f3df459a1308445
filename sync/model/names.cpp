#include "sync/model/names.hpp"

#include <algorithm>

namespace regsync {

namespace {

constexpr std::size_t longest_uid = 128;

bool is_lower_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool is_of_uid(char c) { return is_lower_alnum(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-'; }

bool is_label(std::string_view text) {
  return !text.empty() && is_lower_alnum(text.front()) && is_lower_alnum(text.back()) &&
         std::ranges::all_of(text, [](char c) { return is_lower_alnum(c) || c == '-'; });
}

}  // namespace

bool is_label_name(std::string_view text) { return text.size() <= 63 && is_label(text); }

bool is_object_name(std::string_view text) {
  const auto dot = text.find('.');
  return text.size() <= 253 && is_label(text.substr(0, dot)) &&
         (dot == std::string_view::npos || is_object_name(text.substr(dot + 1)));
}

bool is_uid(std::string_view text) {
  return !text.empty() && text.size() <= longest_uid && std::ranges::all_of(text, is_of_uid);
}

}  // namespace regsync
