// How long a pod waits for its login: from `docker login` to Running, on a real node, of pods that have waited in
// ImagePullBackOff for WAITED seconds (environment; 330, so that kubelet's back-off is at its longest).
//
// Two targets have the same login: one heals, the other does not. Each pod is alone in its namespace, because heal
// evicts few pods of a namespace in a minute. The bench is the controller: it makes a pod anew as soon as it is to be
// deleted. Prints both columns for RESULTS.md.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/e2e/on_a_node.hpp"

namespace regsync::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using std::chrono::steady_clock;

constexpr int pods_each = 5;

class Heal : public OnANode {
 protected:
  struct Waiting {
    std::string name_space;
    std::string pod = "app-1";
    std::chrono::duration<double> took{};
  };

  void make(const std::string& name_space, const std::string& pod) {
    make_pod(name_space, pod, {{{"name", "myregcred"}}}, {}, metadata_of_a_replica_set());
  }

  std::vector<Waiting> declare(const std::string& target, const std::string& more) {
    std::vector<Waiting> pods;
    std::string namespaces;
    for (int i = 0; i < pods_each; ++i) {
      pods.push_back({job_.make_namespace(target + "-" + std::to_string(i))});
      namespaces += (i == 0 ? "" : ", ") + pods.back().name_space;
      const auto made =
          kube("a").kubectl({"create", "serviceaccount", "default", "--namespace", pods.back().name_space});
      EXPECT_EQ(made.exit_code, 0) << made.err;
      make(pods.back().name_space, pods.back().pod);
    }
    job_.home().write(".config/regsync/targets/" + target + ".yaml", "secret: myregcred\nregistries: [\"" +
                                                                         job_.registry() + "\"]\ncontexts: [a]\n" +
                                                                         "namespaces: [" + namespaces + "]\n" + more);
    return pods;
  }

  // Looks once at a pod; the controller's part included.
  void follow(Waiting& waiting, steady_clock::time_point begin) {
    const auto pods = kube("a").get({"pods", "--namespace", waiting.name_space}).value("items", json::array());
    const bool leaves =
        std::ranges::all_of(pods, [](const json& pod) { return pod.at("metadata").contains("deletionTimestamp"); });
    if (leaves) {
      waiting.pod = "app-2";
      make(waiting.name_space, waiting.pod);
    } else if (runs(waiting.name_space, waiting.pod)) {
      waiting.took = steady_clock::now() - begin;
    }
  }
};

std::string row(const char* what, std::vector<double> seconds) {
  std::ranges::sort(seconds);
  const auto text = [](double value) { return std::to_string(std::lround(value)) + " s"; };
  return std::string("| ") + what + " | " + text(seconds[seconds.size() / 2]) + " | " + text(seconds.front()) + " to " +
         text(seconds.back()) + " |\n";
}

TEST_F(Heal, FromTheLoginToARunningPod) {
  const char* given = std::getenv("WAITED");
  const std::chrono::seconds waited(given == nullptr ? 330 : std::stoi(given));
  node_.emplace(kube("a"));
  const std::string password = new_password();
  job_.set_registry_password(password);
  job_.push("team/app:1", node_->image());
  job_.use_both_clusters();
  job_.start_daemon();
  std::map<std::string, std::vector<Waiting>> pods;
  pods["heal: evict"] = declare("healed", "heal: evict\n");
  pods["heal: none"] = declare("alone", "");
  for (auto& [how, each] : pods) {
    for (Waiting& one : each) {
      ASSERT_TRUE(wait_until([&] { return waiting(one.name_space, one.pod) == "ImagePullBackOff"; }, 2min));
    }
  }
  std::this_thread::sleep_for(waited);
  const auto begin = steady_clock::now();
  ASSERT_EQ(job_.docker_login(password).exit_code, 0);
  EXPECT_TRUE(wait_until(
      [&] {
        bool all = true;
        for (auto& [how, each] : pods) {
          for (Waiting& one : each) {
            if (one.took == std::chrono::duration<double>()) {
              follow(one, begin);
              all = false;
            }
          }
        }
        return all;
      },
      8min));
  std::cout << "Pods that waited for " << waited.count() << " s:\n| | median | all " << pods_each
            << " |\n|---|---|---|\n";
  for (const auto& [how, each] : pods) {
    std::vector<double> seconds;
    for (const Waiting& one : each) {
      seconds.push_back(one.took.count());
    }
    std::cout << row(how.c_str(), std::move(seconds));
  }
}

}  // namespace
}  // namespace regsync::test
