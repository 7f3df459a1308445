#include "daemon/sources/replaced_logins.hpp"

#include <asio/post.hpp>
#include <string>
#include <utility>

#include "sync/base/log.hpp"
#include "sync/base/spawn_guarded.hpp"

namespace regsync {

ReplacedLogins::~ReplacedLogins() {
  cancel_.set();
  if (thread_) {
    thread_->join();
  }
}

void ReplacedLogins::keep(std::shared_ptr<const Credential> login) {
  run([login = std::move(login)](SecretServiceStore& store) {
    store.store(*login);
    log::info("the login of " + login->login.username + " for " + RegistryKey(login->login.server).value() +
              " is kept for a day; it comes back with regsync rollback");
  });
}

void ReplacedLogins::drop_old(std::set<RegistryKey> in_doubt) {
  const auto now = WallClockTrust::Moment::now();
  if (!wall_clock_.holds(now)) {
    return;
  }
  run([in_doubt = std::move(in_doubt), newest = now.wall - kept_for_](SecretServiceStore& store) {
    const StoreReading reading = store.load({});
    for (const KeptLogin& kept : reading.all) {
      if (kept.changed <= newest && !in_doubt.contains(RegistryKey(kept.login.server))) {
        store.erase(kept.login.server);
      }
    }
  });
}

void ReplacedLogins::run(std::function<void(SecretServiceStore&)> work) {
  if (!thread_) {
    thread_.emplace(1);
    store_ = std::make_unique<SecretServiceStore>(Prompt::never, cancel_.fd(), Shelf::replaced);
  }
  asio::post(*thread_, [this, work = std::move(work)] {
    const auto problem = guarded([&] { work(*store_); });
    if (problem && problem->code() != ErrorCode::cancelled) {
      log::warning("no login can be kept for regsync rollback: " + describe(*problem));
    }
  });
}

}  // namespace regsync
