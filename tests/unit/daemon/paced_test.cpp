#include "daemon/paced.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <stdexcept>
#include <thread>

#include "tests/support/wait.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;

class PacedTest : public testing::Test {
 protected:
  // How often it was made by then.
  int number() { return *value_.get(); }

  int made_ = 0;
  std::function<void()> while_made_ = [] {};
  Paced<int> value_{[this](const auto&) {
    ++made_;
    while_made_();
    return made_;
  }};
};

TEST_F(PacedTest, IsMadeWhenSomebodyAsksAndSomethingChanged) {
  EXPECT_TRUE(value_.stale());
  EXPECT_EQ(number(), 1);
  EXPECT_EQ(number(), 1);
  EXPECT_FALSE(value_.stale());
  value_.changed();
  EXPECT_TRUE(test::wait_until([&] { return number() == 2; }));
  EXPECT_FALSE(value_.stale());
}

TEST_F(PacedTest, WhatChangesWhileItIsMadeCounts) {
  while_made_ = [this] { value_.changed(); };
  EXPECT_EQ(number(), 1);
  EXPECT_TRUE(value_.stale());
  while_made_ = [] {};
  EXPECT_TRUE(test::wait_until([&] { return number() == 2; }));
  EXPECT_FALSE(value_.stale());
}

TEST_F(PacedTest, OneThatTakesLongIsLeftAloneForLonger) {
  while_made_ = [] { std::this_thread::sleep_for(3000ms / rest_after_making); };
  EXPECT_EQ(number(), 1);
  value_.changed();
  EXPECT_EQ(number(), 1);
  EXPECT_TRUE(value_.stale());
}

TEST_F(PacedTest, AfterAMakingThatFailedTheOlderOneIsStaleUntilTheNext) {
  EXPECT_EQ(number(), 1);
  while_made_ = [] { throw std::runtime_error("no memory"); };
  value_.changed();
  const auto fails = [&] {
    try {
      return number() != 1;
    } catch (const std::runtime_error&) {
      return true;
    }
  };
  EXPECT_TRUE(test::wait_until(fails));
  EXPECT_TRUE(value_.stale()) << "nothing newer was made";
  while_made_ = [] {};
  EXPECT_TRUE(test::wait_until([&] { return number() == 3; })) << "nobody has to tell of another change";
}

TEST_F(PacedTest, WithoutAnOlderOneEachFailureIsTold) {
  while_made_ = [] { throw std::runtime_error("no memory"); };
  EXPECT_THROW(value_.get(), std::runtime_error);
  EXPECT_THROW(value_.get(), std::runtime_error);
}

}  // namespace
}  // namespace regsync
