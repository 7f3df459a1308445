// regsync edit: runs the person's editor on a copy of a target's file, which replaces the file only if it is valid.
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <ostream>
#include <system_error>
#include <utility>

#include "helper/base/error.hpp"
#include "helper/base/file_io.hpp"
#include "sync/base/file_limit.hpp"
#include "sync/base/paths.hpp"
#include "sync/base/temporary_folder.hpp"
#include "sync/cli/ask/declaration.hpp"
#include "sync/cli/ask/prompt.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/cli/view/text.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/config/target_yaml.hpp"

namespace regsync::cli {
namespace {

namespace fs = std::filesystem;

struct EditOptions {
  std::string name;
  bool yes = false;
  std::string dry_run;
  std::optional<fs::path> kubeconfig;
};

// A private file with the name of the target's file, so that `regsync apply -f` accepts it. Deleted with this object,
// unless kept.
class Copy {
 public:
  Copy(const std::string& name, const std::string& text)
      : folder_("regsync-edit"), path_((folder_.path() / (name + ".yaml")).string()) {
    write_whole(path_, text);
  }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string text() const { return read_file(path_, max_target_bytes); }
  // Whether deleting the copy would lose an edit. A copy that cannot be read, for example because it is too large,
  // counts as edited.
  [[nodiscard]] bool differs_from(const std::string& before) const {
    std::error_code unknown;
    const auto text = try_read_file(path_, max_target_bytes);
    return text ? *text != before : fs::exists(path_, unknown);
  }
  void keep() { folder_.keep(); }

 private:
  TemporaryFolder folder_;
  std::string path_;
};

// The text for the signal handler, which gets only the signal number.
std::string last_words;

// Calls only async-signal-safe functions (signal-safety(7)).
void say_last_words(int signal) {
  [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, last_words.data(), last_words.size());
  (void)std::raise(signal);  // ends the process, because of SA_RESETHAND
}

// While it lives, a signal that ends the process first writes a text to standard error. Ignored signals stay ignored.
// Only one instance may exist at a time.
class LastWords {
 public:
  explicit LastWords(std::string text) {
    last_words = std::move(text);
    struct sigaction ours{};
    ours.sa_handler = say_last_words;
    ours.sa_flags = static_cast<int>(SA_RESETHAND);
    for (std::size_t i = 0; i < signals.size(); ++i) {
      ::sigaction(signals.at(i), nullptr, &before_.at(i));
      if (before_.at(i).sa_handler == SIG_DFL) {
        ::sigaction(signals.at(i), &ours, nullptr);
      }
    }
  }
  ~LastWords() {
    for (std::size_t i = 0; i < signals.size(); ++i) {
      ::sigaction(signals.at(i), &before_.at(i), nullptr);
    }
  }
  LastWords(const LastWords&) = delete;
  LastWords& operator=(const LastWords&) = delete;
  LastWords(LastWords&&) = delete;
  LastWords& operator=(LastWords&&) = delete;

 private:
  static constexpr std::array signals{SIGINT, SIGTERM, SIGHUP};

  std::array<struct sigaction, signals.size()> before_{};
};

// Chooses the editor as git and kubectl do; it may have arguments.
std::string editor(bool has_terminal) {
  for (const char* variable : {"VISUAL", "EDITOR"}) {
    if (const char* value = std::getenv(variable); value != nullptr && *value != '\0') {
      return value;
    }
  }
  if (!has_terminal) {
    throw UsageError("there is no terminal to edit at, and no editor that needs none",
                     "set EDITOR; or change single fields: regsync set");
  }
  return "vi";
}

void run_editor(const std::string& path, Console& console) {
  const std::string program = editor(console.in_is_terminal);
  const std::string line = program + " " + shell_word(path);
  const InheritedFileLimit limit;
  // The person's own command, interpreted by the shell.
  // NOLINTNEXTLINE(bugprone-command-processor,cert-env33-c)
  if (std::system(line.c_str()) != 0) {
    throw Error(ErrorCode::cancelled, "the editor failed: " + program + "; nothing was changed",
                "set EDITOR to an editor that works here");
  }
}

// Saves the text as the target's file, or shows what that would change.
void save(const EditOptions& options, const std::string& before, const std::string& text, LazyKubeconfig& kubeconfig,
          Console& console) {
  const DryRun dry_run = dry_run_of(options.dry_run);
  const Target target = parse_target(options.name, text, options.name + ".yaml");
  const DeclareResult result =
      declare(console, target,
              {.yes = options.yes, .text = text, .before = before, .dry_run = dry_run, .kubeconfig = kubeconfig});
  if (dry_run == DryRun::client) {
    console.out << text;
  } else {
    announce(console, target, result, dry_run);
  }
}

// is_mistake: the text is invalid as it is.
std::string kept_note(const Copy& copy, bool is_mistake) {
  return std::string(is_mistake ? "note: your text is kept; correct it, and then: regsync apply -f "
                                : "note: your text is kept; to take it: regsync apply -f ") +
         shell_word(copy.path()) + '\n';
}

int edit(const EditOptions& options, Console& console) {
  dry_run_of(options.dry_run);
  const TargetDirectory directory(paths::targets());
  if (!directory.contains(options.name)) {
    require_target(options.name);  // throws with a suggestion
  }
  const std::string before = directory.read(options.name);
  Copy copy(options.name, before);
  LazyKubeconfig kubeconfig(options.kubeconfig);
  for (;;) {
    std::optional<LastWords> if_interrupted;
    try {
      run_editor(copy.path(), console);
      if_interrupted.emplace('\n' + as_called(kept_note(copy, false)));
      const std::string text = copy.text();
      if (text == before) {
        console.out << "target \"" << options.name << "\" unchanged\n";
        return exit_done;
      }
      save(options, before, text, kubeconfig, console);
      return exit_done;
    } catch (const Error& error) {
      if (!copy.differs_from(before)) {
        throw;
      }
      const bool is_mistake = error.code() == ErrorCode::invalid_input || error.code() == ErrorCode::not_found;
      if (is_mistake && console.in_is_terminal) {
        print_error(console.err, error);
        if_interrupted.emplace('\n' + as_called(kept_note(copy, true)));
        if (confirm(console, "Edit it again?")) {
          continue;
        }
      }
      copy.keep();
      tell(console.err, kept_note(copy, is_mistake));
      if (is_mistake && console.in_is_terminal) {
        throw Error(ErrorCode::cancelled, "nothing was changed");
      }
      throw;
    }
  }
}

}  // namespace

void define_edit(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<EditOptions>();
  CLI::App* command = add_command(app, "edit", "Edit a target in your editor; what cannot be used is not saved",
                                  {{"With $VISUAL or $EDITOR", "regsync edit myregcred"},
                                   {"With another editor", "EDITOR=nano regsync edit myregcred"}});
  command->add_option("NAME", options->name, "The target")->required();
  command->add_flag("-y,--yes", options->yes, "Do not ask");
  add_dry_run(command, options->dry_run);
  add_kubeconfig(command, options->kubeconfig);
  on_command(command, invocation, options, edit);
}

}  // namespace regsync::cli
