#include "sync/base/own_addresses.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>

#include <array>
#include <filesystem>
#include <memory>
#include <system_error>

namespace regsync {
namespace {

bool is_bridge(const std::string& interface) {
  std::error_code ignored;
  return std::filesystem::exists("/sys/class/net/" + interface + "/bridge", ignored);
}

// Empty for one that tells nothing of the networks around.
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

}  // namespace

std::set<std::string> own_addresses() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) {
    return {};
  }
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> list(first, ::freeifaddrs);
  std::set<std::string> addresses;
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    const std::string address = address_of(*entry);
    if (!address.empty() && !is_bridge(entry->ifa_name)) {
      addresses.insert(std::string(entry->ifa_name) + " " + address);
    }
  }
  return addresses;
}

}  // namespace regsync
