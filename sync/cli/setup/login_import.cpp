#include "sync/cli/setup/login_import.hpp"

#include <ostream>
#include <utility>

#include "helper/base/error.hpp"
#include "helper/base/text.hpp"
#include "sync/base/find_program.hpp"
#include "sync/cli/setup/foreign_helper.hpp"
#include "sync/logins/credential_helpers.hpp"

namespace regsync::cli {

void say(std::ostream& out, const std::string& line) { out << one_line(line) << '\n'; }

bool is_same_login(const Credential& a, const Credential& b) {
  return a.login.username == b.login.username && a.secret == b.secret;
}

std::string has_another(const Login& kept) { return "the keyring has another login there (" + kept.username + ")"; }

std::string uses_only(const std::string& client, const Login& login) {
  return client + " uses that of " + login.server + " (" + login.username + ")";
}

LoginImport::LoginImport(CredentialStore& store, std::string client, std::string config, std::ostream& out,
                         std::ostream& err)
    : store_(store), client_(std::move(client)), config_(std::move(config)), out_(out), err_(err) {}

bool LoginImport::take(const Credential& login, const std::string& from) {
  const RegistryKey registry(login.login.server);
  if (missed_.contains(registry)) {
    return leave(login.login.server, "the login that " + client_ + " uses there could not be had");
  }
  try {
    if (const auto kept = store_.get(login.login.server); kept && !is_same_login(*kept, login)) {
      if (imported_.contains(registry)) {
        say(err_, "note: another login of " + login.login.server + " (" + login.login.username + ") stays in " + from +
                      ": " + uses_only(client_, kept->login) + "; if nobody needs it, delete it there");
        return false;
      }
      refused_.push_back(login.login.server);
      return leave(login.login.server, has_another(kept->login));
    }
    store_.store(login);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::invalid_input) {
      throw;  // an error of the store itself: further calls would fail too
    }
    missed_.insert(registry);
    return leave(login.login.server, error.message());
  }
  const auto kept = store_.get(login.login.server);
  if (!kept || !is_same_login(*kept, login)) {
    throw Error(ErrorCode::store_unavailable,
                "the keyring does not give back the login of " + login.login.server + " as it was stored",
                "nothing was removed from " + config_ + "; `regsync doctor` tells more");
  }
  say(out_, "imported " + login.login.server + " (" + login.login.username + ") from " + from);
  imported_.insert(registry);
  return true;
}

void LoginImport::take_all_of(const std::string& helper, const std::function<bool(const std::string& server)>& wanted) {
  if (!is_helper_name(helper)) {
    say(err_,
        "note: \"" + helper + "\" is a path, not the name of a credential helper, so its logins were not imported");
    return;
  }
  const std::string from = "docker-credential-" + helper;
  if (!is_on_path(from)) {
    say(err_, "note: " + from + " is not on PATH, so its logins were not imported");
    return;
  }
  for (const Login& login : list_foreign_logins(from)) {
    if (!wanted(login.server)) {
      continue;
    }
    try {
      if (const auto credential = get_foreign_login(from, login.server)) {
        take(*credential, from);
      }
    } catch (const Error& error) {
      if (error.code() != ErrorCode::credential_plugin) {
        throw;
      }
      missed_.insert(RegistryKey(login.server));
      leave(login.server, error.message());
    }
  }
}

bool LoginImport::leave(const std::string& server, const std::string& reason) {
  say(err_, "not imported: " + server + ": " + reason);
  complete_ = false;
  return false;
}

}  // namespace regsync::cli
