#include "helper/base/session_bus.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/support/temp_dir.hpp"

namespace regsync::test {
namespace {

class SessionBus : public testing::Test {
 protected:
  SessionBus() {
    unsetenv("DBUS_SESSION_BUS_ADDRESS");
    unsetenv("XDG_RUNTIME_DIR");
  }

  // A socket where systemd has the bus of this user.
  void make_bus() {
    const auto folder = runtimes_.path() / std::to_string(geteuid());
    std::filesystem::create_directories(folder);
    path_ = folder / "bus";
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    ASSERT_LT(path_.size(), sizeof(address.sun_path));
    std::memcpy(address.sun_path, path_.c_str(), path_.size());
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    close(socket);
  }

  static std::string address() {
    const char* value = std::getenv("DBUS_SESSION_BUS_ADDRESS");
    return value != nullptr ? value : "";
  }

  TempDir runtimes_;
  std::string path_;
};

TEST_F(SessionBus, IsFoundWhereNothingNamesIt) {
  make_bus();
  find_session_bus(runtimes_.path());
  EXPECT_EQ(address(), "unix:path=" + path_);
}

TEST_F(SessionBus, WhatTheEnvironmentSaysCounts) {
  make_bus();
  setenv("DBUS_SESSION_BUS_ADDRESS", "", 1);
  find_session_bus(runtimes_.path());
  EXPECT_EQ(address(), "");
  unsetenv("DBUS_SESSION_BUS_ADDRESS");
  setenv("XDG_RUNTIME_DIR", "/elsewhere", 1);
  find_session_bus(runtimes_.path());
  EXPECT_EQ(address(), "");
}

TEST_F(SessionBus, WhatIsNoSocketIsNoBus) {
  std::filesystem::create_directories(runtimes_.path() / std::to_string(geteuid()) / "bus");
  find_session_bus(runtimes_.path());
  EXPECT_EQ(address(), "");
}

}  // namespace
}  // namespace regsync::test
