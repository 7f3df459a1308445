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

#include "sync/cli/view/console.hpp"
#include "tests/support/memory_store.hpp"
#include "tests/unit/sync/model/sample_report.hpp"

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

  static WallTime noon() { return sample_noon; }

  cli::Console& console() { return console_; }
  MemoryStore& store() { return store_; }
  MemoryStore& replaced() { return replaced_; }
  void be_terminal() { console_.in_is_terminal = console_.out_is_terminal = console_.err_is_terminal = true; }

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
                        .open_briefly = [this](std::chrono::milliseconds) -> std::shared_ptr<CredentialStore> {
                          return console_.open_store(Prompt::never);
                        },
                        .open_replaced = [this] { return std::make_unique<SharedStore>(replaced_); }};
};

}  // namespace regsync::test
