#include "sync/engine/status_counts.hpp"

#include <gtest/gtest.h>

namespace regsync {
namespace {

class StatusCountsTest : public testing::Test {
 protected:
  // How many rows are counted, asked with one row more each time.
  std::size_t rows(const std::string& target, const std::string& context, std::set<std::string> leftovers = {}) {
    const StatusGroup* group = counts_.group(target, context, [&] { return made(target, context, leftovers); });
    return group == nullptr ? 0 : group->rows();
  }

  StatusCounts::Rows made(const std::string& target, const std::string& context,
                          const std::set<std::string>& leftovers) {
    ++asked_;
    StatusRow row;
    row.target = target;
    row.context = context;
    return {.rows = std::vector(static_cast<std::size_t>(asked_), row), .leftovers = leftovers};
  }

  [[nodiscard]] std::size_t total() const { return counts_.totals().all(); }

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
  counts_.forget("dev", {});
  EXPECT_EQ(rows("web", "prod"), 3U);
  EXPECT_EQ(rows("web", "dev"), 4U);
  EXPECT_EQ(rows("shop", "dev"), 5U);
  counts_.forget();
  EXPECT_EQ(rows("web", "prod"), 6U);
}

TEST_F(StatusCountsTest, AChangeOfASecretCountsItsTargetsAgain) {
  rows("web", "dev");
  rows("shop", "dev");
  rows("web", "prod");
  counts_.forget("dev", {.secret = "web", .targets = {"web", "new"}});
  EXPECT_EQ(counts_.stale(), (std::set<StatusCounts::Place>{{"dev", "web"}}));
  EXPECT_EQ(rows("shop", "dev"), 2U);
  EXPECT_EQ(rows("web", "prod"), 3U);
  EXPECT_EQ(rows("web", "dev"), 4U);
  EXPECT_TRUE(counts_.stale().empty());
}

TEST_F(StatusCountsTest, AChangeOfALeftoverCountsTheTargetThatLeftIt) {
  rows("web", "dev", {"old"});
  rows("shop", "dev");
  counts_.forget("dev", {.secret = "old", .targets = {}});
  EXPECT_EQ(rows("web", "dev"), 3U) << "counted again";
  EXPECT_EQ(rows("shop", "dev"), 2U);
  counts_.forget("dev", {.secret = "old", .targets = {}});
  EXPECT_EQ(rows("web", "dev"), 3U) << "nothing is left of it";
}

TEST_F(StatusCountsTest, TheTotalIsThatOfTheGroupsThatAreNotStale) {
  rows("web", "dev");
  rows("shop", "dev");
  EXPECT_EQ(total(), 3U);
  counts_.forget("dev", {.secret = "web", .targets = {"web"}});
  counts_.forget("dev", {.secret = "web", .targets = {"web"}});
  EXPECT_EQ(total(), 2U);
  rows("web", "dev");
  EXPECT_EQ(total(), 5U);
  counts_.note_complete();
  counts_.forget();
  EXPECT_EQ(total(), 0U);
  EXPECT_FALSE(counts_.complete());
}

TEST_F(StatusCountsTest, NoRowsAreRememberedToo) {
  const auto none = [&] {
    ++asked_;
    return StatusCounts::Rows();
  };
  EXPECT_EQ(counts_.group("web", "dev", none), nullptr);
  EXPECT_EQ(counts_.group("web", "dev", none), nullptr);
  EXPECT_EQ(asked_, 1);
}

}  // namespace
}  // namespace regsync
