#include "sync/cli/ask/differences.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "sync/base/json_access.hpp"
#include "sync/cli/ask/meant_target.hpp"
#include "sync/cli/ask/plans.hpp"
#include "sync/cli/ask/snapshot.hpp"
#include "sync/cli/view/manifest.hpp"
#include "sync/cli/view/quote.hpp"
#include "sync/cluster/service_account.hpp"
#include "sync/cluster/write_trouble.hpp"
#include "sync/engine/status_builder.hpp"
#include "sync/model/remedy.hpp"
#include "sync/model/secret_object.hpp"

namespace regsync::cli {
namespace {

using nlohmann::json;

// Returns the object after a server-side apply, which keeps what others added.
json apply_to(const json& live, json manifest, const std::string& name_space) {
  json& metadata = manifest["metadata"];
  metadata["annotations"][place_annotation] = place_of(name_space, metadata["name"].get_ref<const std::string&>());
  metadata["namespace"] = name_space;
  if (live.is_null()) {
    return manifest;
  }
  json result = live;
  result.merge_patch(manifest);
  return result;
}

Error old_copy(const Key& key, const std::string& context) {
  constexpr const char* annotation = "kubectl.kubernetes.io/last-applied-configuration";
  return {ErrorCode::not_owned,
          "Secret " + key.secret + " keeps an old password in the annotation " + annotation +
              ", which regsync does not own",
          "drop it: kubectl --context " + shell_word(context) + " -n " + key.name_space + " annotate secret " +
              key.secret + " " + annotation + "-"};
}

// Names the owner of a Secret that would be taken over.
std::string whose(const Facts& facts) {
  const SecretView& secret = *facts.secret;
  switch (secret.ownership) {
    case Ownership::other_owner:
      return secret.holder == facts.holder ? "made by this user under another owner id"
                                           : "kept by another regsync, " + secret.holder;
    case Ownership::copy:
      return "copied from " + secret.holder;
    case Ownership::relabelled:
      return "written by regsync, with another label now";
    default:
      if (is_unmarked(secret)) {
        return "written by regsync, and nobody's now";
      }
      return secret.holder.empty() ? "not made by regsync" : "written by " + secret.holder;
  }
}

// Returns the parts of a ServiceAccount to show: what regsync owns, and all its pull secrets, which are only names.
json shown_account(const json& account) {
  json shown{
      {"apiVersion", "v1"},
      {"kind", "ServiceAccount"},
      {"metadata",
       {{"name", text_at(account, {"metadata", "name"})}, {"namespace", text_at(account, {"metadata", "namespace"})}}}};
  for (const std::string_view annotation : {attached_annotation, place_annotation}) {
    if (const json* value = find_at(account, {"metadata", "annotations", annotation})) {
      shown["metadata"]["annotations"][std::string(annotation)] = *value;
    }
  }
  if (const json* entries = find_at(account, {"imagePullSecrets"})) {
    shown["imagePullSecrets"] = *entries;
  }
  return shown;
}

// Compares one cluster, key by key. Several Secrets may change one ServiceAccount, so ServiceAccounts are reported at
// the end.
class Comparison {
 public:
  Comparison(const DesiredState& desired, const Snapshot& snapshot, const Places& places, const Owner& owner,
             const std::string& context, const std::set<std::string>& asked, Adoption adoption, Differences& found)
      : desired_(desired),
        snapshot_(snapshot),
        places_(places),
        owner_(owner),
        context_(context),
        asked_(asked),
        adoption_(adoption),
        accounts_(snapshot.accounts),
        found_(found) {}

  void compare(const Key& key) {
    const json none;
    const auto secret = snapshot_.secrets.find(key);
    const json& live = secret == snapshot_.secrets.end() ? none : secret->second;
    const std::optional<SecretView> view = view_of(key);
    Facts facts = facts_of(key, view);
    const auto successor = desired_.successor_of(key, facts);
    facts.awaits_successor = successor && !will_be_in_sync(*successor, view->target);
    const Decision decision = desired_.decide(key, facts);
    add_refusals(key, facts);
    if (decision.state == SyncState::paused) {
      return;
    }
    const bool wants = decision.plan != nullptr && is_asked(decision.plan->target.name);
    const bool has = view && is_asked(view->target);
    if (!wants && !has && decision.action != Action::detach) {
      return;
    }

    if (decision.plan != nullptr && carries_old_copy(live)) {
      found_.obstacles.push_back({place(key), old_copy(key, context_)});
    }
    if (decision.cause) {
      add_obstacle(key, decision, *decision.cause);
    }
    if (live.is_null() && (decision.action == Action::nothing || decision.action == Action::detach)) {
      detach_excess(key, decision);
    } else {
      compare_accounts(key, decision, view && view->ownership == Ownership::ours);
    }
    if (decision.action != Action::nothing && decision.action != Action::detach) {
      compare_secret(key, decision, live, decision.action == Action::adopt ? whose(facts) : "");
    }
  }

  void tell_accounts() {
    for (const auto& [name_space, accounts] : accounts_) {
      for (const auto& [name, after] : accounts) {
        const json& before = snapshot_.accounts.at(name_space).at(name);
        if (after != before) {
          found_.changes.push_back({context_, name_space, DifferenceKind::service_account, name, shown_account(before),
                                    shown_account(after)});
        }
      }
    }
  }

 private:
  [[nodiscard]] bool is_asked(const std::string& target) const { return asked_.empty() || asked_.contains(target); }

  [[nodiscard]] std::optional<SecretView> view_of(const Key& key) const {
    const auto secret = snapshot_.secrets.find(key);
    return secret == snapshot_.secrets.end() ? std::nullopt : std::optional(view_secret(secret->second, owner_.id));
  }

  // view: the result of view_of(key); it must outlive the returned Facts.
  [[nodiscard]] Facts facts_of(const Key& key, const std::optional<SecretView>& view) const {
    Facts facts;
    facts.name_space = snapshot_.find_namespace(key.name_space);
    facts.namespaces_complete = snapshot_.namespaces_complete;
    facts.secret = view ? &*view : nullptr;
    facts.remembered = places_.cover(key);
    facts.attached = !view && is_attached_here(key);
    facts.holder = owner_.holder();
    if (view && is_to_be_adopted(key, facts)) {
      facts.adopt = view->uid;
    }
    return facts;
  }

  // Whether a sync leaves the target's Secret there as the target declares it.
  [[nodiscard]] bool will_be_in_sync(const Key& key, const std::string& target) const {
    const std::optional<SecretView> view = view_of(key);
    const Decision decision = desired_.decide(key, facts_of(key, view));
    const bool is_written =
        decision.action == Action::create || decision.action == Action::update || decision.action == Action::adopt;
    return decision.plan != nullptr && decision.plan->target.name == target && !decision.cause &&
           (is_written || decision.state == SyncState::in_sync);
  }

  // Decides as Cluster::adopt() does.
  [[nodiscard]] bool is_to_be_adopted(const Key& key, const Facts& facts) const {
    const Plan* plan = desired_.claim(key, facts).plan;
    return plan != nullptr && is_asked(plan->target.name) && is_adopted(adoption_, *facts.secret, facts.holder);
  }

  // Adds an obstacle for each target that wants the key although another one has it.
  void add_refusals(const Key& key, const Facts& facts) {
    const auto claim = desired_.claim(key, facts);
    for (const std::string& name : desired_.targets_of(key.secret)) {
      const Plan& plan = *desired_.plans().at(name);
      const auto refusal = claim.refusal_of(plan);
      if (refusal && is_asked(name) && !plan.target.paused &&
          selects(plan.target, key.name_space, facts.name_space, desired_.default_namespace()) == Selected::yes) {
        found_.obstacles.push_back({place(key), for_context(*refusal, name, context_)});
        found_.stuck = true;
      }
    }
  }

  [[nodiscard]] std::string place(const Key& key) const { return context_ + "/" + key.name_space; }

  void add_obstacle(const Key& key, const Decision& decision, const Error& error) {
    const std::string target = decision.plan == nullptr ? "" : decision.plan->target.name;
    found_.obstacles.push_back({place(key), for_context(error, target, context_)});
    found_.stuck = found_.stuck || !is_as_asked(decision.state);
  }

  void compare_secret(const Key& key, const Decision& decision, const json& live, std::string taken_over) {
    json after;
    if (decision.action == Action::release) {
      after = live;
      after.merge_patch(
          {{"metadata",
            {{"labels", {{managed_by_label, nullptr}}},
             {"annotations",
              {{target_annotation, nullptr}, {owner_annotation, nullptr}, {place_annotation, nullptr}}}}}});
    } else if (decision.action != Action::remove) {
      const Payload payload = payload_for(*decision.plan, live);
      json manifest = make_manifest(*decision.plan, owner_.annotation, payload.base64());
      manifest["metadata"]["name"] = key.secret;  // differs from the plan's while this Secret waits for its successor
      after = apply_to(live, std::move(manifest), key.name_space);
      if (after == live) {
        return;
      }
    }
    auto [shown_before, shown_after] = mask(live, after);
    found_.changes.push_back({context_, key.name_space, DifferenceKind::secret, key.secret, std::move(shown_before),
                              std::move(shown_after), std::move(taken_over)});
  }

  [[nodiscard]] bool is_attached_here(const Key& key) const {
    const auto accounts = accounts_.find(key.name_space);
    return accounts != accounts_.end() && std::ranges::any_of(accounts->second, [&](const auto& item) {
             return view_service_account(item.second).is_attached(key.secret, owner_.id);
           });
  }

  // Detaches as Attachments does if there is no Secret.
  void detach_excess(const Key& key, const Decision& decision) {
    const Plan* plan = decision.plan;
    if (decision.action == Action::nothing && (plan == nullptr || plan->held || !decision.keeps_accounts())) {
      return;
    }
    for (auto& [name, account] : accounts_[key.name_space]) {
      if (plan == nullptr || plan->remove || !matches_any(plan->target.service_accounts, name)) {
        account = detached(account, key.secret, owner_.id);
      }
    }
  }

  // Compares the ServiceAccounts of a Secret that is ours or is about to be.
  void compare_accounts(const Key& key, const Decision& decision, bool ours) {
    const bool removes = decision.action == Action::remove;
    const bool writes = decision.action != Action::nothing && decision.action != Action::release && !removes;
    const bool keeps = decision.action == Action::nothing && ours && decision.keeps_accounts();
    if (!removes && !writes && !keeps) {
      return;
    }
    const std::vector<std::string> wanted =
        removes ? std::vector<std::string>() : decision.plan->target.service_accounts;
    auto& accounts = accounts_[key.name_space];
    std::vector<std::string> absent;
    std::vector<const Error*> hidden;
    for (const std::string& name : wanted) {
      if (const Error* error = snapshot_.find_hidden(key.name_space, name)) {
        if (std::ranges::find(hidden, error) == hidden.end()) {  // one list may cover all names
          hidden.push_back(error);
        }
      } else if (!is_glob(name) && !accounts.contains(name)) {
        absent.push_back(name);
      }
    }
    for (auto& [name, account] : accounts) {
      account =
          matches_any(wanted, name) ? attached(account, key.secret, owner_.id) : detached(account, key.secret, {});
    }
    for (const Error* error : hidden) {
      found_.stuck = true;
      found_.obstacles.push_back({place(key), for_context(*error, decision.plan->target.name, context_)});
    }
    if (!absent.empty()) {
      found_.stuck = true;
      found_.obstacles.push_back(
          {place(key), for_context(accounts_missing(key, absent), decision.plan->target.name, context_)});
    }
  }

  const DesiredState& desired_;
  const Snapshot& snapshot_;
  const Places& places_;
  const Owner& owner_;
  const std::string& context_;
  const std::set<std::string>& asked_;
  Adoption adoption_;
  std::map<std::string, std::map<std::string, json>> accounts_;  // as a sync would leave them
  Differences& found_;
};

}  // namespace

std::optional<Hold> hold_of(const Target& target, const std::string& context, const RememberedState& memory) {
  if (pins(target, context) && memory.book.is_held(context)) {
    return Hold{context_held(context, memory.book), /*frozen=*/true};
  }
  const auto unreadable = memory.footprints.unreadable().find(target.name);
  return unreadable == memory.footprints.unreadable().end() ? std::nullopt
                                                            : std::optional(Hold{unreadable->second, /*frozen=*/false});
}

asio::awaitable<void> find_differences(kube::KubeClient& client, std::vector<std::shared_ptr<const Plan>> plans,
                                       Owner owner, const RememberedState& memory, Differences& found,
                                       CompareWith with) {
  const std::string default_namespace = client.context().default_namespace;
  Places places = std::move(with.leftovers);
  DesiredState::Plans by_name;
  for (const auto& plan : plans) {
    auto meant = std::make_shared<Plan>(*plan);
    meant->target = meant_in(plan->target, client.context(), memory.footprints);
    places.merge(places_of(meant->target, default_namespace));
    if (const auto hold = hold_of(plan->target, client.context().name, memory)) {
      meant->held = hold->why;
      meant->frozen = hold->frozen;
    }
    by_name.emplace(meant->target.name, std::move(meant));
  }
  const DesiredState desired({.default_namespace = default_namespace,
                              .plans = std::move(by_name),
                              .deletion = std::move(with.deletion),
                              .siblings = std::move(with.siblings)});
  Snapshot snapshot = co_await read_snapshot(client, places);
  co_await read_accounts(client, places, snapshot);
  Comparison comparison(desired, snapshot, places, owner, client.context().name, with.asked, with.adoption, found);
  for (const Key& key : keys_of(snapshot, places)) {
    comparison.compare(key);
  }
  comparison.tell_accounts();
}

}  // namespace regsync::cli
