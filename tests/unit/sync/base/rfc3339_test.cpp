#include "sync/base/rfc3339.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace regsync {
namespace {

using std::chrono::system_clock;

constexpr system_clock::time_point noon{std::chrono::seconds(1769860800)};

TEST(Rfc3339, IsWrittenAsKubernetesWritesIt) {
  EXPECT_EQ(to_rfc3339(noon), "2026-01-31T12:00:00Z");
  EXPECT_EQ(to_rfc3339(noon + std::chrono::milliseconds(999)), "2026-01-31T12:00:00Z");
  EXPECT_EQ(to_rfc3339(noon, Precision::microseconds), "2026-01-31T12:00:00.000000Z");
  EXPECT_EQ(to_rfc3339(noon + std::chrono::microseconds(4321), Precision::microseconds), "2026-01-31T12:00:00.004321Z");
  EXPECT_EQ(to_rfc3339(system_clock::time_point() - std::chrono::microseconds(1), Precision::microseconds),
            "1969-12-31T23:59:59.999999Z");
}

TEST(Rfc3339, IsReadWithAFractionOrAnOffset) {
  for (const char* const text :
       {"2026-01-31T12:00:00Z", "2026-01-31T12:00:00.123456Z", "2026-01-31T12:00:00,9Z", "2026-01-31T14:00:00+02:00",
        "2026-01-31T6:30:00.5-05:30", "2026-02-01T12:00:00+24:00", "2026-01-31T13:00:00+00:60"}) {
    EXPECT_EQ(parse_rfc3339(text), noon) << text;
  }
}

TEST(Rfc3339, IsReadWithinWhatTheClockCanHold) {
  EXPECT_GT(parse_rfc3339("9999-12-31T23:59:59Z"), noon) << "never";
  EXPECT_EQ(parse_rfc3339("0001-01-01T00:00:00Z"), system_clock::time_point()) << "Go's zero time";
  EXPECT_TRUE(parse_rfc3339("2096-02-29T00:00:00Z"));
}

TEST(Rfc3339, GosZeroTimeIsToldFromOthers) {
  for (const char* const text : {"0001-01-01T00:00:00Z", "0001-01-01T05:30:00+05:30", "0000-12-31T23:00:00-01:00"}) {
    EXPECT_TRUE(is_no_time(text)) << text;
  }
  for (const char* const text :
       {"0001-01-01T00:00:00+01:00", "0001-01-01T00:00:01Z", "1970-01-01T00:00:00Z", "", "x"}) {
    EXPECT_FALSE(is_no_time(text)) << text;
  }
}

TEST(Rfc3339, WhatGoWouldNotReadIsNoTime) {
  for (const char* const text : {"",
                                 "now",
                                 "2026-01-31",
                                 "2026-01-31T12:00Z",
                                 "2026-01-31T12:00:00",
                                 "2026-01-31T12:00:00z",
                                 "2026-01-31t12:00:00Z",
                                 "2026-01-31 12:00:00Z",
                                 " 2026-01-31T12:00:00Z",
                                 "2026-01-31T12:00:00Zz",
                                 "2026-01-31T12:00:00.Z",
                                 "2026-01-31T12:00:60Z",
                                 "2026-01-31T12:60:00Z",
                                 "2026-01-31T24:00:00Z",
                                 "2026-01-31T:00:00Z",
                                 "2026-01-31T012:00:00Z",
                                 "2026-02-30T12:00:00Z",
                                 "2027-02-29T12:00:00Z",
                                 "2026-04-31T12:00:00Z",
                                 "2026-13-01T12:00:00Z",
                                 "2026-00-01T12:00:00Z",
                                 "2026-01-00T12:00:00Z",
                                 "2026-1-31T12:00:00Z",
                                 "+026-01-31T12:00:00Z",
                                 "12026-01-31T12:00:00Z",
                                 "2026-01-31T12:00:00+1:00",
                                 "2026-01-31T12:00:00+0100",
                                 "2026-01-31T12:00:00+25:00",
                                 "2026-01-31T12:00:00+00:61"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

}  // namespace
}  // namespace regsync
