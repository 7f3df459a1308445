#include "sync/base/own_addresses.hpp"

#include <ifaddrs.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <memory>
#include <sstream>
#include <system_error>

#include "helper/base/file_io.hpp"
#include "sync/base/digest.hpp"

namespace regsync {
namespace {

bool is_bridge(const std::string& interface) {
  std::error_code ignored;
  return std::filesystem::exists("/sys/class/net/" + interface + "/bridge", ignored);
}

// The address as text; empty for one that says nothing about the networks around.
std::string address_of(const ifaddrs& entry) {
  if (entry.ifa_addr == nullptr || (entry.ifa_flags & IFF_UP) == 0 || (entry.ifa_flags & IFF_LOOPBACK) != 0) {
    return {};
  }
  const auto family = entry.ifa_addr->sa_family;
  if (family != AF_INET && family != AF_INET6) {
    return {};
  }
  std::array<char, NI_MAXHOST> text{};
  const socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  ::getnameinfo(entry.ifa_addr, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST);
  const std::string address = text.data();
  return address.starts_with("fe80:") ? std::string() : address;  // link-local
}

// In the format of passing_addresses().
std::string digits_of(const ifaddrs& entry) {
  sockaddr_in6 address{};
  std::memcpy(&address, entry.ifa_addr, sizeof address);
  return std::string(entry.ifa_name) + " " + hex(std::to_array(address.sin6_addr.s6_addr));
}

}  // namespace

std::set<std::string> passing_addresses(std::string_view if_inet6) {
  std::set<std::string> passing;
  std::istringstream lines{std::string(if_inet6)};
  std::string address;
  std::string index;
  std::string prefix;
  std::string scope;
  unsigned flags = 0;
  std::string interface;
  while (lines >> address >> index >> prefix >> scope >> std::hex >> flags >> interface) {
    if ((flags & (IFA_F_TEMPORARY | IFA_F_DEPRECATED)) != 0) {
      passing.insert(interface + " " + address);
    }
  }
  return passing;
}

std::set<std::string> own_addresses() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) {
    return {};
  }
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> list(first, ::freeifaddrs);
  constexpr std::size_t largest_table = std::size_t{1} << 20;
  const auto passing = passing_addresses(try_read_file("/proc/net/if_inet6", largest_table).value_or(""));
  std::set<std::string> addresses;
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    const std::string address = address_of(*entry);
    const bool passes =
        !address.empty() && entry->ifa_addr->sa_family == AF_INET6 && passing.contains(digits_of(*entry));
    if (!address.empty() && !passes && !is_bridge(entry->ifa_name)) {
      addresses.insert(std::string(entry->ifa_name) + " " + address);
    }
  }
  return addresses;
}

}  // namespace regsync
