#include "sync/cli/ask/known_logins.hpp"

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <set>
#include <utility>

#include "helper/base/shell_word.hpp"
#include "sync/base/paths.hpp"
#include "sync/base/run_to_end.hpp"
#include "sync/base/spawn_guarded.hpp"
#include "sync/cli/ask/kubeconfig_selection.hpp"
#include "sync/logins/login_book.hpp"
#include "sync/logins/other_helpers.hpp"

namespace regsync::cli {

LoginReader::LoginReader(Console& console, Prompt prompt, std::chrono::milliseconds time,
                         const std::vector<std::filesystem::path>& only)
    : console_(console),
      prompt_(prompt),
      time_(time),
      end_(std::chrono::steady_clock::now() + time),
      settings_(settings_in_force()),
      keyring_(only.empty()),
      paths_(only.empty() ? settings_.login_files : only),
      files_(paths_) {}

StoreReading LoginReader::read(const std::set<RegistryKey>& wanted) {
  if (paths_.empty()) {
    return read_keyring(wanted);
  }
  StoreReading reading = files_.read(wanted);
  return keyring_ ? merge_readings(std::move(reading), read_keyring(wanted)) : std::move(reading);
}

StoreReading LoginReader::read_keyring(const std::set<RegistryKey>& wanted) {
  StoreReading logins;
  const auto problem = guarded([&] {
    if (prompt_ == Prompt::never) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end_ - std::chrono::steady_clock::now());
      logins = console_.open_briefly(std::max(left, std::chrono::milliseconds(0)))->load(wanted);
    } else {
      logins = console_.open_store(prompt_)->load(wanted);
    }
  });
  if (problem) {
    logins.asked = wanted;
    logins.problem = problem->code() == ErrorCode::cancelled ? keyring_is_silent(time_) : *problem;
  }
  return logins;
}

HelperNames LoginReader::helpers() {
  auto helpers = other_helpers(settings_);
  static_cast<void>(files_.read({}));
  helpers.insert(files_.helpers().begin(), files_.helpers().end());
  return helpers;
}

namespace {

// Adds a problem for each helper that has not answered: a command does not wait longer.
void tell_of_silent_helpers(KnownLogins& known, std::chrono::milliseconds time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
  for (const auto& [registry, program] : known.awaited) {
    known.problems.try_emplace(
        registry, Error(ErrorCode::credential_plugin,
                        program + " has not answered within " + std::to_string(seconds) + " s; it has the login for " +
                            registry.value(),
                        "try it: echo " + shell_word(registry.registry()) + " | " + shell_word(program) + " get"));
  }
}

}  // namespace

LoginsAndEnds read_logins_and_ends(Console& console, const std::vector<Target>& targets, Prompt prompt,
                                   std::chrono::milliseconds time, const std::vector<std::filesystem::path>& only) {
  TargetFiles files;
  for (const Target& target : targets) {
    files[target.name].target = target;
  }
  asio::io_context io(1);
  LoginBook* running = nullptr;
  LoginReader reader(console, prompt, time, only);
  const auto on_wanted = [&](const std::set<RegistryKey>& wanted) {
    asio::post(io, [&, wanted] { guarded_logged("logins", [&] { running->take(reader.read(wanted)); }); });
  };
  // A command reads once: it has no memory of where logins were, and uses the daemon's knowledge about registries.
  LoginBook book(io.get_executor(), nullptr, {.denied = paths::denied_logins()}, std::chrono::milliseconds(0),
                 {.on_wanted = on_wanted, .on_change = [] {}}, LoginHealth::Try());
  book.set_login_settings(reader.settings().verify_logins, reader.settings().expires);
  running = &book;
  book.set_cred_helpers(reader.helpers());
  book.want(files);

  const auto read = [&]() -> asio::awaitable<LoginsAndEnds> {
    co_await book.complete(time);
    LoginsAndEnds logins{.known = book.known(), .ends = book.wanted_ends()};
    tell_of_silent_helpers(logins.known, time);
    co_await book.stop();
    co_return logins;
  };
  return run_to_end(io, read());
}

KnownLogins read_logins(Console& console, const std::vector<Target>& targets, Prompt prompt,
                        std::chrono::milliseconds time, const std::vector<std::filesystem::path>& only) {
  return read_logins_and_ends(console, targets, prompt, time, only).known;
}

LoginKeeper keeper_beside_keyring(const RegistryKey& registry) {
  const Settings settings = settings_in_force();
  LoginFiles files(settings.login_files);
  const StoreReading reading = files.read({registry});
  HelperNames helpers = other_helpers(settings);
  helpers.insert(files.helpers().begin(), files.helpers().end());
  if (const auto helper = helper_for(helpers, registry)) {
    return {.file = {}, .helper = "docker-credential-" + helper->name};
  }
  const KeptLogin* kept = reading.credentials.empty() ? nullptr : reading.find(reading.credentials.front().login);
  return kept == nullptr ? LoginKeeper() : LoginKeeper{.file = kept->collection, .helper = {}};
}

}  // namespace regsync::cli
