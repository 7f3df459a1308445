#include "sync/logins/login_places.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "helper/base/file_io.hpp"
#include "sync/base/guard.hpp"
#include "sync/base/json_access.hpp"

namespace regsync {

namespace {

using nlohmann::json;

constexpr std::size_t max_file_bytes = 4UL * 1024 * 1024;

const StoreCollection* find_collection(const StoreReading& reading, const std::string& path) {
  const auto found = std::ranges::find(reading.collections, path, &StoreCollection::path);
  return found == reading.collections.end() ? nullptr : &*found;
}

std::set<RegistryKey> shown_by(const StoreReading& reading) {
  std::set<RegistryKey> shown;
  for (const KeptLogin& kept : reading.all) {
    shown.emplace(kept.login.server);
  }
  return shown;
}

}  // namespace

LoginPlaces::LoginPlaces(std::filesystem::path file, Clock::duration settle) : file_(std::move(file)), settle_(settle) {
  if (!file_.empty()) {
    problem_ = guarded([this] { read(); });
  }
}

LoginPlaces::Verdict LoginPlaces::judge(const StoreReading& reading, Clock::time_point now) {
  Verdict verdict;
  if (reading.problem) {
    return verdict;
  }
  learn(reading);
  const auto shown = shown_by(reading);
  for (const RegistryKey& registry : reading.asked) {
    const auto last = last_seen_.find(registry);
    if (last == last_seen_.end() || shown.contains(registry) || reading.problems.contains(registry)) {
      missing_.erase(registry);
    } else if (auto why = doubt(registry, last->second, reading)) {
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

// Only the registries that were asked for are of interest: what else is in the keyring is nobody's business.
void LoginPlaces::learn(const StoreReading& reading) {
  if (!reading.provider || reading.provider->program.empty()) {
    return;
  }
  bool learned = false;
  std::set<RegistryKey> seen;
  for (const KeptLogin& kept : reading.all) {
    const RegistryKey registry(kept.login.server);
    if (!reading.asked.contains(registry)) {
      continue;
    }
    const StoreCollection* collection = find_collection(reading, kept.collection);
    const bool in_file = collection != nullptr && collection->is_file;
    const Place place{in_file ? login_files_program : reading.provider->program, kept.collection};
    const std::string label = collection != nullptr ? collection->label : std::string();
    if (seen.insert(registry).second) {  // of several the first one counts
      learned = std::exchange(last_seen_[registry], place) != place || learned;
    }
    learned = std::exchange(holders_[place], label) != label || learned;
  }
  if (learned && !file_.empty()) {
    problem_ = guarded([this] { write(); });
  }
}

std::optional<Error> LoginPlaces::doubt(const RegistryKey& registry, const Place& last,
                                        const StoreReading& reading) const {
  const auto unknown = [&](const std::string& why, const std::string& remedy) {
    return Error(ErrorCode::locked,
                 "the login for " + registry.value() + " is missing, but may still exist: " + why +
                     "; its Secrets stay as they are",
                 remedy);
  };
  const std::string otherwise = ", or log in again: " + login_command(registry);
  const std::string program = reading.provider ? reading.provider->program : std::string();
  if (last.provider == login_files_program) {
    const StoreCollection* file = find_collection(reading, last.collection);
    if (file == nullptr || file->locked) {
      return unknown("the file " + last.collection + (file == nullptr ? " is not there" : " cannot be read"),
                     "put it back" + otherwise);
    }
  } else if (program != last.provider) {
    return unknown(
        "it was kept by " + last.provider + ", and now " + (program.empty() ? "no program" : program) + " answers",
        "start " + last.provider + " again" + otherwise);
  }
  for (const auto& [holder, label] : holders_) {
    if (holder.provider != program || program == login_files_program) {
      continue;  // its logins were seen elsewhere since, or the check above has found it
    }
    const StoreCollection* collection = find_collection(reading, holder.collection);
    if (collection == nullptr || collection->locked) {
      return unknown(name_of(holder) + " is " + (collection == nullptr ? "not open" : "locked"),
                     "unlock it" + otherwise);
    }
  }
  if (!reading.shows_everything()) {
    return unknown("not all logins can be read", "unlock all keyrings, and correct the login files" + otherwise);
  }
  return std::nullopt;
}

std::string LoginPlaces::name_of(const Place& place) const {
  const auto holder = holders_.find(place);
  const std::string label = holder == holders_.end() ? std::string() : holder->second;
  return "the keyring \"" + (label.empty() ? place.collection : label) + "\" of " + place.provider;
}

// {"holders": [{"provider", "collection", "label", "logins": ["ghcr.io"]}]}
void LoginPlaces::read() {
  const auto text = read_file_if_exists(file_, max_file_bytes);
  const json document = text ? parse_json(*text).value_or(json()) : json();
  for (const json& holder : list_at(document, {"holders"})) {
    const Place place{std::string(text_at(holder, {"provider"})), std::string(text_at(holder, {"collection"}))};
    holders_[place] = text_at(holder, {"label"});
    for (const json& login : list_at(holder, {"logins"})) {
      if (login.is_string()) {
        last_seen_[RegistryKey(login.get_ref<const std::string&>())] = place;
      }
    }
  }
}

void LoginPlaces::write() {
  json holders = json::array();
  for (const auto& [place, label] : holders_) {
    json logins = json::array();
    for (const auto& [registry, last] : last_seen_) {
      if (last == place) {
        logins.push_back(registry.value());
      }
    }
    holders.push_back(
        {{"provider", place.provider}, {"collection", place.collection}, {"label", label}, {"logins", logins}});
  }
  write_whole(file_, json{{"holders", holders}}.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
}

}  // namespace regsync
