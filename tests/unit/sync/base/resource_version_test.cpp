#include "sync/base/resource_version.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace regsync {
namespace {

TEST(ResourceVersion, IsANumberThatGrows) {
  EXPECT_LT(version_number("9"), version_number("10"));
  EXPECT_EQ(version_number("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
}

TEST(ResourceVersion, WhatIsNoNumberIsOlderThanAllOthers) {
  for (const char* text : {"", "0", "01", "-1", "+1", "1 ", " 1", "1a", "abc", "18446744073709551616"}) {
    EXPECT_EQ(version_number(text), 0U) << text;
  }
}

}  // namespace
}  // namespace regsync
