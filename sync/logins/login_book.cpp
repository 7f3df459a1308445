#include "sync/logins/login_book.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "sync/base/log.hpp"
#include "sync/base/spawn_guarded.hpp"

namespace regsync {

namespace {

using std::chrono::steady_clock;

// How often the ends of logins are checked.
constexpr auto warning_interval = std::chrono::hours(1);

Error ending(const RegistryKey& registry, std::chrono::system_clock::duration left, const LoginKeeper& keeper) {
  const auto days = std::chrono::ceil<std::chrono::days>(left).count();
  return {ErrorCode::unusable_login,
          "the login for " + registry.value() +
              (left <= std::chrono::system_clock::duration::zero() ? " has expired"
                                                                   : " expires in " + std::to_string(days) + " d"),
          how_to_renew(registry, keeper)};
}

}  // namespace

Error keyring_is_silent(std::chrono::milliseconds time) {
  return {ErrorCode::timeout,
          "the keyring did not answer within " +
              std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count()) +
              " s; the logins may have changed",
          "see what keeps it: regsync doctor"};
}

LoginBook::LoginBook(const asio::any_io_executor& executor, Metrics* metrics, Memory memory,
                     std::chrono::milliseconds settle, Hooks hooks, LoginHealth::Try try_one)
    : metrics_(metrics),
      hooks_(std::move(hooks)),
      warn_again_(executor),
      changed_(executor),
      places_(std::move(memory.places), settle),
      saving_places_(executor, memory.save_after, "logins", [this] { save_places(); }),
      recheck_(executor),
      helpers_(executor, [this] { changed(); }),
      health_(
          executor, std::move(try_one), [this] { changed(); },
          [this](const std::shared_ptr<const Credential>& login) {
            // A login from a file or another helper would stay in effect even if the keyring's is restored.
            const RegistryKey registry(login->login.server);
            if (hooks_.on_replaced && store_.credentials.contains(registry) && keeper_of(registry).is_keyring()) {
              hooks_.on_replaced(login);
            }
          },
          std::move(memory.denied)) {}

void LoginBook::expect_reading() {
  expected_ = readings_ + 1;
  health_.try_denied_again(std::chrono::system_clock::now());
}

void LoginBook::set_login_settings(bool verify, std::map<std::string, std::chrono::sys_days> expires) {
  verify_ = verify;
  settings_expire_ = std::move(expires);
}

void LoginBook::want(const TargetFiles& targets) {
  std::set<RegistryKey> wanted;
  for (const auto& [name, file] : targets) {
    if (file.target) {
      wanted.merge(wanted_registries(*file.target));
    }
  }
  want_tried(targets);
  ends_ = ends_said(settings_expire_, targets);
  if (metrics_ != nullptr) {
    std::set<std::string> names;
    std::ranges::transform(wanted, std::inserter(names, names.end()), &RegistryKey::value);
    metrics_->keep_logins(names);
  }
  helpers_.set_sources(take_helper_sources(targets, wanted));
  if (wanted != wanted_) {
    wanted_ = std::move(wanted);
    hooks_.on_wanted(wanted_);
  }
}

void LoginBook::want_tried(const TargetFiles& targets) {
  tried_.clear();
  for (const auto& [name, file] : targets) {
    if (file.target && file.target->verify_logins.value_or(verify_)) {
      tried_.merge(wanted_registries(*file.target));
    }
  }
}

namespace {

// The shortest refresh interval of any target, by registry.
std::map<RegistryKey, std::chrono::seconds> shortest_refreshes(const TargetFiles& targets) {
  std::map<RegistryKey, std::chrono::seconds> refreshes;
  for (const auto& [name, file] : targets) {
    if (!file.target) {
      continue;
    }
    for (const auto& [registry, every] : file.target->refresh) {
      const auto known = refreshes.try_emplace(RegistryKey(registry), every).first;
      known->second = std::min(known->second, every);
    }
  }
  return refreshes;
}

}  // namespace

// The wanted registries that other helpers provide; removes them from `wanted`.
std::map<RegistryKey, CredentialHelper> LoginBook::take_helper_sources(const TargetFiles& targets,
                                                                       std::set<RegistryKey>& wanted) const {
  std::map<RegistryKey, CredentialHelper> sources;
  for (auto registry = wanted.begin(); registry != wanted.end();) {
    const auto other = helper_for(cred_helpers_, *registry);
    if (!other) {
      ++registry;
      continue;
    }
    sources[*registry] = {other->name, other->server, default_refresh(*registry), std::string(registry->account())};
    registry = wanted.erase(registry);
  }
  for (const auto& [registry, every] : shortest_refreshes(targets)) {
    if (const auto source = sources.find(registry); source != sources.end()) {
      source->second.every = every;
    }
  }
  return sources;
}

void LoginBook::take(StoreReading logins) {
  readings_ += logins.only_changes ? 0 : 1;
  if (logins.problem) {
    if (store_.store_problem != logins.problem) {
      log::warning(describe(*logins.problem));
    }
  } else if (store_.store_problem) {
    log::info("the logins can be read again");
  }
  store_.store_problem = logins.problem;
  if (logins.provider) {  // otherwise nothing was read
    take_logins(logins);
  }
  changed();
}

namespace {

std::map<RegistryKey, std::shared_ptr<const Credential>> by_registry(std::vector<Credential>& credentials) {
  std::map<RegistryKey, std::shared_ptr<const Credential>> seen;
  for (auto& credential : credentials) {
    const RegistryKey key(credential.login.server);
    auto& slot = seen[key];
    // Other helpers may leave several spellings of one registry: the one that equals its key wins.
    if (!slot || credential.login.server == key.auths_key()) {
      slot = std::make_shared<const Credential>(std::move(credential));
    }
  }
  return seen;
}

}  // namespace

// kept: null if unknown.
void LoginBook::note_place(const RegistryKey& registry, const KeptLogin* kept, const StoreReading& reading) {
  marks_[registry] = kept == nullptr ? LoginMark() : LoginMark{kept->collection, kept->changed};
  const StoreCollection* place = kept == nullptr ? nullptr : reading.find_collection(kept->collection);
  store_.keepers.erase(registry);
  if (place != nullptr && place->is_file) {
    store_.keepers[registry] = {.file = place->path, .helper = {}};
  }
}

void LoginBook::take_logins(StoreReading& reading) {
  auto verdict = places_.judge(reading, steady_clock::now());
  if (!places_.is_saved()) {
    saving_places_.ask();
  }
  auto seen = by_registry(reading.credentials);
  std::erase_if(seen, [&](const auto& item) { return verdict.unknown.contains(item.first); });
  for (auto& [registry, credential] : seen) {
    note_place(registry, reading.find(credential->login), reading);
    const auto known = store_.credentials.find(registry);
    const bool is_new = known == store_.credentials.end();
    if (!is_new && *known->second == *credential) {
      credential = known->second;  // one object per login: what was derived from it stays
    } else {
      log::info((is_new ? "found the login of " : "the login has changed: ") + credential->login.username + " for " +
                registry.value());
      // An earlier request may deliver a login that is no longer wanted.
      if (metrics_ != nullptr && wanted_.contains(registry)) {
        metrics_->login_changed(registry.value(), std::chrono::system_clock::now());
      }
    }
  }
  std::erase_if(marks_, [&](const auto& item) { return !reading.asked.contains(item.first); });
  std::erase_if(store_.keepers, [&](const auto& item) { return !reading.asked.contains(item.first); });
  read_again_at(verdict.recheck);
  for (const auto& registry : verdict.gone) {
    if (!store_.gone.contains(registry)) {
      log::info("the login for " + registry.value() + " is gone");
    }
  }
  store_.gone = std::move(verdict.gone);
  store_.problems = std::move(reading.problems);
  store_.problems.merge(verdict.unknown);
  for (const auto& [registry, credential] : store_.credentials) {
    if (reading.asked.contains(registry) && !store_.gone.contains(registry)) {
      seen.try_emplace(registry, credential);
    }
  }
  // Absence is meaningful only if everything was shown.
  store_.asked.clear();
  for (const RegistryKey& registry : reading.asked) {
    if (reading.shows_everything() || seen.contains(registry) || store_.problems.contains(registry)) {
      store_.asked.insert(registry);
    }
  }
  store_.credentials = std::move(seen);
  store_.in_files = reading.provider->program == login_files_program;
  all_.clear();
  for (KeptLogin& kept : reading.all) {
    if (all_.empty() || all_.back().server != kept.login.server) {
      all_.push_back(std::move(kept.login));
    }
  }
}

void LoginBook::read_again_at(std::optional<LoginPlaces::Clock::time_point> time) {
  rechecking_ = time.has_value() && hooks_.read_again != nullptr;
  recheck_.cancel();
  if (!rechecking_) {
    return;
  }
  recheck_.expires_at(*time);
  recheck_.async_wait([this](const asio::error_code& error) {
    if (!error && !stopping_) {
      guarded_logged("keyring", hooks_.read_again);
    }
  });
}

// Reports the ends of logins to the metrics, and to the log each time that one becomes more urgent.
void LoginBook::tell_ends() {
  const auto now = std::chrono::system_clock::now();
  const auto ends = wanted_ends();
  if (metrics_ != nullptr) {
    std::map<std::string, Metrics::LoginEnd> named;
    for (const auto& [registry, end] : ends) {
      named.emplace(registry.value(), Metrics::LoginEnd{end.at, end.short_lived});
    }
    metrics_->logins_expire(named);
    for (const auto& [registry, reading] : helpers_.readings()) {
      if (reading.credential) {
        metrics_->login_changed(registry.value(), reading.changed);
      }
    }
  }
  std::erase_if(warned_, [&](const auto& known) { return !ends.contains(known.first); });
  for (const auto& [registry, end] : ends) {
    const std::optional<int> days = urgency(end, now);
    if (!days) {
      warned_.erase(registry);
    } else if (const auto known = warned_.find(registry); known == warned_.end() || *days < known->second) {
      warned_[registry] = *days;
      const Error notice = ending(registry, end.at - now, keeper_of(registry));
      log::warning(describe(notice));
      if (hooks_.on_ending) {
        hooks_.on_ending(notice);
      }
    }
  }
  warn_again_.expires_after(warning_interval);
  warn_again_.async_wait([this](const asio::error_code& error) {
    if (!error && !stopping_) {
      guarded_logged("logins", [this] { changed(); });
    }
  });
}

void LoginBook::changed() {
  tell_ends();
  hooks_.on_change();
  changed_.notify_all();
}

bool LoginBook::is_store_read() const {
  return wanted_.empty() ||  // unwanted logins are not read
         (readings_ >= expected_ && (store_.store_problem || std::includes(store_.asked.begin(), store_.asked.end(),
                                                                           wanted_.begin(), wanted_.end())));
}

bool LoginBook::is_complete() const {
  return is_store_read() && helpers_.all_answered() && health_.settled() && !rechecking_;
}

asio::awaitable<void> LoginBook::complete(std::chrono::milliseconds time) {
  helpers_.retry_failed();
  using std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + time;
  const auto is_over = [this] { return is_complete() || stopping_; };
  co_await changed_.wait_until(is_over, deadline);
  const bool silent = readings_ < std::max<std::size_t>(expected_, 1) && !is_store_read();
  if (!stopping_ && silent) {
    store_.store_problem = keyring_is_silent(time);
    changed();
  }
}

std::optional<Error> LoginBook::store_problem() const { return wanted_.empty() ? std::nullopt : store_.store_problem; }

KnownLogins LoginBook::known() { return health_.in_force(known_untried(), tried_, marks_); }

std::vector<Error> LoginBook::notices(const std::map<RegistryKey, LoginEnd>& ends,
                                      std::chrono::system_clock::time_point now) const {
  std::vector<Error> notices = health_.notices();
  add_endings(ends, now, /*over=*/false, notices);
  return notices;
}

std::vector<Error> LoginBook::problems(const std::map<RegistryKey, LoginEnd>& ends,
                                       std::chrono::system_clock::time_point now) const {
  std::vector<Error> problems;
  for (const auto& problem : {places_.problem(), health_.problem()}) {
    if (problem) {
      problems.push_back(*problem);
    }
  }
  add_endings(ends, now, /*over=*/true, problems);
  return problems;
}

std::map<RegistryKey, LoginEnd> LoginBook::wanted_ends() const {
  std::map<RegistryKey, LoginEnd> ends;
  const auto add = [&](const RegistryKey& registry, const Credential& login, const LoginOrigin& origin) {
    if (const auto end = end_of(login, ends_, origin)) {
      ends.emplace(registry, *end);
    }
  };
  for (const auto& [registry, credential] : store_.credentials) {
    if (wanted_.contains(registry)) {
      const auto mark = marks_.find(registry);
      add(registry, *credential, {.since = mark != marks_.end() ? mark->second.changed : std::chrono::sys_seconds()});
    }
  }
  for (const auto& [registry, reading] : helpers_.readings()) {
    if (reading.credential) {
      add(registry, *reading.credential, {.helper = reading.program, .since = reading.taken});
    }
  }
  return ends;
}

void LoginBook::save_places() {
  const auto before = places_.problem();
  places_.save();
  if (places_.problem() != before) {
    changed();
  }
}

std::vector<LoginStatus> LoginBook::statuses() const {
  const KnownLogins known = known_untried();
  const auto doubtful = health_.in_doubt();
  const auto ends = wanted_ends();
  std::set<RegistryKey> registries;
  for (const Login& login : all_) {
    registries.insert(RegistryKey(login.server));
  }
  for (const auto& [registry, credential] : known.credentials) {
    registries.insert(registry);
  }
  const auto readings = helpers_.readings();
  for (const auto& [registry, reading] : readings) {
    registries.insert(registry);
  }
  std::vector<LoginStatus> statuses;
  for (const RegistryKey& registry : registries) {
    LoginStatus& status = statuses.emplace_back();
    status.registry = registry.value();
    if (const auto reading = readings.find(registry); reading != readings.end()) {
      status.helper = reading->second.program;
    }
    status.in_doubt = doubtful.contains(registry) || known.awaited.contains(registry);
    if (const auto end = ends.find(registry); end != ends.end()) {
      status.expires = end->second.at;
    }
    if (const auto problem = known.problems.find(registry); problem != known.problems.end()) {
      status.problem = problem->second;
    } else if (const auto login = known.credentials.find(registry); login != known.credentials.end()) {
      status.problem = unfit_for_kubelet(*login->second, known.keeper_of(registry));
    }
  }
  return statuses;
}

LoginKeeper LoginBook::keeper_of(const RegistryKey& registry) const {
  const auto readings = helpers_.readings();
  const auto helper = readings.find(registry);
  return helper != readings.end() ? LoginKeeper{.file = {}, .helper = helper->second.program}
                                  : store_.keeper_of(registry);
}

// over: adds errors for logins that have ended, otherwise for those that will soon.
void LoginBook::add_endings(const std::map<RegistryKey, LoginEnd>& ends, std::chrono::system_clock::time_point now,
                            bool over, std::vector<Error>& errors) const {
  for (const auto& [registry, end] : ends) {
    if (urgency(end, now) && (end.at <= now) == over) {
      errors.push_back(ending(registry, end.at - now, keeper_of(registry)));
    }
  }
}

KnownLogins LoginBook::known_untried() const {
  KnownLogins all = store_;
  for (const auto& [registry, reading] : helpers_.readings()) {
    all.credentials.erase(registry);
    all.asked.erase(registry);
    all.keepers[registry] = {.file = {}, .helper = reading.program};
    if (reading.credential) {
      all.credentials[registry] = reading.credential;
    }
    if (!reading.answered) {
      all.awaited[registry] = reading.program;
    }
    if (reading.problem) {
      all.problems.insert_or_assign(registry, *reading.problem);
    }
  }
  return all;
}

asio::awaitable<void> LoginBook::stop() {
  stopping_ = true;
  recheck_.cancel();
  warn_again_.cancel();
  saving_places_.cancel();
  places_.save();
  changed_.notify_all();
  co_await helpers_.stop();
  co_await health_.stop();
}

}  // namespace regsync
