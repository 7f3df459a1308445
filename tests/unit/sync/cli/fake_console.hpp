// A person's console for a test: streams in memory, a store in memory, noon that never passes.
#pragma once

#include <clocale>
#include <functional>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "sync/cli/console.hpp"
#include "sync/control/messages.hpp"
#include "sync/model/status_report.hpp"
#include "tests/support/memory_store.hpp"

namespace regsync::test {

// Hands every call on to a store that the test keeps.
class SharedStore final : public CredentialStore {
 public:
  explicit SharedStore(MemoryStore& store) : store_(store) {}
  void store(const Credential& credential) override { store_.store(credential); }
  std::optional<Credential> get(std::string_view server) override { return store_.get(server); }
  bool erase(std::string_view server) override { return store_.erase(server); }
  std::vector<Login> list() override { return store_.list(); }
  StoreReading load(std::set<RegistryKey> wanted) override { return store_.load(std::move(wanted)); }

 private:
  MemoryStore& store_;
};

class FakeConsole {
 public:
  explicit FakeConsole(const std::string& input = "") : in_(input) { (void)std::setlocale(LC_CTYPE, "C.UTF-8"); }

  static WallTime noon() { return control::from_rfc3339("2026-01-31T12:00:00Z"); }

  cli::Console& console() { return console_; }
  MemoryStore& store() { return store_; }
  MemoryStore& replaced() { return replaced_; }
  void be_terminal() { console_.in_is_terminal = console_.out_is_terminal = true; }

  [[nodiscard]] std::string out() const { return out_.str(); }
  [[nodiscard]] std::string err() const { return err_.str(); }

 private:
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
  MemoryStore store_;
  MemoryStore replaced_;
  cli::Console console_{.in = in_,
                        .out = out_,
                        .err = err_,
                        .terminal_size = [] { return cli::TerminalSize{}; },
                        .now = noon,
                        .open_store = [this](Prompt) { return std::make_unique<SharedStore>(store_); },
                        .open_briefly = [this] { return std::make_unique<SharedStore>(store_); },
                        .open_replaced = [this] { return std::make_unique<SharedStore>(replaced_); }};
};

inline StatusReport summarized(StatusReport report) {
  report.groups = groups_of(report.rows);
  report.rows.clear();
  return report;
}

// Something of everything: in sync, stuck, an unreachable cluster, a target without a namespace.
inline StatusReport sample_report() {
  const WallTime noon = FakeConsole::noon();
  const Error unreachable(ErrorCode::unreachable, "cannot connect to prod:6443: refused", "start the cluster");
  StatusReport report;
  report.version = "0.1.0";
  report.pid = 4711;
  report.owner = "0123 me@host";
  report.started = noon - std::chrono::hours(1);
  report.targets = {{"ghost", "ghost", {"ghcr.io"}, false, {}}, {"web", "myregcred", {"ghcr.io"}, false, {}}};
  report.contexts = {{"dev", "https://dev:6443", true, std::nullopt},
                     {"prod", "https://prod:6443", false, unreachable}};
  report.rows = {
      {"web", "dev", "team-a", "myregcred", SyncState::in_sync, std::nullopt, noon - std::chrono::seconds(60),
       noon - std::chrono::seconds(60), std::nullopt},
      {"web", "dev", "team-b", "myregcred", SyncState::stuck,
       Error(ErrorCode::namespace_missing, "namespace team-b does not exist", "kubectl create namespace team-b"),
       noon - std::chrono::seconds(5), std::nullopt, std::nullopt},
      {"web", "prod", "", "myregcred", SyncState::retrying, unreachable, noon - std::chrono::seconds(123), std::nullopt,
       noon + std::chrono::seconds(27)},
  };
  return report;
}

}  // namespace regsync::test
