// The parts of an engine that say what is meant, over a kubeconfig and targets that are plain values. Clusters are made
// and not called: the loop does not run, unless a test runs it.
#pragma once

#include <gtest/gtest.h>

#include <asio/io_context.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sync/engine/briefing.hpp"
#include "sync/engine/context_book.hpp"
#include "sync/engine/context_set.hpp"
#include "sync/engine/footprint.hpp"
#include "sync/engine/footprint_keeper.hpp"
#include "sync/engine/intent.hpp"
#include "sync/engine/paused_contexts.hpp"
#include "sync/engine/status_builder.hpp"
#include "sync/engine/target_set.hpp"
#include "sync/kube/api/kube_client.hpp"
#include "tests/support/fake_kube.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync {

class EngineParts : public testing::Test {
 protected:
  // By context: its current namespace. Nothing listens where they lead, but in those of kubes_.
  using Contexts = std::map<std::string, std::string>;

  static std::string kubeconfig_text(const Contexts& contexts, const std::string& token = "t") {
    std::string clusters;
    std::string named;
    for (const auto& [name, name_space] : contexts) {
      clusters += "- {name: " + name + ", cluster: {server: 'https://127.0.0.1:1/" + name + "'}}\n";
      named += "- {name: " + name + ", context: {cluster: " + name + ", user: u, namespace: " + name_space + "}}\n";
    }
    return "clusters:\n" + clusters + "contexts:\n" + named + "users: [{name: u, user: {token: " + token + "}}]\n";
  }

  static Target target(std::vector<std::string> namespaces = {"team"}, std::vector<std::string> contexts = {"*"}) {
    Target made;
    made.name = "t";
    made.secret = "cred";
    made.registries = {"ghcr.io"};
    made.contexts = std::move(contexts);
    made.namespaces = std::move(namespaces);
    return made;
  }

  void TearDown() override { test::run(io_, contexts_.stop()); }

  void set_contexts(const Contexts& contexts) {
    contexts_.set_kubeconfig(kube::Kubeconfig::parse(kubeconfig_text(contexts), "a file"));
    update();
  }
  // Those of a hub.
  void set_fleet(std::map<std::string, std::shared_ptr<const kube::KnownCluster>> clusters) {
    contexts_.set_kubeconfig(kube::Kubeconfig::of(std::move(clusters), "the hub"));
    update();
  }
  // A file that somebody may still be writing.
  void set_young_contexts(const Contexts& contexts) {
    contexts_.set_kubeconfig(kube::Kubeconfig::load(dir_.write("kubeconfig", kubeconfig_text(contexts))));
    update();
  }
  // Those that run are those of the kubeconfig. Returns those that are new.
  std::set<std::string> update() {
    return contexts_.update([](const std::string&) { return true; });
  }

  // A person declares a target, with a command: it counts in full.
  void declare(const Target& target) {
    write(target);
    targets_.confirm(target.name);
    mean();
  }
  // A file is written, maybe torn.
  void write(const Target& target) {
    files_[target.name] = {target, std::nullopt};
    targets_.set(files_);
    mean();
  }
  void log_in(const std::string& password) {
    logins_.asked = {RegistryKey("ghcr.io")};
    logins_.credentials[RegistryKey("ghcr.io")] =
        std::make_shared<const Credential>(Credential{{"ghcr.io", "jdoe"}, SecretString(password)});
    mean();
  }
  void mean() {
    intent_.make_plans(logins_);
    intent_.resolve();
  }
  // Where a target was before this process.
  void remember(const std::string& context, const std::set<std::string>& namespaces,
                const std::set<std::string>& accounts = {}) {
    Footprint footprint;
    if (const Footprint* known = store_.find("t")) {
      footprint = *known;
    }
    footprint.contexts[context].secrets["cred"].namespaces = namespaces;
    footprint.contexts[context].service_accounts = accounts;
    store_.set("t", std::move(footprint));
  }

  [[nodiscard]] EngineState state_since(WallTime started) const {
    return {.targets = targets_.files(),
            .intent = intent_,
            .contexts = contexts_,
            .footprints = footprints_,
            .unreadable_footprints = unreadable_,
            .book = book_,
            .paused = paused_,
            .started = started};
  }

  std::unique_ptr<kube::HttpTransport> connect(const kube::ResolvedContext& context) {
    const auto kube = kubes_.find(context.name);
    if (kube == kubes_.end()) {
      return std::make_unique<kube::HttpClient>(io_.get_executor(), kube::endpoint_of(context));
    }
    return kube->second->transport.connect();
  }

  // Longer than any test: what is young stays young.
  static constexpr std::chrono::milliseconds grace = std::chrono::hours(1);

  test::TempDir dir_;
  asio::io_context io_;
  std::map<std::string, std::shared_ptr<test::FakeKube>> kubes_;  // by context, before it is set; several may share one
  KnownLogins logins_;
  TargetFiles files_;
  TargetSet targets_{io_.get_executor(), grace, [] {}};
  ContextSet contexts_{io_.get_executor(),
                       {.owner = {"id", "id jdoe@laptop"},
                        .connect = [this](const kube::ResolvedContext& context) { return connect(context); }},
                       grace,
                       {.on_change = [](const std::string&, const ChangedRows&) {},
                        .on_due = [] {},
                        .read_again = {},
                        .on_identified = [](const std::string&, const ClusterIdentity&) { return true; },
                        .on_lost = [](const std::string&) {}}};
  FootprintStore store_{dir_ / "footprints"};
  FootprintKeeper footprints_{store_};
  std::map<std::string, Error> unreadable_;  // footprints
  ContextBook book_{dir_ / "contexts.json"};
  PausedContexts paused_{dir_ / "paused.json"};
  Intent intent_{targets_, contexts_, footprints_};
  Briefing briefing_{{.targets = targets_,
                      .contexts = contexts_,
                      .footprints = footprints_,
                      .book = book_,
                      .paused = paused_,
                      .intent = intent_}};
};

}  // namespace regsync
