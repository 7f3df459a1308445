// LoginPlaces remembers where each login was last seen, and decides from that whether a missing one is gone.
//
// Absent is not deleted: a keyring that is locked, closed or not yet unlocked since its start shows none of its logins,
// and another program can take the Secret Service's name within a second. A login is gone when two readings, `settle`
// apart, the second one of everything, lack it, both of the provider that had it, with every collection that held it
// present and all unlocked; one of a file, with that file present and whole. Otherwise it is unknown, and what is in
// the clusters stays. A collection that is not present counts until the login is written elsewhere: it may have been
// deleted. One that was made anew (its provider says that it was created later than the one that held the login) is
// another one, whatever its name: the login may be in a copy of the former.
//
// Nor does a login count that shows only because the one that counts more is hidden.
//
// What held a login (names only) is kept in a file, so that a restart does not forget it. One thread; owned by the
// LoginBook.
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

  // Reads what is known from `file`; one that cannot be read or written is reported by problem(). Empty: no file.
  explicit LoginPlaces(std::filesystem::path file, Clock::duration settle = std::chrono::seconds(3));

  struct Verdict {
    std::set<RegistryKey> gone;
    // Missing, or not the one that counts, and why that says nothing: what is known of them stays.
    std::map<RegistryKey, Error> unknown;
    std::optional<Clock::time_point> recheck;  // another reading then will tell more
  };

  // Takes a reading of the whole store in, and judges those of its asked registries that it has no login for. (One that
  // never had a login, as far as is known, is in neither list.)
  Verdict judge(const StoreReading& reading, Clock::time_point now);

  // judge() writes down only where logins are, so that no rotation waits for the disk; save() also when each was
  // changed.
  void save();
  [[nodiscard]] bool is_saved() const { return !unsaved_ || file_.empty(); }

  [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }

 private:
  struct Place {
    std::string provider;    // its program; login_files_program of a file
    std::string collection;  // its path
    auto operator<=>(const Place&) const = default;
  };

  // A login in a place.
  struct Held {
    std::chrono::sys_seconds changed = {};  // when, as its provider said
    // When the collection was, as its provider said, if that was before the last change of the login. A time that is
    // not (oo7 tells that of its own start, or that of the last write) moves while the collection stays the same: zero.
    std::chrono::sys_seconds created = {};
    bool operator==(const Held&) const = default;
  };

  // Where a login is, or may still be.
  struct Whereabouts {
    Place last;  // where the one was that counts
    std::map<Place, Held> held;
    bool operator==(const Whereabouts&) const = default;
    [[nodiscard]] bool has_places_of(const Whereabouts& other) const;
  };

  // The logins of the asked registries; of each the one that counts first.
  using Shown = std::map<RegistryKey, std::vector<const KeptLogin*>>;

  struct Missing {
    Clock::time_point since;
    bool gone = false;  // a reading of everything lacked it too, `settle` later
  };

  static Shown shown_by(const StoreReading& reading);
  static Place place_of(const KeptLogin& kept, const StoreReading& reading);
  // What has the name of the place now; null where nothing has.
  static const StoreCollection* find(const Place& place, const StoreReading& reading);
  // Whether a collection (or null) was made after the one of its name that held a login.
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
