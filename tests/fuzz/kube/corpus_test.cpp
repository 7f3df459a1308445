// Every input that was ever interesting, through its target again.
#include <gtest/gtest.h>

#include "tests/fuzz/kube/targets.hpp"
#include "tests/fuzz/replay.hpp"

namespace regsync::fuzz {
namespace {

TEST(KubeCorpus, Kubeconfig) { replay("kubeconfig", kubeconfig); }
TEST(KubeCorpus, ExecCredential) { replay("exec_credential", exec_credential); }
TEST(KubeCorpus, IdToken) { replay("id_token", id_token); }
TEST(KubeCorpus, Status) { replay("status", status); }
TEST(KubeCorpus, List) { replay("list", list); }
TEST(KubeCorpus, Url) { replay("url", url); }
TEST(KubeCorpus, ClusterSecret) { replay("cluster_secret", cluster_secret); }
TEST(KubeCorpus, WatchStream) { replay("watch_stream", watch_stream); }

}  // namespace
}  // namespace regsync::fuzz
