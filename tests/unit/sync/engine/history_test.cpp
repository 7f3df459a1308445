#include "sync/engine/history.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <asio/io_context.hpp>

#include "helper/base/file_io.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

Change change(const std::string& target, const std::string& name_space) {
  return {.kind = Change::Kind::deleted,
          .why = Why::not_covered,
          .target = target,
          .context = "dev",
          .name_space = name_space,
          .secret = "cred",
          .service_account = {}};
}

class HistoryTest : public testing::Test {
 protected:
  asio::io_context io_;
  test::TempDir dir_;
  std::filesystem::path file_ = dir_ / "history.jsonl";
  History history_{io_.get_executor(), file_};
};

TEST_F(HistoryTest, TellsWhatWhereWhenAndWhyOfEachTarget) {
  history_.add(change("t", "n1"));
  history_.add(change("u", "n1"));
  history_.add_context("dev", "leads to another cluster than before");
  history_.flush();
  EXPECT_EQ(read_history(file_).size(), 3U);
  const auto of_t = read_history(file_, {"t"});
  ASSERT_EQ(of_t.size(), 1U);
  EXPECT_EQ(read_history(file_, {"u", "t"}).size(), 2U);
  EXPECT_EQ(of_t[0].context, "dev");
  EXPECT_EQ(of_t[0].namespaces, std::vector<std::string>{"n1"});
  EXPECT_EQ(of_t[0].what, "deleted");
  EXPECT_EQ(of_t[0].why, to_string(Why::not_covered));
  EXPECT_LT(std::chrono::system_clock::now() - of_t[0].time, std::chrono::minutes(1));
}

TEST_F(HistoryTest, ChangesThatComeTogetherAreOneEntry) {
  for (int i = 0; i < 5000; ++i) {
    history_.add(change("t", "n" + std::to_string(i)));
  }
  history_.flush();
  const auto entries = read_history(file_);
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].count, 5000U);
  EXPECT_EQ(entries[0].namespaces.size(), 5U);
}

TEST_F(HistoryTest, IsBounded) {
  for (int i = 0; i < 1500; ++i) {
    history_.add(change("t" + std::to_string(i), "n"));
  }
  history_.flush();
  const auto entries = read_history(file_);
  EXPECT_EQ(entries.size(), 1000U);
  EXPECT_EQ(entries.back().target, "t1499");
}

TEST_F(HistoryTest, IsBoundedHoweverOftenItIsWritten) {
  for (int i = 0; i < 3500; ++i) {
    history_.add(change("t" + std::to_string(i), "n"));
    history_.flush();
  }
  const auto entries = read_history(file_);
  EXPECT_EQ(entries.size(), 1000U);
  EXPECT_EQ(entries.front().target, "t2500");
  EXPECT_EQ(entries.back().target, "t3499");
  const auto text = read_file(file_, 1 << 22);
  EXPECT_LE(std::ranges::count(text, '\n'), 2000);
}

TEST_F(HistoryTest, AFileThatIsTornOrTakenAwayCostsWhatWasInItOnly) {
  history_.add(change("t", "n1"));
  history_.flush();
  std::filesystem::remove(file_);
  history_.add(change("t", "n2"));
  history_.flush();
  EXPECT_EQ(read_history(file_).size(), 1U);
  dir_.write("history.jsonl", read_file(file_, 1 << 22) + "{\"time\": 1");
  History next(io_.get_executor(), file_);
  next.add(change("t", "n3"));
  next.flush();
  EXPECT_EQ(read_history(file_).size(), 2U);
}

TEST_F(HistoryTest, ALineThatIsNotOneIsSkipped) {
  dir_.write("history.jsonl", "garbage\n{}\n[1]\n{\"time\": \"x\", \"count\": 1}\n\n");
  history_.add(change("t", "n1"));
  history_.flush();
  EXPECT_EQ(read_history(file_).size(), 1U);
}

TEST_F(HistoryTest, ATimeBeyondTheClockIsNoReasonToFail) {
  dir_.write("history.jsonl", R"({"time": 253402300799, "count": 1}
{"time": 9223372036854775807, "count": 1}
{"time": -1, "count": 1}
)");
  const auto entries = read_history(file_);
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_GT(entries[0].time, std::chrono::system_clock::now());
}

TEST_F(HistoryTest, AFileThatCannotBeReadIsSetAsideAndTheHistoryGoesOn) {
  dir_.write("history.jsonl", std::string(17UL * 1024 * 1024, '\0'));
  for (int i = 0; i < 3; ++i) {
    history_.add(change("t", "n" + std::to_string(i)));
    history_.flush();
  }
  EXPECT_EQ(read_history(file_).size(), 3U);
  EXPECT_EQ(std::filesystem::file_size(dir_ / "history.jsonl.unreadable"), 17UL * 1024 * 1024);
}

// The disk of the file is not there now.
TEST_F(HistoryTest, ALinkToNothingStaysAndItsFileGrowsAgainWhereItComesBack) {
  const auto linked = dir_ / "disk/history.jsonl";
  std::filesystem::create_symlink(linked, file_);
  history_.add(change("t", "n1"));
  history_.flush();
  EXPECT_EQ(std::filesystem::read_symlink(file_), linked);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "history.jsonl.unreadable"));
  dir_.write("disk/history.jsonl", "");
  history_.add(change("t", "n2"));
  history_.flush();
  EXPECT_EQ(std::filesystem::read_symlink(file_), linked);
  EXPECT_EQ(read_history(linked).size(), 1U);
}

TEST_F(HistoryTest, AFileThatCannotBeWrittenCostsEntriesOnly) {
  std::filesystem::create_directories(file_ / "sub");
  std::filesystem::create_directories(dir_ / "history.jsonl.unreadable/sub");
  history_.add(change("t", "n1"));
  EXPECT_NO_THROW(history_.flush());
}

}  // namespace
}  // namespace regsync
