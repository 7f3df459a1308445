#include "sync/kube/http/retry_after.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <cstdint>
#include <ctime>
#include <string>

namespace regsync::kube {

namespace {

std::chrono::seconds bounded(std::int64_t seconds) {
  return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, longest_retry_after.count()));
}

}  // namespace

std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, std::string_view date) {
  const bool number = !value.empty() && value.find_first_not_of("0123456789") == std::string_view::npos;
  if (number) {
    // More digits always count as more than five minutes; std::stol could overflow on them.
    return value.size() > 9 ? longest_retry_after : bounded(std::stol(std::string(value)));
  }
  const auto time_of = [](std::string_view text) { return curl_getdate(std::string(text).c_str(), nullptr); };
  const std::time_t then = time_of(value);
  const std::time_t now = time_of(date);
  // curl_getdate accepts nearly anything with a number in it; an HTTP date begins with the name of the day.
  const bool dates = value.size() > 20 && value.find(',') != std::string_view::npos && then >= 0 && now >= 0;
  return dates ? std::optional(bounded(then - now)) : std::nullopt;
}

}  // namespace regsync::kube
