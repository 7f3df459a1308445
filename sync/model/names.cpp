#include "sync/model/names.hpp"

#include <algorithm>
#include <cstddef>

namespace regsync {

namespace {

bool is_lower_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool is_dns_name(std::string_view text, std::size_t max, bool with_dots) {
  return !text.empty() && text.size() <= max && is_lower_alnum(text.front()) && is_lower_alnum(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_lower_alnum(c) || c == '-' || (with_dots && c == '.'); });
}

}  // namespace

bool is_label_name(std::string_view text) { return is_dns_name(text, 63, false); }

bool is_object_name(std::string_view text) { return is_dns_name(text, 253, true); }

}  // namespace regsync
