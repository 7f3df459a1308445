// regsync describe: shows everything about a target on one screen.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <ostream>
#include <sstream>
#include <utility>

#include "sync/base/paths.hpp"
#include "sync/base/rfc3339.hpp"
#include "sync/base/user_manager.hpp"
#include "sync/cli/ask/daemon_link.hpp"
#include "sync/cli/ask/known_logins.hpp"
#include "sync/cli/command.hpp"
#include "sync/cli/view/fold.hpp"
#include "sync/cli/view/report_view.hpp"
#include "sync/cli/view/target_view.hpp"
#include "sync/config/settings.hpp"
#include "sync/config/target_directory.hpp"
#include "sync/engine/history.hpp"

namespace regsync::cli {
namespace {

struct DescribeOptions {
  std::vector<std::string> names;
};

constexpr std::size_t shown_changes = 5;
constexpr std::size_t label_columns = 18;

void print_field(std::ostream& out, const std::string& label, const std::string& value) {
  std::string padded = label + ":";
  padded.resize(std::max(label_columns, padded.size() + 1), ' ');
  print_folded(out, padded + printable_line(value.empty() ? std::string(none) : value) + '\n');
}

constexpr int section_indent = 2;

// The columns for the text of a section.
int section_columns(Console& console) { return std::max(0, columns_of(console.out) - section_indent); }

void print_section(std::ostream& out, const std::string& label, const std::string& text) {
  out << label << ':';
  if (text.empty()) {
    out << std::string(label_columns - label.size() - 1, ' ') << none << '\n';
    return;
  }
  out << '\n';
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    out << std::string(line.empty() ? 0 : section_indent, ' ') << line << '\n';
  }
}

// Keys of a target's file that are shown only if set.
constexpr std::array<std::pair<const char*, const char*>, 6> seldom_set = {{{"email", "Email"},
                                                                            {"refresh", "Refresh"},
                                                                            {"expires", "Expires"},
                                                                            {"verifyLogins", "Verify Logins"},
                                                                            {"heal", "Heal"},
                                                                            {"pin", "Pin"}}};

// "yes", or "ghcr.io=1h,quay.io=30m".
std::string text_of(const nlohmann::json& value) {
  if (value.is_boolean()) {
    return value.get<bool>() ? "yes" : "no";
  }
  if (!value.is_object()) {
    return value.get<std::string>();
  }
  std::vector<std::string> parts;
  for (const auto& [registry, each] : value.items()) {
    parts.push_back(registry + "=" + each.get<std::string>());
  }
  return join(parts, ",");
}

void print_fields(const Target& target, Console& console) {
  std::ostream& out = console.out;
  print_field(out, "Name", target.name);
  print_field(out, "File", TargetDirectory(paths::targets()).path_of(target.name).string());
  print_field(out, "Paused", target.paused ? "yes" : "no");
  print_field(out, "Secret", target.secret);
  print_field(out, "Contexts", contexts_text(target));
  print_field(out, "Namespaces", namespaces_text(target));
  print_field(out, "Service Accounts", join(target.service_accounts, ","));
  print_field(out, "On Logout", target.on_logout == OnLogout::keep ? "keep" : "remove");
  const nlohmann::json fields = to_json(target);
  for (const auto& [key, label] : seldom_set) {
    if (const auto field = fields.find(key); field != fields.end()) {
      print_field(out, label, text_of(*field));
    }
  }
}

// Formats a day, as people give it, or the exact time at which a token expires.
std::string day_or_time(std::chrono::system_clock::time_point end) {
  std::string text = to_rfc3339(end);
  if (constexpr std::string_view midnight = "T00:00:00Z"; text.ends_with(midnight)) {
    text.resize(text.size() - midnight.size());
  }
  return text;
}

std::string expiry(const LoginsAndEnds& logins, const std::shared_ptr<const Credential>& credential) {
  const auto used =
      std::ranges::find(logins.known.credentials, credential, [](const auto& item) { return item.second; });
  const auto end = used == logins.known.credentials.end() ? logins.ends.end() : logins.ends.find(used->first);
  return end == logins.ends.end() ? std::string(none) : day_or_time(end->second.at);
}

std::string logins_of(const Target& target, Console& console) {
  const LoginsAndEnds logins = read_logins_and_ends(console, {target}, Prompt::never);
  Table table({"REGISTRY", "USERNAME", "EXPIRES", "STATE"});
  for (const std::string& registry : target.registries) {
    Target one = target;
    one.registries = {registry};
    const Plan plan = make_plan(one, logins.known);
    const auto credential = plan.entries.empty() ? nullptr : plan.entries.front().second;
    table.add(
        {registry, credential ? credential->login.username : std::string(none), expiry(logins, credential),
         plan.problems.empty() ? Cell("usable", Colour::green) : Cell(plan.problems.front().message(), Colour::red)});
  }
  std::ostringstream text;
  set_columns(text, section_columns(console));
  table.print(text, console.colour);
  return std::move(text).str();
}

std::string status_of(const Target& target, Console& console) {
  const auto daemon = connect_if_running();
  if (!daemon) {
    return "regsyncd is not running\n  -> " + how_to_start_regsyncd() + "\n";
  }
  const StatusReport report =
      ask_status(*daemon, {.targets = {target.name}, .summary = true}, std::chrono::seconds(10));
  return render_summary(report, {.colour = console.colour, .now = console.now(), .columns = section_columns(console)});
}

std::string changes_of(const Target& target, Console& console) {
  const auto entries = read_history(paths::history(), {target.name});
  const std::size_t first = entries.size() - std::min(entries.size(), shown_changes);
  Table table({"AGE", "CONTEXT", "NAMESPACE", "WHAT", "WHY"});
  for (std::size_t i = entries.size(); i > first; --i) {
    const HistoryEntry& entry = entries[i - 1];
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(console.now() - entry.time);
    table.add({human_age(age), entry.context, namespaces_text(entry.namespaces, entry.count), entry.what, entry.why});
  }
  std::ostringstream text;
  set_columns(text, section_columns(console));
  if (!table.empty()) {
    table.print(text, console.colour);
  }
  if (first > 0) {
    tell(text, "and " + count_of(first, "earlier change") + ": regsync history " + target.name + '\n');
  }
  return std::move(text).str();
}

void describe_target(const Target& target, Console& console) {
  print_fields(target, console);
  print_section(console.out, "Logins", logins_of(target, console));
  print_section(console.out, "Status", status_of(target, console));
  print_section(console.out, "Last Changes", changes_of(target, console));
}

int describe_targets(const DescribeOptions& options, Console& console) {
  std::vector<std::string> names = options.names;
  if (names.empty()) {
    names = target_names();
  }
  if (names.empty()) {
    throw Error(ErrorCode::not_found, "no targets are declared", "declare one: regsync add NAME --registry REGISTRY");
  }
  int exit_code = exit_done;
  std::string_view gap;
  for (const std::string& name : names) {
    try {
      const Target target = require_target(name);
      console.out << std::exchange(gap, "\n\n");
      describe_target(target, console);
    } catch (const Error& error) {  // the other targets are still shown
      print_error(console.err, error);
      exit_code = exit_not_as_asked;
    }
  }
  return exit_code;
}

}  // namespace

void define_describe(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<DescribeOptions>();
  CLI::App* command = add_command(
      app, "describe", "Show everything about a target: what it declares, its logins, clusters and last changes",
      {{"One target", "regsync describe myregcred"}, {"For a program", "regsync status myregcred -o json"}});
  command->add_option("NAME", options->names, "Only these targets");
  add_all_namespaces(command);
  on_command(command, invocation, options, describe_targets);
}

}  // namespace regsync::cli
