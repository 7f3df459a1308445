#include "sync/cluster/key_sweep.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <map>
#include <stdexcept>

namespace regsync {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class KeySweepTest : public testing::Test {
 protected:
  std::vector<std::string> namespaces_of(const std::string& secret) {
    if (secret == fails_for_) {
      throw std::runtime_error("a defect");
    }
    std::vector<std::string> names;
    for (int i = 0; i < counts_[secret]; ++i) {
      names.push_back("n" + std::to_string(i));
    }
    return names;
  }
  void visit(const Key& key) {
    visited_.push_back(key.name_space + "/" + key.secret);
    for (const auto end = std::chrono::steady_clock::now() + cost_; std::chrono::steady_clock::now() < end;) {
    }
    if (key.name_space == fails_at_) {
      throw std::runtime_error("a defect");
    }
  }

  asio::io_context loop_;
  std::map<std::string, int> counts_;
  std::chrono::milliseconds cost_{0};
  std::string fails_at_;
  std::string fails_for_;
  std::vector<std::string> visited_;
  int ends_ = 0;
  KeySweep sweep_{loop_.get_executor(),
                  {.namespaces_of = [this](const std::string& secret) { return namespaces_of(secret); },
                   .visit = [this](const Key& key) { visit(key); },
                   .on_end = [this] { ++ends_; }}};
};

TEST_F(KeySweepTest, AFewKeysAreDoneAtOnce) {
  counts_ = {{"a", 2}, {"b", 1}};
  sweep_.add("a");
  sweep_.add("b");
  sweep_.add("a");
  sweep_.run();
  EXPECT_THAT(visited_, ElementsAre("n0/a", "n1/a", "n0/b"));
  EXPECT_TRUE(sweep_.idle());
  EXPECT_EQ(ends_, 1);
}

TEST_F(KeySweepTest, ManyKeysLetOthersHaveTheirTurn) {
  counts_ = {{"a", 30}};
  cost_ = 3ms;
  sweep_.add("a");
  sweep_.run();
  EXPECT_LT(visited_.size(), 30U);
  EXPECT_FALSE(sweep_.idle());
  EXPECT_TRUE(sweep_.will_visit("a"));
  EXPECT_FALSE(sweep_.will_visit("b"));
  std::size_t visited_before = 0;
  asio::post(loop_, [&] { visited_before = visited_.size(); });
  loop_.run();
  EXPECT_LT(visited_before, 30U);
  EXPECT_EQ(visited_.size(), 30U);
  EXPECT_FALSE(sweep_.will_visit("a"));
  EXPECT_EQ(ends_, 1);
}

TEST_F(KeySweepTest, ANameThatIsAddedInBetweenIsVisitedFromItsFirstKeyOn) {
  counts_ = {{"a", 10}};
  cost_ = 5ms;
  sweep_.add("a");
  sweep_.run();
  const auto before = visited_.size();
  ASSERT_LT(before, 10U);
  sweep_.add("a");
  loop_.run();
  EXPECT_EQ(visited_.size(), before + 10);
}

TEST_F(KeySweepTest, ADefectOfOneKeyIsItsOwn) {
  counts_ = {{"a", 3}};
  fails_at_ = "n1";
  sweep_.add("a");
  sweep_.run();
  loop_.run();  // on a busy machine a slice is over sooner
  EXPECT_EQ(visited_.size(), 3U);
  EXPECT_EQ(ends_, 1);
}

TEST_F(KeySweepTest, ADefectOfOneNameIsItsOwn) {
  counts_ = {{"a", 1}, {"b", 1}};
  fails_for_ = "a";
  sweep_.add("a");
  sweep_.add("b");
  sweep_.run();
  loop_.run();
  EXPECT_THAT(visited_, ElementsAre("n0/b"));
  EXPECT_EQ(ends_, 1);
  fails_for_.clear();
  sweep_.add("a");
  sweep_.run();
  loop_.run();
  EXPECT_THAT(visited_, ElementsAre("n0/b", "n0/a"));
}

TEST_F(KeySweepTest, NothingIsVisitedAfterItsEnd) {
  counts_ = {{"a", 10}};
  cost_ = 5ms;
  sweep_.add("a");
  sweep_.run();
  const auto before = visited_.size();
  sweep_.stop();
  loop_.run();
  EXPECT_EQ(visited_.size(), before);
  EXPECT_TRUE(sweep_.idle());
}

}  // namespace
}  // namespace regsync
