// Two logins of one registry, from `regsync login` to the Secret, beside a docker that knows nothing of accounts.
#include <gmock/gmock.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "sync/base/base64.hpp"
#include "tests/integration/cli/cli_world.hpp"
#include "tests/support/registry.hpp"

namespace regsync::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class CliAccounts : public CliWorld {
 protected:
  CliAccounts() { person_.home().write(".config/regsync/config.yaml", "verifyLogins: false\n"); }

  // Declares the target `work`.
  void declare(const std::string& registry) const {
    person_.home().write(".config/regsync/targets/work.yaml",
                         "registries: [\"" + registry + "\"]\ncontexts: [dev]\nnamespaces: [team-a]\n");
  }

  Outcome log_in(const std::string& account, const std::string& registry, const std::string& username,
                 const std::string& password, std::vector<std::string> more = {}) {
    person_.canaries().add(username, password);
    std::vector<std::string> arguments{"login",      "--account", account,           registry,
                                       "--username", username,    "--password-stdin"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return person_.regsync(arguments, password + "\n");
  }

  // An entry of the target's Secret; null where there is none.
  [[nodiscard]] json entry(const std::string& key) const {
    const auto secret = dev_.find({"secrets", "team-a", "work"});
    if (!secret) {
      return nullptr;
    }
    const auto payload = base64_decode(secret->at("data").at(".dockerconfigjson").get<std::string>());
    return json::parse(payload.value_or("{}")).value("auths", json::object()).value(key, json());
  }

  [[nodiscard]] bool holds(const std::string& key, const std::string& username, const std::string& password) const {
    return wait_until([&] {
      const json found = entry(key);
      return found.is_object() && found.value("username", "") == username && found.value("password", "") == password;
    });
  }

  [[nodiscard]] json helper(const std::string& command, const std::string& in = {}) const {
    return json::parse(person_.run({"docker-credential-regsync", command}, in).out, nullptr, false);
  }
};

TEST_F(CliAccounts, EachAccountHasItsOwnLoginFromTheKeyringToTheSecret) {
  declare("work@ghcr.io/acme");
  person_.start_daemon();
  person_.store_login("ghcr.io", "me", "the private one");
  const Outcome stored = log_in("work", "ghcr.io", "robot", "the one of work", {"--no-verify"});
  ASSERT_EQ(stored.exit_code, 0) << stored.err;
  EXPECT_THAT(stored.out, HasSubstr("login of robot for work@ghcr.io stored"));
  EXPECT_EQ(stored.err, "") << "a target uses it";
  EXPECT_TRUE(holds("ghcr.io/acme", "robot", "the one of work"));

  // A docker that logs in again, and out, changes its own login only.
  person_.store_login("ghcr.io", "me", "another private one");
  EXPECT_EQ(helper("list"), json({{"ghcr.io", "me"}}));
  EXPECT_EQ(helper("get", "ghcr.io").value("Username", ""), "me");
  EXPECT_EQ(helper("get", "https://work@ghcr.io").value("Username", ""), "me") << "user info is no account";
  person_.erase_login("ghcr.io");
  EXPECT_EQ(helper("list"), json::object());

  const json logins = json::parse(person_.regsync({"logins", "-o", "json"}).out)["items"];
  ASSERT_EQ(logins.size(), 1U);
  EXPECT_EQ(logins[0]["server"], "work@ghcr.io");
  EXPECT_EQ(logins[0]["account"], "work");
  EXPECT_EQ(logins[0]["targets"], json({"work"}));

  ASSERT_EQ(log_in("work", "ghcr.io", "robot", "rotated", {"--no-verify"}).exit_code, 0);
  EXPECT_TRUE(holds("ghcr.io/acme", "robot", "rotated"));
}

TEST_F(CliAccounts, TwoAccountsAreTwoPathsOfOneSecret) {
  declare("work@ghcr.io/acme\", \"home@ghcr.io/me");
  ASSERT_EQ(log_in("work", "ghcr.io", "robot", "the one of work", {"--no-verify"}).exit_code, 0);
  ASSERT_EQ(log_in("home", "ghcr.io/me", "me", "the private one", {"--no-verify"}).exit_code, 0);
  person_.start_daemon();
  EXPECT_TRUE(holds("ghcr.io/acme", "robot", "the one of work"));
  EXPECT_TRUE(holds("ghcr.io/me", "me", "the private one"));
}

TEST_F(CliAccounts, WithoutItsLoginATargetSaysWhichCommandLogsIn) {
  declare("work@ghcr.io");
  person_.store_login("ghcr.io", "me", "the private one");
  person_.start_daemon();
  const auto says_how = [&] {
    return person_.regsync({"status"}).out.find("regsync login --account work ghcr.io") != std::string::npos;
  };
  EXPECT_TRUE(wait_until(says_how)) << person_.regsync({"status"}).out;
  EXPECT_EQ(entry("ghcr.io"), nullptr);
  EXPECT_THAT(person_.regsync({"show", "work"}).err, HasSubstr("regsync login --account work ghcr.io"));
}

TEST_F(CliAccounts, ALogoutOfAnAccountIsKnownToBeOne) {
  person_.home().write(".config/regsync/targets/work.yaml",
                       "registries: [work@ghcr.io]\ncontexts: [dev]\nnamespaces: [team-a]\nonLogout: remove\n");
  ASSERT_EQ(log_in("work", "ghcr.io", "robot", "the one of work", {"--no-verify"}).exit_code, 0);
  person_.start_daemon();
  ASSERT_TRUE(holds("ghcr.io", "robot", "the one of work"));
  const Outcome wrong = person_.regsync({"logout", "ghcr.io"});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.err, HasSubstr("no login for ghcr.io"));
  EXPECT_EQ(person_.regsync({"logout", "--account", "work", "ghcr.io"}).exit_code, 0);
  EXPECT_TRUE(wait_until([&] { return !dev_.find({"secrets", "team-a", "work"}); }, std::chrono::seconds(20)));
}

TEST_F(CliAccounts, ALogoutShowsFirstWhichSecretsGoWithTheLogin) {
  log_in("work", "ghcr.io", "worker", "at-work", {"--no-verify"});
  person_.home().write(".config/regsync/targets/work.yaml",
                       "registries: [work@ghcr.io/acme]\ncontexts: [dev]\nnamespaces: [team-a]\nonLogout: remove\n");
  person_.env["REGSYNC_OWNER"] = "me";
  ASSERT_EQ(person_.regsync({"sync", "--once"}).exit_code, 0);
  const auto preview = person_.regsync({"logout", "work@ghcr.io", "--dry-run=server"});
  EXPECT_EQ(preview.exit_code, 0);
  EXPECT_EQ(preview.err,
            "target \"work\" removes its Secrets after the logout (onLogout: remove)\n"
            "  delete 1 Secret in context dev: team-a/work\n");
  Terminal terminal(regsync_program({"logout", "work@ghcr.io"}));
  EXPECT_TRUE(terminal.comes_to_show("Log out? [y/N]:"));
  terminal.type("n\n");
  EXPECT_EQ(terminal.wait(), 1);
  EXPECT_THAT(person_.regsync({"logins"}).out, HasSubstr("work@ghcr.io"));
}

TEST_F(CliAccounts, ALogoutNamesATargetWhoseFileCannotBeUsedNow) {
  const std::string file = "registries: [work@ghcr.io]\ncontexts: [dev]\nnamespaces: [team-a]\nonLogout: remove\n";
  ASSERT_EQ(log_in("work", "ghcr.io", "robot", "the one of work", {"--no-verify"}).exit_code, 0);
  person_.home().write(".config/regsync/targets/work.yaml", file);
  person_.home().write(".config/regsync/targets/old.yml", file);
  person_.start_daemon();
  ASSERT_TRUE(holds("ghcr.io", "robot", "the one of work"));
  person_.home().write(".config/regsync/targets/work.yaml", file + "torn: [\n");
  const auto shown = person_.regsync({"logout", "work@ghcr.io", "--dry-run"});
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_THAT(shown.err, AllOf(HasSubstr("target \"work\" cannot be read"), HasSubstr("may delete its Secrets")));
  EXPECT_THAT(shown.err, Not(HasSubstr("old.yml"))) << "it never was one";
  Terminal terminal(regsync_program({"logout", "work@ghcr.io"}));
  EXPECT_TRUE(terminal.comes_to_show("Log out? [y/N]:"));
  terminal.type("n\n");
  EXPECT_EQ(terminal.wait(), 1);
  EXPECT_THAT(person_.regsync({"logins"}).out, HasSubstr("work@ghcr.io"));
  EXPECT_NE(entry("ghcr.io"), nullptr);
}

TEST_F(CliAccounts, AReplacedLoginOfAnAccountComesBack) {
  declare("work@ghcr.io");
  ASSERT_EQ(log_in("work", "ghcr.io", "robot", "the first one", {"--no-verify"}).exit_code, 0);
  person_.start_daemon();
  ASSERT_TRUE(holds("ghcr.io", "robot", "the first one"));
  ASSERT_EQ(log_in("work", "ghcr.io", "robot", "the second one", {"--no-verify"}).exit_code, 0);
  ASSERT_TRUE(holds("ghcr.io", "robot", "the second one"));
  ASSERT_TRUE(wait_until([&] { return person_.daemon().err().find("regsync rollback") != std::string::npos; }));
  EXPECT_EQ(person_.regsync({"rollback", "ghcr.io"}).exit_code, 1) << "docker's login was never replaced";
  const Outcome back = person_.regsync({"rollback", "--account", "work", "ghcr.io"});
  EXPECT_EQ(back.exit_code, 0) << back.out << back.err;
  EXPECT_TRUE(holds("ghcr.io", "robot", "the first one"));
}

TEST_F(CliAccounts, AnEndThatASettingNamesIsThatOfItsAccount) {
  declare("work@ghcr.io");
  person_.home().write(".config/regsync/config.yaml", "verifyLogins: false\nexpires: {\"work@ghcr.io\": 2001-02-03}\n");
  person_.store_login("ghcr.io", "me", "the private one");
  ASSERT_EQ(log_in("work", "ghcr.io", "robot", "the one of work", {"--no-verify"}).exit_code, 0);
  const json logins = json::parse(person_.regsync({"logins", "-o", "json"}).out);
  for (const json& login : logins["items"]) {
    EXPECT_EQ(login.contains("expires"), login["account"] == "work") << login;
  }
  person_.start_daemon();
  EXPECT_TRUE(wait_until([&] {
    return person_.regsync({"status"}).out.find("the login for work@ghcr.io has expired") != std::string::npos;
  })) << person_.regsync({"status"}).out;
}

TEST_F(CliAccounts, WhatTheRegistryRefusesIsNotStored) {
  const Registry registry("the right one");
  const Outcome refused = log_in("work", registry.address(), "jdoe", "the wrong one");
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("refuses the login of jdoe"), HasSubstr("nothing was stored")));
  EXPECT_EQ(person_.regsync({"logins", "-o", "name"}).out, "");
  const Outcome stored = log_in("work", registry.address(), "jdoe", "the right one");
  EXPECT_EQ(stored.exit_code, 0) << stored.err;
  EXPECT_EQ(person_.regsync({"logins", "-o", "name"}).out, "work@" + registry.address() + "\n");
  EXPECT_THAT(stored.err, HasSubstr("regsync add NAME --registry work@" + registry.address())) << "no target uses it";
}

// A registry with a certificate of its own: `openssl s_server` answers every path with 200.
TEST_F(CliAccounts, CertificatesOfTheRegistryAreThoseThatDockerUses) {
  const auto made = person_.run({"sh", "-c",
                                 "cd && openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out ca.pem -days 2 "
                                 "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const std::string home = person_.home().path().string();
  Process server(
      person_.program({"openssl", "s_server", "-www", "-accept", "127.0.0.1:0", "-cert", home + "/ca.pem", "-key",
                       home + "/key.pem", "-CAfile", home + "/ca.pem", "-Verify", "1", "-verify_return_error"}));
  std::string address;
  ASSERT_TRUE(wait_until([&] {
    const std::string said = server.out();
    const auto begin = said.find("ACCEPT 127.0.0.1:");
    const auto end = said.find('\n', begin);
    if (begin == std::string::npos || end == std::string::npos) {
      return false;
    }
    address = said.substr(begin + 7, end - begin - 7);
    return true;
  })) << server.out()
      << server.err();
  const auto warning = [&] { return log_in("work", address, "jdoe", "any").err; };
  EXPECT_THAT(warning(), HasSubstr("warning: the login was not tried"));
  const std::string folder = ".docker/certs.d/" + address;
  person_.home().write(folder + "/ca.crt", read_file(person_.home() / "ca.pem"));
  EXPECT_THAT(warning(), HasSubstr("warning: the login was not tried")) << "it wants a client certificate";
  person_.home().write(folder + "/client.cert", read_file(person_.home() / "ca.pem"));
  person_.home().write(folder + "/client.key", read_file(person_.home() / "key.pem"));
  EXPECT_THAT(warning(), HasSubstr("answered HTTP 200 with a web page, and did not ask for the login"));
}

// The registry is gone at the second start: a login that was tried again would be called untried, and spread.
TEST_F(CliAccounts, ADeniedLoginStaysUnspreadOverRestarts) {
  const Registry registry("the right one");
  person_.home().write(".config/regsync/config.yaml", "verifyLogins: true\n");
  declare(registry.address());
  person_.store_login(registry.address(), "jdoe", "the right one");
  person_.start_daemon();
  ASSERT_TRUE(holds(registry.address(), "jdoe", "the right one"));
  person_.store_login(registry.address(), "jdoe", "the wrong one");
  const auto is_denied = [&] {
    return person_.regsync({"status"}).out.find("refuses the login for it") != std::string::npos;
  };
  ASSERT_TRUE(wait_until(is_denied)) << person_.regsync({"status"}).out;
  const auto diff = person_.regsync({"diff"});
  EXPECT_EQ(diff.exit_code, 1);
  EXPECT_EQ(diff.out, "") << "the last good login stays";
  EXPECT_THAT(diff.err, HasSubstr("refuses the login for it"));
  EXPECT_THAT(person_.regsync({"describe", "work"}).out, HasSubstr("refuses the login for it"));
  person_.stop_daemon(SIGTERM);
  registry.stop();
  person_.start_daemon();
  EXPECT_TRUE(wait_until(is_denied)) << person_.regsync({"status"}).out;
  EXPECT_EQ(person_.regsync({"sync"}).exit_code, 1);
  EXPECT_TRUE(is_denied()) << "asked again too soon: " << person_.regsync({"status"}).out;
  EXPECT_TRUE(holds(registry.address(), "jdoe", "the right one"));
}

TEST_F(CliAccounts, ARegistryThatIsAwayIsAWarning) {
  const Outcome stored = log_in("work", "127.0.0.1:9", "jdoe", "any");
  EXPECT_EQ(stored.exit_code, 0);
  EXPECT_THAT(stored.err, HasSubstr("warning: the login was not tried"));
}

TEST_F(CliAccounts, ThePasswordIsTypedUnseen) {
  person_.canaries().add("robot", "typed on a terminal");
  Terminal terminal(regsync_program({"login", "--account", "work", "ghcr.io", "--no-verify"}));
  ASSERT_TRUE(terminal.comes_to_show("Username for work@ghcr.io:"));
  terminal.type("robot\n");
  ASSERT_TRUE(terminal.comes_to_show("Password for robot at work@ghcr.io:"));
  terminal.type("typed on a terminal\n");
  EXPECT_EQ(terminal.wait(), 0);
  EXPECT_THAT(terminal.bytes(), Not(HasSubstr("typed on a terminal")));
  EXPECT_EQ(person_.regsync({"logins", "-o", "name"}).out, "work@ghcr.io\n");
}

TEST_F(CliAccounts, MistakesAreNamed) {
  const auto fault = [&](const std::vector<std::string>& arguments) {
    const Outcome outcome = person_.regsync(arguments, "x");
    EXPECT_NE(outcome.exit_code, 0);
    return outcome.err;
  };
  EXPECT_THAT(fault({"login", "--account", "a b", "ghcr.io"}), HasSubstr("\"a b\" is not an account name"));
  EXPECT_THAT(fault({"login", "--account", "work", "home@ghcr.io"}), HasSubstr("name different accounts"));
  EXPECT_THAT(fault({"login", "ghcr.io/acme/app:1"}), HasSubstr("is an image, not a registry"));
  EXPECT_THAT(fault({"login", "ghcr.io"}), HasSubstr("--password-stdin"));
  EXPECT_THAT(fault({"login", "ghcr.io", "--password-stdin"}), HasSubstr("add --username"));
  EXPECT_THAT(fault({"login", "--password", "x", "ghcr.io"}), Not(HasSubstr("refuses")));
  EXPECT_THAT(fault({"logout", "--account", "work", "ghcr.io"}), HasSubstr("no login for work@ghcr.io"));
}

TEST_F(CliAccounts, CompletionOffersThem) {
  ASSERT_EQ(log_in("work", "ghcr.io", "robot", "the one of work", {"--no-verify"}).exit_code, 0);
  EXPECT_THAT(person_.regsync({"__complete", "--", "logout", "--account", ""}).out, HasSubstr("work"));
  EXPECT_THAT(person_.regsync({"__complete", "--", "add", "x", "--registry", "w"}).out, HasSubstr("work@ghcr.io"));
}

}  // namespace
}  // namespace regsync::test
