#include "sync/base/duration.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace regsync {

namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr std::array<std::pair<std::string_view, milliseconds>, 4> units{
    {{"h", 1h}, {"m", 1min}, {"s", 1s}, {"ms", 1ms}}};
constexpr milliseconds longest = 1'000'000h;

}  // namespace

std::optional<milliseconds> parse_duration(std::string_view text) {
  if (text.empty()) {
    return std::nullopt;
  }
  milliseconds total{0};
  while (!text.empty()) {
    milliseconds::rep count = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (fault != std::errc() || text.front() == '-') {
      return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const std::string_view name = text.substr(0, text.find_first_of("0123456789"));
    text.remove_prefix(name.size());
    const auto* unit = std::find_if(units.begin(), units.end(), [&](const auto& known) { return known.first == name; });
    if (unit == units.end() || count > (longest - total) / unit->second) {
      return std::nullopt;
    }
    total += count * unit->second;
  }
  return total;
}

std::string to_text(std::chrono::seconds duration) {
  std::string text;
  for (const auto& [name, unit] : units) {
    const auto count = duration / unit;
    if (count > 0 || (unit == 1s && text.empty())) {
      text += std::to_string(count).append(name);
    }
    duration -= std::chrono::duration_cast<std::chrono::seconds>(count * unit);
    if (unit == 1s) {
      break;
    }
  }
  return text;
}

}  // namespace regsync
