#include "sync/base/duration.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

using namespace std::chrono_literals;

TEST(Duration, ReadsWhatGoReads) {
  EXPECT_EQ(parse_duration("30s"), 30s);
  EXPECT_EQ(parse_duration("1m30s"), 90s);
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("2h"), 2h);
  EXPECT_EQ(parse_duration("0s"), 0s);
}

TEST(Duration, RefusesTheRest) {
  for (const char* bad :
       {"", "5", "s", "-5s", "5 s", "5d", "1.5h", "5s!", "+5s", "99999999999999999999h", "1000001h", "1000000h1s"}) {
    EXPECT_EQ(parse_duration(bad), std::nullopt) << bad;
  }
}

TEST(Duration, IsWrittenAsItIsRead) {
  EXPECT_EQ(to_text(0s), "0s");
  EXPECT_EQ(to_text(90s), "1m30s");
  EXPECT_EQ(to_text(6h), "6h");
  EXPECT_EQ(to_text(3601s), "1h1s");
  for (const auto duration : {1s, 59s, 60s, 61s, 3599s, 3600s, 86400s, 90061s}) {
    EXPECT_EQ(parse_duration(to_text(duration)), duration);
  }
}

}  // namespace
}  // namespace regsync
