#include "sync/engine/context_book.hpp"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <ranges>

#include "helper/base/file_io.hpp"
#include "sync/base/bounded_json.hpp"
#include "sync/base/digest.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/log.hpp"
#include "sync/base/spawn_guarded.hpp"
#include "sync/kube/http/pem.hpp"
#include "sync/model/names.hpp"

namespace regsync {

namespace {

using nlohmann::json;
using std::chrono::system_clock;

constexpr JsonBounds bounds{.bytes = 16UL * 1024 * 1024, .values = 1'000'000};
constexpr std::size_t longest_authority = 16UL * 1024 * 1024;
constexpr std::size_t most_certificates = 100;  // per authority: a hub's Secret may hold thousands
constexpr std::size_t most_formers = 5;         // per context: kind clusters are re-created every day

json to_json(const ClusterIdentity& identity) {
  return {{"uid", identity.uid}, {"server", identity.server}, {"authorities", identity.authorities}};
}

ClusterIdentity identity_from(const json& document) {
  const std::string_view uid = text_at(document, {"uid"});
  ClusterIdentity identity{.uid = is_uid(uid) ? std::string(uid) : std::string(),
                           .server = std::string(text_at(document, {"server"})),
                           .authorities = {}};
  const auto add = [&](std::string_view authority) {
    if (!authority.empty()) {
      identity.authorities.emplace(authority);
    }
  };
  add(text_at(document, {"authority"}));  // the former format
  for (const json& authority : list_at(document, {"authorities"})) {
    add(text_at(authority, {}));
  }
  return identity;
}

bool have_common(const std::set<std::string>& a, const std::set<std::string>& b) {
  return std::ranges::any_of(a, [&](const auto& authority) { return b.contains(authority); });
}

// The uid decides if known; otherwise the authority, which stays when a server moves, otherwise the address. Many
// clusters may share one authority, so for a pinned context it is no proof.
bool leads_elsewhere(const ClusterIdentity& before, const ClusterIdentity& now, bool pinned) {
  if (!before.uid.empty() && !now.uid.empty()) {
    return before.uid != now.uid;
  }
  if (pinned && before.server != now.server) {
    return true;
  }
  if (!before.authorities.empty() && !now.authorities.empty()) {
    return !have_common(before.authorities, now.authorities);
  }
  return before.server != now.server;
}

std::pair<std::string, std::string> in_order(const std::string& one, const std::string& other) {
  return std::minmax(one, other);
}

}  // namespace

ClusterIdentity identity_of(const kube::ResolvedContext& context) {
  ClusterIdentity identity{.uid = {}, .server = context.server, .authorities = {}};
  const auto authority =
      context.ca_file.empty() ? std::optional(context.ca_data) : try_read_file(context.ca_file, longest_authority);
  if (authority && !authority->empty()) {
    identity.authorities.insert(hex(digest_of(*authority)));
    const auto certificates = kube::certificates_in(*authority);
    for (const auto& certificate : std::views::take(certificates, most_certificates)) {
      identity.authorities.insert(hex(digest_of(certificate)));
    }
  }
  return identity;
}

bool same_address(const ClusterIdentity& a, const ClusterIdentity& b) {
  const bool have_none = a.authorities.empty() && b.authorities.empty();
  return a.server == b.server && (have_none || have_common(a.authorities, b.authorities));
}

Same same_cluster(const ClusterIdentity& a, const ClusterIdentity& b) {
  if (!a.uid.empty() && !b.uid.empty()) {
    return a.uid == b.uid ? Same::yes : Same::no;
  }
  return same_address(a, b) ? Same::yes : Same::unknown;
}

std::string former_context(const std::string& name) {
  const auto place = name.rfind(" (");  // an address contains no blanks
  const bool is_former =
      place != std::string::npos && name.ends_with(')') && name.find("://", place) != std::string::npos;
  return is_former ? name.substr(0, place) : std::string();
}

ContextBook::ContextBook(std::filesystem::path file) : file_(std::move(file)) {
  const auto failure = guarded([this] {
    const auto text = read_file_if_exists(file_, bounds.bytes);
    const json document = text ? parse_bounded(*text, bounds) : json::object();
    const json* contexts = find_at(document, {"contexts"});
    if (text && (contexts == nullptr || !contexts->is_object())) {
      throw Error(ErrorCode::invalid_input, "it is not one that regsync wrote");
    }
    lost_ = flag_at(document, {"lost"});
    for (const auto& [context, entry] : map_at(document, {"contexts"}).items()) {
      if (text_at(entry, {"server"}).empty() && text_at(entry, {"held", "server"}).empty()) {
        continue;  // write() never produces this
      }
      Known known{.identity = identity_from(entry), .held = {}, .changed = {}};
      if (const auto* held = find_at(entry, {"held"})) {
        known.held = identity_from(*held);
      }
      known.changed = time_at(entry, {"changed"});
      known.former_of = text_at(entry, {"formerOf"});
      known_.emplace(context, std::move(known));
    }
  });
  if (failure) {
    known_.clear();
    lost_ = true;
    log::warning(file_.string() +
                 " cannot be read, so a context that leads to another cluster than before is not "
                 "noticed this time, and pinned ones wait to be trusted: " +
                 failure->message());
  }
}

const ContextBook::Known* ContextBook::find(const std::string& context) const {
  const auto known = known_.find(context);
  return known == known_.end() ? nullptr : &known->second;
}

bool ContextBook::is_held(const std::string& context) const {
  const Known* known = find(context);
  return known != nullptr && known->held.has_value();
}

bool ContextBook::is_unsure(const std::string& context) const {
  const Known* known = find(context);
  return known != nullptr && known->held && known->held->uid.empty() &&
         !leads_elsewhere(known->identity, *known->held, /*pinned=*/true);
}

ContextBook::Met ContextBook::meet(const std::string& context, ClusterIdentity now, bool pinned, WallTime time) {
  const auto known = known_.find(context);
  if (known == known_.end()) {
    Known& entry = known_[context];
    if (lost_ && pinned) {
      entry.held = std::move(now);
    } else {
      entry.identity = std::move(now);
    }
    changed();
    return Met::news;
  }
  const Known before = known->second;
  Known& entry = known->second;
  const bool is_held_for_it = entry.held && !leads_elsewhere(*entry.held, now, pinned);
  const bool elsewhere = leads_elsewhere(entry.identity, now, pinned);
  const bool unsaid = !elsewhere && now.uid.empty() && (entry.held || !entry.identity.uid.empty());
  if (elsewhere && (!is_held_for_it || is_unsure(context))) {
    entry.changed = time;
  }
  if (pinned && (elsewhere || unsaid)) {
    if (elsewhere || !is_held_for_it) {
      entry.held = std::move(now);
    }
  } else {
    if (!elsewhere && now.uid.empty() && now.server == entry.identity.server) {
      now.uid = entry.identity.uid;  // the right to read it was revoked since
    }
    entry.identity = std::move(now);
    entry.held.reset();
  }
  if (entry == before) {
    return Met::as_before;
  }
  if (entry.now() != before.now()) {
    unlearn(context);
  }
  changed();
  return entry.changed == before.changed ? Met::news : Met::elsewhere;
}

void ContextBook::changed() {
  index_.reset();
  dirty_ = true;
}

void ContextBook::save() {
  if (!dirty_) {
    return;
  }
  const auto failure = guarded([this] { write(); });
  dirty_ = failure.has_value();  // if it failed, next time
  if (failure && problem_ != failure) {
    log::warning(describe(*failure));
  }
  problem_ = failure;
}

bool ContextBook::moves_to(const std::string& context, const ClusterIdentity& now, bool pinned) const {
  const Known* known = find(context);
  return known != nullptr && leads_elsewhere(known->now(), now, pinned);
}

void ContextBook::recall(const std::string& context, ClusterIdentity before) {
  const Known* known = find(context);
  if (known == nullptr || known->identity.uid != before.uid) {
    known_[context] = {.identity = std::move(before), .held = {}, .changed = {}};
    changed();
  }
}

void ContextBook::trust(const std::string& context) {
  if (const auto known = known_.find(context); known != known_.end()) {
    if (known->second.held) {
      known->second.identity = *std::exchange(known->second.held, std::nullopt);
    }
    known->second.changed.reset();
    changed();
  }
}

void ContextBook::put_back(std::map<std::string, Known> before) {
  known_ = std::move(before);
  changed();
}

void ContextBook::end_loss() {
  lost_ = false;
  changed();
}

void ContextBook::forget(const std::string& context) {
  unlearn(context);
  if (known_.erase(context) > 0) {
    changed();
    save();
  }
}

void ContextBook::drop_unless(const std::function<bool(const std::string&)>& is_needed) {
  const auto dropped = std::erase_if(known_, [&](const auto& item) {
    const bool is_dropped = item.second.former_of.empty() && !item.second.held && !is_needed(item.first);
    if (is_dropped) {
      unlearn(item.first);
    }
    return is_dropped;
  });
  if (dropped > 0) {
    changed();
  }
}

std::string ContextBook::former_name(const std::string& context, const ClusterIdentity& before) const {
  const std::string place =
      context + " (" + (before.uid.empty() ? "" : before.uid.substr(0, 8) + " at ") + before.server;
  std::string name = place + ")";
  const auto is_of_another = [&] {
    const Known* known = find(name);
    return known != nullptr && same_cluster(known->identity, before) != Same::yes;
  };
  for (int number = 2; is_of_another(); ++number) {
    name = place + ", " + std::to_string(number) + ")";
  }
  return name;
}

std::string ContextBook::keep_former(const std::string& context, const ClusterIdentity& before, WallTime time,
                                     const std::set<std::string>& remembered,
                                     const std::function<bool(const std::string&)>& may_drop,
                                     std::vector<std::string>& dropped) {
  const std::string name = former_name(context, before);
  known_[name] = Known{.identity = before, .held = {}, .changed = time, .former_of = context};
  std::vector<std::pair<WallTime, std::string>> formers;
  for (const auto& [other, known] : known_) {
    if (known.former_of == context && (other == name || may_drop(other))) {
      formers.emplace_back(known.changed.value_or(WallTime()), other);
    }
  }
  for (const auto& other : remembered) {
    if (find(other) == nullptr && may_drop(other)) {
      formers.emplace_back(WallTime(), other);
    }
  }
  std::ranges::sort(formers, std::greater<>());
  for (std::size_t i = most_formers; i < formers.size(); ++i) {
    known_.erase(formers[i].second);
    dropped.push_back(formers[i].second);
  }
  changed();
  return name;
}

std::optional<std::string> ContextBook::returned_from(const std::string& context) const {
  const Known* now = find(context);
  const auto former = std::ranges::find_if(known_, [&](const auto& item) {
    return item.second.former_of == context && now != nullptr && !now->held &&
           same_cluster(item.second.identity, now->identity) == Same::yes;
  });
  return former == known_.end() ? std::nullopt : std::optional(former->first);
}

void ContextBook::learn(const std::string& one, const std::string& other, bool same) {
  learnt_[in_order(one, other)] = same;
}

// What was learned through a context says nothing about where it leads now.
void ContextBook::unlearn(const std::string& context) {
  std::erase_if(learnt_, [&](const auto& pair) { return pair.first.first == context || pair.first.second == context; });
}

Same ContextBook::same(const std::string& one, const std::string& other) const {
  if (const auto learnt = learnt_.find(in_order(one, other)); learnt != learnt_.end()) {
    return learnt->second ? Same::yes : Same::no;
  }
  const Known* a = find(one);
  const Known* b = find(other);
  return a == nullptr || b == nullptr ? Same::unknown : same_cluster(a->now(), b->now());
}

const ContextBook::Index& ContextBook::index() const {
  if (!index_) {
    index_.emplace();
    for (const auto& [context, known] : known_) {
      const auto& identity = known.now();
      index_->by_server[identity.server].insert(context);
      if (!identity.uid.empty()) {
        index_->by_uid[identity.uid].insert(context);
      }
    }
  }
  return *index_;
}

std::set<std::string> ContextBook::peers(const std::string& context) const {
  std::set<std::string> candidates;
  if (const Known* known = find(context)) {
    const auto& identity = known->now();
    candidates = index().by_server.at(identity.server);
    if (const auto uid = index().by_uid.find(identity.uid); uid != index().by_uid.end()) {
      candidates.insert(uid->second.begin(), uid->second.end());
    }
  }
  for (const auto& [pair, is_same] : learnt_) {
    if (is_same && (pair.first == context || pair.second == context)) {
      candidates.insert(pair.first == context ? pair.second : pair.first);
    }
  }
  std::erase_if(candidates,
                [&](const std::string& other) { return other == context || same(context, other) != Same::yes; });
  return candidates;
}

void ContextBook::write() const {
  json contexts = json::object();
  for (const auto& [context, known] : known_) {
    json entry = to_json(known.identity);
    if (known.held) {
      entry["held"] = to_json(*known.held);
    }
    if (known.changed) {
      entry["changed"] = system_clock::to_time_t(*known.changed);
    }
    if (!known.former_of.empty()) {
      entry["formerOf"] = known.former_of;
    }
    contexts[context] = std::move(entry);
  }
  json document{{"contexts", std::move(contexts)}};
  if (lost_) {
    document["lost"] = true;
  }
  const std::string text = document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
  const auto excess = guarded([&] { end_of_value(text, 0, bounds); });
  if (excess || text.size() > bounds.bytes) {  // it would be too large to read back
    throw Error(ErrorCode::invalid_input,
                "the clusters that contexts lead to are more than " + file_.string() +
                    " can hold: those that are met from now on are not known any more after a restart",
                "take contexts that no target needs out of the kubeconfig or the fleet, or divide them among several "
                "machines or owners");
  }
  write_whole(file_, text);
}

}  // namespace regsync
