// Every input that was ever interesting, through its target again.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/fuzz/kube/targets.hpp"
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

TEST(KubeCorpus, Kubeconfig) { replay("kubeconfig", kubeconfig); }
TEST(KubeCorpus, ExecCredential) { replay("exec_credential", exec_credential); }
TEST(KubeCorpus, IdToken) { replay("id_token", id_token); }
TEST(KubeCorpus, Status) { replay("status", status); }
TEST(KubeCorpus, List) { replay("list", list); }
TEST(KubeCorpus, Url) { replay("url", url); }
TEST(KubeCorpus, WatchStream) { replay("watch_stream", watch_stream); }

}  // namespace
}  // namespace regsync::fuzz
