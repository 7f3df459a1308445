#include "sync/logins/login_places.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ranges>
#include <utility>

#include "helper/base/file_io.hpp"
#include "sync/base/json_access.hpp"
#include "sync/base/spawn_guarded.hpp"

namespace regsync {

namespace {

using nlohmann::json;

constexpr std::size_t max_file_bytes = 4UL * 1024 * 1024;

std::int64_t seconds_of(std::chrono::sys_seconds time) { return time.time_since_epoch().count(); }

std::chrono::sys_seconds time_from(const json& seconds) {
  return std::chrono::sys_seconds(std::chrono::seconds(seconds.get<std::int64_t>()));
}

}  // namespace

LoginPlaces::LoginPlaces(std::filesystem::path file, Clock::duration settle) : file_(std::move(file)), settle_(settle) {
  if (!file_.empty()) {
    problem_ = guarded([this] { read(); });
  }
}

LoginPlaces::Verdict LoginPlaces::judge(const StoreReading& reading, Clock::time_point now) {
  Verdict verdict;
  const Shown shown = shown_by(reading);
  for (const auto& [registry, seen] : shown) {
    if (auto why = outranked(registry, *seen.front(), reading)) {
      verdict.unknown.insert_or_assign(registry, std::move(*why));
    }
  }
  if (reading.problem) {
    return verdict;
  }
  learn(shown, verdict, reading);
  for (const RegistryKey& registry : reading.asked) {
    const auto known = known_.find(registry);
    if (known == known_.end() || shown.contains(registry) || reading.problems.contains(registry)) {
      missing_.erase(registry);
    } else if (auto why = doubt(registry, known->second, reading)) {
      missing_.erase(registry);
      verdict.unknown.insert_or_assign(registry, std::move(*why));
    } else {
      Missing& missing = missing_.try_emplace(registry, Missing{now}).first->second;
      const auto since = missing.since;
      missing.gone = missing.gone || (now - since >= settle_ && !reading.only_changes);
      if (missing.gone) {
        verdict.gone.insert(registry);
      } else {
        verdict.unknown.insert_or_assign(
            registry, Error(ErrorCode::login_missing,
                            "the login for " + registry.value() +
                                " is missing; regsync reads the logins once more before it counts as gone",
                            "nothing to do: the next reading follows within seconds"));
        verdict.recheck = std::min(verdict.recheck.value_or(since + settle_), since + settle_);
      }
    }
  }
  return verdict;
}

// Only the asked registries: other logins in the keyring do not concern regsync.
LoginPlaces::Shown LoginPlaces::shown_by(const StoreReading& reading) {
  Shown shown;
  for (const Credential& credential : reading.credentials) {
    if (const KeptLogin* kept = reading.find(credential.login)) {
      shown[RegistryKey(credential.login.server)].push_back(kept);
    }
  }
  for (const KeptLogin& kept : reading.all) {
    if (const RegistryKey registry(kept.login.server); reading.asked.contains(registry)) {
      shown[registry].push_back(&kept);
    }
  }
  return shown;
}

LoginPlaces::Place LoginPlaces::place_of(const KeptLogin& kept, const StoreReading& reading) {
  const StoreCollection* collection = reading.find_collection(kept.collection);
  const bool in_file = collection != nullptr && collection->is_file;
  return {in_file ? login_files_program : reading.provider->program, kept.collection};
}

const StoreCollection* LoginPlaces::find(const Place& place, const StoreReading& reading) {
  const StoreCollection* collection = reading.find_collection(place.collection);
  const std::string program = reading.provider ? reading.provider->program : std::string();
  const bool is_it = collection != nullptr && place.provider == (collection->is_file ? login_files_program : program);
  return is_it ? collection : nullptr;
}

bool LoginPlaces::is_anew(const Held& held, const StoreCollection* collection) {
  return collection != nullptr && held.created != std::chrono::sys_seconds() && collection->created > held.created;
}

void LoginPlaces::learn(const Shown& shown, const Verdict& verdict, const StoreReading& reading) {
  if (!reading.provider || reading.provider->program.empty()) {
    return;
  }
  bool moved = false;
  for (const auto& [registry, seen] : shown) {
    if (verdict.unknown.contains(registry)) {
      continue;
    }
    Whereabouts& known = known_[registry];
    Whereabouts now = whereabouts(known, seen, reading);
    moved = moved || !now.has_places_of(known);
    unsaved_ = unsaved_ || now != known;
    known = std::move(now);
    for (const KeptLogin* kept : seen) {
      const StoreCollection* collection = reading.find_collection(kept->collection);
      const std::string label = collection != nullptr ? collection->label : std::string();
      moved = std::exchange(labels_[place_of(*kept, reading)], label) != label || moved;
    }
  }
  if (moved) {
    unsaved_ = true;
    save();
  }
}

void LoginPlaces::save() {
  if (!is_saved()) {
    problem_ = guarded([this] { write(); });
    unsaved_ = problem_.has_value();
  }
}

bool LoginPlaces::Whereabouts::has_places_of(const Whereabouts& other) const {
  return last == other.last && std::ranges::equal(std::views::keys(held), std::views::keys(other.held));
}

// The places of a login that is visible. A place that is absent may have been deleted: it no longer counts once the
// login was written elsewhere since.
LoginPlaces::Whereabouts LoginPlaces::whereabouts(const Whereabouts& before, const std::vector<const KeptLogin*>& seen,
                                                  const StoreReading& reading) {
  Whereabouts now{.last = place_of(*seen.front(), reading), .held = {}};
  std::optional<std::chrono::sys_seconds> written;
  for (const KeptLogin* kept : seen) {
    const Place place = place_of(*kept, reading);
    const auto known = before.held.find(place);
    if (known == before.held.end() || known->second.changed < kept->changed) {
      written = std::max(written.value_or(kept->changed), kept->changed);
    }
    auto& changed = now.held[place].changed;
    changed = std::max(changed, kept->changed);
  }
  for (auto& [place, held] : now.held) {
    const StoreCollection* collection = find(place, reading);
    if (collection != nullptr && collection->created < held.changed) {
      held.created = collection->created;
    }
  }
  for (const auto& [place, held] : before.held) {
    const StoreCollection* collection = find(place, reading);
    const bool is_absent = collection == nullptr || is_anew(held, collection);
    const bool may_hold_it = is_absent ? !written || *written < held.changed : collection->locked;
    if (may_hold_it) {
      now.held.try_emplace(place, held);
    }
  }
  return now;
}

// Why a visible login must not be used: the last login's place is hidden now, and a login there would take precedence.
// Files precede keyrings, earlier files precede later ones, and the default keyring precedes other keyrings.
std::optional<Error> LoginPlaces::outranked(const RegistryKey& registry, const KeptLogin& seen,
                                            const StoreReading& reading) const {
  const auto known = known_.find(registry);
  if (known == known_.end() || !reading.provider || reading.provider->program.empty()) {
    return std::nullopt;
  }
  const Place& last = known->second.last;
  const StoreCollection* here = reading.find_collection(seen.collection);
  if (here == nullptr || place_of(seen, reading) == last) {
    return std::nullopt;
  }
  const StoreCollection* namesake = find(last, reading);
  const bool is_another = is_anew(known->second.held.at(last), namesake);
  const StoreCollection* there = is_another ? nullptr : namesake;
  const bool is_hidden = last.provider == login_files_program
                             ? there != nullptr && there->locked && (!here->is_file || there < here)
                             : (there == nullptr || there->locked) && !here->is_file && !here->is_default;
  if (!is_hidden) {
    return std::nullopt;
  }
  const std::string where = last.provider == login_files_program ? "the file " + last.collection : name_of(last);
  return Error(ErrorCode::locked,
               "the login for " + registry.value() + " was in " + where + ", which " +
                   (is_another         ? "was made anew since"
                    : there == nullptr ? "is not open"
                    : there->is_file   ? "cannot be read"
                                       : "is locked") +
                   "; another one, in \"" + here->label + "\", is not used instead",
               (is_another         ? "put the former one back, or "
                : there == nullptr ? "open it, or "
                                   : "unlock it, or ") +
                   how_to_renew(registry, keeper_of(last)));
}

LoginKeeper LoginPlaces::keeper_of(const Place& place) {
  return {.file = place.provider == login_files_program ? place.collection : std::string(), .helper = {}};
}

std::optional<Error> LoginPlaces::doubt(const RegistryKey& registry, const Whereabouts& known,
                                        const StoreReading& reading) const {
  const auto unknown = [&](const std::string& why, const std::string& remedy) {
    return Error(ErrorCode::locked,
                 "the login for " + registry.value() + " is missing, but may still exist: " + why +
                     "; its Secrets stay as they are",
                 remedy);
  };
  const Place& last = known.last;
  const std::string program = reading.provider ? reading.provider->program : std::string();
  const std::string otherwise =
      ", or " + how_to_renew(registry, program == login_files_program && last.provider != program
                                           ? LoginKeeper{.file = "FILE", .helper = {}}
                                           : keeper_of(last));
  if (last.provider == login_files_program) {
    const StoreCollection* file = find(last, reading);
    if (file == nullptr || file->locked) {
      return unknown("the file " + last.collection + (file == nullptr ? " is not there" : " cannot be read"),
                     "put it back" + otherwise);
    }
  } else if (program != last.provider) {
    return unknown(
        "it was kept by " + last.provider + ", and now " + (program.empty() ? "no program" : program) + " answers",
        "start " + last.provider + " again" + otherwise);
  }
  for (const auto& [holder, held] : known.held) {
    if (holder.provider != program || program == login_files_program) {
      continue;  // its logins were seen elsewhere since, or the check above found it
    }
    const StoreCollection* collection = find(holder, reading);
    if (collection != nullptr && collection->locked) {
      return unknown(name_of(holder) + " is locked", "unlock it" + otherwise);
    }
    if (collection == nullptr || is_anew(held, collection)) {
      return unknown(name_of(holder) + (collection == nullptr ? " is not open" : " was made anew since"),
                     std::string(collection == nullptr ? "open it" : "put the former one back") +
                         "; or, if it is gone for good, " + how_to_renew(registry, {}) + ", and then log out");
    }
  }
  if (!reading.shows_everything()) {
    return unknown("not all logins can be read", "unlock all keyrings, and correct the login files" + otherwise);
  }
  return std::nullopt;
}

std::string LoginPlaces::name_of(const Place& place) const {
  const auto known = labels_.find(place);
  const std::string label = known == labels_.end() ? std::string() : known->second;
  return "the keyring \"" + (label.empty() ? place.collection : label) + "\" of " + place.provider;
}

// {"holders": [{"provider", "collection", "label", "logins": ["ghcr.io"], "held": {"ghcr.io": 1767225600},
//               "created": {"ghcr.io": 1767139200}}]}
// logins: those last seen here; held: those that are, or may be, here, with the time of their change; created: for
// each, when the collection that held it was created, if known.
void LoginPlaces::read() {
  const auto text = read_file_if_exists(file_, max_file_bytes);
  const json document = text ? parse_json(*text).value_or(json()) : json();
  for (const json& holder : list_at(document, {"holders"})) {
    const Place place{std::string(text_at(holder, {"provider"})), std::string(text_at(holder, {"collection"}))};
    labels_[place] = text_at(holder, {"label"});
    for (const json& login : list_at(holder, {"logins"})) {
      if (login.is_string()) {
        Whereabouts& known = known_[RegistryKey(login.get_ref<const std::string&>())];
        known.last = place;
        known.held.try_emplace(place);
      }
    }
    for (const auto& [login, changed] : map_at(holder, {"held"}).items()) {
      if (changed.is_number_integer()) {
        known_[RegistryKey(login)].held[place].changed = time_from(changed);
      }
    }
    for (const auto& [login, created] : map_at(holder, {"created"}).items()) {
      if (created.is_number_integer()) {
        known_[RegistryKey(login)].held[place].created = time_from(created);
      }
    }
  }
  std::erase_if(known_, [](const auto& item) { return item.second.last.provider.empty(); });
}

void LoginPlaces::write() {
  std::map<Place, json> holders;
  for (const auto& [registry, known] : known_) {
    for (const auto& [place, held] : known.held) {
      json& holder = holders[place];
      holder["held"][registry.value()] = seconds_of(held.changed);
      if (held.created != std::chrono::sys_seconds()) {
        holder["created"][registry.value()] = seconds_of(held.created);
      }
      if (place == known.last) {
        holder["logins"].push_back(registry.value());
      }
    }
  }
  std::erase_if(labels_, [&](const auto& item) { return !holders.contains(item.first); });
  json list = json::array();
  for (auto& [place, holder] : holders) {
    holder["provider"] = place.provider;
    holder["collection"] = place.collection;
    holder["label"] = labels_[place];
    list.push_back(std::move(holder));
  }
  write_whole(file_, json{{"holders", list}}.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
}

}  // namespace regsync
