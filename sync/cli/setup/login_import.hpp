// Copies the logins of a client into the keyring, for `regsync setup --import`, and says what became of each.
#pragma once

#include <functional>
#include <iosfwd>
#include <set>
#include <string>
#include <vector>

#include "helper/store/credential_store.hpp"
#include "helper/store/registry_key.hpp"

namespace regsync::cli {

// A line about names that files and other helpers give: they may hold anything.
void say(std::ostream& out, const std::string& line);

// The same user and secret, whatever the server is called.
bool is_same_login(const Credential& a, const Credential& b);

std::string has_another(const Login& kept);
// Of a registry that has several logins.
std::string uses_only(const std::string& client, const Login& login);

// Of several logins of one registry, the first that is taken is to be the one that the client uses.
class LoginImport {
 public:
  // client: its name; config: the file from which logins are to be removed then; both for people.
  LoginImport(CredentialStore& store, std::string client, std::string config, std::ostream& out, std::ostream& err);

  // Whether the store has it now, read back and equal.
  bool take(const Credential& login, const std::string& from);
  // Those that docker-credential-HELPER keeps and `wanted` says yes to.
  void take_all_of(const std::string& helper, const std::function<bool(const std::string& server)>& wanted);
  bool leave(const std::string& server, const std::string& reason);  // answers false

  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] bool failed_whole() const { return !complete_ && imported_.empty(); }
  // The servers for which the keyring has another login.
  [[nodiscard]] const std::vector<std::string>& refused() const { return refused_; }

 private:
  CredentialStore& store_;
  const std::string client_;
  const std::string config_;
  std::ostream& out_;
  std::ostream& err_;
  bool complete_ = true;
  std::set<RegistryKey> imported_;
  std::set<RegistryKey> missed_;  // of which the login that the client uses could not be had
  std::vector<std::string> refused_;
};

}  // namespace regsync::cli
