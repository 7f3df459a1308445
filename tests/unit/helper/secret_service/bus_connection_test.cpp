#include "helper/secret_service/bus_connection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

using testing::HasSubstr;

// This process is another user than the one who owns the folder, and may not look into it, as with `su`.
class AnotherUsersBus : public testing::Test {
 protected:
  void SetUp() override {
    unsetenv("DBUS_SESSION_BUS_ADDRESS");
    unsetenv("XDG_RUNTIME_DIR");
    std::ofstream(own_ / "bus") << "";
    if (geteuid() == 0) {
      folder_ = own_.path();
      switched_ = seteuid(12345) == 0;
    }
  }
  void TearDown() override {
    if (switched_) {
      EXPECT_EQ(seteuid(0), 0);
    }
  }

  test::TempDir own_;
  std::filesystem::path folder_ = "/root";
  bool switched_ = false;
};

TEST_F(AnotherUsersBus, IsToldWhereItsFolderIsClosed) {
  setenv("DBUS_SESSION_BUS_ADDRESS", ("unix:path=" + (folder_ / "bus").string() + ",guid=1").c_str(), 1);
  const Error error = no_bus_error("Permission denied");
  EXPECT_THAT(error.message(),
              HasSubstr("DBUS_SESSION_BUS_ADDRESS names is that of another user (uid 0): Permission denied"));
  EXPECT_THAT(error.remedy(), HasSubstr("run this as that user"));
}

TEST_F(AnotherUsersBus, IsToldWhereOnlyTheRuntimeFolderNamesIt) {
  setenv("XDG_RUNTIME_DIR", folder_.c_str(), 1);
  EXPECT_THAT(no_bus_error("Permission denied").message(),
              HasSubstr("XDG_RUNTIME_DIR names is that of another user (uid 0)"));
}

class OwnBus : public testing::Test {
 protected:
  OwnBus() {
    unsetenv("DBUS_SESSION_BUS_ADDRESS");
    setenv("XDG_RUNTIME_DIR", runtime_.path().c_str(), 1);
  }

  test::TempDir runtime_;
};

TEST_F(OwnBus, ThatIsNotThereIsNone) {
  const auto problem = session_bus_problem(std::chrono::seconds(1));
  ASSERT_TRUE(problem);
  EXPECT_THAT(problem->message(), HasSubstr("there is no D-Bus session bus"));
}

TEST_F(OwnBus, ThatDoesNotAnswerIsNamed) {
  runtime_.write("bus", "");
  const auto problem = session_bus_problem(std::chrono::seconds(1));
  ASSERT_TRUE(problem);
  EXPECT_THAT(problem->message(), HasSubstr("cannot reach the D-Bus session bus that XDG_RUNTIME_DIR names (\"" +
                                            (runtime_ / "bus").string() + "\"): Connection refused"));
}

}  // namespace
}  // namespace regsync
