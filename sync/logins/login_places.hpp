// LoginPlaces remembers where each login was last seen, and decides from that whether a missing one is gone.
//
// Missing is not deleted: a keyring that is locked, closed or not yet unlocked shows none of its logins, and another
// program can take over the Secret Service's name within a second. A keyring login is gone when two readings, `settle`
// apart and the second one of everything, lack it, both from the provider that had it, with every collection that held
// it present and all unlocked; a file login, when its file is present and complete. Otherwise it is unknown, and what
// is in the clusters stays. A collection that is not present counts until the login is written elsewhere: it may have
// been deleted. A re-created collection (its provider says that it was created later than the one that held the login)
// is a different one, whatever its name: the login may be in a copy of the former.
//
// A login that appears only because a login of higher precedence is hidden does not count either.
//
// The places of logins (names only) are kept in a file, to survive restarts. One thread; owned by the LoginBook.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "helper/base/error.hpp"
#include "helper/store/registry_key.hpp"
#include "helper/store/store_reading.hpp"
#include "sync/model/login_keeper.hpp"

namespace regsync {

class LoginPlaces {
 public:
  using Clock = std::chrono::steady_clock;

  // Reads the places from `file`; problem() reports a file that cannot be read or written. Empty: no file.
  explicit LoginPlaces(std::filesystem::path file, Clock::duration settle = std::chrono::seconds(3));

  struct Verdict {
    std::set<RegistryKey> gone;
    // Missing, or outranked by a hidden login, and why that is inconclusive: the known login stays.
    std::map<RegistryKey, Error> unknown;
    std::optional<Clock::time_point> recheck;  // when another reading will tell more
  };

  // Processes a reading of the whole store, and judges the asked registries that it has no login for. (A registry that
  // never had a login, as far as is known, is in neither list.)
  Verdict judge(const StoreReading& reading, Clock::time_point now);

  // judge() writes only where logins are, so that no rotation waits for the disk; save() also writes when each changed.
  void save();
  [[nodiscard]] bool is_saved() const { return !unsaved_ || file_.empty(); }

  [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }

 private:
  struct Place {
    std::string provider;    // its program; login_files_program for a file
    std::string collection;  // its path
    auto operator<=>(const Place&) const = default;
  };

  // A login in a place.
  struct Held {
    std::chrono::sys_seconds changed = {};  // when it was changed, according to its provider
    // When the collection was created, according to its provider, if that was before the login's last change. Zero
    // otherwise: such a time (oo7 reports its own start, or the last write) moves while the collection stays the same.
    std::chrono::sys_seconds created = {};
    bool operator==(const Held&) const = default;
  };

  // The places where a login is, or may still be.
  struct Whereabouts {
    Place last;  // where the login in use was
    std::map<Place, Held> held;
    bool operator==(const Whereabouts&) const = default;
    [[nodiscard]] bool has_places_of(const Whereabouts& other) const;
  };

  // The logins of the asked registries; for each, the one in use first.
  using Shown = std::map<RegistryKey, std::vector<const KeptLogin*>>;

  struct Missing {
    Clock::time_point since;
    bool gone = false;  // a reading of everything also lacked it, `settle` later
  };

  static Shown shown_by(const StoreReading& reading);
  static Place place_of(const KeptLogin& kept, const StoreReading& reading);
  // The collection that now has the place's name; null if none.
  static const StoreCollection* find(const Place& place, const StoreReading& reading);
  // Whether a collection (or null) was created after the one of its name that held a login.
  static bool is_anew(const Held& held, const StoreCollection* collection);
  static LoginKeeper keeper_of(const Place& place);
  static Whereabouts whereabouts(const Whereabouts& before, const std::vector<const KeptLogin*>& seen,
                                 const StoreReading& reading);

  void learn(const Shown& shown, const Verdict& verdict, const StoreReading& reading);
  [[nodiscard]] std::optional<Error> outranked(const RegistryKey& registry, const KeptLogin& seen,
                                               const StoreReading& reading) const;
  [[nodiscard]] std::optional<Error> doubt(const RegistryKey& registry, const Whereabouts& known,
                                           const StoreReading& reading) const;
  [[nodiscard]] std::string name_of(const Place& place) const;
  void read();
  void write();

  const std::filesystem::path file_;
  const Clock::duration settle_;
  std::map<RegistryKey, Whereabouts> known_;
  std::map<Place, std::string> labels_;
  std::map<RegistryKey, Missing> missing_;
  bool unsaved_ = false;
  std::optional<Error> problem_;
};

}  // namespace regsync
