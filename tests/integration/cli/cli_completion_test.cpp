// Completion in real shells, typed with TAB, from the script that `regsync completion SHELL` prints.
#include <gmock/gmock.h>

#include "tests/integration/cli/cli_world.hpp"

namespace regsync::test {
namespace {

struct Typed {
  std::string begun;
  std::string completed;
};

// One of each kind: commands, fields, options and their values, targets, contexts, namespaces of the context that was
// given, registries, also after "=" and with a colon, which bash takes for the end of a word.
const std::vector<Typed> lines = {
    {"regsync stat", "regsync status"},
    {"regsync sync --ad", "regsync sync --adopt"},
    {"regsync list -o y", "regsync list -o yaml"},
    {"regsync status w", "regsync status web"},
    {"regsync set web onL", "regsync set web onLogout="},
    {"regsync rename w", "regsync rename web"},
    {"regsync describe w", "regsync describe web"},
    {"regsync pause --context de", "regsync pause --context dev"},
    {"regsync add x --context pr", "regsync add x --context prod"},
    {"regsync diff --context=pr", "regsync diff --context=prod"},
    {"regsync sync --dry-run=s", "regsync sync --dry-run=server"},
    {"regsync add x -n kube-s", "regsync add x -n kube-system"},
    {"regsync add x --context prod -n only-p", "regsync add x --context prod -n only-prod"},
    {"regsync add x --registry gh", "regsync add x --registry ghcr.io"},
    {"regsync add x --registry registry.example.com:5", "regsync add x --registry registry.example.com:5000"},
};

class CliCompletion : public CliWorld {
 protected:
  CliCompletion() {
    person_.store_login("ghcr.io", "jdoe", "hunter2");
    person_.store_login("registry.example.com:5000", "robot", "hunter2");
    declare_web();
    prod_.make_namespace("only-prod");
    person_.env["TERM"] = "dumb";  // no shell draws more than lines then
    person_.env["PS1"] = "$ ";
  }

  [[nodiscard]] bool has(const std::string& shell) const {
    return person_.run({"sh", "-c", "command -v " + shell}).exit_code == 0;
  }

  void completes_by_tab(const std::vector<std::string>& shell, const std::string& setup) {
    Terminal terminal(person_.program(shell), {.rows = 50, .columns = 200});
    terminal.type(setup + "; echo re''ady\n");
    ASSERT_TRUE(terminal.comes_to_show("\nready"));
    for (const Typed& line : lines) {
      terminal.type(line.begun + "\t");
      EXPECT_TRUE(terminal.becomes(testing::EndsWith(line.completed)));
      terminal.type("\x15");  // Ctrl-U takes the line away
    }
    terminal.type("exit\n");
    EXPECT_TRUE(terminal.wait());
  }
};

TEST_F(CliCompletion, InBash) {
  completes_by_tab({"bash", "--norc", "-i"}, "PS1='$ '; source <(regsync completion bash)");
}

// "*" is a fine answer to "which contexts", and the files of the folder are not.
TEST_F(CliCompletion, InBashACandidateIsNotExpanded) {
  const std::string script =
      "source <(regsync completion bash); regsync() { printf '*\\tall\\n$(id)\\n:4\\n'; }; cd /; "
      "COMP_LINE='regsync status --context ' COMP_POINT=25 _regsync; printf '%s\\n' \"${COMPREPLY[@]}\"";
  EXPECT_EQ(person_.run({"bash", "--norc", "-c", script}).out, "*\n\\$\\(id\\)\n");
}

TEST_F(CliCompletion, InZsh) {
  if (!has("zsh")) {
    SKIP_OR_FAIL("no zsh");
  }
  completes_by_tab({"zsh", "-f", "-i"},
                   "PS1='$ '; unsetopt prompt_sp; autoload -U compinit && compinit -u -D && "
                   "source <(regsync completion zsh)");
}

TEST_F(CliCompletion, InFish) {
  if (!has("fish")) {
    SKIP_OR_FAIL("no fish");
  }
  for (const Typed& line : lines) {
    const auto answer = person_.run(
        {"fish", "--no-config", "-c", "regsync completion fish | source; complete -C '" + line.begun + "'"});
    const std::string word = line.completed.substr(line.completed.rfind(' ') + 1);
    EXPECT_THAT("\n" + answer.out, testing::ContainsRegex("\n" + word + "[\t\n]")) << line.begun << answer.err;
  }
}

TEST_F(CliCompletion, WithoutClusterOrKeyringItIsSilentAndQuick) {
  dev_.stop();
  person_.env["DBUS_SESSION_BUS_ADDRESS"] = "unix:path=" + (person_.home() / "no-bus").string();
  for (const std::string option : {"-n", "--registry"}) {
    const auto answer = person_.regsync({"__complete", "--", "add", "x", option, ""});
    EXPECT_EQ(answer.exit_code, 0);
    EXPECT_EQ(answer.out, ":4\n");
    EXPECT_EQ(answer.err, "");
  }
}

}  // namespace
}  // namespace regsync::test
