#include "sync/base/default_route.hpp"

#include <charconv>
#include <cstddef>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "helper/base/file_io.hpp"

namespace regsync {

namespace {

// linux/route.h
constexpr unsigned int flag_up = 0x0001;
constexpr unsigned int flag_reject = 0x0200;

constexpr std::size_t largest_table = std::size_t{1} << 20;

using Fields = std::vector<std::string>;

std::optional<unsigned int> hex(std::string_view text) {
  unsigned int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

bool is_zero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

bool leads_out(const std::string& device, const std::string& flags) {
  const auto bits = hex(flags);
  return device != "lo" && bits && (*bits & flag_up) != 0 && (*bits & flag_reject) == 0;
}

// Iface Destination Gateway Flags RefCnt Use Metric Mask …
bool is_ipv4_default(const Fields& fields) {
  return fields.size() >= 8 && is_zero(fields[1]) && is_zero(fields[7]) && leads_out(fields[0], fields[3]);
}

// destination, its prefix, source, its prefix, next hop, metric, references, use, flags, device
bool is_ipv6_default(const Fields& fields) {
  return fields.size() == 10 && is_zero(fields[0]) && is_zero(fields[1]) && leads_out(fields[9], fields[8]);
}

bool any_line(std::string_view table, bool (*is_wanted)(const Fields&)) {
  std::istringstream lines{std::string(table)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    if (is_wanted(Fields{std::istream_iterator<std::string>(words), {}})) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool lists_default_route(std::string_view ipv4, std::string_view ipv6) {
  return any_line(ipv4, is_ipv4_default) || any_line(ipv6, is_ipv6_default);
}

bool has_default_route() {
  const auto ipv4 = try_read_file("/proc/net/route", largest_table);
  const auto ipv6 = try_read_file("/proc/net/ipv6_route", largest_table);
  return (!ipv4 && !ipv6) || lists_default_route(ipv4.value_or(""), ipv6.value_or(""));
}

}  // namespace regsync
