// Asks registries, as a node would, whether a login may pull an image.
//
// Each login is tried once at each registry, and one that it refuses is tried with no image: a wrong password in a
// hundred pods is one failed attempt, so that nobody is locked out. Where the registry did not say, the first image
// that it is refused for with HTTP 401 does. Each image is asked for once, and a registry that cannot be reached too.
//
// One io_context thread.
#pragma once

#include <asio/awaitable.hpp>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "sync/base/digest.hpp"
#include "sync/model/image.hpp"
#include "sync/model/pull_cause.hpp"

namespace regsync::cli {

class PullTrials {
 public:
  // One trial for each login that kubelet offers, up to the first that may pull; without any, the one without a login.
  asio::awaitable<std::vector<PullTrial>> run(Image image, const PullLookup& lookup);

 private:
  using LoginKey = std::tuple<std::string, std::string, Digest>;  // registry, user name, password

  asio::awaitable<PullTrial> run_one(Image image, const KubeletEntry* login);
  asio::awaitable<PullAnswer> log_in(LoginKey key, const KubeletEntry* login);
  asio::awaitable<PullAnswer> pull(Image image, LoginKey key, const KubeletEntry* login);
  void note(const std::string& registry, const PullAnswer& answer);

  std::map<LoginKey, PullAnswer> logins_;
  std::map<std::string, PullAnswer> unreachable_;  // by registry: nothing answers there
  std::map<std::pair<std::string, LoginKey>, PullAnswer> pulls_;
};

}  // namespace regsync::cli
