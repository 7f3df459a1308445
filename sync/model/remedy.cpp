#include "sync/model/remedy.hpp"

#include <string_view>

#include "helper/base/shell_word.hpp"

namespace regsync {

bool is_remedied_per_target(ErrorCode code) { return code == ErrorCode::forbidden || code == ErrorCode::not_owned; }

Error for_context(const Error& error, const std::string& target, const std::string& context, bool in_kubeconfig) {
  constexpr std::string_view program = "kubectl ";
  std::string remedy = error.remedy();
  if (!in_kubeconfig) {
    if (remedy.find(program) != std::string::npos) {
      remedy += ", with a kubeconfig of cluster " + context;
    }
    return {error.code(), error.message(), remedy};
  }
  const std::string option = "--context " + shell_word(context) + " ";
  if (error.code() == ErrorCode::forbidden && !target.empty()) {
    remedy = "have an administrator run: regsync rbac " + target + " " + option + "| kubectl " + option +
             "apply -f -; then: regsync sync " + target;
  }
  for (auto at = remedy.find(program); at != std::string::npos; at = remedy.find(program, at)) {
    at += program.size();
    const std::string_view rest = std::string_view(remedy).substr(at);
    if (!rest.starts_with("--context") && !rest.starts_with("config") && !rest.starts_with("regsync")) {
      remedy.insert(at, option);
    }
  }
  return {error.code(), error.message(), remedy};
}

}  // namespace regsync
