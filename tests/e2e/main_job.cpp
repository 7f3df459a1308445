#include "tests/e2e/main_job.hpp"

#include <random>
#include <stdexcept>

#include "sync/base/base64.hpp"

namespace regsync::test {

using namespace std::chrono_literals;
using nlohmann::json;

namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

KubeServer& kube(const std::string& context) {
  static KubeServer a(KubeServer::Options{.audit = true, .contexts = "a"});
  static KubeServer b(KubeServer::Options{.contexts = "b"});
  return context == "a" ? a : b;
}

std::optional<std::string> missing_part() {
  if (!KubeServer::available()) {
    return "no kube-apiserver";
  }
  Job job;
  const auto docker = job.run({"docker", "--version"});
  return docker.exit_code == 0 ? std::nullopt : std::optional<std::string>("no docker command");
}

Job::Job() { env["PATH"] += ":" + env["REGSYNC_CACHE"] + "/unpacked/docker.io/usr/bin"; }

void Job::set_registry_password(const std::string& password) {
  if (registry_) {
    registry_->set_password(password);
  } else {
    registry_.emplace(password);
  }
}

Outcome Job::docker_login(const std::string& password) {
  canaries().add("jdoe", password);
  return run({"docker", "login", "--username", "jdoe", "--password-stdin", registry()}, password);
}

Outcome Job::docker_logout() const { return run({"docker", "logout", registry()}); }

void Job::use_both_clusters() {
  if (!env.contains("KUBECONFIG")) {
    // Merged as kubectl merges: names that stand in both files would be those of the first.
    auto second = read_file(kube("b").kubeconfig());
    replace_all(second, "regsync-test", "regsync-test-b");
    replace_all(second, "admin", "admin-b");
    env["KUBECONFIG"] = kube("a").kubeconfig().string() + ":" + home().write("kubeconfig-b", second).string();
  }
}

json Job::status() const { return json::parse(regsync({"status", "-o", "json"}).out); }

std::map<std::string, std::string> Job::causes() const {
  std::map<std::string, std::string> causes;
  const auto report = status();
  for (const auto& row : report.at("items")) {
    if (row.contains("cause") && row["cause"].is_object()) {
      causes[row.value("context", "") + "/" + row.value("namespace", "")] = row["cause"].value("code", "");
    }
  }
  return causes;
}

std::string Job::make_namespace(const std::string& name) {
  for (const auto* context : {"a", "b"}) {
    const auto outcome = kube(context).kubectl({"create", "namespace", name});
    if (outcome.exit_code != 0) {
      throw std::runtime_error(outcome.err);
    }
  }
  return name;
}

std::optional<json> Job::secret(const std::string& context, const std::string& name_space,
                                const std::string& name) const {
  const auto outcome =
      kube(context).kubectl({"get", "secret", name, "--namespace", name_space, "--ignore-not-found", "--output=json"});
  return outcome.out.empty() ? std::nullopt : std::optional(json::parse(outcome.out));
}

std::string Job::content(const std::string& context, const std::string& name_space, const std::string& name) const {
  return pull_secret_content(secret(context, name_space, name).value_or(json::object()));
}

bool Job::everywhere(const std::vector<std::string>& places, const std::string& password) const {
  for (const auto& place : places) {
    const auto slash = place.find('/');
    if (content(place.substr(0, slash), place.substr(slash + 1)).find("\"" + password + "\"") == std::string::npos) {
      return false;
    }
  }
  return true;
}

json portable_kubeconfig(const KubeServer& server, const std::string& user) {
  json config = json::parse(server.kubeconfig_of(user, "x"));
  json& cluster = config["clusters"][0]["cluster"];
  cluster["certificate-authority-data"] =
      base64_encode(read_file(cluster.at("certificate-authority").get<std::string>()));
  cluster.erase("certificate-authority");
  return config;
}

json cluster_secret(const std::string& name_space, const std::string& name, const json& labels,
                    const KubeServer& server, const std::string& user) {
  return {{"apiVersion", "v1"},
          {"kind", "Secret"},
          {"metadata", {{"name", name}, {"namespace", name_space}, {"labels", labels}}},
          {"stringData", {{"kubeconfig", portable_kubeconfig(server, user).dump()}}}};
}

std::string login_file(const std::string& registry, const std::string& password) {
  return json{{"auths", {{registry, {{"auth", base64_encode("jdoe:" + password)}}}}}}.dump();
}

std::string pull_secret_content(const json& secret) {
  return base64_decode(secret.value("/data/.dockerconfigjson"_json_pointer, "")).value_or("");
}

std::map<std::string, int> requests_about_secrets(const KubeServer& server) {
  std::map<std::string, int> count;
  for (const json& event : server.audit()) {
    if (event.value("/objectRef/resource"_json_pointer, "") == "secrets") {
      ++count[event.at("verb").get<std::string>() + " " + event.at("user").at("username").get<std::string>()];
    }
  }
  return count;
}

std::string new_password() {
  static std::random_device random;
  std::string password = "canary-";
  for (int i = 0; i < 24; ++i) {
    password += "abcdefghijklmnopqrstuvwxyz0123456789"[random() % 36];
  }
  return password;
}

}  // namespace regsync::test
