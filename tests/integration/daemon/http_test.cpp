// What the daemon serves over HTTP, as a browser, Prometheus, kubelet and people with bad intentions ask for it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/integration/daemon/daemon_fixture.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/unpacked.hpp"

namespace regsync::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class HttpTest : public DaemonFixture {
 protected:
  // A target "denied", whose Secret the API server refuses.
  void write_denied_target() {
    server_.make_namespace("team-b");
    server_.deny("patch", "secrets", "team-b");
    person_.home().write(".config/regsync/targets/denied.yaml",
                         "registries: [ghcr.io]\ncontexts: [dev]\nnamespaces: [team-b]\n");
  }

  // --listen on loopback; url_ is where it does.
  void start_daemon() {
    person_.start_daemon({"--listen", "127.0.0.1:0"});
    url_ = person_.http_url();
  }
  [[nodiscard]] asio::ip::tcp::endpoint endpoint() const {
    const int port = std::stoi(url_.substr(url_.rfind(':') + 1));
    return {asio::ip::address_v4::loopback(), static_cast<asio::ip::port_type>(port)};
  }

  [[nodiscard]] Outcome curl(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"curl", "-sS", "--max-time", "10"});
    return person_.run(std::move(arguments));
  }
  [[nodiscard]] std::string get(const std::string& path) const { return curl({url_ + path}).out; }
  [[nodiscard]] std::string status_of(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"-o", "/dev/null", "-w", "%{http_code}"});
    return curl(std::move(arguments)).out;
  }
  [[nodiscard]] json fleet() const { return json::parse(get("/status.json"), nullptr, false); }

  void expect_promtool_takes(std::vector<std::string> arguments, const std::string& in = {}) const {
    arguments.insert(arguments.begin(), (unpacked("prometheus") / "usr/bin/promtool").string());
    const auto checked = person_.run(std::move(arguments), in);
    EXPECT_EQ(checked.exit_code, 0) << checked.out << checked.err;
  }
  // The test says which series there are, and which alerts they raise.
  void expect_alerts(const std::string& test) const {
    const auto tests = person_.home().write(
        "tests.yaml", "rule_files: [" MONITORING "/alerts.yaml]\nevaluation_interval: 1m\ntests:\n" + test);
    expect_promtool_takes({"test", "rules", tests.string()});
  }

  std::string url_;
};

TEST_F(HttpTest, IsOffUnlessAskedFor) {
  write_target("good");
  person_.start_daemon();
  ASSERT_TRUE(in_sync("good"));
  const auto sockets = person_.run({"ss", "-Hltnp"}).out;
  EXPECT_THAT(sockets, Not(HasSubstr("pid=" + std::to_string(person_.daemon().pid()) + ",")));
}

TEST_F(HttpTest, ServesTheFleetAndSaysWhenItChanged) {
  write_target("good");
  write_denied_target();
  start_daemon();
  ASSERT_TRUE(wait_until([&] { return fleet()["causes"].size() == 1; })) << fleet().dump();
  ASSERT_TRUE(in_sync("good"));
  ASSERT_TRUE(wait_until([&] { return fleet()["cells"][1] == json::parse("[1, 0, [1]]"); })) << fleet().dump();
  const json document = fleet();
  EXPECT_EQ(document["targets"][0]["name"], "denied");
  EXPECT_EQ(document["causes"][0]["code"], "forbidden");
  EXPECT_FALSE(document["causes"][0]["remedy"].get<std::string>().empty());
  EXPECT_EQ(document["contexts"][0]["connected"], true);
  EXPECT_THAT(document.dump(), Not(HasSubstr("s3cret")));

  const std::string headers = curl({"-D", "-", "-o", "/dev/null", url_ + "/status.json"}).out;
  std::smatch etag;
  ASSERT_TRUE(std::regex_search(headers, etag, std::regex("ETag: (\\S+)"))) << headers;
  const auto again = [&] { return status_of({"-H", "If-None-Match: " + etag[1].str(), url_ + "/status.json"}); };
  EXPECT_EQ(again(), "304");
  server_.allow_all();
  EXPECT_EQ(person_.regsync({"sync"}).exit_code, 0);
  EXPECT_TRUE(wait_until([&] { return again() == "200"; }));
}

TEST_F(HttpTest, ALoginOfACredentialHelperIsAmongTheLogins) {
  const TempDir programs;  // not below the home, where no file holds a login
  const auto helper =
      programs.write("docker-credential-corp", "#!/bin/sh\necho '{\"Username\":\"me\",\"Secret\":\"s3cret\"}'\n");
  std::filesystem::permissions(helper, std::filesystem::perms::owner_all);
  person_.env["PATH"] = programs.path().string() + ":" + person_.env["PATH"];
  person_.home().write(".docker/config.json", R"({"credHelpers": {"ghcr.io": "corp"}})");
  person_.home().write(".config/regsync/config.yaml", "verifyLogins: false\nexpires: {ghcr.io: 2099-01-01}\n");
  write_target("good");
  start_daemon();
  EXPECT_TRUE(wait_until([&] {
    return fleet()["logins"] == json::parse(R"([{"registry": "ghcr.io", "inDoubt": false, "expires": 4070908800,
                                                 "helper": "docker-credential-corp"}])");
  })) << fleet().dump();
  EXPECT_THAT(get("/metrics"), HasSubstr("regsync_login_changed_timestamp_seconds{registry=\"ghcr.io\"}"));
}

TEST_F(HttpTest, ServesOnePageThatLoadsNothingFromElsewhere) {
  start_daemon();
  const auto page = curl({"-i", url_ + "/"});
  for (const char* part :
       {"HTTP/1.1 200", "text/html", "Content-Security-Policy: default-src 'none'", "X-Content-Type-Options: nosniff",
        "Referrer-Policy: no-referrer", "<title>regsync</title>"}) {
    EXPECT_THAT(page.out, HasSubstr(part));
  }
  EXPECT_THAT(page.out, Not(HasSubstr("Access-Control")));
  EXPECT_EQ(curl({"-I", url_ + "/"}).out.substr(0, 12), "HTTP/1.1 200");
}

TEST_F(HttpTest, ForeignNamesMethodsAndPathsGetNothing) {
  start_daemon();
  EXPECT_EQ(status_of({"-H", "Host: evil.example", url_ + "/status.json"}), "403");
  EXPECT_EQ(status_of({"-X", "POST", "-d", "x", url_ + "/status.json"}), "405");
  EXPECT_EQ(status_of({"-X", "OPTIONS", "-H", "Origin: https://evil.example", url_ + "/status.json"}), "405");
  EXPECT_EQ(status_of({"-H", "Connection: Upgrade", "-H", "Upgrade: websocket", "-H", "Sec-WebSocket-Version: 13", "-H",
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", url_ + "/status.json"}),
            "400");
  EXPECT_EQ(status_of({"--path-as-is", url_ + "/../../../../etc/passwd"}), "404");
  EXPECT_EQ(status_of({url_ + "/%2e%2e/%2e%2e/etc/passwd"}), "404");
  EXPECT_EQ(status_of({url_ + "/session"}), "404");
}

TEST_F(HttpTest, ProbesTellReadyAndAlive) {
  write_target("good");
  start_daemon();
  EXPECT_EQ(status_of({url_ + "/livez"}), "200");
  EXPECT_TRUE(wait_until([&] { return status_of({url_ + "/readyz"}) == "200"; }));
  EXPECT_THAT(get("/readyz"), HasSubstr("contexts: 1, 0 not listed yet"));
}

TEST_F(HttpTest, IdleClientsHoldNobodyUp) {
  start_daemon();
  asio::io_context io;
  std::vector<asio::ip::tcp::socket> idle;
  for (int i = 0; i < 200; ++i) {
    idle.emplace_back(io).connect(endpoint());
  }
  EXPECT_EQ(status_of({"--max-time", "10", url_ + "/livez"}), "200");
}

// Bodies that trickle in: more than there are threads. Nobody waits for them.
TEST_F(HttpTest, ClientsThatSendWithoutEndHoldNobodyUp) {
  start_daemon();
  asio::io_context io;
  std::vector<asio::ip::tcp::socket> slow;
  for (int i = 0; i < 100; ++i) {
    slow.emplace_back(io).connect(endpoint());
    asio::write(slow.back(), asio::buffer(std::string_view(i % 2 == 0 ? "POST /x HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                                                                        "Content-Length: 100000\r\n\r\n"
                                                                      : "POST /x HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                                                                        "Transfer-Encoding: chunked\r\n\r\n")));
  }
  for (int second = 0; second < 4; ++second) {
    EXPECT_EQ(status_of({"--max-time", "3", url_ + "/livez"}), "200") << "after " << second << " s";
    for (auto& socket : slow) {
      asio::error_code closed;
      asio::write(socket, asio::buffer(std::string_view("1")), closed);
    }
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

TEST_F(HttpTest, EndsAtOnceWhileClientsWait) {
  start_daemon();
  asio::io_context io;
  asio::ip::tcp::socket idle(io);
  idle.connect(endpoint());
  EXPECT_EQ(person_.stop_daemon(SIGTERM), 0);
}

// ---- regsync dashboard

TEST_F(HttpTest, TheDashboardOfADesktopIsForItsUserOnce) {
  write_target("good");
  person_.start_daemon();
  ASSERT_TRUE(in_sync("good"));
  const auto printed = person_.regsync({"dashboard", "--print-url"});
  std::smatch parts;
  ASSERT_TRUE(std::regex_match(printed.out, parts, std::regex("(http://127.0.0.1:[0-9]+)/#token=([0-9a-f]{48})\n")))
      << printed.out << printed.err;
  const std::string site = parts[1];
  const std::string token = parts[2];
  EXPECT_EQ(status_of({site + "/"}), "200") << "the page itself tells nothing";
  EXPECT_EQ(status_of({site + "/status.json"}), "401");
  EXPECT_EQ(status_of({"-H", "Authorization: Bearer " + token, site + "/status.json"}), "401");
  EXPECT_EQ(
      status_of({"-H", "Host: evil.example", "-X", "POST", "-H", "Authorization: Bearer " + token, site + "/session"}),
      "403");
  if (::geteuid() == 0) {
    const auto thief = person_.run({"setpriv", "--reuid=65534", "--clear-groups", "curl", "-sS", "-X", "POST", "-H",
                                    "Authorization: Bearer " + token, site + "/session"});
    EXPECT_THAT(thief.out, HasSubstr("another user's")) << thief.err;
  }
  const std::string key = curl({"-X", "POST", "-H", "Authorization: Bearer " + token, site + "/session"}).out;
  EXPECT_THAT(curl({"-H", "Authorization: Bearer " + key, site + "/status.json"}).out, HasSubstr("\"kind\":\"Fleet\""));
  EXPECT_EQ(status_of({"-X", "POST", "-H", "Authorization: Bearer " + token, site + "/session"}), "403");
  EXPECT_THAT(person_.daemon().err(), Not(HasSubstr(token)));
  EXPECT_THAT(person_.daemon().err(), Not(HasSubstr(key)));
}

TEST_F(HttpTest, TheDashboardOpensInTheBrowserOfTheDesktop) {
  person_.start_daemon();
  const auto opener = person_.home().write("bin/xdg-open", "#!/bin/sh\necho \"$1\" >\"$HOME/opened\"\n");
  std::filesystem::permissions(opener, std::filesystem::perms::owner_all);
  person_.env["PATH"] = (person_.home() / "bin").string() + ":" + person_.env["PATH"];
  person_.env["DISPLAY"] = ":0";
  const auto opened = person_.regsync({"dashboard"});
  EXPECT_EQ(opened.exit_code, 0) << opened.err;
  EXPECT_THAT(opened.out, Not(HasSubstr("token")));
  EXPECT_THAT(read_file(person_.home() / "opened"), testing::StartsWith("http://127.0.0.1:"));
  person_.env.erase("DISPLAY");
  EXPECT_THAT(person_.regsync({"dashboard"}).out, testing::StartsWith("http://127.0.0.1:"));
}

TEST_F(HttpTest, WithoutADaemonTheDashboardSaysHowToStartIt) {
  const auto answer = person_.regsync({"dashboard"});
  EXPECT_EQ(answer.exit_code, 1);
  EXPECT_THAT(answer.err, HasSubstr("regsyncd"));
}

// ---- The examples of the package

// The series of an answer of /metrics: for each name, its labels and their values.
std::map<std::string, std::map<std::string, std::set<std::string>>> series_of(const std::string& text) {
  std::map<std::string, std::map<std::string, std::set<std::string>>> series;
  const std::regex line(R"(^(\w+)(?:\{(.*)\})? [^\s]+$)", std::regex::multiline);
  const std::regex label(R"re((\w+)="([^"]*)")re");
  for (std::sregex_iterator found(text.begin(), text.end(), line), end; found != end; ++found) {
    auto& labels = series[(*found)[1]];
    const std::string all = (*found)[2];
    for (std::sregex_iterator one(all.begin(), all.end(), label); one != end; ++one) {
      labels[(*one)[1]].insert((*one)[2]);
    }
  }
  return series;
}

std::string example(const std::string& name) { return read_file(MONITORING "/" + name); }

TEST_F(HttpTest, EveryMetricAndLabelOfTheExamplesIsServed) {
  person_.home().write(".config/regsync/config.yaml", "verifyLogins: false\nexpires: {ghcr.io: 2099-01-01}\n");
  write_target("good");
  write_denied_target();
  start_daemon();
  ASSERT_TRUE(in_sync("good"));
  server_.compact();
  server_.cut_watches();
  std::map<std::string, std::map<std::string, std::set<std::string>>> series;
  ASSERT_TRUE(wait_until([&] {
    series = series_of(get("/metrics"));
    return series.contains("regsync_watch_restarts_total") && series.contains("regsync_sync_failures_total") &&
           series.contains("regsync_last_success_timestamp_seconds");  // the watches are there again
  })) << get("/metrics");

  std::set<std::string> named;
  const std::set<std::string> states{"InSync", "Pending", "Retrying", "Stuck", "Removing", "Terminating", "Paused"};
  for (const char* file : {"alerts.yaml", "grafana-dashboard.json"}) {
    std::string text = example(file);
    text = std::regex_replace(text, std::regex(R"(\\")"), "\"");  // the expressions inside JSON
    const std::regex metric(R"((regsync_\w+)(?:\{([^}]*)\})?)");
    for (std::sregex_iterator found(text.begin(), text.end(), metric), end; found != end; ++found) {
      const std::string name = (*found)[1];
      named.insert(name);
      ASSERT_TRUE(series.contains(name)) << name << " in " << file << " is not served";
      const std::string selector = (*found)[2];
      const std::regex matcher(R"re((\w+)\s*[=!]~?\s*"([^"]*)")re");
      for (std::sregex_iterator one(selector.begin(), selector.end(), matcher); one != end; ++one) {
        EXPECT_TRUE(series[name].contains((*one)[1])) << name << " has no label " << (*one)[1] << ": " << file;
        if ((*one)[1] == "state") {
          std::istringstream values((*one)[2].str());
          for (std::string value; std::getline(values, value, '|');) {
            EXPECT_TRUE(states.contains(value)) << value;
          }
        }
      }
    }
    // by (…) of an aggregation, and what a text shows of a label. Prometheus adds some.
    const std::set<std::string> of_a_fleet{"cluster", "namespace", "job"};
    const std::regex aggregation(R"(by \(([^)]*)\) \([^"\n]*?(regsync_\w+))");
    for (std::sregex_iterator found(text.begin(), text.end(), aggregation), end; found != end; ++found) {
      std::istringstream labels((*found)[1].str());
      for (std::string label; std::getline(labels >> std::ws, label, ',');) {
        EXPECT_TRUE(of_a_fleet.contains(label) || series[(*found)[2]].contains(label))
            << label << " of " << (*found)[2] << ": " << file;
      }
    }
  }
  for (const auto& [name, labels] : series) {
    const bool part_of_histogram = name.ends_with("_sum") || name.ends_with("_count");
    EXPECT_TRUE(part_of_histogram || named.contains(name)) << name << " is in no example";
  }
}

TEST_F(HttpTest, TheManualNamesEveryMetric) {
  write_target("good");
  start_daemon();
  ASSERT_TRUE(in_sync("good"));
  const std::string manual = read_file(MONITORING "/../../daemon/regsyncd.8");
  for (const auto& [name, labels] : series_of(get("/metrics"))) {
    const std::string family = std::regex_replace(name, std::regex("_(bucket|sum|count)$"), "");
    EXPECT_THAT(manual, HasSubstr(family));
    for (const auto& [label, values] : labels) {
      EXPECT_THAT(manual, HasSubstr(label));
    }
  }
}

TEST_F(HttpTest, PrometheusUnderstandsTheAlertRules) {
  expect_promtool_takes({"check", "rules", MONITORING "/alerts.yaml"});
}

// A daemon of a desktop, without replicas, counts as one that leads: it must not hide that a fleet has no leader. A pod
// has labels of its own (instance, pod, what an operator adds); two hubs may have fleets of one name.
TEST_F(HttpTest, TheAlertsOfAFleetWithoutALeaderLookAtEachFleet) {
  expect_alerts(R"(
  - interval: 1m
    input_series:
      - {series: 'regsync_slots_held{job="desktop", instance="d:1"}', values: '1x20'}
      - {series: 'regsync_slots_held{job="led", instance="p:1", pod="p", uid="1"}', values: '0x20'}
      - {series: 'regsync_slots_held{job="led", instance="q:1", pod="q", uid="2"}', values: '1x20'}
      - {series: 'regsync_slots{job="desktop", instance="d:1"}', values: '0x20'}
      - {series: 'regsync_slots{job="led", instance="p:1", pod="p", uid="1"}', values: '1x20'}
      - {series: 'regsync_slots{job="led", instance="q:1", pod="q", uid="2"}', values: '1x20'}
      - {series: 'regsync_slots_held{job="short", instance="t:1", pod="t", node="m"}', values: '1x20'}
      - {series: 'regsync_slots_held{job="short", instance="u:1", pod="u", node="n"}', values: '2x20'}
      - {series: 'regsync_slots{job="short", instance="t:1", pod="t", node="m"}', values: '4x20'}
      - {series: 'regsync_slots{job="short", instance="u:1", pod="u", node="n"}', values: '4x20'}
      - {series: 'regsync_slots_held{job="lost", cluster="a", instance="r:1", pod="r", node="m"}', values: '0x20'}
      - {series: 'regsync_slots_held{job="lost", cluster="a", instance="s:1", pod="s", node="n"}', values: '0x20'}
      - {series: 'regsync_slots_held{job="lost", cluster="b", instance="r:1", pod="r", node="m"}', values: '1x20'}
    alert_rule_test:
      - eval_time: 10m
        alertname: RegsyncNobodyLeads
        exp_alerts:
          - exp_labels: {severity: critical, job: lost, cluster: a}
            exp_annotations:
              summary: No replica of regsyncd leads
              description: "None can hold the lease and read the footprints, so nothing is written. See their logs, and: kubectl get leases"
      - eval_time: 10m
        alertname: RegsyncSlotFree
        exp_alerts:
          - exp_labels: {severity: critical, job: short}
            exp_annotations:
              summary: Only 3 of the leases of regsyncd have a replica that leads
              description: "To the clusters of the others nothing is written. See the logs of the replicas, and: kubectl get leases"
)");
}

// Each of two sets of replicas has a leader: of another number of slots, or of another Lease. Daemons that are no
// replicas are as many as they are.
TEST_F(HttpTest, TheAlertOfReplicasThatDisagreeLooksAtEachFleet) {
  expect_alerts(R"(
  - interval: 1m
    input_series:
      - {series: 'regsync_slots{job="numbers", pod="a"}', values: '1x20'}
      - {series: 'regsync_slots{job="numbers", pod="b"}', values: '4x20'}
      - {series: 'regsync_slots_held{job="numbers", pod="a"}', values: '1x20'}
      - {series: 'regsync_slots_held{job="numbers", pod="b"}', values: '4x20'}
      - {series: 'regsync_slots{job="names", pod="a"}', values: '1x20'}
      - {series: 'regsync_slots{job="names", pod="b"}', values: '1x20'}
      - {series: 'regsync_slots_held{job="names", pod="a"}', values: '1x20'}
      - {series: 'regsync_slots_held{job="names", pod="b"}', values: '1x20'}
      - {series: 'regsync_slots{job="fine", pod="a"}', values: '4x20'}
      - {series: 'regsync_slots{job="fine", pod="b"}', values: '4x20'}
      - {series: 'regsync_slots_held{job="fine", pod="a"}', values: '1x20'}
      - {series: 'regsync_slots_held{job="fine", pod="b"}', values: '3x20'}
      - {series: 'regsync_slots{job="desktops", instance="a"}', values: '0x20'}
      - {series: 'regsync_slots{job="desktops", instance="b"}', values: '0x20'}
      - {series: 'regsync_slots_held{job="desktops", instance="a"}', values: '1x20'}
      - {series: 'regsync_slots_held{job="desktops", instance="b"}', values: '1x20'}
    alert_rule_test:
      - eval_time: 10m
        alertname: RegsyncReplicasDisagree
        exp_alerts:
          - exp_labels: {severity: critical, job: numbers}
            exp_annotations: &told
              summary: Replicas of regsyncd run with different --slots or --lease
              description: "Two of them may write to one cluster. End all of them, and start them with the same options."
          - exp_labels: {severity: critical, job: names}
            exp_annotations: *told
)");
}

// A panel's expression, for all targets and contexts.
std::string panel(const std::string& title) {
  const json dashboard = json::parse(example("grafana-dashboard.json"));
  for (const json& one : dashboard.at("panels")) {
    if (one.value("title", std::string()) == title) {
      return std::regex_replace(one.at("targets").at(0).at("expr").get<std::string>(), std::regex(R"(\$\w+)"), ".*");
    }
  }
  return {};
}

TEST_F(HttpTest, TheDashboardCountsOnceWhatEachReplicaTells) {
  expect_alerts(R"(
  - interval: 1m
    input_series:
      - {series: 'regsync_target_problems{target="a", pod="p"}', values: '1x20'}
      - {series: 'regsync_target_problems{target="a", pod="q"}', values: '2x20'}
      - {series: 'regsync_target_problems{target="fine", pod="p"}', values: '0x20'}
      - {series: 'regsync_context_connected{context="c", pod="p"}', values: '0x20'}
      - {series: 'regsync_context_connected{context="c", pod="q"}', values: '0x20'}
      - {series: 'regsync_context_connected{context="handed-over", pod="p"}', values: '0x20'}
      - {series: 'regsync_context_connected{context="handed-over", pod="q"}', values: '1x20'}
    promql_expr_test:
      - {eval_time: 10m, exp_samples: [{labels: '{}', value: 1}], expr: ')" +
                panel("Targets with a problem") + R"('}
      - {eval_time: 10m, exp_samples: [{labels: '{}', value: 1}], expr: ')" +
                panel("Clusters that cannot be reached") + R"('}
)");
}

// A target that was in sync until minute 60; then the process is another one, which never had it in sync. What is no
// longer wanted raises no alert.
TEST_F(HttpTest, TheAlertOfWhatIsOutOfSyncForLongOutlivesARestart) {
  expect_alerts(R"(
  - interval: 1m
    input_series:
      - {series: 'regsync_last_success_timestamp_seconds{target="a", context="c", pod="p"}', values: '0+60x60 stale'}
      - {series: 'regsync_secrets{target="a", context="c", state="InSync", pod="p"}', values: '1x60 stale'}
      - {series: 'regsync_secrets{target="a", context="c", state="InSync", pod="q"}', values: '_x61 0x600'}
      - {series: 'regsync_secrets{target="a", context="c", state="Stuck", pod="q"}', values: '_x61 1x600'}
      - {series: 'regsync_last_success_timestamp_seconds{target="gone", context="c", pod="p"}', values: '0+60x60 stale'}
      - {series: 'regsync_secrets{target="gone", context="c", state="InSync", pod="p"}', values: '1x60 stale'}
    alert_rule_test:
      - eval_time: 420m
        alertname: RegsyncOutOfSyncForLong
        exp_alerts: []
      - eval_time: 480m
        alertname: RegsyncOutOfSyncForLong
        exp_alerts:
          - exp_labels: {severity: critical, target: a, context: c}
            exp_annotations:
              summary: a in c was last in sync 7h 0m 0s ago
              description: "Pods may pull with an old login. See: regsync status a --context c"
)");
}

TEST_F(HttpTest, PrometheusUnderstandsTheMetrics) {
  write_target("good");
  start_daemon();
  ASSERT_TRUE(in_sync("good"));
  expect_promtool_takes({"check", "metrics"}, get("/metrics"));
}

}  // namespace
}  // namespace regsync::test
