// When the labels of a namespace count as settled.
#include "sync/cluster/label_grace.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <set>
#include <string>

#include "tests/support/run_coroutine.hpp"

namespace regsync {
namespace {

using namespace std::chrono_literals;

class LabelGraceTest : public testing::Test {
 protected:
  LabelGrace make(std::chrono::milliseconds grace) {
    return {loop_.get_executor(), grace, [this](const std::string& name_space) { settled_.insert(name_space); }};
  }

  asio::io_context loop_;
  std::multiset<std::string> settled_;
};

TEST_F(LabelGraceTest, LabelsThatStayUnchangedAreSettledOnceAfterTheGrace) {
  LabelGrace grace = make(20ms);
  const auto began = std::chrono::steady_clock::now();
  grace.begin("team");
  grace.begin("other");
  grace.begin("team");
  EXPECT_TRUE(test::run_until(loop_, [&] { return settled_.size() == 2; }));
  EXPECT_GE(std::chrono::steady_clock::now() - began, 20ms);
  EXPECT_EQ(settled_, (std::multiset<std::string>{"other", "team"}));
}

TEST_F(LabelGraceTest, LabelsThatChangeAgainAndAgainAreSettledInTheEnd) {
  LabelGrace grace = make(150ms);
  EXPECT_TRUE(test::run_until(
      loop_,
      [&] {
        grace.begin("team");
        return !settled_.empty();
      },
      10s));
  grace.stop();
}

}  // namespace
}  // namespace regsync
