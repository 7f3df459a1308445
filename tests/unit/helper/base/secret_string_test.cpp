#include "helper/base/secret_string.hpp"

#include <gtest/gtest.h>

#include <string>
#include <type_traits>
#include <utility>

namespace regsync {
namespace {

TEST(SecretString, MovedFromIsEmpty) {
  SecretString a("hunter2");
  const SecretString b = std::move(a);
  EXPECT_EQ(b.reveal(), "hunter2");
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
}

TEST(SecretString, CloneIsIndependent) {
  SecretString a("hunter2");
  const SecretString b = a.clone();
  a = SecretString("other");
  EXPECT_EQ(b.reveal(), "hunter2");
}

TEST(SecretString, IsNeverCopiedByAccident) {
  static_assert(!std::is_copy_constructible_v<SecretString>);
  static_assert(!std::is_convertible_v<SecretString, std::string>);
}

TEST(WipeMemory, OverwritesEveryByte) {
  std::string bytes = "hunter2 and a tail that is longer than the small string buffer";
  wipe_memory(bytes.data(), bytes.size());
  EXPECT_EQ(bytes, std::string(bytes.size(), '\0'));
}

}  // namespace
}  // namespace regsync
