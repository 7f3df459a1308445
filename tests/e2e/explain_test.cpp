// regsync explain against the verdicts of a real kubelet.
#include <gmock/gmock.h>

#include <map>
#include <vector>

#include "sync/base/base64.hpp"
#include "sync/model/pull_cause.hpp"
#include "tests/e2e/on_a_node.hpp"

namespace regsync::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr const char* config_json = "kubernetes.io/dockerconfigjson";

json named(const std::string& name) { return {{{"name", name}}}; }

class ExplainOnANode : public OnANode {
 protected:
  void begin(const std::string& name_space) {
    node_.emplace(kube("a"));
    log_in();
    job_.push("team/app:1", node_->image());
    job_.push("other/app:1", node_->image());
    job_.use_both_clusters();
    team_ = job_.make_namespace(name_space);
    make({{"kind", "ServiceAccount"}, {"metadata", {{"name", "default"}}}});
  }

  void make(json object, const std::string& verb = "create") const {
    object["apiVersion"] = "v1";
    const auto made = kube("a").kubectl({verb, "--namespace", team_, "--filename=-"}, object.dump());
    ASSERT_EQ(made.exit_code, 0) << made.err;
  }

  void make_secret(const std::string& name, const std::string& content, const std::string& type = config_json) const {
    const char* key = type == "kubernetes.io/dockercfg" ? ".dockercfg" : ".dockerconfigjson";
    make({{"kind", "Secret"},
          {"metadata", {{"name", name}}},
          {"type", type},
          {"data", {{key, base64_encode(content)}}}});
  }

  [[nodiscard]] std::string auth(const std::string& password) const { return base64_encode("jdoe:" + password); }
  [[nodiscard]] std::string auths(const json& entries) const { return json{{"auths", entries}}.dump(); }

  // The pods of the namespace that have a verdict: "" for those that run, else why they wait.
  [[nodiscard]] std::map<std::string, std::string> verdicts() const {
    std::map<std::string, std::string> verdicts;
    const json pods = kube("a").get({"pods", "--namespace", team_}).at("items");
    for (const json& object : pods) {
      const auto pod = read_pod(object);
      if (pod && !pod->failures.empty()) {
        verdicts[pod->name] = pod->failures.front().reason;
      } else if (pod && pod->started) {
        verdicts[pod->name] = "";
      }
    }
    return verdicts;
  }

  // What explain says of each pod that fails.
  [[nodiscard]] std::map<std::string, json> explained() const {
    const auto outcome = job_.regsync({"explain", "--context", "a", "-n", team_, "-o", "json"});
    std::map<std::string, json> explained;
    const json answer = json::parse(outcome.out, nullptr, false);
    EXPECT_TRUE(answer.is_object()) << outcome.out << outcome.err;
    for (const json& row : answer.value("items", json::array())) {
      explained[row.at("pod")] = row;
    }
    EXPECT_EQ(outcome.out.find(password_), std::string::npos);
    return explained;
  }

  std::string team_;
};

// Every spelling of an entry, with both images: kubelet pulls exactly where our reading of its rules says so, and what
// it does not pull has a cause.
TEST_F(ExplainOnANode, KubeletPullsExactlyWhatItsRulesSay) {
  begin("explain-pairs");
  const std::string registry = job_.registry();
  const std::string port = registry.substr(registry.rfind(':'));
  const json good{{"auth", auth(password_)}};
  std::vector<std::pair<std::string, std::string>> contents;  // with their types
  for (const std::string& key :
       {registry, "http://" + registry, "https://" + registry + "/v1/", "https://" + registry + "/v2/",
        "https://" + registry + "/v2", registry + "/", registry + "/team", registry + "/te", registry + "/other",
        std::string("127.0.0.1"), std::string("127.0.0.1:1"), "*.0.0.1" + port, "127.*.*.1" + port, "*" + port,
        "12[0-9].0.0.1" + port, "localhost" + port, std::string("ghcr.io")}) {
    contents.emplace_back(auths({{key, good}}), config_json);
  }
  std::string unpadded = auth(password_);
  unpadded.erase(unpadded.find_last_not_of('=') + 1);
  contents.emplace_back(auths({{registry, {{"auth", unpadded}}}}), config_json);
  contents.emplace_back(auths({{registry, {{"username", "jdoe"}, {"password", password_}}}}), config_json);
  contents.emplace_back(auths({{registry, {{"username", "x"}, {"password", "y"}, {"auth", auth(password_)}}}}),
                        config_json);
  contents.emplace_back(auths({{registry, good}, {"x", {{"auth", "!!"}}}}), config_json);
  contents.emplace_back(auths({{registry, good}, {"x", {{"auth", base64_encode("no colon")}}}}), config_json);
  contents.emplace_back(auths({{registry, good}, {"x", nullptr}}), config_json);
  contents.emplace_back(auths({{registry, good}, {"x", {{"email", 1}}}}), config_json);
  contents.emplace_back(auths({{registry + "/team", {{"auth", auth("wrong")}}}, {registry, good}}), config_json);
  contents.emplace_back(json{{"AUTHS", {{registry, {{"Auth", auth(password_)}}}}}}.dump(), config_json);
  contents.emplace_back(auths(nullptr), config_json);
  contents.emplace_back(json{{registry, good}}.dump(), "kubernetes.io/dockercfg");
  contents.emplace_back(auths({{registry, good}}), "Opaque");

  std::map<std::string, bool> pulls;
  std::map<std::string, std::string> made_of;
  for (std::size_t i = 0; i < contents.size(); ++i) {
    const auto& [content, type] = contents[i];
    const std::string secret = "s" + std::to_string(i);
    make_secret(secret, content, type);
    for (const std::string& repository : {std::string("team"), std::string("other")}) {
      const std::string pod = secret + "-" + repository;
      const std::string image = registry + "/" + repository + "/app:1";
      make_pod(team_, pod, named(secret), image);
      const char* key = type == "kubernetes.io/dockercfg" ? ".dockercfg" : ".dockerconfigjson";
      const std::vector<PullSecret> read{
          read_pull_secret(secret, {{"type", type}, {"data", {{key, base64_encode(content)}}}})};
      const PullLookup lookup = look_up(read, parse_image(image));
      pulls[pod] = lookup.malformed.empty() && std::ranges::any_of(lookup.offered, [&](const KubeletEntry* entry) {
                     return entry->password.reveal() == password_;
                   });
      made_of[pod] = type + " " + content;
    }
  }
  EXPECT_TRUE(wait_until([&] { return verdicts().size() == pulls.size(); }, 5min));
  const auto said = explained();
  for (const auto& [pod, verdict] : verdicts()) {
    EXPECT_EQ(verdict.empty(), pulls.at(pod)) << pod << " " << verdict << " " << made_of.at(pod);
    EXPECT_EQ(said.contains(pod), !verdict.empty()) << pod << " " << made_of.at(pod);
    if (said.contains(pod)) {
      EXPECT_NE(said.at(pod).at("cause"), "Pullable") << pod << " " << made_of.at(pod);
      EXPECT_NE(said.at(pod).at("cause"), "Other") << pod << " " << made_of.at(pod);
    }
  }
}

TEST_F(ExplainOnANode, NamesEveryCauseAndTheRemediesWork) {
  begin("explain-causes");
  const std::string registry = job_.registry();
  make_secret("good", auths({{registry, {{"auth", auth(password_)}}}, {"127.0.0.1:1", {{"auth", auth("x")}}}}));
  make_secret("denied", auths({{registry, {{"auth", auth("wrong")}}}}));
  make_secret("elsewhere", auths({{"127.0.0.1:1", {{"auth", auth(password_)}}}}));
  make_secret("malformed", auths({{registry, {{"auth", auth(password_)}}}, {"x", {{"auth", "!!"}}}}));
  make_secret("opaque", auths({{registry, {{"auth", auth(password_)}}}}), "Opaque");
  const std::map<std::string, std::pair<json, std::string>> pods = {
      {"older-than-service-account", {json::array(), ""}},
      {"secret-missing", {named("nowhere"), ""}},
      {"secret-wrong-type", {named("opaque"), ""}},
      {"secret-malformed", {json{{{"name", "good"}}, {{"name", "malformed"}}}, ""}},
      {"no-matching-entry", {named("elsewhere"), ""}},
      {"login-denied", {named("denied"), ""}},
      {"no-such-image", {named("good"), registry + "/team/app:2"}},
      {"registry-unreachable", {named("good"), "127.0.0.1:1/team/app:1"}},
      {"invalid-image", {named("good"), registry + "/Team/App:1"}},
  };
  for (const auto& [name, pod] : pods) {
    make_pod(team_, name, pod.first, pod.second);
  }
  make_pod(team_, "never-pulled", named("good"), registry + "/team/app:3", json::object(), "Never");
  EXPECT_TRUE(wait_until([&] { return verdicts().size() == pods.size() + 1; }, 3min));
  EXPECT_EQ(explained()["older-than-service-account"]["cause"], "NoPullSecret");
  make({{"kind", "ServiceAccount"}, {"metadata", {{"name", "default"}}}, {"imagePullSecrets", named("good")}},
       "replace");

  const auto said = explained();
  EXPECT_EQ(said.size(), pods.size() + 1);
  for (const auto& [name, row] : said) {
    std::string cause = row.at("cause");  // "NoMatchingEntry" for "no-matching-entry"
    std::string words;
    for (const char c : cause) {
      const bool upper = c >= 'A' && c <= 'Z';
      words += upper && !words.empty() ? "-" : "";
      words += static_cast<char>(upper ? c - 'A' + 'a' : c);
    }
    EXPECT_EQ(words, name) << row.dump(2);
  }

  // The commands, as a person copies them.
  job_.start_daemon();
  for (const char* name :
       {"secret-missing", "login-denied", "no-matching-entry", "secret-malformed", "secret-wrong-type"}) {
    std::string line = said.at(name).at("remedy");
    for (const std::string_view words : {"write it again: ", "log in, and let regsync keep the Secret: "}) {
      line = line.starts_with(words) ? line.substr(words.size()) : line;
    }
    if (line.starts_with("docker login")) {  // the person is logged in already
      line = line.substr(line.find("&& ") + 3);
    }
    const auto done = job_.run({"sh", "-c", line});
    EXPECT_EQ(done.exit_code, 0) << line << "\n" << done.out << done.err;
  }
  // No ServiceAccount admission runs here: the pod that is made anew names the Secret itself.
  for (const char* name :
       {"secret-missing", "login-denied", "no-matching-entry", "secret-malformed", "secret-wrong-type"}) {
    EXPECT_TRUE(wait_until([&] { return runs(team_, name); }, 3min)) << name << pod_status(team_, name).dump(2);
  }
}

}  // namespace
}  // namespace regsync::test
