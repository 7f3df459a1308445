// Copies the logins of a client into the keyring, for `regsync setup --import`, and reports the outcome for each.
#pragma once

#include <functional>
#include <iosfwd>
#include <set>
#include <string>
#include <vector>

#include "helper/store/credential_store.hpp"
#include "helper/store/registry_key.hpp"

namespace regsync::cli {

// Prints a line that contains names from files and other helpers, made safe for the terminal.
void say(std::ostream& out, const std::string& line);

// Whether user and secret are equal; ignores the server's name.
bool is_same_login(const Credential& a, const Credential& b);

std::string has_another(const Login& kept);
// The message for a registry with several logins: the client uses only this one.
std::string uses_only(const std::string& client, const Login& login);

// LoginImport copies logins into the store. If a registry has several logins, take first the one that the client uses.
class LoginImport {
 public:
  // client: its name; config: the file from which the person must then remove logins; both only for messages.
  LoginImport(CredentialStore& store, std::string client, std::string config, std::ostream& out, std::ostream& err);

  // Copies a login. Returns whether the store now has it, by reading it back.
  bool take(const Credential& login, const std::string& from);
  // Copies the logins of docker-credential-HELPER for which `wanted` returns true.
  void take_all_of(const std::string& helper, const std::function<bool(const std::string& server)>& wanted);
  bool leave(const std::string& server, const std::string& reason);  // returns false

  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] bool failed_whole() const { return !complete_ && imported_.empty(); }
  // The servers for which the keyring already has another login.
  [[nodiscard]] const std::vector<std::string>& refused() const { return refused_; }

 private:
  CredentialStore& store_;
  const std::string client_;
  const std::string config_;
  std::ostream& out_;
  std::ostream& err_;
  bool complete_ = true;
  std::set<RegistryKey> imported_;
  std::set<RegistryKey> missed_;  // whose login that the client uses could not be read
  std::vector<std::string> refused_;
};

}  // namespace regsync::cli
