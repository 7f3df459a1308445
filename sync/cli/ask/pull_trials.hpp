// PullTrials asks registries, as a node would, whether a login may pull an image.
//
// It tries each login once at each registry, and does not try a refused login with any image: a wrong password in a
// hundred pods is one failed attempt, so that no account is locked. If the registry does not say whether it accepts the
// login, the first image refused with HTTP 401 counts as the refusal. It requests each image once, and an unreachable
// registry once.
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
  // Returns one trial for each login that kubelet would try, up to the first that may pull; if there is none, one
  // anonymous trial.
  asio::awaitable<std::vector<PullTrial>> run(Image image, const PullLookup& lookup);

 private:
  using LoginKey = std::tuple<std::string, std::string, Digest>;  // registry, user name, password

  asio::awaitable<PullTrial> run_one(Image image, const KubeletEntry* login);
  asio::awaitable<PullAnswer> log_in(LoginKey key, const KubeletEntry* login);
  asio::awaitable<PullAnswer> pull(Image image, LoginKey key, const KubeletEntry* login);
  void note(const std::string& registry, const PullAnswer& answer);

  std::map<LoginKey, PullAnswer> logins_;
  std::map<std::string, PullAnswer> unreachable_;  // by registry
  std::map<std::pair<std::string, LoginKey>, PullAnswer> pulls_;
};

}  // namespace regsync::cli
