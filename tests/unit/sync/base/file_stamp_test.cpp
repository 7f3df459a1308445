#include "sync/base/file_stamp.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"

namespace regsync {
namespace {

namespace fs = std::filesystem;

class FileStampOf : public ::testing::Test {
 protected:
  test::TempDir temp_;
  fs::path file_ = temp_.write("file", "12");
  FileStamp before_ = stamp_of(file_);
};

TEST_F(FileStampOf, AFileThatIsLeftAloneStays) { EXPECT_EQ(stamp_of(file_), before_); }

TEST_F(FileStampOf, AFileShowsItsSizeAndMode) {
  temp_.write("file", "123");
  EXPECT_EQ(stamp_of(file_).size, 3);
  fs::permissions(file_, fs::perms::owner_read);
  EXPECT_NE(stamp_of(file_).mode, before_.mode);
}

TEST_F(FileStampOf, AnotherFileOfTheSameNameDiffers) {
  const fs::path other = temp_.write("other", "12");
  fs::last_write_time(other, fs::last_write_time(file_));
  fs::rename(other, file_);
  EXPECT_EQ(stamp_of(file_).modified_ns, before_.modified_ns);
  EXPECT_NE(stamp_of(file_), before_);
}

// What `cp --preserve` and `rsync` over the same file leave: its size, mode and time of modification.
TEST_F(FileStampOf, AFileThatWasWrittenUnderItsOldTimeDiffers) {
  const auto written = fs::last_write_time(file_);
  EXPECT_TRUE(test::wait_until([&] {  // the clock of a file system ticks a few hundred times a second
    temp_.write("file", "21");
    fs::last_write_time(file_, written);
    return stamp_of(file_) != before_;
  }));
  EXPECT_EQ(stamp_of(file_).modified_ns, before_.modified_ns);
  EXPECT_EQ(stamp_of(file_).inode, before_.inode);
}

TEST_F(FileStampOf, NoFileIsTheSameWhereverItIsNot) {
  EXPECT_EQ(stamp_of(""), FileStamp());
  EXPECT_EQ(stamp_of(temp_ / "none"), FileStamp());
  EXPECT_NE(before_, FileStamp());
}

}  // namespace
}  // namespace regsync
