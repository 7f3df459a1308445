// An Engine in a world of its own: API servers in memory, a keyring and target files that are plain values, and
// footprints on a disk of the test's own. What the daemon's monitors would tell the engine, the world tells it.
//
// One io_context, run by the test; not thread-safe but for the servers.
#pragma once

#include <asio/io_context.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sync/engine/engine.hpp"
#include "sync/engine/footprint.hpp"
#include "sync/model/change.hpp"
#include "tests/support/fake_api_server.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/temp_dir.hpp"

namespace regsync::test {

// One process: an engine with the footprints it finds. The inputs are handed in by the world.
struct EngineProcess {
  EngineProcess(asio::io_context& io, const std::filesystem::path& footprint_folder, const std::string& owner_id,
                int few_watches, std::chrono::milliseconds grace, EngineHooks hooks,
                std::chrono::minutes move_pause = {});
  std::vector<Change> changes;  // what it has written
  FootprintStore footprints;
  Engine engine;
};

class EngineWorld {
 public:
  static constexpr const char* owner_id = "00112233445566aa";
  // How long something must be gone before that counts; long enough for a test to look in between.
  static constexpr std::chrono::milliseconds grace{60};

  // One API server per context.
  explicit EngineWorld(const std::vector<std::string>& contexts = {"a"});
  ~EngineWorld();
  EngineWorld(const EngineWorld&) = delete;
  EngineWorld& operator=(const EngineWorld&) = delete;
  EngineWorld(EngineWorld&&) = delete;
  EngineWorld& operator=(EngineWorld&&) = delete;

  // The next process watches Secrets by label wherever it may, however few they are.
  bool watches_by_label = false;
  // That of the next process: where a test shows that nothing waited for it.
  std::chrono::milliseconds next_grace = grace;
  // How soon the next process believes that a context leads to another cluster once more.
  std::chrono::minutes next_move_pause{0};

  // The process. start() gives it all inputs as they are now.
  void start();
  void stop();
  // While it is stopped: what was on its disk is gone, and the next process has this id.
  void lose_state(const std::string& new_id);
  void restart() {
    stop();
    start();
  }
  [[nodiscard]] Engine& engine() { return process_->engine; }
  [[nodiscard]] bool running() const { return process_ != nullptr; }
  [[nodiscard]] const std::vector<Change>& changes() const { return process_->changes; }

  // The keyring: programs, each with collections, one of which answers for all. The login of a registry is in one
  // collection of a program; without a collection it is where it was, or in the first that can be written.
  // Answers whether it could be written.
  bool login(const std::string& server, const std::string& password, const std::string& user = "jdoe");
  void logout(const std::string& server);
  void lock(bool locked = true);  // all of it
  enum class CollectionState { open, locked, closed };
  void set_collection(const std::string& path, CollectionState state);  // of the program that answers
  void set_provider(const std::string& program);                        // empty: nobody answers
  [[nodiscard]] const std::string& provider() const { return provider_; }
  [[nodiscard]] std::vector<std::string> collections() const;  // of the program that answers
  // Whether the program that answers shows a login of the registry now, and whether one of its collections has it.
  [[nodiscard]] bool shows_login(const std::string& server) const;
  [[nodiscard]] bool keeps_login(const std::string& program, const std::string& server) const;
  void freeze(bool frozen = true) { frozen_ = frozen; }  // it answers nothing

  // The target files.
  void put_target(const Target& target);
  void malform_target(const std::string& name);  // what TargetDirectory makes of a file that got unreadable
  void lose_target(const std::string& name);     // its file is gone, and nobody said so
  void forget_target(const std::string& name, bool keep_secrets = false);
  void replace_target(const Target& target);  // as `regsync add --replace` does

  // The kubeconfig: which of the contexts it has, each with a namespace of its own if one is given.
  void set_contexts(const std::set<std::string>& contexts);
  void switch_namespace(const std::string& context, const std::string& name_space);
  // Another context that leads to the cluster of this one; by another address, if so asked.
  void add_alias(const std::string& alias, const std::string& context, bool other_address = false);
  // The context leads to another cluster, which is empty, from now on.
  FakeApiServer& replace_cluster(const std::string& context);
  void set_kubeconfig(const std::string& text);
  void let_kubeconfig_age();                     // as if it had been written long ago
  [[nodiscard]] std::string kubeconfig() const;  // with all of these; complete at the end of almost any line

  [[nodiscard]] FakeApiServer& server(const std::string& context = "a") { return *servers_.at(cluster_of(context)); }
  [[nodiscard]] const std::map<std::string, std::unique_ptr<FakeApiServer>>& servers() const { return servers_; }
  [[nodiscard]] std::optional<nlohmann::json> secret(const std::string& name_space, const std::string& name,
                                                     const std::string& context = "a") const;
  [[nodiscard]] std::size_t writes() const;  // at all servers, since forget_requests()
  void forget_requests();

  // Runs the loop.
  template <typename Predicate>
  bool until(Predicate predicate, std::chrono::milliseconds time = std::chrono::seconds(30)) {
    return run_until(io_, predicate, time);
  }
  void run_for(std::chrono::milliseconds time);
  void sync(std::optional<std::string> target = std::nullopt, bool adopt = false);
  void settle() { sync(); }

  // The row of one place: state in_sync with no cause if there is none.
  [[nodiscard]] std::optional<StatusRow> row(const std::string& name_space, const std::string& context = "a",
                                             const std::string& target = "t");
  [[nodiscard]] std::optional<SyncState> state(const std::string& name_space, const std::string& context = "a",
                                               const std::string& target = "t");
  [[nodiscard]] std::optional<ErrorCode> cause(const std::string& name_space, const std::string& context = "a",
                                               const std::string& target = "t");

  [[nodiscard]] asio::io_context& io() { return io_; }
  [[nodiscard]] std::filesystem::path footprint_folder() const { return dir_ / "footprints"; }
  // Whether a process saw a login of this registry while a target wanted it: only such a login can be gone.
  [[nodiscard]] bool remembers_login(const std::string& registry) const;
  // Whether a process wrote down to which cluster this context leads.
  [[nodiscard]] bool knows_cluster(const std::string& context) const;
  // Whether the context was seen to lead to another cluster than a pin of it means.
  [[nodiscard]] bool holds_cluster(const std::string& context) const;
  // Where a target without namespaces is, by context, as its footprint says.
  [[nodiscard]] std::map<std::string, std::string> own_namespaces(const std::string& target) const;

 private:
  [[nodiscard]] nlohmann::json book_of(const std::string& context) const;
  void deliver_reading();
  void deliver_kubeconfig();
  void read_kubeconfig();
  [[nodiscard]] std::string cluster_of(const std::string& context) const;

  asio::io_context io_;
  TempDir dir_;
  std::string id_ = owner_id;
  std::map<std::string, std::unique_ptr<FakeApiServer>> servers_;
  std::vector<std::unique_ptr<FakeApiServer>> retired_servers_;
  std::set<std::string> contexts_;
  std::map<std::string, std::string> current_namespaces_;  // by context
  std::map<std::string, std::string> aliases_;             // by context: the one whose server it has
  std::set<std::string> other_addresses_;
  struct Collection {
    CollectionState state = CollectionState::open;
    std::map<std::string, std::pair<std::string, std::string>> logins = {};  // server -> user, password
  };
  std::map<std::string, std::map<std::string, Collection>> stores_{{"keyring", {{"/login", {}}, {"/second", {}}}},
                                                                   {"keepassxc", {{"/db", {}}, {"/work", {}}}}};
  std::string provider_ = "keyring";
  bool locked_ = false;
  bool frozen_ = false;
  std::set<RegistryKey> wanted_;
  TargetFiles targets_;
  std::unique_ptr<EngineProcess> process_;
};

// A target `t` of one registry, one context `a`, one Secret `cred`.
Target make_target(std::vector<std::string> namespaces = {"team"}, std::vector<std::string> contexts = {"a"});

// A Secret as somebody makes it without regsync.
nlohmann::json foreign_secret(const std::string& password = "theirs");

// registry -> "user:password" of a pull secret's data; nothing where it is none.
std::map<std::string, std::string> entries_of(const nlohmann::json& secret);

// Whether label, target and owner of a Secret are those of the world's process.
bool is_ours(const nlohmann::json& secret, const std::string& owner_id = EngineWorld::owner_id);

// The names in a ServiceAccount's imagePullSecrets, in their order.
std::vector<std::string> pull_secrets_of(const nlohmann::json& account);

}  // namespace regsync::test
