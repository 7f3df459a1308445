// regsync edit: the person's editor on a copy of a target's file, which becomes the file only when it can be used.
#include <unistd.h>

#include <cstdlib>
#include <ostream>
#include <system_error>

#include "helper/base/error.hpp"
#include "helper/base/file_io.hpp"
#include "sync/base/file_limit.hpp"
#include "sync/base/paths.hpp"
#include "sync/cli/ask/declaration.hpp"
#include "sync/cli/ask/prompt.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/target_view.hpp"
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

// A file of this user's alone, named as the target's, so that `regsync apply -f` takes it. Gone with this object,
// unless it is kept.
class Copy {
 public:
  Copy(const std::string& name, const std::string& text)
      : folder_((fs::temp_directory_path() / "regsync-edit.XXXXXX").string()) {
    if (::mkdtemp(folder_.data()) == nullptr) {
      throw Error(ErrorCode::invalid_input, folder_ + ": cannot make a temporary folder",
                  "set TMPDIR to a folder you may write");
    }
    path_ = folder_ + "/" + name + ".yaml";
    write_whole(path_, text);
  }
  ~Copy() {
    if (!kept_) {
      std::error_code ignored;
      fs::remove_all(folder_, ignored);
    }
  }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  Copy(Copy&&) = delete;
  Copy& operator=(Copy&&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string text() const { return read_file(path_, max_target_bytes); }
  void keep() { kept_ = true; }

 private:
  std::string folder_;
  std::string path_;
  bool kept_ = false;
};

// As git and kubectl choose it; it may have arguments.
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
  // The person's own command, as their shell reads it.
  // NOLINTNEXTLINE(bugprone-command-processor,cert-env33-c)
  if (std::system(line.c_str()) != 0) {
    throw Error(ErrorCode::cancelled, "the editor failed: " + program + "; nothing was changed",
                "set EDITOR to an editor that works here");
  }
}

// Makes the text the target's, or shows what that would change.
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

int edit(const EditOptions& options, Console& console) {
  dry_run_of(options.dry_run);
  const TargetDirectory directory(paths::targets());
  if (!directory.contains(options.name)) {
    require_target(options.name);  // says what was meant
  }
  const std::string before = directory.read(options.name);
  Copy copy(options.name, before);
  LazyKubeconfig kubeconfig(options.kubeconfig);
  for (;;) {
    run_editor(copy.path(), console);
    const std::string text = copy.text();
    if (text == before) {
      console.out << "target \"" << options.name << "\" unchanged\n";
      return exit_done;
    }
    try {
      save(options, before, text, kubeconfig, console);
      return exit_done;
    } catch (const Error& error) {
      const bool is_mistake = error.code() == ErrorCode::invalid_input || error.code() == ErrorCode::not_found;
      if (is_mistake && console.in_is_terminal) {
        print_error(console.err, error);
        if (confirm(console, "Edit it again?")) {
          continue;
        }
      }
      copy.keep();
      tell(console.err, (is_mistake ? "note: your text is kept; correct it, and then: regsync apply -f "
                                    : "note: your text is kept; to take it: regsync apply -f ") +
                            shell_word(copy.path()) + '\n');
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
