// FakeCluster holds the objects of an API server in memory: the semantics of writes, and their watch events.
//
// It follows the observed answers of real API servers, as far as they matter to a client of Secrets: versions, uid and
// version guards, server-side apply with owners of fields, immutables, selectors, pages, JSON patches, preconditions,
// finalizers, missing and terminating namespaces, and a history that can be compacted. Not thread-safe; FakeApiServer
// locks it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace regsync::test {

using FieldPath = std::vector<std::string>;  // {"data", ".dockerconfigjson"}

struct Answer {
  int status = 200;
  nlohmann::json body;
};

Answer status_answer(int code, std::string reason, std::string message, nlohmann::json details = {});

struct Selection {
  std::string resource;
  std::string name_space;  // empty: all
  std::string field_selector;
  std::string label_selector;

  [[nodiscard]] bool includes(const nlohmann::json& object) const;
};

struct ClusterEvent {
  std::uint64_t version = 0;
  std::string resource;
  std::optional<nlohmann::json> before;
  std::optional<nlohmann::json> after;

  // Returns the event as a watch of `selection` sees it; nullopt if it sees none.
  [[nodiscard]] std::optional<nlohmann::json> as_seen_by(const Selection& selection) const;
};

class FakeCluster {
 public:
  struct Key {
    std::string resource;  // plural
    std::string name_space;
    std::string name;
    auto operator<=>(const Key&) const = default;
  };
  struct Write {
    std::string manager;
    bool force = false;
    bool dry_run = false;
  };

  FakeCluster();

  Answer get(const Key& key) const;
  Answer list(const Selection& selection, std::size_t limit, const std::string& continue_token) const;
  Answer create(Key key, nlohmann::json object, const Write& write);
  Answer update(const Key& key, nlohmann::json object, const Write& write);
  Answer apply(const Key& key, const nlohmann::json& object, const Write& write);
  Answer json_patch(const Key& key, const nlohmann::json& patch, const Write& write);
  Answer merge_patch(const Key& key, const nlohmann::json& patch, const Write& write);
  Answer remove(const Key& key, const nlohmann::json& options);

  // A mutating admission policy: changes every object that is about to be written.
  using Policy = std::function<void(const Key&, nlohmann::json&)>;
  void set_policy(Policy policy) { policy_ = std::move(policy); }

  // Marks a namespace as being deleted: it exists, but nothing can be created in it.
  void terminate_namespace(const std::string& name);

  [[nodiscard]] std::uint64_t version() const { return version_; }
  // The oldest version at which a watch can start.
  [[nodiscard]] std::uint64_t oldest() const { return oldest_; }
  [[nodiscard]] const std::deque<ClusterEvent>& history() const { return history_; }
  void compact();
  // Resets to `backup` (an earlier copy), as when etcd is restored: the revision goes back.
  void restore(const FakeCluster& backup);

 private:
  struct Entry {
    nlohmann::json object;
    std::map<FieldPath, std::set<std::string>> owners;
    std::map<std::string, std::set<FieldPath>> applied;
  };

  std::optional<Answer> namespace_fault(const Key& key, bool making) const;
  Answer store(const Key& key, Entry entry, bool dry_run, int status);
  Answer write_as(const Key& key, nlohmann::json object, const Write& write);
  void mark_deleted(const Key& key, Entry& entry);  // it is removed once no finalizer holds it

  Policy policy_;
  std::map<Key, Entry> entries_;
  std::uint64_t version_ = 1;
  std::uint64_t oldest_ = 1;
  std::uint64_t uids_;  // the last one used; starts at a random value, so that no two clusters share one
  std::deque<ClusterEvent> history_;
};

}  // namespace regsync::test
