#include "sync/config/service_environment.hpp"

#include <algorithm>
#include <set>
#include <sstream>

#include "helper/base/error.hpp"
#include "helper/base/file_io.hpp"
#include "helper/base/text.hpp"

namespace regsync {
namespace {

constexpr std::size_t largest_file = std::size_t{1} << 20;

bool is_variable_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
  return !name.empty() && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

// The variable that a line sets; empty for a comment and the like.
std::string_view variable_of(std::string_view line) {
  const std::string_view name = trim(line.substr(0, line.find('=')));
  return line.find('=') != std::string_view::npos && is_variable_name(name) ? name : std::string_view();
}

std::string line_of(const std::string& name, const std::string& value) {
  std::string line = name + "=\"";
  for (const char c : value) {
    if (c == '"' || c == '\\' || c == '`' || c == '$') {
      line += '\\';
    }
    line += c;
  }
  return line + "\"\n";
}

}  // namespace

std::string changed_environment(std::string_view text, const EnvironmentChanges& changes) {
  for (const auto& [name, value] : changes) {
    if (!is_variable_name(name)) {
      throw Error(ErrorCode::invalid_input, in_quotes(name) + " is not the name of an environment variable",
                  "give names only, as in: regsync setup --environment KUBECONFIG,PATH");
    }
    if (value && has_control_characters(*value)) {
      throw Error(ErrorCode::invalid_input, "the value of " + name + " has a line break or another control character",
                  "set it to a value without one");
    }
  }
  std::string changed;
  std::set<std::string, std::less<>> done;
  const auto set = [&](const std::string& name, const std::optional<std::string>& value) {
    if (value && done.insert(name).second) {
      changed += line_of(name, *value);
    }
  };
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    const auto change = changes.find(std::string(variable_of(line)));
    if (change == changes.end()) {
      changed += line + '\n';
    } else {
      set(change->first, change->second);
    }
  }
  for (const auto& [name, value] : changes) {
    set(name, value);
  }
  return changed;
}

void change_service_environment(const std::filesystem::path& file, const EnvironmentChanges& changes) {
  write_whole(file, changed_environment(read_file_if_exists(file, largest_file).value_or(""), changes));
}

}  // namespace regsync
