#include "sync/engine/footprint_keeper.hpp"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "sync/base/log.hpp"
#include "sync/base/spawn_guarded.hpp"

namespace regsync {

namespace {

// Empty if the target is not wanted in that context.
Places wanted_places(const std::string& target, const std::string& context, const Wanted& wanted) {
  const auto contexts = wanted.find(target);
  if (contexts == wanted.end()) {
    return {};
  }
  const auto meant = contexts->second.find(context);
  return meant == contexts->second.end() ? Places() : places_of(meant->second.target(), "");
}

// Whether a footprint already has the target's places in the context.
bool tells_of(const Footprint& footprint, const std::string& context, const Meant& meant, const Places& places) {
  const auto known = footprint.contexts.find(context);
  const auto own = footprint.own_namespaces.find(context);
  const bool same_own =
      own == footprint.own_namespaces.end() ? !meant.own_namespace : own->second == meant.own_namespace;
  return known != footprint.contexts.end() && known->second.includes(places) && same_own;
}

// For a removed target that has a file again: Secrets that were to stay unmanaged stay so where the target does not
// return.
Footprint taken_back(Footprint footprint) {
  footprint.forgotten = false;
  if (std::exchange(footprint.keeps, false)) {
    for (const auto& [context, places] : footprint.contexts) {
      footprint.kept.insert(context);
    }
  }
  return footprint;
}

// The footprint of a target with its places in these contexts; nothing if `known` has them already. news: a footprint
// that differs from `known` for another reason.
std::optional<Footprint> with_places(const Footprint* known, std::optional<Footprint> news,
                                     const std::map<std::string, Meant>& contexts) {
  for (const auto& [context, meant] : contexts) {
    const Places places = places_of(meant.target(), "");
    const Footprint* now = news ? &*news : known;
    if (now != nullptr && tells_of(*now, context, meant, places)) {
      continue;
    }
    if (!news) {
      news = known == nullptr ? Footprint() : *known;
    }
    news->contexts[context].merge(places);
    if (meant.own_namespace) {
      news->own_namespaces[context] = *meant.own_namespace;
    } else {
      news->own_namespaces.erase(context);
    }
  }
  return news;
}

}  // namespace

Target Meant::target() const {
  Target target = *declared;
  if (own_namespace) {
    target.namespaces = {*own_namespace};
  }
  target.service_accounts.insert(target.service_accounts.end(), kept_accounts.begin(), kept_accounts.end());
  return target;
}

std::optional<std::string> FootprintKeeper::own_namespace(const std::string& target, const std::string& context) const {
  const Footprint* footprint = find(target);
  return footprint == nullptr ? std::nullopt : footprint->own_namespace(context);
}

void FootprintKeeper::remember(const Wanted& wanted) {
  std::map<std::string, Error> held;
  for (const auto& [target, contexts] : wanted) {
    if (store_.removed_elsewhere(target)) {
      continue;  // see held()
    }
    const Footprint* known = find(target);
    const bool is_back = known != nullptr && known->forgotten && !contexts.empty();
    auto news = with_places(known, is_back ? std::optional(taken_back(*known)) : std::nullopt, contexts);
    if (!news) {
      continue;
    }
    if (const auto failure = guarded([&] { store_.set(target, std::move(*news)); })) {
      if (!held_.contains(target)) {
        log::warning(describe(*failure), {.target = target});
      }
      held.emplace(target,
                   Error(failure->code(),
                         "no new Secret is made, because its footprint cannot be written: " + failure->message(),
                         failure->remedy()));
    }
  }
  held_ = std::move(held);
}

void FootprintKeeper::remember_pin(const std::string& target, const std::string& context, const std::string& uid) {
  const Footprint* known = find(target);
  if (known == nullptr || !known->contexts.contains(context) || pinned(target, context).value_or("") == uid) {
    return;
  }
  Footprint news = *known;
  if (uid.empty()) {
    news.pinned.erase(context);
  } else {
    news.pinned[context] = uid;
  }
  store_.set(target, std::move(news));
}

std::optional<std::string> FootprintKeeper::pinned(const std::string& target, const std::string& context) const {
  const Footprint* footprint = find(target);
  if (footprint == nullptr) {
    return std::nullopt;
  }
  const auto known = footprint->pinned.find(context);
  return known == footprint->pinned.end() ? std::nullopt : std::optional(known->second);
}

void FootprintKeeper::forget(const std::string& target, bool keep_secrets) {
  const Footprint* known = find(target);
  Footprint footprint = known == nullptr ? Footprint() : *known;
  footprint.forget(keep_secrets);
  store_.set(target, std::move(footprint));
}

void FootprintKeeper::copy_context(const std::string& from, const std::string& to) {
  const std::map<std::string, Footprint> before = all();
  for (const auto& [target, footprint] : before) {
    const auto places = footprint.contexts.find(from);
    if (places == footprint.contexts.end()) {
      continue;
    }
    Footprint both = footprint;
    both.contexts[to].merge(places->second);
    if (const auto own = footprint.own_namespaces.find(from); own != footprint.own_namespaces.end()) {
      both.own_namespaces[to] = own->second;
    }
    if (footprint.kept.contains(from)) {
      both.kept.insert(to);
    }
    store_.set(target, std::move(both));
  }
}

void FootprintKeeper::forget_contexts(const std::set<std::string>& contexts) {
  std::vector<std::pair<std::string, Footprint>> changed;
  for (const auto& [target, footprint] : all()) {
    Footprint left = footprint;
    if (std::erase_if(left.contexts, [&](const auto& item) { return contexts.contains(item.first); }) > 0) {
      changed.emplace_back(target, std::move(left));
    }
  }
  for (auto& [target, left] : changed) {
    store_.set(target, std::move(left));
  }
}

bool FootprintKeeper::trim(const Wanted& wanted, const std::function<bool(const std::string&)>& may_trim,
                           const std::function<bool(const std::string&, const std::string&, const Places&)>& is_clean) {
  std::vector<std::pair<std::string, Footprint>> trimmed;
  for (const auto& [target, footprint] : all()) {
    if (held_.contains(target) || !(footprint.forgotten || may_trim(target))) {
      continue;
    }
    Footprint left = footprint;
    for (const auto& [context, places] : footprint.contexts) {
      Places kept = wanted_places(target, context, wanted);
      if ((kept != places || footprint.kept.contains(context)) && is_clean(target, context, places)) {
        left.contexts[context] = std::move(kept);
        left.kept.erase(context);
      }
    }
    if (left != footprint) {
      trimmed.emplace_back(target, std::move(left));
    }
  }
  bool changed = false;
  for (auto& [target, footprint] : trimmed) {
    if (const auto failure = guarded([&] { store_.set(target, std::move(footprint)); })) {
      log::warning(describe(*failure), {.target = target});
      held_.emplace(target, *failure);  // the next remember() tries again
    } else {
      changed = true;
    }
  }
  return changed;
}

bool FootprintKeeper::has_excess(const std::string& target, const Wanted& wanted) const {
  const Footprint* footprint = find(target);
  return footprint != nullptr &&
         std::any_of(footprint->contexts.begin(), footprint->contexts.end(), [&](const auto& item) {
           return footprint->keeps || footprint->kept.contains(item.first) ||
                  wanted_places(target, item.first, wanted) != item.second;
         });
}

std::optional<Error> FootprintKeeper::held(const std::string& target) const {
  if (store_.removed_elsewhere(target)) {
    return Error(ErrorCode::stale,
                 "target " + target +
                     " was removed at another replica, and its file here may only be older: no new Secret is made",
                 "nothing to do: that ends when the file is gone here too; to have the target again, put its file back "
                 "after that");
  }
  const auto problem = held_.find(target);
  return problem == held_.end() ? std::nullopt : std::optional(problem->second);
}

}  // namespace regsync
