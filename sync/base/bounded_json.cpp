#include "sync/base/bounded_json.hpp"

#include <string>
#include <utility>

#include "helper/base/error.hpp"

namespace regsync {
namespace {

[[noreturn]] void exceed(const std::string& what) {
  throw Error(ErrorCode::protocol, what, "check what answers there: no real answer is like that");
}

void check_size(std::size_t bytes, const JsonBounds& bounds) {
  if (bytes > bounds.bytes) {
    exceed("is larger than " + std::to_string(bounds.bytes >> 20) + " MiB");
  }
}

// The position after the closing quote of the string that begins at `begin`.
std::size_t end_of_string(std::string_view text, std::size_t begin) {
  for (std::size_t at = begin + 1; at < text.size(); ++at) {
    if (text[at] == '"') {
      return at + 1;
    }
    if (text[at] == '\\') {
      ++at;
    }
  }
  return std::string_view::npos;
}

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

}  // namespace

std::size_t end_of_value(std::string_view text, std::size_t begin, const JsonBounds& bounds) {
  std::size_t depth = 0;
  std::size_t values = 0;
  std::size_t at = begin;
  const auto count = [&] {
    if (++values > bounds.values) {
      exceed("has more than " + std::to_string(bounds.values) + " values");
    }
  };
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"') {
      at = end_of_string(text, at);
      if (at == std::string_view::npos) {
        return at;
      }
    } else if (c == '{' || c == '[') {
      count();
      if (++depth > bounds.depth) {
        exceed("nests deeper than " + std::to_string(bounds.depth) + " levels");
      }
      ++at;
    } else if (depth == 0 && (c == ',' || c == ']' || c == '}' || is_space(c))) {
      break;  // after a number or a keyword
    } else {
      if (c == ']' || c == '}') {
        --depth;
      } else if (c == ',') {
        count();
      }
      ++at;
    }
    check_size(at - begin, bounds);
    const bool closed = c == '"' || c == ']' || c == '}';
    if (depth == 0 && closed) {
      return at;
    }
  }
  return depth == 0 ? at : std::string_view::npos;
}

std::vector<JsonMember> members_of(std::string_view text, const JsonBounds& bounds) {
  std::vector<JsonMember> members;
  constexpr std::string_view spaces = " \n\r\t";
  std::size_t at = text.find('{');
  while ((at = text.find_first_of("\"}", at)) != std::string_view::npos && text[at] == '"') {
    const std::size_t key_end = end_of_value(text, at, bounds);
    auto name = nlohmann::json::parse(text.substr(at, key_end - at)).get<std::string>();
    const std::size_t begin = text.find_first_not_of(spaces, text.find(':', key_end) + 1);
    at = end_of_value(text, begin, bounds);
    members.push_back({std::move(name), text.substr(begin, at - begin)});
  }
  return members;
}

nlohmann::json parse_bounded(std::string_view text, const JsonBounds& bounds) {
  check_size(text.size(), bounds);
  const std::size_t first = text.find_first_not_of(" \n\r\t");
  if (first == std::string_view::npos || end_of_value(text, first, bounds) == std::string_view::npos) {
    static const nlohmann::json discarded(nlohmann::json::value_t::discarded);
    return discarded;
  }
  return nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
}

}  // namespace regsync
