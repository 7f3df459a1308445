#include "tests/support/kube_server.hpp"

#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "tests/support/unpacked.hpp"
#include "tests/support/wait.hpp"

namespace regsync::test {
namespace {

// Returns after the process has ended, so that a check right afterwards does not see it running.
void kill_process(pid_t pid) {
  ::kill(pid, SIGKILL);
  wait_until([pid] { return !process_runs(pid); });
}

Outcome support(std::vector<std::string> argv) {
  argv.front() = std::string(REGSYNC_SOURCE_DIR "/tests/servers/") + argv.front();
  return run_program({.argv = std::move(argv), .env = own_environment(), .in = {}}, std::chrono::minutes(2));
}

}  // namespace

bool KubeServer::available() { return support({"kube-apiserver"}).exit_code == 0; }

KubeServer::KubeServer() : KubeServer(Options{}) {}

KubeServer::KubeServer(const Options& options) {
  std::vector<std::string> argv{"kube-up", dir().string(), "--contexts", options.contexts};
  if (options.audit) {
    argv.emplace_back("--audit");
  }
  for (const std::string& flag : options.flags) {
    argv.insert(argv.end(), {"--flag", flag});
  }
  if (const auto outcome = support(std::move(argv)); outcome.exit_code != 0) {
    throw std::runtime_error(outcome.err);
  }
}

KubeServer::~KubeServer() { support({"kube-down", dir().string()}); }

std::string KubeServer::url() const {
  auto url = read_file(dir() / "url");
  url.pop_back();
  return url;
}

std::string KubeServer::token(std::string_view user) const {
  std::istringstream lines(read_file(dir() / "tokens"));
  for (std::string line; std::getline(lines, line);) {
    const auto comma = line.find(',');
    if (line.substr(comma + 1, line.find(',', comma + 1) - comma - 1) == user) {
      return line.substr(0, comma);
    }
  }
  throw std::runtime_error("no token of user " + std::string(user));
}

std::string KubeServer::kubeconfig_of(std::string_view user, std::string_view context) const {
  const std::string name(context);
  const nlohmann::json config{
      {"apiVersion", "v1"},
      {"kind", "Config"},
      {"current-context", name},
      {"clusters",
       {{{"name", name}, {"cluster", {{"server", url()}, {"certificate-authority", (dir() / "ca.crt").string()}}}}}},
      {"users", {{{"name", name}, {"user", {{"token", token(user)}}}}}},
      {"contexts", {{{"name", name}, {"context", {{"cluster", name}, {"user", name}}}}}},
  };
  return config.dump(2);
}

void KubeServer::issue(const std::string& user, const std::filesystem::path& certificate,
                       const std::filesystem::path& key) const {
  const Outcome made = run_program({.argv = {"openssl",
                                             "req",
                                             "-x509",
                                             "-newkey",
                                             "ec",
                                             "-pkeyopt",
                                             "ec_paramgen_curve:prime256v1",
                                             "-nodes",
                                             "-CA",
                                             (dir() / "ca.crt").string(),
                                             "-CAkey",
                                             (dir() / "ca.key").string(),
                                             "-days",
                                             "1",
                                             "-subj",
                                             "/CN=" + user,
                                             "-addext",
                                             "basicConstraints=critical,CA:FALSE",
                                             "-addext",
                                             "extendedKeyUsage=clientAuth",
                                             "-keyout",
                                             key.string() + ".new",
                                             "-out",
                                             certificate.string() + ".new"},
                                    .env = own_environment(),
                                    .in = {}});
  if (made.exit_code != 0) {
    throw std::runtime_error(made.err);
  }
  std::filesystem::rename(key.string() + ".new", key);
  std::filesystem::rename(certificate.string() + ".new", certificate);
}

Outcome KubeServer::kubectl(std::vector<std::string> arguments, std::string in) const {
  auto env = sandbox(temp_);
  env["KUBECONFIG"] = kubeconfig().string();
  arguments.insert(arguments.begin(), "kubectl");
  return run_program({.argv = std::move(arguments), .env = std::move(env), .in = std::move(in)});
}

nlohmann::json KubeServer::get(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), "get");
  arguments.emplace_back("--output=json");
  const auto outcome = kubectl(std::move(arguments));
  if (outcome.exit_code != 0) {
    throw std::runtime_error(outcome.err);
  }
  return nlohmann::json::parse(outcome.out);
}

pid_t KubeServer::api_server() const { return std::stoi(read_file(dir() / "apiserver.pid")); }
pid_t KubeServer::etcd() const { return std::stoi(read_file(dir() / "etcd.pid")); }

bool KubeServer::runs() const { return process_runs(api_server()); }

void KubeServer::kill() const { kill_process(api_server()); }
void KubeServer::kill_etcd() const { kill_process(etcd()); }

void KubeServer::start_again() const {
  if (const auto outcome = support({"kube-up", dir().string(), "--again"}); outcome.exit_code != 0) {
    throw std::runtime_error(outcome.err);
  }
}

void KubeServer::compact() const {
  const auto list = nlohmann::json::parse(kubectl({"get", "--raw", "/api/v1/namespaces"}).out);
  const std::string version = list.at("metadata").at("resourceVersion");
  const auto outcome = run_program({.argv = {unpacked("etcd-client") / "usr/bin/etcdctl", "--endpoints=unix://etcd:1",
                                             "compact", "--physical", version},
                                    .env = sandbox(temp_),
                                    .in = {},
                                    .directory = dir()});
  if (outcome.exit_code != 0) {
    throw std::runtime_error(outcome.err);
  }
}

std::vector<nlohmann::json> KubeServer::audit(std::size_t from) const {
  std::vector<nlohmann::json> events;
  std::istringstream lines(read_file(dir() / "audit.log"));
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    if (number++ < from) {
      continue;
    }
    if (auto event = nlohmann::json::parse(line, nullptr, false); !event.is_discarded()) {  // the last may be partial
      events.push_back(std::move(event));
    }
  }
  return events;
}

}  // namespace regsync::test
