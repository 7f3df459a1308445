#include "sync/engine/shared_objects.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "sync/cluster/cluster.hpp"
#include "sync/engine/context_checks.hpp"

namespace regsync {

namespace {

constexpr const char* not_asked = " may lead to the same cluster, and cannot be asked";

asio::awaitable<std::string> uid_through(std::string other, Cluster& cluster, Key key) {
  try {
    co_return co_await cluster.uid_of(key);
  } catch (const Error& error) {
    throw error.within("context " + other + not_asked);
  }
}

}  // namespace

// The book knows where a context led when it was last reached: that does not hold if its address has changed since.
bool SharedObjects::is_in_doubt(const std::string& context, const Cluster& cluster) const {
  const ContextBook::Known* met = book_.find(context);
  if (met == nullptr || contexts_.identified(context)) {
    return false;
  }
  if (cluster.answers()) {
    return true;  // it answers again, but its identity is not known yet
  }
  return !same_address(met->now(), identity_of(cluster.context()));
}

Same SharedObjects::same(const std::string& one, const std::string& other, const Cluster& cluster) const {
  const Same known = book_.same(one, other);
  if (known != Same::no) {
    return known;
  }
  const auto asking = contexts_.find(one);
  return (asking && !contexts_.identified(one)) || is_in_doubt(other, cluster) ? Same::unknown : known;
}

// Whether no target, through this or another replica, ever worked through a context of a hub.
bool SharedObjects::was_never_used(const std::string& context) const {
  return !contexts_.in_kubeconfig() && !footprints_.has_unreadable() && book_.find(context) == nullptr &&
         !is_used(context, /*is_selected=*/false, footprints_.all());
}

// Throws if a context without a cluster may want the Secret. The book's identity of such a context is from when it was
// last reached, and so is that of the asking context until it is identified.
void SharedObjects::check_unusable(const std::string& context, const Key& key) const {
  const bool is_known = !contexts_.find(context) || contexts_.identified(context);
  for (const auto& [other, problem] : contexts_.problems()) {
    if (other == context || contexts_.find(other) || was_never_used(other) || !briefing_.may_be_wanted(other, key)) {
      continue;
    }
    const ContextBook::Known* met = book_.find(other);
    const bool leads_elsewhere = is_known && met != nullptr && met->now().server == contexts_.server(other) &&
                                 book_.same(context, other) == Same::no;
    if (!leads_elsewhere) {
      throw problem.within("context " + other + not_asked);
    }
  }
}

asio::awaitable<void> SharedObjects::check(std::string context, Key key, std::string uid, Taking taking) {
  check_unusable(context, key);
  const std::map<std::string, std::shared_ptr<Cluster>> others(contexts_.clusters());
  for (const auto& [other, cluster] : others) {
    if (other == context || !cluster->may_want(key)) {
      continue;
    }
    Same known = same(context, other, *cluster);
    if (known == Same::no) {
      continue;
    }
    const auto asking = contexts_.find(context);
    // The asking context knows what is wanted there, and takes precedence. But of two that see one namespace, one sees
    // its new labels first.
    if (asking && briefing_.was_told_of(context, other) && !asking->is_claimed_elsewhere(key) &&
        (taking == Taking::taken_over || !cluster->wants(key))) {
      continue;
    }
    if (known == Same::unknown) {
      const auto seen = co_await uid_through(other, *cluster, key);
      if (seen != uid && asking) {
        const auto again = co_await asking->uid_of(key);
        if (again != uid) {
          throw Error(ErrorCode::stale, subject_of(key) + " was made anew while contexts were compared");
        }
      }
      known = seen == uid ? Same::yes : Same::no;
      book_.learn(context, other, seen == uid);
    }
    if (known == Same::yes) {
      on_learnt_();
      throw Error(ErrorCode::already_exists,
                  subject_of(key) + " is wanted through context " + other + ", which leads to the same cluster",
                  "nothing to do");
    }
  }
}

}  // namespace regsync
