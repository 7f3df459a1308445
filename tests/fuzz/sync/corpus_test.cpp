// Every input that was ever interesting, through its target again.
#include <gtest/gtest.h>

#include "tests/fuzz/replay.hpp"
#include "tests/fuzz/sync/targets.hpp"

namespace regsync::fuzz {
namespace {

TEST(SyncCorpus, TargetFile) { replay("target_file", target_file); }
TEST(SyncCorpus, SettingsFile) { replay("settings_file", settings_file); }
TEST(SyncCorpus, DockerConfig) { replay("docker_config", docker_config); }
TEST(SyncCorpus, PullSecret) { replay("pull_secret", pull_secret); }
TEST(SyncCorpus, SecretObject) { replay("secret_object", secret_object); }
TEST(SyncCorpus, ControlMessage) { replay("control_message", control_message); }
TEST(SyncCorpus, HelperAnswer) { replay("helper_answer", helper_answer); }
TEST(SyncCorpus, Challenge) { replay("challenge", challenge); }
TEST(SyncCorpus, TokenAnswer) { replay("token_answer", token_answer); }
TEST(SyncCorpus, StateFile) { replay("state_file", state_file); }
TEST(SyncCorpus, Lease) { replay("lease", lease); }
TEST(SyncCorpus, FootprintConfigMap) { replay("footprint_config_map", footprint_config_map); }
TEST(SyncCorpus, Names) { replay("names", names); }

}  // namespace
}  // namespace regsync::fuzz
