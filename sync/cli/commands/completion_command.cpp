// regsync completion SHELL: prints a script that calls `regsync __complete` at every TAB. Its answers have the form of
// Cobra's (spf13/cobra, site/content/completions): candidates, one a line, then ":0" for file names or ":4" for nothing
// else, so that kubectl understands them too (kubectl_complete-regsync).
#include <ostream>
#include <string>

#include "sync/cli/command.hpp"

namespace regsync::cli {
namespace {

constexpr const char* bash_script = R"(# bash completion of regsync. Load it: source <(regsync completion bash)
_regsync() {
  local line=${COMP_LINE:0:COMP_POINT} words candidates directive IFS=$' \t\n'
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  mapfile -t candidates < <(regsync __complete -- "${words[@]:1}" 2>/dev/null)
  (( ${#candidates[@]} > 0 )) || return
  directive=${candidates[-1]}
  unset 'candidates[-1]'
  COMPREPLY=("${candidates[@]%%$'\t'*}")
  # Readline replaces what follows the last of these characters only.
  local current=${words[-1]}
  local kept=${current%"${current##*[:=]}"}
  [[ $COMP_WORDBREAKS == *:* ]] || kept=
  COMPREPLY=("${COMPREPLY[@]#"$kept"}")
  # A name may hold what the shell would run: $(...), quotes, blanks.
  local index
  for index in "${!COMPREPLY[@]}"; do
    [[ ${COMPREPLY[index]} == *[!A-Za-z0-9_./:@%+=,*-]* ]] && printf -v "COMPREPLY[index]" %q "${COMPREPLY[index]}"
  done
  [[ $directive == :0 ]] && compopt -o default
  [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
  return 0
}
complete -F _regsync regsync kubectl-regsync
)";

constexpr const char* zsh_script = R"(#compdef regsync kubectl-regsync
# zsh completion of regsync. Load it: source <(regsync completion zsh)
_regsync() {
  local -a answer described
  local directive value
  answer=("${(@f)$(regsync __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  directive=${answer[-1]}
  answer=("${(@)answer[1,-2]}")
  if [[ $directive == :0 ]]; then
    _files
    return
  fi
  for value in "${answer[@]}"; do
    [[ -n $value ]] && described+=("${${value%%$'\t'*}//:/\\:}:${${value#*$'\t'}:#${value%%$'\t'*}}")
  done
  _describe 'regsync' described
}
if [[ $funcstack[1] == _regsync ]]; then
  _regsync "$@"
else
  compdef _regsync regsync kubectl-regsync
fi
)";

constexpr const char* fish_script = R"(# fish completion of regsync. Load it: regsync completion fish | source
function __regsync_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l answer (regsync __complete -- $words[2..-1] 2>/dev/null)
  test (count $answer) -gt 0; or return
  if test $answer[-1] = ":0"
    __fish_complete_path (commandline -ct)
  else
    printf '%s\n' $answer[1..-2]
  end
end
complete -c regsync -f -a '(__regsync_complete)'
complete -c kubectl-regsync -f -a '(__regsync_complete)'
)";

struct CompletionOptions {
  std::string shell;
};

int print_script(const CompletionOptions& options, Console& console) {
  console.out << (options.shell == "bash" ? bash_script : options.shell == "zsh" ? zsh_script : fish_script);
  return exit_done;
}

}  // namespace

void define_completion(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<CompletionOptions>();
  CLI::App* command =
      add_command(app, "completion", "Print the completion script of a shell",
                  {{"For this bash", "source <(regsync completion bash)"},
                   {"For every zsh", "regsync completion zsh > ~/.zfunc/_regsync"},
                   {"For every fish", "regsync completion fish > ~/.config/fish/completions/regsync.fish"}});
  command->add_option("SHELL", options->shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->type_name("bash|zsh|fish");
  on_command(command, invocation, options, print_script);
}

}  // namespace regsync::cli
