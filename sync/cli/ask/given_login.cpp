#include "sync/cli/ask/given_login.hpp"

#include <ostream>

#include "helper/store/registry_key.hpp"
#include "sync/base/suggest.hpp"
#include "sync/cli/ask/known_logins.hpp"
#include "sync/cli/ask/prompt.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/quote.hpp"
#include "sync/cli/view/text.hpp"

namespace regsync::cli {
namespace {

std::vector<Login> pull_logins(CredentialStore& store) {
  std::vector<Login> logins = store.list();
  std::erase_if(logins, [](const Login& login) { return is_hub_token_entry(login.server); });
  return logins;
}

std::vector<std::string> logged_in_servers(Console& console) {
  std::vector<std::string> servers;
  for (const Login& login : pull_logins(*console.open_store(Prompt::never))) {
    servers.push_back(login.server);
  }
  return servers;
}

}  // namespace

void require_whole(const GivenLogin& given) {
  const bool password = !given.password.empty() || given.password_stdin;
  if (given.username.empty() && password) {
    throw UsageError("a password without --docker-username", "add --docker-username USER");
  }
  if (!given.password.empty() && given.password_stdin) {
    throw UsageError("--docker-password and --docker-password-stdin exclude each other", "use --docker-password-stdin");
  }
}

std::optional<Credential> read_login(const GivenLogin& given, Console& console) {
  if (given.username.empty()) {
    return std::nullopt;
  }
  Credential login{{given.server.empty() ? docker_hub : given.server, given.username}, {}};
  if (!given.password.empty()) {
    console.err << "WARNING! Using --docker-password via the CLI is insecure. Use --docker-password-stdin.\n";
    login.secret = SecretString(given.password);
  } else if (given.password_stdin) {
    login.secret = read_password(console.in);
  } else if (console.in_is_terminal) {
    login.secret = ask_password(console, "Password for " + login.login.username + " at " + login.login.server);
  } else {
    throw UsageError("--docker-username without a password", "pipe it in: ... --docker-password-stdin < FILE");
  }
  if (login.secret.empty()) {
    throw UsageError("the password is empty", "pipe it in: ... --docker-password-stdin < FILE");
  }
  return login;
}

std::vector<std::string> choose_registries(Console& console) {
  const std::vector<Login> logins = pull_logins(*console.open_store(Prompt::allowed));
  if (logins.empty()) {
    throw UsageError("no logins in the keyring",
                     "log in: docker login REGISTRY (once: regsync setup), or give --docker-server, --docker-username "
                     "and --docker-password-stdin");
  }
  if (logins.size() == 1) {
    return {logins.front().server};
  }

  std::vector<std::string> servers;
  std::vector<std::string> lines;
  servers.reserve(logins.size());
  lines.reserve(logins.size());
  for (const Login& login : logins) {
    servers.push_back(login.server);
    lines.push_back(login.server + " (" + login.username + ")");
  }
  if (!console.in_is_terminal || !console.err_is_terminal) {
    throw UsageError("several logins are possible: " + join(lines), "choose one: --registry " + servers.front());
  }
  std::vector<std::string> chosen;
  for (const std::size_t i : choose(console, "Registries for the Secret", lines)) {
    chosen.push_back(servers[i]);
  }
  return chosen;
}

void warn_of_missing_logins(const Target& target, Console& console) {
  const KnownLogins known = read_logins(console, {target}, Prompt::never);
  if (known.store_problem) {
    tell(console.err,
         "warning: cannot see whether you are logged in: " + printable(describe(*known.store_problem)) + '\n');
    return;
  }
  for (const std::string& registry : target.registries) {
    Target one = target;
    one.registries = {registry};
    const Plan plan = make_plan(one, known);
    for (const Error& problem : plan.problems) {
      const std::string meant =
          problem.code() == ErrorCode::login_missing ? closest(registry, logged_in_servers(console)) : std::string();
      tell(console.err,
           "warning: " +
               printable(meant.empty() ? describe(problem) : problem.message() + "; did you mean \"" + meant + "\"?") +
               '\n');
    }
  }
}

}  // namespace regsync::cli
