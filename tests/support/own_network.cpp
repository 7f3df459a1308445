#include "tests/support/own_network.hpp"

#include <sched.h>
#include <unistd.h>

#include <fstream>
#include <utility>

#include "tests/support/process.hpp"

namespace regsync::test {
namespace {

bool succeeds(std::vector<std::string> argv) {
  return run_program({.argv = std::move(argv), .env = own_environment(), .in = {}}).exit_code == 0;
}

}  // namespace

bool enter_own_network() {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    return false;
  }
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/uid_map") << uid << " " << uid << " 1";
  std::ofstream("/proc/self/gid_map") << gid << " " << gid << " 1";
  return succeeds({"ip", "link", "set", "lo", "up"});
}

bool iptables(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "iptables");
  return succeeds(std::move(arguments));
}

}  // namespace regsync::test
