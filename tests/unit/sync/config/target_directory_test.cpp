#include "sync/config/target_directory.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "sync/config/target_yaml.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {
namespace {

constexpr std::string_view good = "registries: [ghcr.io]\ncontexts: [dev]\n";

TEST(TargetDirectory, AMissingFolderHoldsNoTargets) {
  const test::TempDir dir;
  EXPECT_TRUE(TargetDirectory(dir / "none").load().empty());
}

TEST(TargetDirectory, OneBadFileIsOneBadTarget) {
  const test::TempDir dir;
  dir.write("a.yaml", good);
  dir.write("b.yaml", "nonsense: [");
  dir.write(".hidden.yaml", good);
  dir.write("c.yaml~", good);
  const auto files = TargetDirectory(dir.path()).load();
  ASSERT_EQ(files.size(), 2U);
  EXPECT_TRUE(files.at("a").target && !files.at("a").problem);
  EXPECT_TRUE(!files.at("b").target && files.at("b").problem);
}

TEST(TargetDirectory, TheLastGoodVersionStaysInForce) {
  const test::TempDir dir;
  dir.write("a.yaml", good);
  const TargetDirectory targets(dir.path());
  const auto before = targets.load();
  dir.write("a.yaml", "registries: [ghcr.io]\ncontext: [dev]\n");
  const auto after = targets.load(before);
  EXPECT_EQ(after.at("a").target, before.at("a").target);
  ASSERT_TRUE(after.at("a").problem);
  EXPECT_NE(after.at("a").problem->message().find("a.yaml:2:1"), std::string::npos);
}

TEST(TargetDirectory, WritesWholeFilesAndRemovesThem) {
  const test::TempDir dir;
  const TargetDirectory targets(dir / "new/targets");
  const auto target = parse_target("a", good, "a.yaml");
  targets.write(target);
  EXPECT_EQ(targets.load().at("a").target, target);
  EXPECT_TRUE(targets.remove("a"));
  EXPECT_FALSE(targets.remove("a"));
  EXPECT_TRUE(targets.load().empty());
}

TEST(TargetDirectory, AFileThatCannotBeDeletedIsToldBefore) {
  const test::TempDir dir;
  dir.write("web.yaml", "registries: [ghcr.io]\n");
  const TargetDirectory directory(dir.path());
  EXPECT_NO_THROW(directory.require_removable("web"));
  std::filesystem::permissions(dir.path(), std::filesystem::perms(0555));
  const uid_t me = geteuid();
  const bool is_root = me == 0;  // whom no permissions stop
  ASSERT_EQ(is_root ? seteuid(65534) : 0, 0);
  EXPECT_THROW(directory.require_removable("web"), Error);
  EXPECT_NO_THROW(directory.require_removable("other")) << "there is nothing to delete";
  ASSERT_EQ(is_root ? seteuid(me) : 0, 0);
  std::filesystem::permissions(dir.path(), std::filesystem::perms(0755));
}

TEST(TargetDirectory, ALinkToNothingIsATargetThatCanBeRemoved) {
  const test::TempDir dir;
  std::filesystem::create_symlink("gone/web.yaml", dir / "web.yaml");
  const TargetDirectory targets(dir.path());
  const TargetFiles files = targets.load();
  const auto& problem = files.at("web").problem;
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->code(), ErrorCode::file_missing);
  EXPECT_EQ(problem->message(), (dir / "web.yaml").string() + ": is a link to gone/web.yaml, which does not exist");
  EXPECT_EQ(problem->remedy(), "put that back, or: regsync remove web");
  EXPECT_TRUE(targets.contains("web"));
  EXPECT_TRUE(targets.remove("web"));
  EXPECT_FALSE(targets.contains("web"));
}

TEST(TargetDirectory, AFolderThatIsALinkToNothingDoesNotHoldNoTargets) {
  const test::TempDir dir;
  std::filesystem::create_directory_symlink("not-mounted", dir / "targets");
  EXPECT_THROW(static_cast<void>(TargetDirectory(dir / "targets").load()), Error);
}

TEST(TargetDirectory, ReplacesOnlyWhatNobodyChangedMeanwhile) {
  const test::TempDir dir;
  const TargetDirectory targets(dir / "new/targets");
  const auto target = parse_target("a", good, "a.yaml");
  targets.replace(target, std::nullopt, std::nullopt);
  const auto stale = [&](const std::optional<std::string>& before) {
    try {
      targets.replace(target, std::string(good), before);
    } catch (const Error& error) {
      return error.code() == ErrorCode::stale;
    }
    return false;
  };
  EXPECT_TRUE(stale(std::nullopt)) << "somebody made it";
  EXPECT_TRUE(stale("other"));
  EXPECT_EQ(targets.read("a"), to_yaml(target));
  EXPECT_FALSE(stale(targets.read("a")));
  EXPECT_EQ(targets.read("a"), good);
}

TEST(TargetDirectory, HasNoTargetWhoseNameIsTooLongForAFile) {
  const test::TempDir dir;
  EXPECT_FALSE(TargetDirectory(dir.path()).contains(std::string(300, 'a')));
  dir.write("file", "");
  EXPECT_FALSE(TargetDirectory(dir / "file").contains("web"));
}

TEST(TargetDirectory, HasNoTargetWhoseNameIsAPath) {
  const test::TempDir dir;
  dir.write("config.yaml", "socket: x\n");
  dir.write("targets/.hidden.yaml", good);
  dir.write("targets/Odd_1.yaml", good);
  const TargetDirectory targets(dir / "targets");
  for (const std::string& name : {std::string("../config"), (dir / "config").string(), std::string(".hidden")}) {
    EXPECT_FALSE(targets.contains(name)) << name;
    EXPECT_FALSE(targets.read_if_exists(name)) << name;
    EXPECT_FALSE(targets.remove(name)) << name;
  }
  EXPECT_TRUE(std::filesystem::exists(dir / "config.yaml"));
  EXPECT_TRUE(targets.contains("Odd_1")) << "a file that no target may be named after can be removed";
}

}  // namespace
}  // namespace regsync
