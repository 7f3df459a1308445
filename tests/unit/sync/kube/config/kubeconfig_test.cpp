// Each rule of a kubeconfig has a file in kubeconfig/; kubectl reads the same file and is the judge.
#include "sync/kube/config/kubeconfig.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "sync/base/base64.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait.hpp"

namespace regsync::kube {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using nlohmann::literals::operator""_json_pointer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

// A folder with the files that the cases name, and a case copied into it.
class Folder {
 public:
  Folder() : environment_(test::sandbox(dir_)) {
    const test::Outcome made =
        test::run_program({.argv = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=test",
                                    "-keyout", (dir_ / "client.key").string(), "-out", (dir_ / "client.crt").string()},
                           .env = environment_,
                           .in = {}});
    EXPECT_EQ(made.exit_code, 0) << made.err;
    key_ = test::read_file(dir_ / "client.key");
    certificate_ = test::read_file(dir_ / "client.crt");
    dir_.write("ca.crt", certificate_);
    dir_.write("sub/client.key", key_);
    dir_.write("token", "  from-the-file\n");
    fs::permissions(dir_.write("sub/plugin", "#!/bin/sh\nexit 1\n"), fs::perms::owner_all);
  }

  fs::path take(const std::string& name) const {
    std::string text = test::read_file(fs::path(REGSYNC_KUBECONFIGS) / (name + ".yaml"));
    text = replaced(text, "@CA@", base64_encode(certificate_));
    text = replaced(text, "@BROKEN_CA@",
                    base64_encode("-----BEGIN CERTIFICATE-----\nAAAA\n"
                                  "-----END CERTIFICATE-----\n" +
                                  certificate_));
    text = replaced(text, "@CERT@", base64_encode(certificate_));
    text = replaced(text, "@KEY@", base64_encode(key_));
    return dir_.write(name + ".yaml", text);
  }

  test::Outcome kubectl(const fs::path& config, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"kubectl", "--kubeconfig", config.string()});
    return test::run_program({.argv = std::move(arguments), .env = environment_, .in = {}});
  }
  test::Outcome kubectl_with(const std::string& variable, std::vector<std::string> arguments) const {
    test::Environment environment = environment_;
    environment["KUBECONFIG"] = variable;
    arguments.insert(arguments.begin(), "kubectl");
    return test::run_program({.argv = std::move(arguments), .env = environment, .in = {}});
  }
  [[nodiscard]] bool has_kubectl() const {
    return test::run_program({.argv = {"kubectl", "version", "--client"}, .env = environment_, .in = {}}).exit_code ==
           0;
  }

  [[nodiscard]] const test::TempDir& dir() const { return dir_; }

 private:
  test::TempDir dir_;
  test::Environment environment_;
  std::string key_;
  std::string certificate_;
};

const Folder& shared_folder() {
  static const Folder folder;
  return folder;
}

struct Case {
  const char* file;
  const char* message;  // what our refusal says; empty: it is taken
  bool kubectl_takes;
};

void PrintTo(const Case& given, std::ostream* out) { *out << given.file; }

class KubeconfigCase : public ::testing::TestWithParam<Case> {};

std::optional<Error> refusal(const fs::path& config) {
  try {
    static_cast<void>(Kubeconfig::load(config).resolve("x"));
    return std::nullopt;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kubeconfig);
    EXPECT_FALSE(error.remedy().empty());
    return error;
  }
}

TEST_P(KubeconfigCase, IsTakenOrRefused) {
  const Folder& folder = shared_folder();
  const auto error = refusal(folder.take(GetParam().file));
  if (std::string_view(GetParam().message).empty()) {
    EXPECT_FALSE(error) << describe(*error);
  } else {
    ASSERT_TRUE(error);
    EXPECT_THAT(error->message(), HasSubstr(GetParam().message));
  }
}

// kubectl refuses a context before it connects; where it takes one, nothing listens at port 1.
TEST_P(KubeconfigCase, KubectlDoesTheSame) {
  const Folder& folder = shared_folder();
  if (!folder.has_kubectl()) {
    SKIP_OR_FAIL("no kubectl");
  }
  const auto config = folder.take(GetParam().file);
  const test::Outcome outcome =
      folder.kubectl(config, {"--context", "x", "get", "--raw", "/version", "--request-timeout=5s"});
  const auto says = [&](const char* text) { return outcome.err.find(text) != std::string::npos; };
  // "EOF": it took the context, and asks for a user name on its terminal.
  const bool took = says("connection refused") || says(":1 was refused") || says("getting credentials") ||
                    says("i/o timeout") || says("deadline exceeded") || says("unreachable") ||
                    outcome.err == "error: EOF\n";
  EXPECT_EQ(took, GetParam().kubectl_takes) << outcome.err;
}

// The values that a client needs, as kubectl sees them with every file read in.
TEST_P(KubeconfigCase, ValuesAreThoseOfKubectl) {
  const Folder& folder = shared_folder();
  const auto config = folder.take(GetParam().file);
  if (refusal(config) || !GetParam().kubectl_takes) {
    return;
  }
  if (!folder.has_kubectl()) {
    SKIP_OR_FAIL("no kubectl");
  }
  const test::Outcome outcome =
      folder.kubectl(config, {"--context", "x", "config", "view", "--raw", "--flatten", "--minify", "-o", "json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const json view = json::parse(outcome.out);
  const json cluster = view.at("clusters").at(0).at("cluster");
  const json user = view.at("users").is_null() ? json::object() : view.at("users").at(0).at("user");
  const ResolvedContext ours = Kubeconfig::load(config).resolve("x");
  const auto content = [](const std::string& data, const std::string& file) {
    return file.empty() ? data : test::read_file(file);
  };
  const auto absolute = [&](const std::string& path) {
    return path.empty() ? path : (config.parent_path() / path).lexically_normal().string();
  };
  const auto decoded = [](const json& object, const char* key) { return *base64_decode(object.value(key, "")); };
  EXPECT_EQ(content(ours.ca_data, ours.ca_file), decoded(cluster, "certificate-authority-data"));
  EXPECT_EQ(ours.tls_server_name, cluster.value("tls-server-name", ""));
  EXPECT_EQ(ours.insecure_skip_tls_verify, cluster.value("insecure-skip-tls-verify", false));
  EXPECT_EQ(ours.proxy_url, cluster.value("proxy-url", ""));
  EXPECT_EQ(ours.disable_compression, cluster.value("disable-compression", false));
  EXPECT_EQ(ours.default_namespace, view.at("contexts").at(0).at("context").value("namespace", "default"));
  if (ours.server.starts_with("http://")) {
    return;  // no credentials
  }
  EXPECT_EQ(content(ours.client_certificate_data, ours.client_certificate_file),
            decoded(user, "client-certificate-data"));
  EXPECT_EQ(content(std::string(ours.client_key_data.reveal()), ours.client_key_file),
            decoded(user, "client-key-data"));
  const std::string id_token = json(user).value("/auth-provider/config/id-token"_json_pointer, "");
  EXPECT_EQ(ours.token.reveal(), user.value("token", id_token));
  EXPECT_EQ(ours.token_file, absolute(user.value("tokenFile", "")));
  EXPECT_EQ(ours.username, user.value("username", ""));
  EXPECT_EQ(ours.password.reveal(), user.value("password", ""));
  EXPECT_EQ(ours.impersonation.user, user.value("as", ""));
  EXPECT_EQ(ours.impersonation.uid, user.value("as-uid", ""));
  EXPECT_EQ(ours.impersonation.groups, user.value("as-groups", std::vector<std::string>()));
  EXPECT_EQ(ours.impersonation.extra, user.value("as-user-extra", std::map<std::string, std::vector<std::string>>()));
  if (user.contains("exec")) {
    const json& exec = user.at("exec");
    EXPECT_EQ(ours.exec->command, absolute(exec.at("command").get<std::string>()));
    EXPECT_EQ(ours.exec->api_version, exec.at("apiVersion").get<std::string>());
    EXPECT_EQ(ours.exec->interactive_mode, exec.value("interactiveMode", ""));
    EXPECT_EQ(ours.exec->args,
              exec.at("args").is_null() ? std::vector<std::string>() : exec.at("args").get<std::vector<std::string>>());
    EXPECT_EQ(ours.exec->provide_cluster_info, exec.value("provideClusterInfo", false));
    EXPECT_EQ(ours.exec->install_hint, exec.value("installHint", ""));
  }
}

// Where kubectl takes what we refuse: an unknown user would make it anonymous, which no pull secret is meant for; plain
// http and passwords in URLs would show them; an id-token that is missing is kubectl's to get, as it writes the file.
INSTANTIATE_TEST_SUITE_P(
    Files, KubeconfigCase,
    ::testing::Values(
        Case{"token", "", true}, Case{"namespace", "", true}, Case{"odd-namespace", "", true},
        Case{"path-as-namespace", "can be no part of a URL", true},
        Case{"no-server", "no server found for cluster \"c\"", false}, Case{"trailing-slash", "", true},
        Case{"scheme-in-capitals", "", true}, Case{"server-with-query", "", true},
        Case{"server-mapped-address", "", true}, Case{"server-blank-in-path", "", true},
        Case{"server-trailing-blank", "contains a space", false},
        Case{"server-with-password", "has a user name or password in its URL", true},
        Case{"server-plain-http-elsewhere", "over plain http", true},
        Case{"server-plain-http-through-proxy", "through its proxy-url, which is not on this machine", true},
        Case{"server-other-scheme", "must be an http or https URL", false}, Case{"host-port-with-ca", "", true},
        Case{"host-port-with-slash", "", true}, Case{"host-port-plain", "", true},
        Case{"plain-http-drops-credentials", "", true},
        Case{"host-port-with-path", "must be a URL or a host:port pair", false}, Case{"ca-file", "", true},
        Case{"ca-data", "", true}, Case{"ca-first-block-broken", "", true},
        Case{"ca-file-and-data", "both specified", false},
        Case{"ca-missing", "unable to read certificate-authority", false},
        Case{"ca-and-insecure", "not allowed", false},
        Case{"ca-data-not-base64", "certificate-authority-data is not valid base64", false}, Case{"insecure", "", true},
        Case{"insecure-tagged", "", true}, Case{"ca-data-lines", "", true}, Case{"token-binary", "", true},
        Case{"insecure-as-text", "insecure-skip-tls-verify must be true or false", false},
        Case{"tls-server-name", "", true}, Case{"proxy-http", "", true}, Case{"proxy-socks5", "", true},
        Case{"proxy-in-capitals", "", true}, Case{"null-entry", "", true}, Case{"second-document", "", true},
        Case{"key-twice", "", true}, Case{"insecure-yes", "", true},
        Case{"name-is-a-number", "name must be a string", false}, Case{"exec-null-lists", "", true},
        Case{"exec-env-null", "env variable name must be specified", false},
        Case{"proxy-bad-port", "http, https or socks5", false},
        Case{"proxy-trailing-blank", "http, https or socks5", false}, Case{"proxy-ftp", "http, https or socks5", false},
        Case{"proxy-without-scheme", "http, https or socks5", false}, Case{"disable-compression", "", true},
        Case{"cert-files", "", true}, Case{"cert-data", "", true}, Case{"cert-file-key-data", "", true},
        Case{"cert-file-and-data", "both specified", false}, Case{"key-file-and-data", "both specified", false},
        Case{"cert-without-key", "client-key must be specified", false},
        Case{"cert-missing", "unable to read client-certificate", false},
        Case{"key-missing", "unable to read client-key", false}, Case{"token-file", "", true},
        Case{"token-file-missing", "unable to read tokenFile", false},
        Case{"token-beside-token-file-missing", "", true}, Case{"token-is-a-number", "token must be a string", false},
        Case{"basic", "", true}, Case{"token-and-basic", "only one is allowed", false}, Case{"impersonation", "", true},
        Case{"token-file-and-basic", "only one is allowed", false}, Case{"groups-with-null", "", true},
        Case{"groups-without-as", "without as", false},
        Case{"auth-provider", "gke-gcloud-auth-plugin replaces it", false},
        Case{"auth-provider-azure", "kubelogin replaces it", false},
        Case{"auth-provider-unknown", "unknown auth-provider \"openstack\"", false},
        Case{"auth-provider-oidc", "", true}, Case{"auth-provider-oidc-expired", "", false},
        Case{"auth-provider-oidc-without-token", "has no id-token", true},
        Case{"auth-provider-oidc-without-refresh", "and no refresh-token to get one with", false},
        Case{"auth-provider-oidc-without-issuer", "Must provide idp-issuer-url", false},
        Case{"auth-provider-oidc-without-client", "Must provide client-id", false},
        Case{"plain-http-unusable-token-file", "", true}, Case{"plain-http-unusable-provider", "", true},
        Case{"plain-http-cert-missing", "unable to read client-certificate", false},
        Case{"server-ipv4-in-brackets", "", true}, Case{"proxy-user-with-at", "", true},
        Case{"auth-provider-oidc-no-jwt", "is not a JSON Web Token", false},
        Case{"auth-provider-beside-token", "", true}, Case{"auth-provider-token-alone", "", true},
        Case{"auth-provider-oidc-without-expiry", "", false}, Case{"auth-provider-and-exec", "both specified", false},
        Case{"exec-v1", "", true}, Case{"exec-v1beta1", "", true}, Case{"exec-relative", "", true},
        Case{"exec-v1-without-mode", "interactiveMode must be specified", false},
        Case{"exec-bad-mode", "invalid interactiveMode", false}, Case{"exec-v1alpha1", "invalid apiVersion", false},
        Case{"exec-without-command", "command must be specified", false},
        Case{"exec-without-version", "apiVersion must be specified", false},
        Case{"exec-env-without-name", "env variable name must be specified", false},
        Case{"unknown-cluster", "cluster \"nowhere\" was not found", false},
        Case{"unknown-user", "user \"nobody\" was not found", true},
        Case{"no-cluster", "cluster was not specified", false}, Case{"no-user", "", true},
        Case{"unknown-fields", "", true}, Case{"null-lists", "context was not found for specified context: x", false},
        Case{"duplicate-name", "duplicate name in list", false}, Case{"wrong-kind", "no kind \"Secret\"", false},
        Case{"wrong-version", "for version \"v2\"", false}, Case{"without-kind", "", true},
        Case{"list-is-a-map", "clusters must be a list", false}, Case{"not-a-map", "it is not a map", false},
        Case{"half-written", "error loading config file", false}, Case{"tabs", "error loading config file", false},
        Case{"empty", "context was not found", false}, Case{"only-comments", "context was not found", false},
        Case{"json", "", true}, Case{"anchors", "", true}, Case{"merge-after", "", true}, Case{"merge-twice", "", true},
        Case{"merge-of-text", "map merge requires map", false}, Case{"alias-bomb", "too deep or too large", false}),
    [](const auto& of) { return replaced(of.param.file, "-", "_"); });

class KubeconfigFiles : public ::testing::Test {
 protected:
  void TearDown() override {
    ::unsetenv("KUBECONFIG");
    ::unsetenv("KUBERNETES_SERVICE_HOST");
    ::unsetenv("KUBERNETES_SERVICE_PORT");
    ::unsetenv("POD_NAMESPACE");
  }

  fs::path write(const std::string& name, const std::string& current,
                 const std::vector<std::pair<std::string, std::string>>& servers) {
    json config = {{"clusters", json::array()},
                   {"users", json::array()},
                   {"contexts", json::array()},
                   {"current-context", current}};
    for (const auto& [context, server] : servers) {
      config["clusters"].push_back({{"name", context}, {"cluster", {{"server", server}}}});
      config["contexts"].push_back({{"name", context}, {"context", {{"cluster", context}}}});
    }
    return folder_.dir().write(name, config.dump());
  }

  const Folder& folder_ = shared_folder();
};

TEST_F(KubeconfigFiles, TheFirstToDefineAnEntryWinsIt) {
  const auto a = write("a", "", {{"one", "https://a:1"}});
  const auto b = write("b", "two", {{"one", "https://b:1"}, {"two", "https://b:2"}});
  const std::string list =
      a.string() + ":" + (folder_.dir() / "missing").string() + "::" + b.string() + ":" + a.string();
  ::setenv("KUBECONFIG", list.c_str(), 1);
  const Kubeconfig config = Kubeconfig::load();
  EXPECT_THAT(config.contexts(), ElementsAre("one", "two"));
  EXPECT_EQ(config.current_context(), "two");
  EXPECT_EQ(config.resolve("one").server, "https://a:1");
  if (!folder_.has_kubectl()) {
    SKIP_OR_FAIL("no kubectl");
  }
  const json view = json::parse(folder_.kubectl_with(list, {"config", "view", "--raw", "-o", "json"}).out);
  EXPECT_EQ(view.at("current-context").get<std::string>(), config.current_context());
  for (const json& cluster : view.at("clusters")) {
    EXPECT_EQ(config.resolve(cluster.at("name").get<std::string>()).server,
              cluster.at("cluster").at("server").get<std::string>());
  }
}

TEST_F(KubeconfigFiles, AnExplicitPathIsNotMergedAndMustExist) {
  const auto a = write("a", "", {{"one", "https://a:1"}});
  ::setenv("KUBECONFIG", write("b", "", {{"two", "https://b:2"}}).c_str(), 1);
  EXPECT_THAT(Kubeconfig::load(a).contexts(), ElementsAre("one"));
  EXPECT_THROW(Kubeconfig::load(folder_.dir() / "missing"), Error);
}

TEST_F(KubeconfigFiles, OneThatCannotBeReadIsNamed) {
  const auto bad = folder_.dir().write("bad", "clusters: {");
  ::setenv("KUBECONFIG", (write("a", "", {{"one", "https://a:1"}}).string() + ":" + bad.string()).c_str(), 1);
  try {
    Kubeconfig::load();
    FAIL() << "taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("error loading config file " + bad.string()));
    EXPECT_THAT(error.message(), HasSubstr("line "));
  }
}

TEST_F(KubeconfigFiles, RelativePathsBelongToTheFileThatNamesThem) {
  const Kubeconfig config = Kubeconfig::load(folder_.take("cert-files"));
  const ResolvedContext context = config.resolve("x");
  EXPECT_EQ(context.client_key_file, (folder_.dir() / "sub/client.key").string());
  EXPECT_EQ(Kubeconfig::load(folder_.take("exec-relative")).resolve("x").exec->command,
            (folder_.dir() / "sub/plugin").string());
}

TEST_F(KubeconfigFiles, OneBadContextLeavesTheOthers) {
  const auto path = folder_.take("unknown-cluster");
  ::setenv("KUBECONFIG", (path.string() + ":" + write("good", "", {{"good", "https://good:1"}}).string()).c_str(), 1);
  const Kubeconfig config = Kubeconfig::load();
  EXPECT_THROW(static_cast<void>(config.resolve("x")), Error);
  EXPECT_EQ(config.resolve("good").server, "https://good:1");
}

TEST_F(KubeconfigFiles, ServersWithoutASchemeGetTheirs) {
  EXPECT_EQ(Kubeconfig::load(folder_.take("host-port-with-ca")).resolve("x").server, "https://127.0.0.1:1");
  EXPECT_EQ(Kubeconfig::load(folder_.take("host-port-plain")).resolve("x").server, "http://127.0.0.1:1");
  EXPECT_EQ(Kubeconfig::load(folder_.take("trailing-slash")).resolve("x").server, "https://127.0.0.1:1/prefix");
}

TEST_F(KubeconfigFiles, ServersHaveOneSpelling) {
  for (const char* name : {"scheme-in-capitals", "server-with-query", "server-mapped-address"}) {
    EXPECT_EQ(Kubeconfig::load(folder_.take(name)).resolve("x").server, "https://127.0.0.1:1") << name;
  }
}

TEST_F(KubeconfigFiles, TheAddressOfAContextIsThatWhichItIsResolvedTo) {
  for (const char* name : {"scheme-in-capitals", "server-with-query", "trailing-slash", "host-port-with-ca",
                           "host-port-plain", "server-blank-in-path"}) {
    const auto config = Kubeconfig::load(folder_.take(name));
    EXPECT_EQ(config.server("x"), config.resolve("x").server) << name;
  }
  EXPECT_EQ(Kubeconfig::load(folder_.take("unknown-user")).server("x"), "https://127.0.0.1:1") << "it throws";
  EXPECT_EQ(Kubeconfig::load(folder_.take("token")).server("nowhere"), "");
}

// A Secret of a hub has up to 1 MiB of them, and they are written to files of ours.
TEST_F(KubeconfigFiles, AnAddressOrANamespaceWithoutMeasureIsRefused) {
  const std::string text = test::read_file(folder_.take("token"));
  const auto refused = [&](const std::string& from, const std::string& to) {
    return refusal(folder_.dir().write("long.yaml", replaced(text, from, to))).has_value();
  };
  EXPECT_FALSE(refused("https://127.0.0.1:1", "https://127.0.0.1:1/" + std::string(2000, 'a')));
  EXPECT_TRUE(refused("https://127.0.0.1:1", "https://127.0.0.1:1/" + std::string(2100, 'a')));
  EXPECT_FALSE(refused("user: ", "namespace: " + std::string(253, 'a') + ", user: "));
  EXPECT_TRUE(refused("user: ", "namespace: " + std::string(254, 'a') + ", user: "));
}

TEST_F(KubeconfigFiles, APasswordInAUrlIsNotQuoted) {
  const std::string text = test::read_file(folder_.take("server-with-password"));
  for (const char* server : {"https://jdoe:hunter2@127.0.0.1:1", "'https://jdoe:hunter2@127.0.0.1:1 '",
                             R"("https://jdoe:hunter2@127.0.0.1:1\n")", "jdoe:hunter2@127.0.0.1:1/k8s"}) {
    const auto error =
        refusal(folder_.dir().write("spelling.yaml", replaced(text, "https://jdoe:hunter2@127.0.0.1:1", server)));
    ASSERT_TRUE(error) << server;
    EXPECT_EQ(error->message().find("hunter2"), std::string::npos) << error->message();
  }
}

TEST_F(KubeconfigFiles, AnIdTokenIsTheTokenUntilItExpires) {
  const ResolvedContext context = Kubeconfig::load(folder_.take("auth-provider-oidc")).resolve("x");
  EXPECT_FALSE(context.token.empty());
  EXPECT_EQ(context.token_expires, std::chrono::system_clock::from_time_t(4102444800));
  EXPECT_FALSE(Kubeconfig::load(folder_.take("auth-provider-beside-token")).resolve("x").token_expires);
  EXPECT_EQ(Kubeconfig::load(folder_.take("auth-provider-oidc-without-expiry")).resolve("x").token_expires,
            std::chrono::system_clock::time_point())
      << "long ago";
}

// As editors on Windows write it.
TEST_F(KubeconfigFiles, AByteOrderMarkAndCarriageReturnsAreNoPartOfIt) {
  const std::string text = test::read_file(folder_.take("token"));
  for (const auto& spelling : {"\xEF\xBB\xBF" + text, replaced(text, "\n", "\r\n"),
                               "\xEF\xBB\xBF" + replaced(text, "\n", "\r\n"), "---\n" + text + "...\n"}) {
    const auto config = folder_.dir().write("spelling.yaml", spelling);
    EXPECT_EQ(Kubeconfig::load(config).resolve("x").token.reveal(), "t");
    if (folder_.has_kubectl()) {
      EXPECT_EQ(folder_.kubectl(config, {"--context", "x", "config", "view", "--minify"}).exit_code, 0);
    }
  }
}

TEST_F(KubeconfigFiles, FilesThatAreMissingAreNamed) {
  const std::string missing = (folder_.dir() / "missing").string();
  const auto message_with = [](const std::string& variable) {
    ::setenv("KUBECONFIG", variable.c_str(), 1);
    try {
      static_cast<void>(Kubeconfig::load().resolve("nowhere"));
    } catch (const Error& error) {
      return error.message();
    }
    return std::string("taken");
  };
  EXPECT_THAT(message_with(missing), HasSubstr("KUBECONFIG=" + missing + " (which does not exist)"));
  const std::string there = write("a", "", {{"one", "https://a:1"}}).string();
  EXPECT_THAT(message_with(there + ":" + missing),
              HasSubstr("KUBECONFIG=" + there + ":" + missing + " (" + missing + " does not exist)"));
  EXPECT_EQ(Kubeconfig::load(there).source(), there);
}

TEST_F(KubeconfigFiles, AFifoIsNotWaitedFor) {
  const auto fifo = folder_.dir() / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_THROW(Kubeconfig::load(fifo), Error);
  EXPECT_THROW(Kubeconfig::load(folder_.dir().path()), Error);
}

TEST_F(KubeconfigFiles, OnlyTheUsersPartMayDifferWithinOneCluster) {
  const ResolvedContext context = Kubeconfig::load(folder_.take("token")).resolve("x");
  ResolvedContext other = context.clone();
  other.token = SecretString("rotated");
  other.impersonation.user = "jane";
  other.exec = ExecConfig{};
  EXPECT_TRUE(same_connection(context, other));
  for (const auto change :
       {+[](ResolvedContext& of) { of.server = "https://127.0.0.1:2"; },
        +[](ResolvedContext& of) { of.ca_data = "other"; }, +[](ResolvedContext& of) { of.proxy_url = "http://p:1"; },
        +[](ResolvedContext& of) { of.tls_server_name = "other"; },
        +[](ResolvedContext& of) { of.default_namespace = "other"; }}) {
    ResolvedContext changed = context.clone();
    change(changed);
    EXPECT_FALSE(same_connection(context, changed));
  }
}

TEST_F(KubeconfigFiles, NoCredentialIsKeptForPlainHttp) {
  const ResolvedContext context = Kubeconfig::load(folder_.take("plain-http-drops-credentials")).resolve("x");
  EXPECT_TRUE(context.token.empty());
  EXPECT_EQ(context.impersonation.user, "jane") << "which is no credential";
}

TEST_F(KubeconfigFiles, WhatIsNoRegularFileIsNamed) {
  const auto folder = folder_.dir().path() / "odd-folder";
  const auto fifo = folder_.dir().path() / "odd-fifo";
  std::filesystem::create_directory(folder);
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  for (const auto& [path, why] : {std::pair{folder, "it is a folder"}, {fifo, "it is not a regular file"}}) {
    const json config = {
        {"clusters", {{{"name", "c"}, {"cluster", {{"server", "https://c"}, {"certificate-authority", path}}}}}},
        {"contexts", {{{"name", "x"}, {"context", {{"cluster", "c"}, {"user", "u"}}}}}},
        {"users", {{{"name", "u"}, {"user", {{"token", "t"}}}}}}};
    try {
      static_cast<void>(Kubeconfig::load(folder_.dir().write("odd", config.dump())).resolve("x"));
      ADD_FAILURE() << "taken: " << path;
    } catch (const Error& error) {
      EXPECT_THAT(error.message(), ::testing::HasSubstr("unable to read certificate-authority"));
      EXPECT_THAT(error.message(), ::testing::HasSubstr(path.string() + ": " + why));
    }
  }
}

TEST_F(KubeconfigFiles, ExecClusterConfigKeepsItsTypes) {
  const ResolvedContext context = Kubeconfig::load(folder_.take("exec-v1")).resolve("x");
  EXPECT_EQ(json::parse(context.exec->cluster_info_config), json({{"audience", "7"}, {"number", 7}}));
}

// What kubectl 1.32 tells a plugin (KUBERNETES_EXEC_INFO, spec.cluster.server).
TEST_F(KubeconfigFiles, APluginIsToldTheServerAsItIsWritten) {
  const std::string text = test::read_file(folder_.take("exec-v1"));
  const auto told = [&](const std::string& server) {
    const auto config = folder_.dir().write("server.yaml", replaced(text, "https://127.0.0.1:1", server));
    return Kubeconfig::load(config).resolve("x").exec->cluster_info_server;
  };
  EXPECT_EQ(told("https://127.0.0.1:1"), "https://127.0.0.1:1");
  EXPECT_EQ(told("https://h:6443/"), "https://h:6443/");
  EXPECT_EQ(told("https://h:6443/k8s/?a=b"), "https://h:6443/k8s/");
}

TEST_F(KubeconfigFiles, InAPodItIsTheServiceAccount) {
  const auto account = folder_.dir().write("account/token", "t").parent_path();
  folder_.dir().write("account/ca.crt", "ca");
  folder_.dir().write("account/namespace", "team-a");
  EXPECT_FALSE(Kubeconfig::in_cluster(account));
  ::setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
  ::setenv("KUBERNETES_SERVICE_PORT", "443", 1);
  const auto config = Kubeconfig::in_cluster(account);
  ASSERT_TRUE(config);
  const ResolvedContext context = config->resolve(config->current_context());
  EXPECT_EQ(context.server, "https://[fd00::1]:443");
  EXPECT_EQ(context.token_file, (account / "token").string());
  EXPECT_EQ(context.ca_file, (account / "ca.crt").string());
  EXPECT_EQ(context.default_namespace, "team-a");
  ::setenv("POD_NAMESPACE", "team-b", 1);
  EXPECT_EQ(Kubeconfig::in_cluster(account)->resolve("in-cluster").default_namespace, "team-b");
}

TEST_F(KubeconfigFiles, EqualTextGivesEqualContexts) {
  const auto path = folder_.take("impersonation");
  const ResolvedContext first = Kubeconfig::load(path).resolve("x");
  ResolvedContext second = Kubeconfig::load(path).resolve("x");
  EXPECT_EQ(first, second);
  EXPECT_EQ(first, first.clone());
  second.token = SecretString("other");
  EXPECT_NE(first, second);
}

}  // namespace
}  // namespace regsync::kube
