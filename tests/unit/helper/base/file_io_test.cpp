#include "helper/base/file_io.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "helper/base/error.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"

namespace regsync {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t limit = 1024;

mode_t mode_of(const fs::path& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777U;
}

std::size_t entries_of(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

// What reading it says; fails the test where it does not throw.
Error refusal(const fs::path& path) {
  try {
    read_file(path, limit);
    ADD_FAILURE() << path << " was read";
  } catch (const Error& error) {
    EXPECT_NE(error.message().find(path.string()), std::string::npos) << error.message();
    return error;
  }
  return {ErrorCode::internal, ""};
}

TEST(ReadFile, ReadsAFileWholeAlsoThroughALink) {
  const test::TempDir root;
  const fs::path file = root.path() / "file";
  std::ofstream(file) << std::string(limit, 'x');
  fs::create_symlink(file, root.path() / "link");
  EXPECT_EQ(read_file(file, limit), std::string(limit, 'x'));
  EXPECT_EQ(read_file(root.path() / "link", limit), std::string(limit, 'x'));
}

TEST(ReadFile, AMissingFileIsNotFound) {
  const test::TempDir root;
  EXPECT_EQ(refusal(root.path() / "none").code(), ErrorCode::not_found);
  EXPECT_EQ(read_file_if_exists(root.path() / "none", limit), std::nullopt);
  EXPECT_EQ(read_file_if_exists(root.path() / "no-folder/none", limit), std::nullopt);
  fs::create_directory_symlink(root.path(), root.path() / "link");
  EXPECT_EQ(read_file_if_exists(root.path() / "link/none", limit), std::nullopt);
}

// Somebody meant a file to be there.
TEST(ReadFile, ALinkToNothingIsNoMissingFile) {
  const test::TempDir root;
  fs::create_symlink("not-mounted/config", root.path() / "file");
  fs::create_directory_symlink("not-mounted", root.path() / "folder");
  for (const char* name : {"file", "folder/config"}) {
    try {
      read_file_if_exists(root.path() / name, limit);
      ADD_FAILURE() << name << " was read";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::file_missing) << name;
      EXPECT_NE(error.message().find("is a link to not-mounted"), std::string::npos) << error.message();
      EXPECT_NE(error.message().find("which does not exist"), std::string::npos) << error.message();
      EXPECT_FALSE(error.remedy().empty());
    }
    EXPECT_EQ(try_read_file(root.path() / name, limit), std::nullopt);
  }
}

TEST(ReadFile, AFileInPlaceOfAFolderIsSaid) {
  const test::TempDir root;
  root.write("file", "x");
  EXPECT_EQ(refusal(root.path() / "file/config.json").remedy(), "correct the path: one of its folders is a file");
}

TEST(ReadFile, TheNullDeviceIsEmptyAndProcFilesHaveNoSize) {
  EXPECT_EQ(read_file("/dev/null", limit), "");
  EXPECT_FALSE(read_file("/proc/self/stat", limit).empty());
}

TEST(ReadFile, RefusesWhatIsNoFileWithoutWaiting) {
  const test::TempDir root;
  fs::create_directory(root.path() / "folder");
  ASSERT_EQ(::mkfifo((root.path() / "fifo").c_str(), 0600), 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (root.path() / "socket").c_str(), sizeof address.sun_path - 1);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(socket);

  EXPECT_NE(refusal(root.path() / "folder").message().find("is a folder"), std::string::npos);
  EXPECT_NE(refusal(root.path() / "fifo").message().find("not a regular file"), std::string::npos);
  EXPECT_NE(refusal(root.path() / "socket").message().find("not a regular file"), std::string::npos);
  EXPECT_EQ(refusal("/dev/zero").code(), ErrorCode::invalid_input);
  EXPECT_EQ(try_read_file(root.path() / "folder", limit), std::nullopt);
}

TEST(ReadFile, RefusesWhatIsTooLarge) {
  const test::TempDir root;
  std::ofstream(root.path() / "file") << std::string(limit + 1, 'x');
  EXPECT_NE(refusal(root.path() / "file").message().find("larger than 1 KiB"), std::string::npos);
}

TEST(WriteWhole, ReplacesNothingButAFile) {
  const test::TempDir root;
  const fs::path fifo = root.path() / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  fs::create_symlink("fifo", root.path() / "link");
  fs::create_directory(root.path() / "folder");
  for (const auto* name : {"fifo", "link", "folder"}) {
    EXPECT_THROW(write_whole(root.path() / name, "text", 0600), Error) << name;
    EXPECT_THROW(append(root.path() / name, "text"), Error) << name;
  }
  EXPECT_TRUE(fs::is_fifo(fifo));
  EXPECT_EQ(std::distance(fs::directory_iterator(root.path()), {}), 3) << "no unfinished file is left";
}

TEST(WriteWhole, MakesFoldersPrivateAndLeavesNoOtherFile) {
  const test::TempDir root;
  const fs::path file = root.path() / "a/b/target.yaml";
  write_whole(file, "secret: x\n");
  EXPECT_EQ(test::read_file(file), "secret: x\n");
  EXPECT_EQ(mode_of(file), 0600U);
  EXPECT_EQ(mode_of(root.path() / "a"), 0700U);
  EXPECT_EQ(entries_of(file.parent_path()), 1U);
}

TEST(WriteWhole, ReplacesTheFileSoThatAReaderOfTheOldOneKeepsIt) {
  const test::TempDir root;
  const fs::path file = root.path() / "file";
  write_whole(file, "old");
  std::ifstream reader(file);
  write_whole(file, "new", 0644);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(reader), {}), "old");
  EXPECT_EQ(test::read_file(file), "new");
  EXPECT_EQ(mode_of(file), 0644U);
}

TEST(WriteWhole, WritesThroughASymbolicLink) {
  const test::TempDir root;
  const fs::path real = root.path() / "dotfiles/config.json";
  const fs::path link = root.path() / "config.json";
  write_whole(real, "old");
  fs::create_symlink(real, link);
  write_whole(link, "new");
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(test::read_file(real), "new");
}

TEST(WriteWhole, ALinkToNothingOrToItselfStaysAndIsNamed) {
  const test::TempDir root;
  const fs::path link = root.path() / "config.yaml";
  for (const char* const target : {"not-mounted/config.yaml", "config.yaml"}) {
    fs::create_symlink(target, link);
    try {
      write_whole(link, "new");
      ADD_FAILURE() << "written: " << target;
    } catch (const Error& error) {
      EXPECT_NE(error.message().find(link.string() + ": is a link to " + target), std::string::npos) << error.message();
    }
    EXPECT_TRUE(fs::is_symlink(link));
    EXPECT_EQ(entries_of(root.path()), 1U);
    fs::remove(link);
  }
}

// Who may make links in /tmp could else choose which file of this user is replaced.
TEST(WriteWhole, ALinkOfAnotherUserIsNotFollowed) {
  if (::geteuid() != 0) {
    SKIP_OR_FAIL("only root can make the links of others");
  }
  constexpr uid_t other = 65534;
  const test::TempDir root;
  const fs::path victim = root.write("home/file", "mine");
  const fs::path shared = root / "shared";
  const fs::path planted = shared / "metrics.prom";
  const fs::path first = root / "first";
  fs::create_directory(shared);
  fs::permissions(shared, fs::perms(01777));
  fs::create_symlink(victim, planted);
  fs::create_symlink(planted, first);
  ASSERT_EQ(::lchown(planted.c_str(), other, other), 0);
  for (const fs::path& path : {planted, first}) {
    try {
      write_whole(path, "theirs");
      ADD_FAILURE() << path << " was followed";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_input);
      EXPECT_NE(error.message().find(planted.string() + ": is a symbolic link of another user"), std::string::npos)
          << error.message();
    }
  }
  EXPECT_EQ(test::read_file(victim), "mine");
  EXPECT_TRUE(fs::is_symlink(planted));
  ASSERT_EQ(::chown(shared.c_str(), other, other), 0);
  write_whole(first, "new");
  EXPECT_EQ(test::read_file(victim), "new") << "who owns a folder says what is in it";
}

TEST(FilesIn, AreInTheOrderOfTheirNames) {
  const test::TempDir root;
  const auto b = root.write("b", "");
  const auto a = root.write("a", "");
  EXPECT_EQ(files_in(root.path()), (std::vector<fs::path>{a, b}));
  EXPECT_TRUE(files_in(root / "missing").empty());
  EXPECT_TRUE(files_in(a).empty());
}

TEST(WriteWhole, SaysWhichFileCannotBeWrittenAndLeavesNothing) {
  const test::TempDir root;
  fs::create_directory(root.path() / "occupied");
  std::ofstream(root.path() / "occupied/by") << "something";
  try {
    write_whole(root.path() / "occupied", "x");  // a folder is in the way
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(error.message().find((root.path() / "occupied").string()), std::string::npos) << error.message();
  }
  EXPECT_EQ(entries_of(root.path()), 1U);
}

TEST(WriteWhole, KeepsTheOwnerOfWhatRootReplaces) {
  if (::geteuid() != 0) {
    SKIP_OR_FAIL("only root can write the files of others");
  }
  constexpr uid_t nobody = 65534;
  const test::TempDir root;
  ASSERT_EQ(::chown(root.path().c_str(), nobody, nobody), 0);
  write_whole(root.path() / "folder/new", "x");
  struct stat status{};
  for (const char* name : {"folder", "folder/new"}) {
    ASSERT_EQ(::stat((root.path() / name).c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, nobody) << name;
  }
  EXPECT_FALSE(try_make_folder(root.path() / "state/regsync"));
  for (const char* name : {"state", "state/regsync"}) {
    ASSERT_EQ(::stat((root.path() / name).c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, nobody) << name;
  }
  std::ofstream(root.path() / "file") << "old";
  ASSERT_EQ(::chown((root.path() / "file").c_str(), 1, 1), 0);
  write_whole(root.path() / "file", "new");
  ASSERT_EQ(::stat((root.path() / "file").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 1U);
}

TEST(FolderLock, WaitsForTheOtherOneButNotForever) {
  const test::TempDir temp;
  std::optional<FolderLock> first(std::in_place, temp.path());
  try {
    const FolderLock second(temp.path(), std::chrono::milliseconds(30));
    FAIL() << "two have it";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::timeout);
    EXPECT_NE(error.message().find(temp.path().string()), std::string::npos) << error.message();
  }
  std::thread ends([&first] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    first.reset();
  });
  EXPECT_NO_THROW(FolderLock(temp.path()));
  ends.join();
}

}  // namespace
}  // namespace regsync
