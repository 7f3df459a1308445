// LoginPlaces remembers where each login was last seen, and decides from that whether a missing one is gone.
//
// Absent is not deleted: a keyring that is locked, closed or not yet unlocked since its start shows none of its logins,
// and another program can take the Secret Service's name within a second. A login is gone when two readings, `settle`
// apart, the second one of everything, lack it, both of the provider and with the collection where it was last seen,
// with every collection that ever held a login of ours present and unlocked; one of a file, with that file present and
// whole. Otherwise it is unknown, and what is in the clusters stays.
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

#include "helper/base/error.hpp"
#include "helper/store/registry_key.hpp"
#include "helper/store/store_reading.hpp"

namespace regsync {

class LoginPlaces {
 public:
  using Clock = std::chrono::steady_clock;

  // Reads what is known from `file`; one that cannot be read or written is reported by problem(). Empty: no file.
  explicit LoginPlaces(std::filesystem::path file, Clock::duration settle = std::chrono::seconds(3));

  struct Verdict {
    std::set<RegistryKey> gone;
    std::map<RegistryKey, Error> unknown;      // missing, and why that says nothing
    std::optional<Clock::time_point> recheck;  // another reading then will tell more
  };

  // Takes a reading of the whole store in, and judges those of its asked registries that it has no login for. (One that
  // never had a login, as far as is known, is in neither list.)
  Verdict judge(const StoreReading& reading, Clock::time_point now);

  [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }

 private:
  struct Place {
    std::string provider;    // its program; login_files_program of a file
    std::string collection;  // its path
    auto operator<=>(const Place&) const = default;
  };

  struct Missing {
    Clock::time_point since;
    bool gone = false;  // a reading of everything lacked it too, `settle` later
  };

  void learn(const StoreReading& reading);
  [[nodiscard]] std::optional<Error> doubt(const RegistryKey& registry, const Place& last,
                                           const StoreReading& reading) const;
  [[nodiscard]] std::string name_of(const Place& place) const;
  void read();
  void write();

  const std::filesystem::path file_;
  const Clock::duration settle_;
  std::map<RegistryKey, Place> last_seen_;
  std::map<Place, std::string> holders_;  // every place that ever held a login of ours, with its label
  std::map<RegistryKey, Missing> missing_;
  std::optional<Error> problem_;
};

}  // namespace regsync
