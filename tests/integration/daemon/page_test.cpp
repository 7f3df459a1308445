// The page in a real browser, over reports that are made up. Pictures of it go to the folder REGSYNC_PICTURES, if set.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "daemon/http/fleet_site.hpp"
#include "tests/support/browser.hpp"
#include "tests/support/wait.hpp"

namespace regsync::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// Clusters of three regions with 50 Secrets of each target. Some of them are in trouble of every kind.
FleetReport fleet_of(std::size_t clusters, std::size_t targets) {
  const auto now = std::chrono::system_clock::now();
  FleetReport report;
  report.role = "leads";
  report.slots_held = 1;
  StatusReport& overview = report.overview;
  overview.version = "1.2.3";
  overview.started = now - std::chrono::hours(50);
  for (const char* registry : {"docker.io", "ghcr.io", "registry.example.com:5000"}) {
    report.logins.push_back({.registry = registry, .expires = {}, .problem = {}});
  }
  const char* const regions[] = {"eu-central", "us-east", "ap-south"};
  for (std::size_t c = 0; c < clusters; ++c) {
    std::string number = std::to_string(c);
    number.insert(0, 4 - std::min<std::size_t>(4, number.size()), '0');
    ContextStatus context{.name = std::string("fleet/") + regions[c % 3] + "-" + number,
                          .server = "https://10.0." + std::to_string(c / 250) + "." + std::to_string(c % 250) + ":6443",
                          .connected = true,
                          .problem = {}};
    if (c % 211 == 7) {
      context.connected = false;
      context.problem = Error(ErrorCode::unreachable, "cannot reach " + context.server + ": connection refused",
                              "see that the API server runs: kubectl cluster-info");
    }
    overview.contexts.push_back(std::move(context));
  }
  const char* const teams[] = {"payments", "search", "checkout", "identity", "ml-platform", "observability"};
  for (std::size_t t = 0; t < targets; ++t) {
    TargetStatus target;
    target.name = std::string(teams[t % 6]) + (t < 6 ? "" : "-" + std::to_string(t / 6));
    target.secret = "pull-" + target.name;
    target.registries = {"ghcr.io"};
    if (t == 2) {
      target.problems = {Error(ErrorCode::login_missing, "no login for registry.example.com:5000",
                               "log in: docker login registry.example.com:5000")};
    }
    overview.targets.push_back(std::move(target));
  }
  std::ranges::sort(overview.targets, {}, &TargetStatus::name);
  std::ranges::sort(overview.contexts, {}, &ContextStatus::name);
  for (std::size_t t = 0; t < targets; ++t) {
    for (std::size_t c = 0; c < clusters; ++c) {
      StatusGroup& group = overview.groups.emplace_back();
      const ContextStatus& context = overview.contexts[c];
      group.target = overview.targets[t].name;
      group.context = context.name;
      group.states = {{SyncState::in_sync, 50}};
      const auto fail = [&](SyncState state, std::size_t count, Error error) {
        group.states[SyncState::in_sync] -= count;
        group.states[state] += count;
        group.failing_since = now - std::chrono::minutes(12);
        group.last_in_sync = now - std::chrono::minutes(12);
        group.causes.push_back({.error = std::move(error), .count = count});
      };
      if (context.problem) {
        fail(SyncState::retrying, 50, *context.problem);
      } else if (c % 97 == 13 && t % 4 == 1) {
        fail(SyncState::stuck, 7,
             Error(ErrorCode::forbidden, "Secret team-a/pull: may not patch secrets in namespace team-a",
                   "grant it: regsync rbac --context " + group.context + " | kubectl apply -f -"));
      } else if (c % 61 == 5 && t == 3) {
        fail(SyncState::stuck, 1,
             Error(ErrorCode::not_owned, "Secret team-b/pull is kept by another regsync",
                   "take it over: regsync sync --adopt"));
      } else if (c % 83 == 20 && t == 0) {
        fail(SyncState::pending, 20, Error(ErrorCode::overloaded, "the API server asks to wait 2 s", ""));
      }
    }
  }
  return report;
}

// One cluster and one target, of whose Secrets so many are stuck.
FleetReport fleet_with(std::size_t stuck, Error why) {
  FleetReport report = fleet_of(1, 1);
  StatusGroup& group = report.overview.groups[0];
  group.states = {{SyncState::in_sync, 50 - stuck}, {SyncState::stuck, stuck}};
  group.causes = {{.error = std::move(why), .count = stuck}};
  return report;
}

void rename_cluster(FleetReport& report, const std::string& name) {
  report.overview.contexts[0].name = name;
  report.overview.groups[0].context = name;
}

class PageTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!Browser::exists()) {
      SKIP_OR_FAIL("no Chromium here: tests/tools/install browser");
    }
    browser_ = std::make_unique<Browser>();
  }

  void serve(FleetReport report) {
    const std::scoped_lock lock(mutex_);
    report_ = std::make_shared<const FleetReport>(std::move(report));
  }

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()) + "/"; }

  // Waits for the page to show a text.
  testing::AssertionResult shows(const std::string& text) {
    std::string all;
    const bool found = wait_until([&] {
      all = browser_->run("return document.body.innerText").get<std::string>();
      return all.find(text) != std::string::npos;
    });
    return found ? testing::AssertionSuccess() : testing::AssertionFailure() << text << " is not in:\n" << all;
  }

  void click(const std::string& selector) {
    browser_->run("document.querySelector(" + json(selector).dump() + ").click()");
  }

  [[nodiscard]] json count(const std::string& selector) {
    return browser_->run("return document.querySelectorAll(" + json(selector).dump() + ").length");
  }

  void picture(const std::string& name) {
    if (const char* folder = std::getenv("REGSYNC_PICTURES")) {
      browser_->take_picture(std::filesystem::path(folder) / (name + ".png"));
    }
  }

  std::unique_ptr<Browser> browser_;
  Metrics metrics_;
  std::mutex mutex_;
  LoopQuestion::Report report_ = std::make_shared<const FleetReport>();
  DashboardAccess access_;
  FleetSite site_{{.report =
                       [this] {
                         const std::scoped_lock lock(mutex_);
                         return report_;
                       },
                   .turns = [] { return true; },
                   .metrics = metrics_,
                   .hosts = {}},
                  FleetSite::Audience::cluster};
  HttpServer server_{"127.0.0.1:0", [this](const HttpRequest& request) { return site_.answer(request); }};
};

// The times are recorded, not judged: other programs run beside the tests. What keeps the page fast is judged: it draws
// only what can be seen.
TEST_F(PageTest, AThousandClustersAreDrawnAsFarAsTheyCanBeSeen) {
  serve(fleet_of(1000, 20));
  browser_->resize(1440, 900);
  browser_->open(url());
  ASSERT_TRUE(shows("not in sync"));
  browser_->open(url());  // what a test's build of the server takes to make the document is not the page's
  ASSERT_TRUE(shows("not in sync"));
  const double drawn = browser_->run("return performance.getEntriesByName('regsync-draw')[0].duration");
  const double loaded = browser_->run(
      "const draw = performance.getEntriesByName('regsync-draw')[0];"
      "return draw.startTime + draw.duration");
  RecordProperty("milliseconds_to_draw", std::to_string(drawn));
  RecordProperty("milliseconds_to_load_and_draw", std::to_string(loaded));
  EXPECT_LT(count(".cell").get<int>(), 4000) << "only what can be seen is in the document";
}

TEST_F(PageTest, IsReadableOnEveryScreenByDayAndNight) {
  serve(fleet_of(1000, 20));
  for (const auto& [name, width, height] :
       {std::tuple("phone", 390, 844), std::tuple("tablet", 820, 1180), std::tuple("desktop", 1440, 900)}) {
    for (const bool dark : {false, true}) {
      browser_->resize(width, height);
      browser_->use_dark(dark);
      browser_->open(url());
      ASSERT_TRUE(shows("not in sync"));
      EXPECT_LE(browser_->run("return document.documentElement.scrollWidth").get<int>(), width)
          << "it scrolls sideways";
      const std::string paper = browser_->run("return getComputedStyle(document.body).backgroundColor");
      EXPECT_EQ(paper == "rgb(14, 19, 25)", dark);
      picture(std::string(name) + (dark ? "-dark" : "-light"));
      browser_->run("document.querySelector('#map').scrollIntoView()");
      picture(std::string(name) + (dark ? "-dark" : "-light") + "-map");
    }
  }
}

TEST_F(PageTest, AClickTellsTheCauseAndTheRemedy) {
  serve(fleet_of(300, 20));
  browser_->resize(1440, 900);
  browser_->open(url());
  ASSERT_TRUE(shows("not in sync"));
  EXPECT_EQ(browser_->run("return document.querySelector('.line .name').className"), "name off")
      << "what is wrong is first";
  click(".cell:not(.in)");
  ASSERT_TRUE(shows("connection refused"));
  EXPECT_THAT(browser_->run("return document.querySelector('#detail').innerText").get<std::string>(),
              HasSubstr("kubectl --context fleet/"));
  picture("detail");
  browser_->resize(390, 844);
  picture("detail-phone");
}

TEST_F(PageTest, TheFilterLeavesWhatMatches) {
  serve(fleet_of(300, 20));
  browser_->resize(1440, 900);
  browser_->open(url());
  ASSERT_TRUE(shows("not in sync"));
  const auto filter = [&](const std::string& text) {
    browser_->run("const f = document.querySelector('#filter'); f.value = " + json(text).dump() +
                  "; f.dispatchEvent(new Event('input'))");
  };
  filter("eu-central-0003");
  EXPECT_TRUE(shows("1 of 300 clusters"));
  filter("kept by another");
  EXPECT_TRUE(shows("5 of 300 clusters"));
  filter("nonesuch");
  EXPECT_TRUE(shows("Nothing matches the filter"));
  click("#clear");
  click(".chip:nth-of-type(1)");
  EXPECT_TRUE(shows("of 300 clusters"));
  picture("filtered");
}

TEST_F(PageTest, FollowsWhatChangesAndSaysWhenItCannot) {
  serve(fleet_of(3, 2));
  browser_->resize(1440, 900);
  browser_->open(url());
  ASSERT_TRUE(shows("All 300 Secrets in sync"));
  picture("small");
  FleetReport report = fleet_of(3, 2);
  report.overview.store = Error(ErrorCode::locked, "the keyring is locked", "unlock it");
  report.overview.groups[0].states = {{SyncState::in_sync, 49}, {SyncState::stuck, 1}};
  serve(report);
  EXPECT_TRUE(shows("1 of 300 Secrets not in sync"));
  EXPECT_TRUE(shows("the keyring is locked"));
  picture("small-wrong");
  {
    const std::scoped_lock lock(mutex_);
    report_ = nullptr;
  }
  EXPECT_TRUE(shows("Not live"));
}

// As of a process that is stopped, or behind a network that is gone.
TEST_F(PageTest, SaysThatItIsNotLiveWhenNothingIsAnswered) {
  serve(fleet_of(1, 1));
  browser_->open(url());
  ASSERT_TRUE(shows("Live, changed"));
  browser_->run(
      "const real = AbortSignal.timeout.bind(AbortSignal);"
      "AbortSignal.timeout = time => real(time / 20)");
  {
    const std::scoped_lock silence(mutex_);
    EXPECT_TRUE(shows("Not live for"));
    EXPECT_TRUE(shows("regsyncd cannot be reached"));
  }
  EXPECT_TRUE(shows("Live, changed"));
  EXPECT_EQ(browser_->run("return document.querySelector('#notice').hidden"), true);
}

TEST_F(PageTest, ADefectOfTheDrawingIsSaidUntilItIsOver) {
  serve(fleet_of(1, 1));
  browser_->open(url());
  ASSERT_TRUE(shows("All 50 Secrets in sync"));
  browser_->run("window.whole = window.read; window.read = () => { throw new TypeError('not a report of mine'); }");
  serve(fleet_of(2, 1));
  EXPECT_TRUE(shows("This page cannot show what regsyncd answers (not a report of mine)"));
  EXPECT_EQ(browser_->run("return ask().then(() => document.querySelector('#notice').hidden)"), false)
      << "it was asked for again, and cannot be shown again";
  EXPECT_TRUE(shows("Not live"));
  browser_->run("window.read = window.whole; ask()");
  EXPECT_TRUE(shows("All 100 Secrets in sync"));
  EXPECT_TRUE(shows("Live, changed"));
}

TEST_F(PageTest, TheStateOfEachLoginIsShown) {
  const auto now = std::chrono::system_clock::now();
  FleetReport report = fleet_of(1, 1);
  report.overview.store = Error(ErrorCode::locked, "the keyring is locked", "unlock it");
  report.logins = {
      {.registry = "a.io", .expires = now - std::chrono::hours(73), .problem = {}},
      {.registry = "b.io", .helper = "docker-credential-b", .expires = now + std::chrono::hours(2), .problem = {}},
      {.registry = "c.io", .in_doubt = true, .expires = {}, .problem = {}},
      {.registry = "d.io",
       .expires = {},
       .problem = Error(ErrorCode::unusable_login, "it is an identity token", "log in again")},
      {.registry = "e.io", .expires = {}, .problem = {}}};
  serve(std::move(report));
  browser_->open(url());
  ASSERT_TRUE(shows("e.io"));
  EXPECT_EQ(browser_->run("return [...document.querySelectorAll('#logins tr')].map("
                          "row => [...row.cells].map(cell => cell.innerText).join(', '))"),
            json::parse(R"(["a.io, expired, 3 d ago", "b.io docker-credential-b, ok, in 1 h",
                            "c.io, denied, or not tried yet, not known", "d.io, unusable login, not known",
                            "e.io, cannot be read now, not known"])"));
}

// The page's clock is moved, and nothing new is served.
TEST_F(PageTest, WhatDependsOnTheTimeFollowsIt) {
  FleetReport report = fleet_of(1, 1);
  report.logins[0].expires = std::chrono::system_clock::now() + std::chrono::minutes(90);
  report.overview.groups[0].states = {{SyncState::in_sync, 49}, {SyncState::stuck, 1}};
  report.overview.groups[0].failing_since = std::chrono::system_clock::now() - std::chrono::minutes(5);
  serve(std::move(report));
  browser_->open(url());
  ASSERT_TRUE(shows("in 1 h"));
  click(".cell");
  ASSERT_TRUE(shows("For 5 min"));
  browser_->run("const real = Date.now; Date.now = () => real() + 3 * 3600 * 1000");
  EXPECT_TRUE(shows("expired"));
  EXPECT_TRUE(shows("1 h ago"));
  EXPECT_TRUE(shows("For 3 h"));
}

TEST_F(PageTest, WhatAPersonIsAtSurvivesTheNextReport) {
  // One Secret of `stuck` in each of two clusters.
  const auto report_of = [](std::size_t stuck) {
    FleetReport report = fleet_of(2, 1);
    for (StatusGroup& group : report.overview.groups) {
      group.states = {{SyncState::in_sync, 50 - stuck}, {SyncState::stuck, stuck}};
      group.causes = {{.error = Error(ErrorCode::not_owned, "it is another's", "take it over: regsync sync --adopt"),
                       .count = stuck}};
    }
    return report;
  };
  serve(report_of(1));
  browser_->resize(1440, 900);
  browser_->open(url());
  ASSERT_TRUE(shows("2 of 100 Secrets not in sync"));

  // A button that is pressed keeps the focus, with a report in between.
  browser_->run("window.chip = document.querySelector('.chip[data-key=Stuck]'); chip.focus(); chip.click()");
  const auto pressed = [&] {
    return browser_->run("return document.activeElement === chip && chip.isConnected && chip.ariaPressed");
  };
  EXPECT_EQ(pressed(), "true");
  browser_->run("window.cell = document.querySelector('.cell')");
  serve(report_of(2));
  ASSERT_TRUE(shows("4 of 100 Secrets not in sync"));
  EXPECT_EQ(browser_->run("return chip.innerText"), "Stuck 4");
  EXPECT_EQ(pressed(), "true");
  EXPECT_EQ(browser_->run("return cell.isConnected && cell.title.includes('48 of 50')"), true)
      << "a click that began before the report ends on the same button";
  browser_->run("chip.click()");
  EXPECT_EQ(pressed(), "false");

  // So does a cell whose line moves.
  browser_->run("window.cell = document.querySelector('[data-place=\"1,0\"]'); cell.focus()");
  FleetReport moved = report_of(2);
  moved.overview.groups[1].states = {{SyncState::in_sync, 45}, {SyncState::stuck, 5}};
  serve(std::move(moved));
  ASSERT_TRUE(shows("7 of 100 Secrets not in sync"));
  EXPECT_EQ(browser_->run("return document.activeElement === cell && cell.dataset.place"), "0,0");

  // The text that is selected, in a card and in a dialog; and what "Copy" said.
  for (const char* card : {"#issues .remedy", "#detail .remedy"}) {
    const json selector = card;
    serve(report_of(1));
    browser_->run("return ask()");
    ASSERT_TRUE(shows("2 of 100 Secrets not in sync"));
    if (selector == "#detail .remedy") {
      click(".cell");
    }
    browser_->run("const remedy = document.querySelector(" + selector.dump() +
                  "); getSelection().selectAllChildren(remedy.querySelector('.mono'));"
                  "window.copy = remedy.querySelector('button'); navigator.clipboard.writeText = undefined;"
                  "window.setTimeout = () => 0; copy.click()");
    serve(report_of(3));
    browser_->run("return ask()");
    ASSERT_TRUE(shows("6 of 100 Secrets not in sync"));
    EXPECT_EQ(browser_->run("return getSelection().toString()"), "take it over: regsync sync --adopt") << card;
    EXPECT_EQ(browser_->run("return copy.isConnected && copy.innerText"), "Select it to copy") << card;
  }
}

TEST_F(PageTest, AButtonDoesWhatItSaysWhateverCameAndWentBesideIt) {
  const auto report_of = [](bool first, const std::string& remedy) {
    FleetReport report = fleet_of(1, 1);
    StatusGroup& group = report.overview.groups[0];
    group.states = {{SyncState::in_sync, 40}, {SyncState::stuck, 10}};
    group.causes = {{.error = Error(ErrorCode::rejected, "no, says a webhook", remedy), .count = 9}};
    if (first) {
      group.causes.push_back({.error = Error(ErrorCode::not_owned, "it is another's", ""), .count = 1});
    }
    return report;
  };
  serve(report_of(true, "ask who runs it"));
  browser_->open(url());
  ASSERT_TRUE(shows("ask who runs it"));
  browser_->run(
      "window.rejected = [...document.querySelectorAll('#issues .issue')].find(card => "
      "card.innerText.includes('webhook'));"
      "window.message = rejected.querySelector('p'); getSelection().selectAllChildren(message)");
  serve(report_of(false, ""));
  browser_->run("return ask()");
  ASSERT_EQ(count("#issues .issue"), 1);
  EXPECT_EQ(count("#issues .remedy"), 0);
  EXPECT_EQ(browser_->run("return message.isConnected && getSelection().toString()"), "no, says a webhook");
  EXPECT_EQ(browser_->run("const button = rejected.querySelector('.foot button'); button.click();"
                          "return button.ariaPressed + ' ' + button.innerText"),
            "true Show all");
}

TEST_F(PageTest, NoKubeconfigHasTheClustersOfAFleet) {
  FleetReport report = fleet_with(1, Error(ErrorCode::namespace_missing, "no", "make it: kubectl create namespace a"));
  report.in_kubeconfig = false;
  const std::string cluster = report.overview.contexts[0].name;
  serve(std::move(report));
  browser_->open(url());
  EXPECT_TRUE(shows("make it: kubectl create namespace a, with a kubeconfig of cluster " + cluster));
}

TEST_F(PageTest, TheCommandsThatItShowsCanBePasted) {
  FleetReport report = fleet_with(2, Error(ErrorCode::rejected, "no", "see: kubectl get pods"));
  rename_cluster(report, "it's $& a");
  serve(std::move(report));
  browser_->open(url());
  ASSERT_TRUE(shows("2 of 50 Secrets not in sync"));
  click(".cell");
  EXPECT_TRUE(shows(R"(see: kubectl --context 'it'\''s $& a' get pods)"));
  EXPECT_TRUE(shows(R"(regsync status payments --context 'it'\''s $& a' --failing)"));
}

TEST_F(PageTest, AReplicaThatStandsBySaysSo) {
  FleetReport report;
  report.role = "stands by";
  report.overview.notes.emplace_back(ErrorCode::already_exists, "this replica stands by: pod-1 holds the lease regsync",
                                     "nothing to do: it takes over when a holder ends");
  serve(std::move(report));
  browser_->open(url());
  EXPECT_TRUE(shows("This replica stands by"));
  EXPECT_TRUE(shows("pod-1 holds the lease regsync"));
  report = fleet_of(1, 1);
  report.role = "leads 2 of 4 slots";
  report.slots_held = 2;
  serve(std::move(report));
  EXPECT_TRUE(shows("All 50 Secrets in sync"));
  EXPECT_TRUE(shows("leads 2 of 4 slots"));
}

// An Ingress that knows no affinity asks another replica each time.
TEST_F(PageTest, OfReplicasThatAnswerInTurnTheOneThatLeadsIsShown) {
  const FleetReport leader = fleet_of(1, 1);
  FleetReport standby;
  standby.role = "stands by";
  const auto ask = [&](const FleetReport& answer, int times) {
    serve(answer);
    browser_->run("return (async () => { for (let i = 0; i < " + std::to_string(times) + "; ++i) await ask(); })()");
    return browser_->run("return document.querySelector('#verdict').innerText").get<std::string>();
  };
  serve(standby);
  browser_->open(url());
  ASSERT_TRUE(shows("This replica stands by"));
  EXPECT_EQ(ask(leader, 1), "All 50 Secrets in sync");
  for (int turn = 0; turn < 3; ++turn) {
    EXPECT_EQ(ask(standby, 10), "All 50 Secrets in sync");
    EXPECT_EQ(ask(leader, 1), "All 50 Secrets in sync");
  }
  EXPECT_EQ(ask(standby, 20), "This replica stands by") << "nobody leads any more";
}

TEST_F(PageTest, ANameIsShownAsItIs) {
  const std::string name = "<img src=x onerror=document.title='owned'>";
  FleetReport report = fleet_with(1, Error(ErrorCode::rejected, name, name));
  rename_cluster(report, name);
  serve(report);
  browser_->open(url());
  EXPECT_TRUE(shows(name));
  EXPECT_EQ(count("img"), 0);
  EXPECT_EQ(browser_->run("return document.title"), "(1) regsync");
}

}  // namespace
}  // namespace regsync::test
