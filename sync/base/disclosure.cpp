#include "sync/base/disclosure.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "helper/base/text.hpp"

namespace regsync {
namespace {

constexpr std::array names{"password", "passwd", "secret", "token", "auth", "key", "keydata"};
constexpr std::array schemes{"basic ", "bearer "};  // of an Authorization header
// Of words, the ordinary ones are in lower case and without digits.
constexpr std::size_t least_secret = 6;
constexpr std::size_t least_token = 16;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_of_token(char c) {
  return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '+' || c == '/' || c == '.' || c == '=';
}

std::string_view leading(std::string_view text, bool (*belongs)(char)) {
  return text.substr(0, static_cast<std::size_t>(std::ranges::find_if_not(text, belongs) - text.begin()));
}

// Whether what follows the name of a secret is a value for it.
bool is_value(std::string_view rest) {
  constexpr std::string_view between = " \t\"'=:";
  const auto begin = std::min(rest.find_first_not_of(between), rest.size());
  const std::string_view separator = rest.substr(0, begin);
  const bool given =
      separator.find_first_of("=:") != std::string_view::npos && separator.find("::") == std::string_view::npos;
  const std::string_view value = rest.substr(begin, rest.find_first_of(" \t\r\n\"',;", begin) - begin);
  // `auth: expired` is prose; what is assigned or in quotes is a value, whatever it is made of.
  const auto colon = separator.find_first_of("=:");
  const bool prose = given && separator.find('=') == std::string_view::npos &&
                     separator.find_first_of("\"'", colon) == std::string_view::npos;
  return given && value.size() >= least_secret &&
         !(prose && std::ranges::all_of(value, [](char c) { return (c >= 'a' && c <= 'z') || c == '.'; }));
}

bool is_proof(std::string_view rest) {
  const std::string_view word = leading(rest, is_of_token);
  return word.size() >= least_secret && !std::ranges::all_of(word, is_letter);
}

// Whether one of the words is followed by what the predicate is true of.
template <typename Words>
bool has_after(std::string_view text, const Words& words, bool (*is_secret)(std::string_view rest)) {
  const std::string lowered = to_lower(text);
  return std::ranges::any_of(words, [&](std::string_view word) {
    for (auto at = lowered.find(word); at != std::string::npos; at = lowered.find(word, at + 1)) {
      if (is_secret(text.substr(at + word.size()))) {
        return true;
      }
    }
    return false;
  });
}

bool holds_a_web_token(std::string_view text) {
  constexpr std::string_view begin = "eyJ";  // {" in base64
  for (auto at = text.find(begin); at != std::string_view::npos; at = text.find(begin, at + 1)) {
    if (leading(text.substr(at), is_of_token).size() >= least_token) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool may_disclose(std::string_view text) {
  return text.find("PRIVATE KEY-----") != std::string_view::npos || holds_a_web_token(text) ||
         has_after(text, names, is_value) || has_after(text, schemes, is_proof);
}

std::string presentable_unless_secret(std::string_view said) {
  return may_disclose(said) ? "what it says is not shown, because it may hold a credential" : presentable(said);
}

}  // namespace regsync
