#include "daemon/metrics_file.hpp"

#include <gtest/gtest.h>

#include <asio/io_context.hpp>

#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

namespace fs = std::filesystem;

class MetricsFileTest : public testing::Test {
 protected:
  test::TempDir dir_;
  asio::io_context io_;
  std::string text_ = "one 1\n";
  int changes_ = 0;
  MetricsFile metrics_{io_.get_executor(), [this] { return text_; }, [this] { ++changes_; }};
};

TEST_F(MetricsFileTest, IsWrittenAtOnceForEverybodyToRead) {
  metrics_.configure(dir_ / "regsync.prom");
  EXPECT_EQ(test::read_file(dir_ / "regsync.prom"), "one 1\n");
  EXPECT_EQ(fs::status(dir_ / "regsync.prom").permissions() & fs::perms::mask, fs::perms(0644));
  EXPECT_FALSE(metrics_.problem());
}

TEST_F(MetricsFileTest, WithoutAFileNothingIsCountedOrWaitedFor) {
  metrics_.configure({});
  metrics_.changed();
  EXPECT_EQ(io_.poll(), 0U);
  EXPECT_EQ(io_.run(), 0U) << "no timer runs";
  EXPECT_TRUE(fs::is_empty(dir_.path()));
}

TEST_F(MetricsFileTest, AnotherFileIsWrittenFromNowOn) {
  metrics_.configure(dir_ / "one.prom");
  text_ = "two 2\n";
  metrics_.configure(dir_ / "two.prom");
  EXPECT_EQ(test::read_file(dir_ / "one.prom"), "one 1\n");
  EXPECT_EQ(test::read_file(dir_ / "two.prom"), "two 2\n");
}

TEST_F(MetricsFileTest, TheSameFileIsWrittenWithWhatWasCountedSince) {
  metrics_.configure(dir_ / "regsync.prom");
  text_ = "two 2\n";
  metrics_.configure(dir_ / "regsync.prom");
  EXPECT_EQ(test::read_file(dir_ / "regsync.prom"), "one 1\n") << "soon, with more changes";
}

TEST_F(MetricsFileTest, OneThatCannotBeWrittenIsAProblemUntilItCan) {
  fs::create_directory(dir_ / "regsync.prom");
  metrics_.configure(dir_ / "regsync.prom");
  ASSERT_TRUE(metrics_.problem());
  EXPECT_EQ(metrics_.problem()->code(), ErrorCode::invalid_input);
  fs::remove(dir_ / "regsync.prom");
  metrics_.configure(dir_ / "regsync.prom");
  EXPECT_FALSE(metrics_.problem());
  fs::create_directory(dir_ / "other.prom");
  metrics_.configure(dir_ / "other.prom");
  ASSERT_TRUE(metrics_.problem());
  metrics_.configure({});
  EXPECT_FALSE(metrics_.problem()) << "nobody asks for the file any more";
}

TEST_F(MetricsFileTest, AProblemThatEndsByItselfIsTold) {
  fs::create_directory(dir_ / "regsync.prom");
  metrics_.configure(dir_ / "regsync.prom");
  ASSERT_TRUE(metrics_.problem());
  fs::remove(dir_ / "regsync.prom");
  metrics_.changed();
  EXPECT_TRUE(test::run_until(io_, [&] { return changes_ == 1; }));
  EXPECT_FALSE(metrics_.problem());
}

}  // namespace
}  // namespace regsync
