// Every input that was ever interesting, through its target again.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/fuzz/sync/targets.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::fuzz {
namespace {

void replay(const char* folder, void (*target)(std::string_view)) {
  int inputs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(REGSYNC_CORPUS) / folder)) {
    SCOPED_TRACE(entry.path().filename().string());
    EXPECT_NO_THROW(target(test::read_file(entry.path())));
    ++inputs;
  }
  EXPECT_GT(inputs, 0);
}

TEST(SyncCorpus, TargetFile) { replay("target_file", target_file); }
TEST(SyncCorpus, SettingsFile) { replay("settings_file", settings_file); }
TEST(SyncCorpus, DockerConfig) { replay("docker_config", docker_config); }
TEST(SyncCorpus, PullSecret) { replay("pull_secret", pull_secret); }
TEST(SyncCorpus, SecretObject) { replay("secret_object", secret_object); }
TEST(SyncCorpus, ControlMessage) { replay("control_message", control_message); }
TEST(SyncCorpus, Challenge) { replay("challenge", challenge); }
TEST(SyncCorpus, Names) { replay("names", names); }

}  // namespace
}  // namespace regsync::fuzz
