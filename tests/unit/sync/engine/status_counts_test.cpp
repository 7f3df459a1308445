#include "sync/engine/status_counts.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

class StatusCountsTest : public testing::Test {
 protected:
  // How many rows are counted as in sync, asked with one row more each time.
  std::size_t rows(const std::string& target, const std::string& context) {
    const auto& counts = counts_.of(target, context, [&] {
      ++asked_;
      StatusRow row;
      row.target = target;
      row.context = context;
      return std::vector(static_cast<std::size_t>(asked_), row);
    });
    return counts.groups.at(0).rows();
  }

  StatusCounts counts_;
  int asked_ = 0;
};

TEST_F(StatusCountsTest, RowsAreCountedOnce) {
  EXPECT_EQ(rows("web", "dev"), 1U);
  EXPECT_EQ(rows("web", "dev"), 1U);
  EXPECT_EQ(asked_, 1);
}

TEST_F(StatusCountsTest, AChangeInAContextCountsThatOneAgain) {
  rows("web", "dev");
  rows("shop", "dev");
  rows("web", "prod");
  counts_.forget("dev");
  EXPECT_EQ(rows("web", "prod"), 3U);
  EXPECT_EQ(rows("web", "dev"), 4U);
  EXPECT_EQ(rows("shop", "dev"), 5U);
  counts_.forget();
  EXPECT_EQ(rows("web", "prod"), 6U);
}

TEST_F(StatusCountsTest, NoRowsAreRememberedToo) {
  const auto none = [&] {
    ++asked_;
    return std::vector<StatusRow>();
  };
  EXPECT_TRUE(counts_.of("web", "dev", none).groups.empty());
  EXPECT_TRUE(counts_.of("web", "dev", none).groups.empty());
  EXPECT_EQ(asked_, 1);
}

}  // namespace
}  // namespace regsync
