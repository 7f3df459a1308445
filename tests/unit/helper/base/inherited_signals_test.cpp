#include "helper/base/inherited_signals.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace regsync {
namespace {

TEST(InheritedSignals, AChildsEndIsToldAndNothingIsBlocked) {
  sigset_t before;
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  ASSERT_EQ(::sigprocmask(SIG_BLOCK, &blocked, &before), 0);
  ASSERT_NE(std::signal(SIGCHLD, SIG_IGN), SIG_ERR);
  restore_inherited_signals();
  EXPECT_EQ(std::signal(SIGCHLD, SIG_DFL), SIG_DFL);
  ASSERT_EQ(::sigprocmask(SIG_SETMASK, &before, &blocked), 0);
  EXPECT_EQ(sigismember(&blocked, SIGTERM), 0);
}

TEST(InheritedSignals, WhatNohupIgnoresStaysIgnored) {
  const auto before = std::signal(SIGHUP, SIG_IGN);
  restore_inherited_signals();
  EXPECT_EQ(std::signal(SIGHUP, before), SIG_IGN);
}

}  // namespace
}  // namespace regsync
