// The desired state of each cluster, and the decision about one key: the pure core of regsync.
//
//   Targets × StoreReading ─► Plans (one per target, the same for all contexts)
//   Plans × one context ─► DesiredState
//   DesiredState × one key × what is there ─► Decision
//
// No I/O, no clock; any thread. All objects are immutable once constructed and shared by pointer.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "helper/store/registry_key.hpp"
#include "helper/store/store_reading.hpp"
#include "sync/model/change.hpp"
#include "sync/model/deletion_scope.hpp"
#include "sync/model/docker_config_json.hpp"
#include "sync/model/key.hpp"
#include "sync/model/label_selector.hpp"
#include "sync/model/login_keeper.hpp"
#include "sync/model/places.hpp"
#include "sync/model/secret_object.hpp"
#include "sync/model/status_report.hpp"
#include "sync/model/target.hpp"

namespace regsync {

// The known logins: the last complete reading of each registry.
struct KnownLogins {
  std::map<RegistryKey, std::shared_ptr<const Credential>> credentials;
  std::set<RegistryKey> asked;                 // read
  std::set<RegistryKey> gone;                  // had a login that is known to be gone; other missing ones may return
  std::map<RegistryKey, Error> problems;       // why a login is unavailable now; the last known one stays in force
  std::optional<Error> store_problem;          // why the store cannot be read now
  std::map<RegistryKey, std::string> awaited;  // by registry: the helper that has not answered yet
  bool in_files = false;                       // the store consists of files only
  std::map<RegistryKey, LoginKeeper> keepers;  // who keeps a login, if not the store itself

  [[nodiscard]] LoginKeeper keeper_of(const RegistryKey& registry) const;
};

// One target with its logins resolved.
struct Plan {
  Target target;
  std::shared_ptr<const Payload> payload;  // null: nothing can be written (yet)
  std::set<std::string> carried_over;      // auths keys without a login now, whose existing entries survive
  std::vector<std::pair<std::string, std::shared_ptr<const Credential>>> entries;  // what payload was made from
  std::vector<Error> problems;                                                     // missing and unusable logins
  bool waiting = false;         // for a complete reading of the store, or for another helper's first answer
  std::optional<Error> awaits;  // if waiting: for what
  bool remove = false;          // every login is gone and the target has onLogout: remove
  std::optional<Error> held;    // why no Secret may be created or adopted now; existing ones are kept current
  bool frozen = false;          // if held: existing ones are not kept current either
  WallTime since = {};          // when this process first knew the target

  // The entries of a Secret of this plan that now holds this .dockerconfigjson: the plan's own and those carried over.
  // A registry with a path is also served by the existing entry of its whole host, unless the plan manages that entry.
  [[nodiscard]] PullEntries entries_over(std::string_view present) const;

  bool operator==(const Plan& other) const;  // whether it produces the same Secrets
};

// The registries whose logins a target needs.
std::set<RegistryKey> wanted_registries(const Target& target);

Plan make_plan(const Target& target, const KnownLogins& logins);

// Whether make_plan() returns the same for a target with either. Credentials are compared by address.
bool same_logins(const Target& target, const KnownLogins& one, const KnownLogins& other);

// A namespace as the API server has it.
struct NamespaceView {
  bool terminating = false;
  Labels labels;  // the label with its own name may be missing

  auto operator<=>(const NamespaceView&) const = default;
};

enum class Selected { no, yes, unknown };

// Whether a target selects a namespace. `view` is null if namespaces cannot be listed (yet), or it does not exist: a
// plain name is then selected anyway, a selector unknown.
Selected selects(const Target& target, const std::string& name_space, const NamespaceView* view,
                 const std::string& default_namespace);

// The known facts about one key in its cluster.
struct Facts {
  const NamespaceView* name_space = nullptr;  // null: no such namespace, or none is known
  bool labels_settled = true;                 // whether its labels were unchanged for the grace period
  bool namespaces_complete = false;           // whether all are listed: null then means that it does not exist
  const SecretView* secret = nullptr;         // null: no such Secret
  bool remembered = false;                    // a footprint covers the place
  bool attached = false;                      // ServiceAccounts list it because regsync attached it to them
  std::uint64_t written = 0;                  // the id of the plan's payload that was written last
  Digest accepted{};                          // the Secret's content after that write
  std::string_view adopt = {};                // the uid of the Secret that --adopt was given for
  std::string_view holder = {};               // "user@host" of this process
  bool awaits_successor = false;              // its successor_of() is not in sync yet

  // A namespace that is not listed while a Secret in it is, is unknown: the list is incomplete.
  [[nodiscard]] bool namespace_is_missing() const {
    return name_space == nullptr && namespaces_complete && secret == nullptr;
  }
};

// Why the data of a Secret that somebody marked immutable is left unchanged.
Error is_immutable(const Key& key);
// Why a deleted Secret still exists. finalizers: SecretView::finalizers.
Error held_by_finalizers(const Key& key, const std::string& finalizers);

enum class Action {
  nothing,  // in order, or not ours to touch
  create,
  update,
  adopt,  // an update of a Secret that is not ours, allowed once
  remove,
  release,  // it stays, unmanaged
  detach,   // there is no Secret, but ServiceAccounts still list it
};

struct Decision {
  Action action = Action::nothing;
  const Plan* plan = nullptr;            // the plan concerned; null if none claims the key or keeps it current
  SyncState state = SyncState::in_sync;  // if action is nothing; otherwise the state until the action is done
  std::optional<Error> cause;
  Why why = Why::nothing;  // of the action, including one that awaits_labels()

  // Whether ServiceAccounts are kept as the plan wants them while the Secret itself needs no action.
  [[nodiscard]] bool keeps_accounts() const {
    return plan != nullptr && !plan->frozen && state != SyncState::paused && state != SyncState::terminating;
  }

  // Whether the Secret is kept only until DesiredState::successor_of() is in sync. No plan claims it then, while one
  // claims the successor: so no two wait for each other. `plan` is the successor's plan if that one keeps this Secret
  // current.
  [[nodiscard]] bool awaits_successor() const {
    return state == SyncState::removing && (action == Action::nothing || action == Action::update) && !awaits_labels();
  }
  // Whether the Secret is to be deleted once the namespace's labels have not matched for the grace period.
  [[nodiscard]] bool awaits_labels() const { return action == Action::nothing && why == Why::unlabelled; }
};

class DesiredState {
 public:
  using Plans = std::map<std::string, std::shared_ptr<const Plan>>;

  using Targets = std::shared_ptr<const std::vector<Target>>;

  // What is wanted through another context that leads to the same cluster.
  struct Sibling {
    std::string context;
    Targets targets;  // with namespaces; not null
    // Whether the cluster itself proves that it is the same. Otherwise its targets take nothing from a target here, and
    // only delay deletions.
    bool is_proven = true;

    [[nodiscard]] bool wants(const std::vector<Target>& others) const {
      return targets.get() == &others || *targets == others;
    }
    bool operator==(const Sibling& other) const {
      return context == other.context && is_proven == other.is_proven && wants(*other.targets);
    }
  };
  // Adds what is wanted through one more context, unless that is nothing, or equal to an existing sibling: a hundred
  // contexts that want the same then cost each claim as much as one.
  static void add_sibling(std::vector<Sibling>& siblings, Sibling sibling);

  struct Inputs {
    std::string default_namespace = "default";  // the one that the context calls its own
    Plans plans = {};                           // of the targets that select the context; a paused one changes nothing
    DeletionScope deletion = {};
    std::vector<Sibling> siblings = {};  // made by add_sibling()
  };

  explicit DesiredState(Inputs inputs);

  // The same with other plans for the same targets, as other logins produce.
  [[nodiscard]] DesiredState with(std::shared_ptr<const Plans> plans) const;
  // Shares equal parts with the other: many contexts want the same.
  void share_with(const DesiredState& other);

  [[nodiscard]] const Plans& plans() const { return *plans_; }
  [[nodiscard]] const std::shared_ptr<const Plans>& shared_plans() const { return plans_; }
  // The targets whose plans use this Secret name, sorted.
  [[nodiscard]] std::vector<std::string> targets_of(const std::string& secret) const;
  [[nodiscard]] const std::vector<Sibling>& siblings() const { return siblings_; }
  [[nodiscard]] const DeletionScope& deletion() const { return frame_->deletion; }
  [[nodiscard]] const std::string& default_namespace() const { return default_namespace_; }
  // Whether an unclaimed Secret of this target is to be deleted.
  [[nodiscard]] bool knows(const std::string& target) const {
    return frame_->deletion.forgotten.contains(target) || frame_->deletion.known_targets.contains(target);
  }

  // The plan that claims a key. Of several, the one whose Secret exists already, so that a target added later takes
  // nothing over; otherwise the first by name. A plan that removes because its logins are gone comes last. Unknown if
  // the selector of the first candidate cannot be evaluated yet (the next one would write what the first then
  // overwrites), and if it is uncertain whether the target that has the Secret gives it up. There is no plan here if a
  // target claims the key through another context of the same cluster and comes first.
  struct Claim {
    const Plan* plan = nullptr;
    bool unknown = false;
    const Target* elsewhere = nullptr;
    const std::string* through = nullptr;  // which context
    std::string_view holder = {};          // if unknown: the target that may not give the Secret up

    // Why another target has the key although this plan selects it; nothing if it is this plan's, or if this plan no
    // longer wants anything there.
    [[nodiscard]] std::optional<Error> refusal_of(const Plan& asking) const;
  };
  [[nodiscard]] Claim claim(const Key& key, const Facts& facts) const;

  // The Secret that replaces this one because its target now uses another Secret name; nothing if the target wants none
  // in this namespace, or wants this one. This one stays until the successor is in sync, so that pods always have one
  // of them.
  [[nodiscard]] std::optional<Key> successor_of(const Key& key, const Facts& facts) const;

  [[nodiscard]] Decision decide(const Key& key, const Facts& facts) const;

  // The Secret names for which this may decide differently from `before`; nothing: all names.
  [[nodiscard]] std::optional<std::set<std::string>> secrets_that_differ_from(const DesiredState& before) const;

  // Whether both decide the same for every key, by the same plans.
  bool operator==(const DesiredState& other) const;

 private:
  struct Frame {
    DeletionScope deletion;
    std::map<std::string, std::vector<std::string>, std::less<>> by_secret;  // the targets of plans_, by Secret name

    bool operator==(const Frame&) const = default;
  };

  [[nodiscard]] Claim claim_here(const Key& key, const Facts& facts) const;
  [[nodiscard]] bool is_paused(const std::string& target) const;
  [[nodiscard]] bool gives_up(const std::string& target, const Key& key) const;
  [[nodiscard]] bool goes_by_labels(std::string_view target, const std::string& name_space) const;
  [[nodiscard]] bool names_plainly(const Plan& plan, const std::string& name_space) const;
  [[nodiscard]] Decision decide_claimed(const Key& key, const Plan& plan, const Facts& facts) const;
  [[nodiscard]] Decision decide_unclaimed(const Key& key, const Facts& facts) const;

  std::string default_namespace_;
  std::vector<Sibling> siblings_;
  // Shared by many contexts.
  std::shared_ptr<const Plans> plans_;
  std::shared_ptr<const Frame> frame_;
};

}  // namespace regsync
